"""What a person should look at: stuck, failed and expired batches, refused keys, stale accounts.

Nothing here quotes what came with a batch (prompts, metadata, descriptions, error texts), so that
it can be sent to a chat.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from dlt import Pipeline

from ai_batches import shown, subject

from ..sql.reader import Reader, open_reader
from ..sql.runs import LAST_RUNS

STALE_AFTER = timedelta(days=1)
"""Since when an account has to have been loaded, or it is named."""

FIRST_LOOK, LATER_LOOK = 86_400, 3_600
"""Seconds before a first run, and before the run that precedes a later one. What ended since is
news: a load of many batches brings old ones, too, and a list may show an end late."""

SHOWN_IDS = 3

FAILURES = ("refused_key", "failed_run")
"""Kinds of alerts that the summary of a run shows, too."""

REFUSALS = ("AuthenticationError", "RefusedKeyError")
"""Errors of a key that the provider refused; earlier versions recorded the second one."""

ENDS = ("failed", "expired")
"""Kinds of alerts about batches that ended since an account's last run."""


class Alert(NamedTuple):
    """One thing to look at, of one account."""

    kind: str
    """stuck, failed, expired, refused_key, failed_run or stale."""
    provider: str
    account: str
    total: int
    """Batches concerned; 0 if it is about the account."""
    ids: tuple[str, ...]
    """Some of their ids, the newest first."""
    text: str
    """A sentence on it, without whom it concerns."""

    def __str__(self) -> str:
        more = f" and {self.total - len(self.ids)} more" if self.total > len(self.ids) else ""
        ids = f": {', '.join(map(shown, self.ids))}{more}" if self.ids else ""
        return f"{subject(self.provider, self.account)}: {self.text}{ids}"


_STUCK = """
    SELECT provider, account, id, created_at, 'stuck' AS kind, 0 AS is_first
    FROM batches_open WHERE is_stuck
"""

_ENDED_BADLY = f"""
    SELECT ended.provider, ended.account, id, created_at, status AS kind,
        CASE WHEN previous_at IS NULL THEN 1 ELSE 0 END AS is_first
    FROM batches_unique AS ended
    JOIN ({LAST_RUNS}) AS last
        ON last.provider = ended.provider AND last.account = ended.account
    WHERE status IN ('failed', 'expired')
        AND (previous_load_id IS NULL OR _dlt_load_id > previous_load_id)
        AND (
            (ended.ended_at IS NULL AND previous_at IS NOT NULL)
            OR SECONDS_BETWEEN(
                COALESCE(ended.ended_at, ended.created_at), COALESCE(previous_at, started_at)
            ) <= CASE
                WHEN previous_at IS NULL THEN {FIRST_LOOK}
                ELSE {LATER_LOOK}
            END
        )
"""

_TEXTS = {
    "stuck": "open beyond its window",
    "failed": "failed since the last run",
    "expired": "expired since the last run",
}


def find_alerts(pipeline: Pipeline, wait: float = 0) -> list[Alert]:
    """Looks for what a person should look at.

    "Since the last run" is what was inserted or changed since the one that loaded before it, if it
    also ended since then, less an hour. With a first run, it ended within the day before it, or was
    created then if no end is reported. If the destination rewrites rows that did not change, a
    batch is reported for as long as it is read and that holds.

    Args:
        pipeline (Pipeline): Where the batches and the runs are.
        wait (float): Seconds to wait for a DuckDB file that another program has open.

    Returns:
        list[Alert]: By provider and account; empty if all is well.

    Raises:
        DestinationConnectionError: If no server answers, or it refuses.
    """
    of_interest = "is_open OR status IN ('failed', 'expired')"
    with open_reader(pipeline, wait, of_interest) as reader:
        found = [*_accounts(reader), *_batches(reader, _STUCK), *_batches(reader, _ENDED_BADLY)]
    return sorted(found, key=lambda alert: (alert.provider, alert.account))


def _accounts(reader: Reader) -> Iterator[Alert]:
    now = datetime.now(UTC)
    for run in reader.rows(LAST_RUNS):
        whose = (run["provider"], run["account"], 0, ())
        loaded = run["loaded_at"]
        is_stale = loaded is None or now - loaded > STALE_AFTER
        since = f"not loaded since {loaded:%Y-%m-%d %H:%M} UTC" if loaded else "not loaded yet"
        if run["result"] == "failed":
            is_refused = run["error_type"] in REFUSALS
            what = "the provider refused the key" if is_refused else "the last run failed"
            yield Alert(
                "refused_key" if is_refused else "failed_run",
                *whose,
                f"{what}; {since}" if is_stale else what,
            )
        elif is_stale:
            yield Alert("stale", *whose, since)


def _batches(reader: Reader, query: str) -> Iterator[Alert]:
    """One alert per account and kind of what a query selects."""
    rows = reader.rows(f"""
        SELECT provider, account, kind, is_first, id, total
        FROM (
            SELECT provider, account, kind, is_first, id,
                COUNT(*) OVER (PARTITION BY provider, account, kind) AS total,
                ROW_NUMBER() OVER (
                    PARTITION BY provider, account, kind ORDER BY created_at DESC, id
                ) AS place
            FROM ({query}) AS selected
        ) AS placed
        WHERE place <= {SHOWN_IDS}
        ORDER BY provider, account, kind, place
        """)
    for (provider, account, kind), group in groupby(
        rows, key=itemgetter("provider", "account", "kind")
    ):
        listed = list(group)
        total = listed[0]["total"]
        batches = "batch" if total == 1 else "batches"
        ids = tuple(row["id"] for row in listed)
        text = _TEXTS[kind]
        if listed[0]["is_first"]:
            text = f"{kind} within a day before the first run"
        yield Alert(kind, provider, account, total, ids, f"{total:,} {batches} {text}")
