"""Writes the tables of providers in the documents, from the registry: `make docs`."""

from pathlib import Path

from ai_batches import PROVIDERS, Provider

ROOT = Path(__file__).parents[1]
BEGIN = "<!-- from the registry, by `make docs` -->\n"
END = "<!-- end -->"


def key_of(provider: Provider) -> str:
    """What a user has to set, in one cell."""
    key = f"`{provider.api_key_env}`"
    if provider.environment_auth:
        key += ", or [`environment`](#without-a-key)"
    parts = [f"`{name}` (`{variable}`)" for name, variable in provider.url_settings.items()]
    if not provider.base_url:
        parts = ["`base_url`"]
    return "; ".join([key, *parts])


def full_table() -> str:
    """Who is asked, with which key, and where: the README's table."""
    rows = [
        f"| `{name}` | [{provider.title}]({provider.docs}) | {key_of(provider)} |"
        f" `{provider.base_url or '{base_url}'}{provider.path}` |\n"
        for name, provider in PROVIDERS.items()
    ]
    return "| provider | vendor, and its page | key | asks |\n|---|---|---|---|\n" + "".join(rows)


def short_table() -> str:
    """Resources and keys: the table of the source's own README."""
    rows = [
        f"| `{name}` | {key_of(provider).replace('[', '').replace('](#without-a-key)', '')} |\n"
        for name, provider in PROVIDERS.items()
    ]
    return "| resource | key |\n|---|---|\n" + "".join(rows)


TABLES = {"README.md": full_table, "sources/ai_batches/README.md": short_table}
"""The documents, and what makes their table."""


def with_table(document: str) -> str:
    """The text of a document with the table as it has to be.

    Args:
        document (str): Path below the repository's root.

    Returns:
        str: The whole text.
    """
    before, _, rest = (ROOT / document).read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + TABLES[document]() + END + after


if __name__ == "__main__":
    for name in TABLES:
        (ROOT / name).write_text(with_table(name))
