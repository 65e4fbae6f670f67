"""The command `ai-batches`: its subcommands, and everything that prints."""

from .commands import main

__all__ = ["main"]
