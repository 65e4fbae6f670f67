"""What documents say of each provider, from the registry; `make docs` writes it there by cog."""

from ai_batches import PROVIDERS, Provider
from ai_batches.table.rows import RowReader
from ai_batches_demo import VENDORS, make_list

DEMO_CLOCK = 1_760_000_000


def key_of(provider: Provider) -> str:
    """What a user has to set, in one cell."""
    key = " or ".join(f"`{name}`" for name in provider.key_variables)
    if provider.environment_auth:
        key += ", or `environment`"
    parts = [f"`{name}` (`{variable}`)" for name, variable in provider.url_settings.items()]
    if not provider.base_url:
        parts = ["`base_url`"]
    headers = [f"`{name}` (`{variable}`)" for name, variable in provider.header_settings.values()]
    return "; ".join(filter(None, [key, *parts, " or ".join(headers)]))


def full_table() -> str:
    """Who is asked, with which key, and where: the table of `docs/keys.md`."""
    rows = [
        f"| `{name}` | [{provider.title}]({provider.docs}) |"
        f" {key_of(provider).replace('`environment`', '[`environment`](#without-a-key)')} |"
        f" `{provider.list_address}` |\n"
        for name, provider in PROVIDERS.items()
    ]
    return "| provider | vendor, and its page | key | asks |\n|---|---|---|---|\n" + "".join(rows)


def short_table() -> str:
    """Resources and keys: the table of the source's own README."""
    rows = [f"| `{name}` | {key_of(provider)} |\n" for name, provider in PROVIDERS.items()]
    return "| resource | key |\n|---|---|\n" + "".join(rows)


def reported_table() -> str:
    """Which columns rows of the documented shapes fill: the table of `docs/providers.md`."""
    groups = {
        "status": "status",
        "requests": "requests_total",
        "tokens": "total_tokens",
        "model": "model",
        "end": "ended_at",
        "last change": "updated_at",
        "errors": "errors",
        "metadata": "metadata",
    }
    rows = []
    for name, provider in PROVIDERS.items():
        reported = filled_columns(name)
        cells = ["yes" if column in reported else "" for column in groups.values()]
        paginator = provider.new_paginator(None)
        paging = type(paginator).__name__.removesuffix("Paginator")
        size = provider.page_size or "as the vendor likes"
        rows.append(f"| `{name}` | {' | '.join(cells)} | {PAGING[paging]} | {size} |\n")
    heading = f"| provider | {' | '.join(groups)} | goes on by | rows a page |\n"
    return heading + "|---" * (len(groups) + 3) + "|\n" + "".join(rows)


def filled_columns(name: str) -> set[str]:
    """The columns that a provider's demo fills, whose rows have the documented shape."""
    batches = make_list(name, DEMO_CLOCK, 300, 0)
    rows = [VENDORS[name].row(batch, DEMO_CLOCK) for batch in batches.visible()]
    reader = RowReader(PROVIDERS[name], "default")
    table = reader.to_arrow(reader.read(rows).records)
    return {column for column in table.column_names if table[column].null_count < len(rows)}


PAGING = {
    "Cursor": "last row",
    "Offset": "rows to skip",
    "PageNumber": "page number",
    "SinglePage": "one reply",
    "Token": "token",
}
"""Kinds of paginators, in words."""


def results_table() -> str:
    """Where results are, and for how long: the table of `docs/results.md`."""
    rows = []
    for name, provider in PROVIDERS.items():
        results = provider.results
        if results is None:
            rows.append(f"| `{name}` | none: `unsupported` | |\n")
            continue
        where = "sums" if results.totals else "one place"
        if results.file_columns:
            where = "output and error file"
        since = {"ended_at": "the end", "created_at": "creation"}[results.kept_from]
        rows.append(f"| `{name}` | {where} | {results.days} days from {since} |\n")
    return "| provider | files | kept |\n|---|---|---|\n" + "".join(rows)


def workflow_keys() -> str:
    """The variables that a workflow hands on: keys, and parts of addresses."""
    # two lists of a vendor may have one key
    keys = dict.fromkeys(provider.key_variables[-1] for provider in PROVIDERS.values())
    parts = dict.fromkeys(
        name for provider in PROVIDERS.values() for name in provider.setting_variables.values()
    )
    lines = [f"{name}: ${{{{ secrets.{name} }}}}" for name in keys]
    lines += [f"{name}: ${{{{ vars.{name} }}}}" for name in parts]
    return "".join(f"          {line}\n" for line in lines)
