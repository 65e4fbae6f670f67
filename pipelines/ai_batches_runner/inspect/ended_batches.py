"""Batches that did not end well, or have failures that no list counts: which are news."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from itertools import groupby
from typing import NamedTuple

from ai_batches import FILES, PROVIDERS

from ..sql.reader import Reader, TRow, literal
from ..sql.runs import LOADS_OF_RUNS, REMEMBERED_DAYS
from .alert import Alert, alert_on

PAID = "paid"
"""The kind of alerts about batches that expired or were cancelled, and have results."""

UNCOUNTED = "uncounted"
"""The kind of alerts about failed requests that the list does not count."""

OF_INTEREST = (
    "status IN ('failed', 'expired', 'cancelled')"
    " OR (requests_failed = 0 AND error_file_id IS NOT NULL)"
)
"""A condition on the table that holds for all batches of these kinds."""

_EXPLAINED = 1_000
"""Batches, the last ones, of which error codes are looked up."""

_CODE = re.compile(r"[A-Za-z0-9_.-]{1,60}")
"""What is a code; anything else may be a text, which may quote what was sent."""

FIRST_LOOK, LATER_LOOK = timedelta(days=1), timedelta(hours=1)
"""How long before a first run, and before the run that precedes a later one, an end is news: a load
of many batches brings old ones, too, and a list may show an end late."""

OPEN_FOR = timedelta(days=REMEMBERED_DAYS)
"""How long before its end, if that is not reported, a batch may have been created."""


_HAS_RESULTS = (
    "requests_completed > 0 OR output_tokens > 0"
    # vendors make a file of outputs if there is one
    " OR (requests_completed IS NULL AND output_file_id IS NOT NULL)"
)


class EndedBatch(NamedTuple):
    """A batch that ended otherwise than well, or whose error file was loaded though none failed."""

    provider: str
    account: str
    id: str
    kind: str
    created_at: datetime | None
    ended_at: datetime | None
    """If it is uncounted: when its error file was loaded."""
    load_id: str
    loaded_by: str | None
    """The run that recorded its load; None if none did that loaded to its end."""
    errors: Mapping[str, int] = {}
    """How many of its requests have which error code, as far as results were loaded."""
    completed: int = 0
    """If it is paid: requests that succeeded, as far as is known."""
    cost: float | None = None
    """If it is paid: what it cost in USD, if that is known."""

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
        about = f" {self.kind}" if self.kind in (UNCOUNTED, PAID) else ""
        return _key(self.provider, f"{self.id}{about}")


def _key(provider: str, batch: str) -> str:
    vendor = PROVIDERS[provider].gateway_to if provider in PROVIDERS else None
    text = f"{vendor or provider} {batch}"
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
    if batch.kind == UNCOUNTED and batch.ended_at:
        began: datetime = run["started_at"]
        # results are loaded after the lists, in a package that no run records
        return batch.ended_at < began
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
    """Reads ended batches that a person should know of.

    They failed or expired, were cancelled but have results, or have failures that their list does
    not count.

    Args:
        reader (Reader): Where the batches are.
        since (datetime): Ends more than an hour before it are left out.
        now (datetime): Now, by the destination's clock.

    Returns:
        list[EndedBatch]: The oldest end first, those without any time before all.
    """
    # whole hours: a query that is known needs no translation
    seconds = (int((now - since).total_seconds()) // 3_600 + 1) * 3_600
    longer = seconds + int(OPEN_FOR.total_seconds())
    rows = reader.rows(f"""
        SELECT ended.provider, ended.account, id, status, created_at, ended_at,
            _dlt_load_id AS loaded_in, loads.run_id AS loaded_by, requests_completed AS completed,
            CASE WHEN status <> 'failed' AND ({_HAS_RESULTS}) THEN 1 ELSE 0 END AS is_paid
        FROM batches_unique AS ended
        LEFT JOIN ({LOADS_OF_RUNS}) AS loads
            ON loads.provider = ended.provider AND loads.account = ended.account
            AND loads.load_id = ended._dlt_load_id
        WHERE (status IN ('failed', 'expired') OR (status = 'cancelled' AND ({_HAS_RESULTS})))
            AND (
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
            PAID if row["is_paid"] else row["status"],
            row["created_at"],
            row["ended_at"],
            str(row["loaded_in"]),
            row["loaded_by"],
            completed=row["completed"] or 0,
        )
        for row in rows
    ]
    found += _read_uncounted(reader, seconds)
    never = datetime.min.replace(tzinfo=UTC)
    found.sort(key=lambda batch: (batch.at or never, batch.id))
    return _with_costs(reader, _with_errors(reader, found))


def _read_uncounted(reader: Reader, seconds: int) -> list[EndedBatch]:
    """Reads completed batches whose error file has lines, although the list counts no failure."""
    rows = reader.rows(f"""
        SELECT ended.provider, ended.account, id, created_at, MAX(files.loaded_at) AS loaded_at,
            MAX(files._dlt_load_id) AS loaded_in
        FROM batches_unique AS ended
        INNER JOIN {FILES.name} AS files
            ON batch_id = id AND VENDOR_OF(files.provider) = VENDOR_OF(ended.provider)
        WHERE status = 'completed' AND requests_failed = 0
            AND kind = 'error' AND outcome = 'loaded' AND lines > 0
            AND SECONDS_BETWEEN(files.loaded_at, NOW_IN_UTC()) <= {seconds}
        GROUP BY ended.provider, ended.account, id, created_at
    """)
    return [
        EndedBatch(
            row["provider"],
            row["account"],
            row["id"],
            UNCOUNTED,
            row["created_at"],
            row["loaded_at"],
            str(row["loaded_in"]),
            None,
        )
        for row in rows
    ]


def _with_errors(reader: Reader, batches: list[EndedBatch]) -> list[EndedBatch]:
    """Looks up the error codes of the last batches of which results were loaded."""
    if not batches:
        return []
    ids = ", ".join(sorted({literal(batch.id) for batch in batches[-_EXPLAINED:]}))
    # most often there are none: the table of requests may be large
    loaded = reader.rows(
        f"SELECT DISTINCT batch_id FROM {FILES.name}"
        f" WHERE outcome = 'loaded' AND batch_id IN ({ids})"
    )
    if not loaded:
        return batches
    ids = ", ".join(literal(row["batch_id"]) for row in loaded)
    errors: dict[str, Counter[str]] = {}
    for row in reader.rows(
        "SELECT provider, batch_id, error_code, SUM(requests) AS requests FROM batch_errors"
        f" WHERE batch_id IN ({ids}) GROUP BY provider, batch_id, error_code"
    ):
        if row["error_code"] and _CODE.fullmatch(row["error_code"]):
            errors.setdefault(_key(row["provider"], row["batch_id"]), Counter())[
                row["error_code"]
            ] += row["requests"]
    return [
        batch._replace(errors=errors.get(_key(batch.provider, batch.id), {})) for batch in batches
    ]


def _with_costs(reader: Reader, batches: list[EndedBatch]) -> list[EndedBatch]:
    """Looks up what the last batches cost that are paid for without having completed."""
    paid = [batch for batch in batches if batch.kind == PAID]
    if not paid:
        return batches
    ids = ", ".join(sorted({literal(batch.id) for batch in paid[-_EXPLAINED:]}))
    costs = {
        (row["provider"], row["account"], row["id"]): row["cost_usd"]
        for row in reader.rows(
            f"SELECT provider, account, id, cost_usd FROM batches_cost WHERE id IN ({ids})"
        )
    }
    return [
        batch._replace(cost=costs.get((*batch.whose, batch.id))) if batch.kind == PAID else batch
        for batch in batches
    ]


def alerts_on(
    batches: Iterable[EndedBatch], windows: Mapping[tuple[str, str], Window]
) -> list[Alert]:
    """One alert per account and kind."""
    whose = sorted(batches, key=lambda batch: (*batch.whose, batch.kind))
    alerts = []
    for (provider, account, kind), group in groupby(
        whose, key=lambda batch: (*batch.whose, batch.kind)
    ):
        listed = list(group)
        window = windows[provider, account].text
        text = f"{kind} {window}"
        if kind == PAID:
            text = f"expired or cancelled {window} with results that are paid for"
            text += _paid(listed)
        elif kind == UNCOUNTED:
            text = "with failed requests in the error file, though the list reports none"
        text += _most_frequent(listed)
        alerts.append(alert_on(kind, provider, account, _newest_first(listed), text))
    return alerts


def _paid(batches: Sequence[EndedBatch]) -> str:
    """What of some batches is paid for, as a clause."""
    completed = sum(batch.completed for batch in batches)
    known = [batch.cost for batch in batches if batch.cost is not None]
    unknown = len(batches) - len(known)
    total = sum(known)
    cost = f"{total:{',.2f' if total >= 1 else '.2g'}} USD" if known else "cost not known"
    if known and unknown:
        cost += f" without {unknown:,} of unknown cost"
    succeeded = "1 request" if completed == 1 else f"{completed:,} requests"
    return f" ({succeeded} succeeded, {cost})" if completed else f" ({cost})"


def _most_frequent(batches: Sequence[EndedBatch]) -> str:
    """The most frequent error code of some batches, as a clause; empty if none is known."""
    errors: Counter[str] = Counter()
    for batch in batches:
        errors.update(batch.errors)
    return f" (most frequent error: {errors.most_common(1)[0][0]})" if errors else ""


def _newest_first(batches: Sequence[EndedBatch]) -> list[str]:
    never = datetime.min.replace(tzinfo=UTC)
    by_id = sorted(batches, key=lambda batch: batch.id)
    newest = sorted(by_id, key=lambda batch: batch.created_at or never, reverse=True)
    return [batch.id for batch in newest]
