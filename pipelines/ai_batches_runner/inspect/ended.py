"""Batches that failed or expired: which of them are news."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from itertools import groupby
from typing import NamedTuple

from ai_batches import PROVIDERS

from ..sql.reader import Reader, TRow
from ..sql.runs import LOADS_OF_RUNS, REMEMBERED_DAYS
from .alert import Alert, alert_on

KINDS = ("failed", "expired")
"""Words of `status`, and kinds of alerts."""

FIRST_LOOK, LATER_LOOK = timedelta(days=1), timedelta(hours=1)
"""How long before a first run, and before the run that precedes a later one, an end is news: a load
of many batches brings old ones, too, and a list may show an end late."""

OPEN_FOR = timedelta(days=REMEMBERED_DAYS)
"""How long before its end, if that is not reported, a batch may have been created."""


class EndedBatch(NamedTuple):
    """A batch that failed or expired."""

    provider: str
    account: str
    id: str
    kind: str
    created_at: datetime | None
    ended_at: datetime | None
    load_id: str
    loaded_by: str | None
    """The run that recorded its load; None if none did that loaded to its end."""

    @property
    def whose(self) -> tuple[str, str]:
        """Provider and account."""
        return self.provider, self.account

    @property
    def at(self) -> datetime | None:
        """When it ended or, if that is not reported, was created."""
        return self.ended_at or self.created_at

    @property
    def key(self) -> str:
        """The same whichever account or gateway lists it; short."""
        vendor = PROVIDERS[self.provider].gateway_to if self.provider in PROVIDERS else None
        text = f"{vendor or self.provider} {self.id}"
        return blake2b(text.encode(errors="surrogatepass"), digest_size=6).hexdigest()


class Window(NamedTuple):
    """From when on an end is news."""

    since: datetime
    is_first: bool
    """Whether nothing was loaded before."""
    text: str
    """In words."""

    def __contains__(self, batch: object) -> bool:
        if not isinstance(batch, EndedBatch):
            return False
        if batch.ended_at:
            return batch.ended_at >= self.since
        if self.is_first:
            return batch.created_at is not None and batch.created_at >= self.since
        return batch.created_at is None or batch.created_at >= self.since - OPEN_FOR


def window_of_last_run(run: TRow) -> Window:
    """What is news after the last run of an account, a row of `LAST_RUNS`, as the runs have it."""
    if run["previous_at"] is None:
        return first_window(run["started_at"])
    return Window(run["previous_at"] - LATER_LOOK, False, "since the last run")


def first_window(started: datetime) -> Window:
    """What is news after an account's first run."""
    return Window(started - FIRST_LOOK, True, "within a day before the first run")


def was_loaded_before(batch: EndedBatch, run: TRow) -> bool:
    """Whether a run before the last one brought a batch as it is; `run` is a row of `LAST_RUNS`."""
    if run["previous_at"] is None:
        return False
    return batch.loaded_by not in (None, run["run_id"]) or _is_of_run(
        batch.load_id, run["previous_at"], run["previous_end_at"]
    )


def was_loaded(batch: EndedBatch, run: TRow) -> bool:
    """Whether a run that is recorded brought a batch as it is; `run` is a row of `LAST_RUNS`."""
    if run["read_at"] is None:
        return False
    return batch.loaded_by is not None or _is_of_run(
        batch.load_id, run["read_at"], run["loaded_at"]
    )


def _is_of_run(load_id: str, start: datetime, end: datetime | None) -> bool:
    """Whether a load package was made during a run, by the clock of both: an id is a time."""
    with suppress(ValueError, OverflowError):
        return start.timestamp() <= float(load_id) <= (end or start).timestamp()
    return False


def read_ended(reader: Reader, since: datetime, now: datetime) -> list[EndedBatch]:
    """Reads the batches that failed or expired.

    Args:
        reader (Reader): Where the batches are.
        since (datetime): Ends before it are left out.
        now (datetime): Now, by the destination's clock.

    Returns:
        list[EndedBatch]: The oldest end first, those without any time before all.
    """
    seconds = int((now - since).total_seconds()) + 1
    longer = seconds + int(OPEN_FOR.total_seconds())
    rows = reader.rows(f"""
        SELECT ended.provider, ended.account, id, status, created_at, ended_at,
            _dlt_load_id AS loaded_in, loads.run_id AS loaded_by
        FROM batches_unique AS ended
        LEFT JOIN ({LOADS_OF_RUNS}) AS loads
            ON loads.provider = ended.provider AND loads.account = ended.account
            AND loads.load_id = ended._dlt_load_id
        WHERE status IN ('failed', 'expired') AND (
            SECONDS_BETWEEN(COALESCE(ended_at, created_at), NOW_IN_UTC()) <= {seconds}
            OR (ended_at IS NULL AND created_at IS NULL)
            OR (ended_at IS NULL AND SECONDS_BETWEEN(created_at, NOW_IN_UTC()) <= {longer})
        )
    """)
    found = [
        EndedBatch(
            row["provider"],
            row["account"],
            row["id"],
            row["status"],
            row["created_at"],
            row["ended_at"],
            str(row["loaded_in"]),
            row["loaded_by"],
        )
        for row in rows
    ]
    never = datetime.min.replace(tzinfo=UTC)
    return sorted(found, key=lambda batch: (batch.at or never, batch.id))


def alerts_on(
    batches: Iterable[EndedBatch], windows: Mapping[tuple[str, str], Window]
) -> list[Alert]:
    """One alert per account and kind."""
    whose = sorted(batches, key=lambda batch: (*batch.whose, batch.kind))
    return [
        alert_on(kind, provider, account, _newest_first(list(group)), f"{kind} {window.text}")
        for (provider, account, kind), group in groupby(
            whose, key=lambda batch: (*batch.whose, batch.kind)
        )
        for window in (windows[provider, account],)
    ]


def _newest_first(batches: Sequence[EndedBatch]) -> list[str]:
    never = datetime.min.replace(tzinfo=UTC)
    by_id = sorted(batches, key=lambda batch: batch.id)
    newest = sorted(by_id, key=lambda batch: batch.created_at or never, reverse=True)
    return [batch.id for batch in newest]
