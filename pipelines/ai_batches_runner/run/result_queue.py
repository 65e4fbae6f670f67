"""Which batches have results that are not loaded: a question to the tables, and nothing else."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zlib import crc32

from ai_batches import (
    BATCH_COLUMNS,
    FILE_KINDS,
    FILES,
    LISTED,
    PROVIDERS,
    TABLE_NAME,
    Account,
    ProviderSettings,
)
from ai_batches.providers.results import Results

from ..sql.reader import Reader, literal
from .report import TAccount

Batch = Mapping[str, Any]

TKey = tuple[str, str, str]
"""Provider, account and id of a batch."""

_NONE = Results(files=lambda batch: [])
"""Of a vendor that documents no results: each ended batch is noted as unsupported."""


@dataclass(frozen=True)
class Shard:
    """A part of all batches, for one of several processes that read results side by side."""

    number: int = 1
    """From 1 on."""
    count: int = 1

    def holds(self, key: TKey) -> bool:
        """Whether a batch is in this part, which its key decides for ever."""
        return crc32("\0".join(key).encode()) % self.count == self.number - 1


def wanted_accounts(settings: Mapping[str, ProviderSettings]) -> dict[TAccount, Account]:
    """The accounts whose results are to be read, by provider and name."""
    return {
        (name, account.name): account
        for name, chosen in settings.items()
        for account in chosen.accounts
        if account.results.mode != "off"
    }


def next_batches(
    reader: Reader,
    accounts: Mapping[TAccount, Account],
    tried: Collection[TKey],
    shard: Shard,
    count: int,
) -> list[Batch]:
    """Looks up ended batches, within their vendor's retention, whose results are not loaded.

    Args:
        reader (Reader): Of the destination.
        accounts (Mapping[TAccount, Account]): Whose batches to look at.
        tried (Collection[TKey]): Batches that are left out.
        shard (Shard): Others are left out, too.
        count (int): How many at most.

    Returns:
        list[Batch]: For `ai_batches_results_source`: first those that were not tried yet, and of
            these those that the vendor deletes first.
    """
    found = [
        (_due(batch), batch)
        for whose, account in accounts.items()
        for batch in _of_account(reader, whose, account, tried, shard, count)
    ]
    found.sort(key=lambda each: (each[1].get("attempts") or 0, each[0], str(each[1]["id"])))
    return [batch for _, batch in found[:count]]


def _of_account(
    reader: Reader,
    whose: TAccount,
    account: Account,
    tried: Collection[TKey],
    shard: Shard,
    count: int,
) -> Iterator[Batch]:
    query = _query(whose, account)
    limit = count * shard.count
    while True:
        rows = reader.rows(f"{query} LIMIT {limit}")
        chosen = [row for row in rows if _is_due(row, tried, shard)][:count]
        if len(chosen) == count or len(rows) < limit:
            yield from chosen
            return
        limit *= 2


def _is_due(batch: Batch, tried: Collection[TKey], shard: Shard) -> bool:
    key = (batch["provider"], batch["account"], str(batch["id"]))
    return key not in tried and shard.holds(key)


def _due(batch: Batch) -> datetime:
    """When the vendor deletes the results."""
    results = PROVIDERS[batch["provider"]].results or _NONE
    start = batch[results.kept_from] or batch["created_at"] or datetime.now(UTC)
    due: datetime = start + timedelta(days=results.days)
    return due


def _query(whose: TAccount, account: Account) -> str:
    """The batches of an account that have results to be read, in the SQL of `Reader`."""
    provider, name = whose
    results = PROVIDERS[provider].results or _NONE
    start = "created_at"
    if results.kept_from != start:
        start = f"COALESCE({results.kept_from}, {start})"
    oldest = (datetime.now(UTC) - timedelta(days=results.days)).date()
    owned = f"provider = {literal(provider)} AND account = {literal(name)}"
    columns = ", ".join((*BATCH_COLUMNS, *_OF_FILES))
    conditions = (
        owned,
        "NOT is_open",
        f"{start} >= {literal(oldest)}",
        _unsettled(results, account),
    )
    return (
        f"SELECT {columns} FROM {TABLE_NAME}"  # noqa: S608
        f" LEFT JOIN ({_settled(owned, results, account)}) AS files ON file_batch = id"
        f" WHERE {' AND '.join(conditions)}"
        # what failed before keeps nothing from being read
        f" ORDER BY COALESCE(attempts, 0), {start}, id"
    )


_PER_KIND = {
    "loaded": "CASE WHEN outcome = 'loaded' THEN 1 ELSE 0 END",
    "not_found": "not_found",
}
_OF_FILES = ("attempts", *(f"{kind}_{name}" for kind in FILE_KINDS for name in _PER_KIND))
"""What is known of the files of a batch that were tried before; null if none was."""


def _file_columns(results: Results, account: Account) -> list[str]:
    is_wanted = account.results.mode != "errors"
    return [column for column in results.file_columns if is_wanted or column != "output_file_id"]


def _settled(owned: str, results: Results, account: Account) -> str:
    """By batch: how often files were tried, and which of them need not be read any more."""
    # `totals` has no requests, and `errors` no sums
    modes = ", ".join(map(literal, {account.results.mode: None, "all": None}))
    # what was unsupported may be known to this version
    gone = ["'expired'", *(["'unsupported'"] if results is _NONE or results.file_columns else [])]
    largest = account.results.max_mb * 1_000_000
    is_done = (
        f"(outcome = 'loaded' AND results IN ({modes})) OR outcome IN ({', '.join(gone)})"
        f" OR (outcome = 'too_large' AND bytes > {largest})"
    )
    # what was not known is not a change
    has_changed = " OR ".join(f"{listed} <> now_{name}" for listed, name in LISTED.items())
    is_settled = f"CASE WHEN {has_changed} THEN 0 WHEN {is_done} THEN 1 ELSE 0 END"
    refs = ", ".join(
        f"MAX(CASE WHEN is_settled = 1 AND kind = '{kind}' THEN COALESCE(file_ref, '') END)"
        f" AS {kind}_ref"
        for kind in ("output", "error")
    )
    known = ", ".join(
        f"MAX(CASE WHEN kind = '{kind}' THEN {value} END) AS {kind}_{name}"
        for kind in FILE_KINDS
        for name, value in _PER_KIND.items()
    )
    now = ", ".join(f"{name} AS now_{name}" for name in LISTED.values())
    wanted = " AND kind <> 'output'" if account.results.mode == "errors" else ""
    return (
        f"SELECT batch_id AS file_batch, MAX(attempts) AS attempts, {refs},"  # noqa: S608
        f" SUM(is_settled) AS settled, COUNT(*) AS files, {known}"
        f" FROM (SELECT batch_id, kind, file_ref, outcome, attempts, not_found,"
        f" {is_settled} AS is_settled FROM {FILES.name}"
        f" INNER JOIN (SELECT id AS now_id, {now} FROM {TABLE_NAME} WHERE {owned}) AS listed"
        f" ON now_id = batch_id WHERE {owned}{wanted}) AS files GROUP BY batch_id"
    )


def _unsettled(results: Results, account: Account) -> str:
    columns = _file_columns(results, account)
    if not columns:
        is_done = "COALESCE(settled, 0) = COALESCE(files, 1)"
        has_results = "status <> 'failed' AND COALESCE(requests_total, 1) > 0"
        return f"{has_results} AND NOT ({is_done})"
    # another file than the one that was read: the batch was opened again
    parts = (
        f"({column} IS NOT NULL AND COALESCE({column.removesuffix('_file_id')}_ref, '?')"
        f" NOT IN ({column}, ''))"
        for column in columns
    )
    return f"({' OR '.join(parts)})"
