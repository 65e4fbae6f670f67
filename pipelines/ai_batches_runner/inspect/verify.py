"""Compares the table with the providers' lists, read whole, and changes nothing."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from dlt import Pipeline
from dlt.extract.exceptions import ResourceExtractionError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ai_batches import (
    COLUMNS,
    JSON_COLUMNS,
    PROVIDERS,
    ProviderSettings,
    Run,
    RunRequest,
    SettingsError,
    ai_batches_source,
    provider_settings,
)

from ..errors import UnusableDestinationError
from ..run.pipeline import connected
from ..run.progress import ProgressListener
from ..run.report import TAccount
from ..sql.stored import can_be_read, in_utc, select, table_exists, table_name

SHOWN_IDS = 5

TKey = tuple[str, str, str]
"""Provider, account and id."""

_COMPARED = [name for name in COLUMNS if name != "_dlt_load_id"]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Verdict:
    """What was found for one provider and account."""

    is_read: bool = False
    """Whether the list was read to its end; otherwise nothing is known of what it does not show."""
    listed: int = 0
    missing: list[str] = field(default_factory=list)
    """Ids that are listed and not in the table."""
    stale: list[str] = field(default_factory=list)
    """Ids whose row in the table is not what is listed."""
    unlisted: list[str] = field(default_factory=list)
    """Ids in the table that are not listed any more; they were deleted upstream."""
    error: str | None = None
    """Why the list could not be read to its end; None also where no key is set for the account."""

    @property
    def is_good(self) -> bool:
        """Whether every listed batch is in the table as it is listed."""
        return not (self.missing or self.stale or self.error)

    @property
    def result(self) -> str:
        """In a word or two."""
        return "FAILED" if not self.is_good else "ok" if self.is_read else "not read"


def verify(
    pipeline: Pipeline,
    providers: Sequence[str],
    settings: Mapping[str, ProviderSettings] | None = None,
    since: int | None = None,
    wait: float = 0,
    listener: ProgressListener | None = None,
) -> dict[TAccount, Verdict]:
    """Reads each list whole and compares it with the destination, by content.

    A batch that moved on since the last run counts as stale: run the pipeline just before.

    Args:
        pipeline (Pipeline): Whose destination to look at.
        providers (Sequence[str]): Providers to compare.
        settings (Mapping[str, ProviderSettings] | None): Settings by provider; None takes dlt's
            configuration.
        since (int | None): Compare only what was created since then, in microseconds; None: all.
        wait (float): Seconds to wait for a DuckDB file that another program has open.
        listener (ProgressListener | None): Is told how far the reading has come.

    Returns:
        dict[TAccount, Verdict]: A verdict a provider and account.

    Raises:
        UnusableDestinationError: If there is no table to compare with.
    """
    with connected(pipeline, wait):
        if not can_be_read(pipeline) or not table_exists(pipeline):
            raise UnusableDestinationError(
                f"There is no table {table_name(pipeline)} that could be compared in"
                f" {pipeline.destination_client().config}."
            )
        stored = dict(_stored_rows(pipeline, providers, since))
    # outside of a pipeline the source knows no state and stores none
    pipeline.deactivate()
    verdicts: dict[TAccount, Verdict] = {}
    for provider in providers:
        try:
            chosen = settings[provider] if settings else provider_settings(PROVIDERS[provider])
        except SettingsError as ex:
            verdicts[provider, ""] = Verdict(error=str(ex))
            continue
        for account in chosen.accounts:
            verdict = verdicts[provider, account.name] = Verdict()
            only = {provider: chosen._replace(accounts=(account,))}
            try:
                for row in _listed_rows(provider, only, since, listener or ProgressListener()):
                    _compare(row, stored, verdict)
                verdict.is_read = True
            except ResourceExtractionError as ex:
                verdict.error = str(ex.__cause__ or ex)
    for provider, account_name, batch in stored:
        verdict = verdicts.setdefault((provider, account_name), Verdict())
        if verdict.is_read:
            verdict.unlisted.append(batch)
    return verdicts


def _listed_rows(
    provider: str,
    settings: Mapping[str, ProviderSettings],
    since: int | None,
    listener: ProgressListener,
) -> Iterator[Mapping[str, Any]]:
    source = ai_batches_source(settings, run=Run(RunRequest(since), on_progress=listener.reading))
    for batches in source.resources[provider]:
        for row in batches.to_pylist():
            if not _is_before(row["created_at"], since):
                yield row


def _compare(row: Mapping[str, Any], stored: dict[TKey, int], verdict: Verdict) -> None:
    """Notes how a row that is listed stands in the table, and strikes it off there."""
    verdict.listed += 1
    before = stored.pop((row["provider"], row["account"], row["id"]), None)
    if before is None:
        verdict.missing.append(row["id"])
    elif before != _hash(row):
        verdict.stale.append(row["id"])


def print_verdicts(verdicts: Mapping[TAccount, Verdict], console: Console) -> None:
    """Prints the verdicts as a table, and below it some ids of each kind."""
    table = Table(box=None, pad_edge=False)
    for heading in ("provider", "account"):
        table.add_column(heading, overflow="fold")
    for heading in ("listed", "missing", "stale", "no longer listed"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("result")
    for (provider, account), verdict in sorted(verdicts.items()):
        numbers = (verdict.listed, *map(len, (verdict.missing, verdict.stale, verdict.unlisted)))
        table.add_row(
            provider, Text(account), *(f"{number:,}" for number in numbers), verdict.result
        )
    console.print(table)
    for (provider, account), verdict in sorted(verdicts.items()):
        whose = f"{provider}, account {account}"
        if verdict.error:
            _print(console, f"FAILED {verdict.error}")
        kinds = {
            "missing": verdict.missing,
            "stale": verdict.stale,
            "no longer listed": verdict.unlisted,
        }
        for word, ids in kinds.items():
            if ids:
                more = f" and {len(ids) - SHOWN_IDS} more" if len(ids) > SHOWN_IDS else ""
                _print(console, f"{whose}, {word}: {', '.join(ids[:SHOWN_IDS])}{more}")


def _print(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _stored_rows(
    pipeline: Pipeline, providers: Sequence[str], since: int | None
) -> Iterator[tuple[TKey, int]]:
    """Keys of the rows in the table, each with a hash of its content."""
    names = ", ".join(f"'{name}'" for name in providers)
    query = f"SELECT {', '.join(_COMPARED)} FROM {{table}} WHERE provider IN ({names})"  # noqa: S608
    for values in select(pipeline, _COMPARED, query):
        row = dict(zip(_COMPARED, values, strict=True))
        if not _is_before(row["created_at"], since):
            yield (row["provider"], row["account"], row["id"]), _hash(row)


def _hash(row: Mapping[str, Any]) -> int:
    """Of a row, whatever types its destination gives back."""
    return hash(tuple(_plain(name, row[name]) for name in _COMPARED))


def _is_before(created_at: Any, since: int | None) -> bool:
    created = _plain("created_at", created_at)
    return since is not None and created is not None and created < since


def _plain(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in JSON_COLUMNS:
        document = json.loads(value) if isinstance(value, str) else value
        return json.dumps(document, sort_keys=True)
    if name.endswith("_at"):
        return (in_utc(value) - _EPOCH) // (_EPOCH.resolution)
    return bool(value) if name == "is_open" else value
