"""Writes what `--help` prints of each command: part of `docs/commands.md`."""

import click

from ai_batches_runner.cli.commands import cli

WIDTH = 100


def help_of_all() -> str:
    """Help of the command and of each subcommand.

    Returns:
        str: Markdown, a section each.
    """
    context = click.Context(
        cli, info_name="ai-batches", terminal_width=WIDTH, **cli.context_settings
    )
    parts = [
        click.Context(command, info_name=name, parent=context)
        for name, command in cli.commands.items()
    ]
    return "".join(map(_section, [context, *parts]))


def _section(context: click.Context) -> str:
    lines = context.get_help().splitlines()
    text = "\n".join(line.rstrip() for line in lines)
    return f"\n### {context.command_path}\n\n```text\n{text}\n```\n"
