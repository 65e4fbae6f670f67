"""Compares the table with the providers' lists, read whole, and changes nothing."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from dlt import Pipeline
from dlt.extract.exceptions import ResourceExtractionError

from ai_batches import (
    COLUMNS,
    JSON_COLUMNS,
    PROVIDERS,
    TABLE_NAME,
    ProviderSettings,
    Run,
    RunRequest,
    SettingsError,
    ai_batches_source,
    provider_settings,
)

from ..destinations.registry import adapter_of
from ..errors import UnusableDestinationError
from ..run.progress import ProgressListener
from ..run.report import TAccount
from ..sql.reader import Reader, literal, open_reader

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
    """Ids of rows in the table that differ from the list."""
    unlisted: list[str] = field(default_factory=list)
    """Ids in the table that are not listed any more; they were deleted upstream."""
    error: str | None = None
    """Why the list could not be read to its end; None also if no key is set for the account."""

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

    A batch that changed since the last run counts as stale: verify right after a load.

    Args:
        pipeline (Pipeline): Whose destination to look at.
        providers (Sequence[str]): Providers to compare.
        settings (Mapping[str, ProviderSettings] | None): Settings by provider; None takes dlt's
            configuration.
        since (int | None): Compare only what was created since then, in microseconds; None: all.
        wait (float): Seconds to wait for a DuckDB file that another program has open.
        listener (ProgressListener | None): Is called as the reading goes on.

    Returns:
        dict[TAccount, Verdict]: One verdict per provider and account.

    Raises:
        UnusableDestinationError: If there is no table to compare with.
    """
    with open_reader(pipeline, wait) as reader:
        if not reader.table_exists():
            adapter = adapter_of(pipeline)
            raise UnusableDestinationError(
                f"There is no table {adapter.table_name} that could be compared in {adapter.place}."
            )
        stored = dict(_stored_rows(reader, providers, since))
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
    """Compares a listed row with the table, and removes it from what is left there."""
    verdict.listed += 1
    before = stored.pop((row["provider"], row["account"], row["id"]), None)
    if before is None:
        verdict.missing.append(row["id"])
    elif before != _hash(row):
        verdict.stale.append(row["id"])


def _stored_rows(
    reader: Reader, providers: Sequence[str], since: int | None
) -> Iterator[tuple[TKey, int]]:
    """Keys of the rows in the table, each with a hash of its content."""
    names = ", ".join(literal(name) for name in providers)
    columns = ", ".join(_COMPARED)
    query = f"SELECT {columns} FROM {TABLE_NAME} WHERE provider IN ({names})"  # noqa: S608
    for row in reader.stream(query):
        if not _is_before(row["created_at"], since):
            yield (row["provider"], row["account"], row["id"]), _hash(row)


def _hash(row: Mapping[str, Any]) -> int:
    """Of a row, whatever types its destination gives back."""
    return hash(tuple(_plain(name, row[name]) for name in _COMPARED))


def _is_before(created_at: datetime | None, since: int | None) -> bool:
    """Whether a moment is before another one, in microseconds since 1970."""
    if since is None or created_at is None:
        return False
    return (created_at - _EPOCH) // _EPOCH.resolution < since


def _plain(name: str, value: Any) -> Any:
    if value is None or name not in JSON_COLUMNS:
        return value
    document = json.loads(value) if isinstance(value, str) else value
    return json.dumps(document, sort_keys=True)
