"""Results that their vendor deletes soon, and that are not loaded."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from ai_batches import FILES, PROVIDERS, TABLE_NAME
from ai_batches.providers.results import Results

from ..sql.reader import Reader, TRow, literal
from .alert import SHOWN_IDS, Alert, alert_on

EXPIRING = "expiring"
"""The kind of these alerts."""

NOTICE = timedelta(days=3)
"""How long before its results are deleted a batch is named."""

REMEMBERED = timedelta(days=7)
"""How long after the last file was tried an account counts as one whose results are wanted."""

_MARGIN = timedelta(days=2)
"""For every time zone of a session."""

_ACCOUNTS = f"""
    SELECT provider, account, MAX(_dlt_load_id) AS load_id,
        MAX(CASE WHEN kind = 'output' THEN 1 ELSE 0 END) AS outputs
    FROM {FILES.name} WHERE outcome NOT IN ('unsupported', 'expired')
    GROUP BY provider, account ORDER BY provider, account
"""  # noqa: S608


def expiring_batches(now: datetime) -> str:
    """A condition on the table that holds for all batches of which results may expire soon."""
    spans = {
        (_start_of(each.results), each.results.days) for each in PROVIDERS.values() if each.results
    }
    parts = []
    for start, days in sorted(spans):
        first = (now - timedelta(days) - _MARGIN).date()
        last = (now - timedelta(days) + NOTICE + _MARGIN).date()
        parts.append(f"({start} >= {literal(first)} AND {start} <= {literal(last)})")
    return f"NOT is_open AND ({' OR '.join(parts)})"


def expiring_results(reader: Reader, now: datetime) -> Iterator[Alert]:
    """Looks for results that expire soon and are not loaded.

    Only accounts count of which files were tried within `REMEMBERED`: the tables say nothing of
    the setting `results`.

    Args:
        reader (Reader): Where the tables are.
        now (datetime): Now, by the destination's clock.

    Yields:
        Alert: One per account.
    """
    for account in reader.rows(_ACCOUNTS):
        declared = PROVIDERS.get(account["provider"])
        if not declared or not declared.results or not _is_remembered(account["load_id"], now):
            continue
        found = reader.rows(_query(account, declared.results))
        if found:
            yield alert_on(
                EXPIRING,
                account["provider"],
                account["account"],
                [row["id"] for row in found],
                f"with results that are not loaded and expire within {NOTICE.days} days",
                found[0]["total"],
            )


def _is_remembered(load_id: str, now: datetime) -> bool:
    try:
        # an id is a time
        return now - datetime.fromtimestamp(float(load_id), UTC) <= REMEMBERED
    except (ValueError, OverflowError):
        return False


def _start_of(results: Results) -> str:
    if results.kept_from == "created_at":
        return "created_at"
    return f"COALESCE({results.kept_from}, created_at)"


def _query(account: TRow, results: Results) -> str:
    owned = f"provider = {literal(account['provider'])} AND account = {literal(account['account'])}"
    age = f"SECONDS_BETWEEN({_start_of(results)}, NOW_IN_UTC())"
    oldest = int(timedelta(results.days).total_seconds())
    newest = oldest - int(NOTICE.total_seconds())
    return f"""
        SELECT id, COUNT(*) OVER () AS total
        FROM {TABLE_NAME} LEFT JOIN (
            SELECT batch_id AS file_batch,
                MAX(CASE WHEN outcome = 'loaded' AND kind <> 'error' THEN 1 ELSE 0 END)
                    AS outputs_read,
                MAX(CASE WHEN outcome = 'loaded' AND kind = 'error' THEN 1 ELSE 0 END)
                    AS errors_read,
                MAX(CASE WHEN outcome IN ('unsupported', 'expired') THEN 1 ELSE 0 END) AS gone
            FROM {FILES.name} WHERE {owned} AND kind <> 'batch' GROUP BY batch_id
        ) AS files ON file_batch = id
        WHERE {owned} AND NOT is_open AND {age} BETWEEN {newest} AND {oldest}
            AND COALESCE(gone, 0) = 0 AND ({_missing(results, bool(account["outputs"]))})
        ORDER BY {_start_of(results)}, id LIMIT {SHOWN_IDS}
    """  # noqa: S608


def _missing(results: Results, are_outputs_wanted: bool) -> str:
    """A condition on batches that have results of which something is not loaded."""
    if not results.file_columns:
        is_missing = "COALESCE(outputs_read, 0) = 0"
        return f"{is_missing} AND status <> 'failed' AND COALESCE(requests_total, 1) > 0"
    parts = []
    if "error_file_id" in results.file_columns:
        parts.append("(error_file_id IS NOT NULL AND COALESCE(errors_read, 0) = 0)")
    if are_outputs_wanted and "output_file_id" in results.file_columns:
        parts.append("(output_file_id IS NOT NULL AND COALESCE(outputs_read, 0) = 0)")
    # without files of the kind that is wanted, nothing can be missing
    return " OR ".join(parts) or "1 = 0"
