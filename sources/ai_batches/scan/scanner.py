"""Which part of a list a run reads, and what it remembers for the next one.

A batch changes after it was first seen, and no provider tells which ones did. So a run scans the
list from its head, the newest batch, down to a low_watermark, below which nothing is expected to change.
Two kinds of scan are enough:

- An incremental scan reads what is new, open or ended just now. It is short, and keeps no position: where
  it is cut, the next run begins it again.
- A full scan reads the list to its end: the first time, now and then (`full_scan_interval`), when asked
  to, and whenever an incremental scan has no evidence that it may stop. It is long, and goes on where it
  was cut.

An incremental scan may stop below its low_watermark only if a full scan found the list newest first, its own pages
agree, and it met the anchor: the first batch of the last complete scan. In doubt it reads on, and
so becomes a full scan.

Nothing here knows a vendor, a destination or Arrow: pages come in, rows and states go out. Times
are microseconds since 1970, UTC.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypedDict, TypeVar
from uuid import uuid4

from ..errors import AiBatchesError, TimeUpError

Row = dict[str, Any]
"""One batch as its provider sends it."""

STATE_VERSION = 1

_HOUR = 3_600_000_000

MIN_DESCENTS, MIN_PAGES = 10, 2
"""How much of a list must have been found newest first before that counts as its order."""

ORDER_TOLERANCE = 60_000_000
"""Microseconds by which rows of a list that is newest first may stand in the wrong order: it may be
sorted by something else than the times that it tells, such as when a server stored the row."""


class ScanSettings(NamedTuple):
    """How far down a run reads. Microseconds."""

    lookback: int = _HOUR
    """How late a batch may become visible, with the difference between clocks."""
    settle_window: int = _HOUR
    """How long a batch that ended may still be filled: usage, file ids."""
    max_open_age: int = 30 * 24 * _HOUR
    """Age beyond which an open batch is stuck and no longer holds the low_watermark down."""
    full_scan_interval: int = 7 * 24 * _HOUR
    """How often the list is read whole."""


class Sighting(NamedTuple):
    """What the scan needs to know of a row."""

    id: str
    created: int | None
    """None where the row has no readable time."""
    is_held: bool
    """Whether the batch may still change: it is open, or ended within `settle_window`."""


class Page(NamedTuple):
    """Rows of one reply that go on where the last page ended."""

    rows: list[Row]
    position: Mapping[str, Any]
    """Where to go on after these rows, by the paginator's account."""
    restarts: int
    """How often the paginator lost its place and began again at the head, so far."""


class Progress(TypedDict):
    """A scan that is under way."""

    run: str
    """The run that began it."""
    is_refresh: bool
    """Whether it was begun for a full refresh."""
    since: int | None
    """Down to which creation time it reads; None: to the end."""
    started: int
    settle_window: int
    max_open_age: int
    newest: int | None
    anchor: str | None
    """Id of the first row."""
    oldest_held: int | None
    rows: int
    """Rows seen since the head, those of an earlier part included."""
    pages: int
    descents: int
    """How often a row was older than all before it."""
    in_order: bool
    """Whether no row so far was newer than the ones before it."""
    oldest: int | None
    """Creation time of the oldest row so far."""
    is_lost: bool
    """Whether its place was lost, so that it had to begin again at the head."""
    is_doubted: bool
    """Whether it could not go on from its position the last time."""
    position: Mapping[str, Any] | None


class Complete(TypedDict):
    """The last complete scan. It changes only when a scan completes, with its last rows."""

    high_watermark: int
    """Its start, or its newest row where that is older: the provider's clock may run behind."""
    anchor: str | None
    oldest_held: int | None
    since: int | None
    """What is covered: the table has all batches created since then; None: all."""
    is_ordered: bool
    """Whether the list was found newest first."""
    last_full_scan: int
    """When the list was last read whole."""
    settle_window: int
    max_open_age: int


class State(TypedDict):
    """What dlt stores for each provider and account, as JSON."""

    version: int
    complete: Complete | None
    scan: Progress | None
    """A full scan that was cut."""
    owes_refresh: bool
    """Whether the list has to be read whole, and no scan that began since then is complete."""
    is_gone: bool
    """Whether that is because the table has lost the rows."""


class Reading(NamedTuple):
    """How far the reading of an account's list has come."""

    provider: str
    account: str
    pages: int
    rows: int
    requests: int
    """Requests made, retries included."""
    trouble: str | None
    """What the last request met with, where it is tried again, such as `HTTP 429`."""


@dataclass
class Run:
    """What a run was asked to do. It may take several load packages, one after the other."""

    since: int | None = None
    """Load batches created since then, in microseconds; what was covered before stays covered."""
    full_refresh: bool = False
    """Read everything again; nothing is dropped. One that was cut goes on."""
    rows_per_package: int | None = None
    """Rows of an account after which a long scan is cut, to go on in the next package."""
    deadline: float | None = None
    """Moment by `time.monotonic` past which nothing is waited for; the next run goes on."""
    started: int = field(default_factory=lambda: time.time_ns() // 1_000)
    """Microseconds since 1970."""
    id: str = field(default_factory=lambda: uuid4().hex)
    finished: set[tuple[str, str]] = field(default_factory=set)
    """Provider and account of what is complete, failed or out of time, and not to be read again."""
    unknown_statuses: dict[tuple[str, str], dict[str, set[str]]] = field(default_factory=dict)
    """Status words that nobody knows, by provider and account, to the ids of the rows with them:
    what is still to be said of them at the end."""
    holding: frozenset[tuple[str, str]] | None = None
    """Provider and account of which the table had rows when the run began; None: not known."""
    on_progress: Callable[[Reading], None] | None = None
    """Is told of each page and of each request that has to be tried again, from any thread."""

    @property
    def is_over(self) -> bool:
        """Whether its time is up."""
        return self.deadline is not None and time.monotonic() >= self.deadline


class Plan(NamedTuple):
    """A scan that is to be done."""

    progress: Progress
    """How it begins; with a position, where one that was cut goes on."""
    low_watermark: int | None
    """Down to which creation time an incremental scan reads; None for a full scan."""
    reason: str
    """Why it is a full scan, in a few words; empty for an incremental scan."""

    @property
    def last_read(self) -> int | None:
        """Creation time below which the first row ends it; None: only the list's end does."""
        bound = self.progress["since"] if self.low_watermark is None else self.low_watermark
        return None if bound is None else bound - ORDER_TOLERANCE


Pages = Callable[[Mapping[str, Any] | None, bool], Iterable[Page]]
"""Reads the list from a position, or from its head; and whether it will be read to its end."""


TRecord = TypeVar("TRecord")
"""What is made of a row, to be loaded."""

Read = Callable[[list[Row]], Iterable[tuple[TRecord, Sighting]]]
"""Reads the rows of a page, in their order."""


class Scanner:
    """Walks one account's list in one load package.

    Args:
        stored (Mapping[str, Any] | None): What was stored last; anything else than a `State` of
            this version means that the list is read whole.
        settings (ScanSettings): How far down to read.
        run (Run): What was asked for.
    """

    def __init__(self, stored: Mapping[str, Any] | None, settings: ScanSettings, run: Run) -> None:
        self.state: State = _state_for(stored, run)
        self.is_done = False
        """Whether a scan that this run began is complete."""
        self._settings = settings
        self._run = run
        self._loaded: dict[str, Sighting] = {}
        """Rows handed on so far: a key may stand in a load package only once."""

    def scan(
        self,
        pages: Pages,
        read: Read[TRecord],
        portion: int,
    ) -> Iterator[list[TRecord]]:
        """Finishes a scan that an earlier run left, then scans from the head.

        Before each yield, `state` is what has to be stored with all rows up to and including it.

        Args:
            pages (Pages): The list.
            read (Read[TRecord]): Reads the rows of a page.
            portion (int): Rows to hand on at a time.

        Yields:
            list[TRecord]: What to load, each key once. What was read before an error is handed on
                before it is raised. An empty list stands for a state without rows.
        """
        while not self.is_done and not self._run.is_over:
            yield from self._walk_once(pages, read, portion)
            if self.state["scan"]:
                return

    def _walk_once(
        self, pages: Pages, read: Read[TRecord], portion: int
    ) -> Iterator[list[TRecord]]:
        progress, low_watermark, _ = _plan(self.state, self._settings, self._run)
        complete = self.state["complete"]
        records: list[TRecord] = []
        restarts = catches_up_at = 0
        met_anchor = has_advanced = is_full = False
        has_ended = True
        try:
            for page in pages(progress["position"], low_watermark is None):
                if is_full:
                    # only now: a list that ends with a full package needs no other one
                    return
                if page.restarts > restarts:
                    restarts, catches_up_at = page.restarts, max(catches_up_at, progress["rows"])
                    progress["rows"], progress["oldest"], progress["is_lost"] = 0, None, True
                seen = []
                for record, sighting in read(page.rows):
                    # the version that is loaded counts, even if this one is newer
                    loaded = self._loaded.setdefault(sighting.id, sighting)
                    if loaded is sighting:
                        records.append(record)
                    seen.append(loaded)
                _observe(progress, seen)
                met_anchor |= complete is not None and any(
                    sighting.id == complete["anchor"] for sighting in seen
                )
                has_advanced |= bool(seen)
                progress["pages"] += bool(page.rows)
                progress["is_doubted"] &= not page.rows
                progress["position"] = page.position
                if low_watermark is not None:
                    may_stop = met_anchor and _is_below(progress, low_watermark)
                    if not progress["in_order"] or (
                        not may_stop and _is_below(progress, low_watermark)
                    ):
                        # from here on it is a full scan
                        low_watermark = None
                else:
                    may_stop = _is_proven(progress) and _is_below(progress, progress["since"])
                if may_stop:
                    has_ended = False
                    break
                if self._run.is_over:
                    self._checkpoint(progress, low_watermark)
                    yield records
                    return
                # under a limit of yields, a scan that began again has to get further than before
                if len(records) >= portion and progress["rows"] > catches_up_at:
                    self._checkpoint(progress, low_watermark)
                    yield records
                    records = []
                    is_full = low_watermark is None and self._is_package_full(progress)
        except Exception as ex:
            if not has_advanced and _is_of_the_list(ex):
                # a stored position may be what is wrong: it is tried once more
                progress["position"] = None if progress["is_doubted"] else progress["position"]
                progress["is_doubted"] = True
            self._checkpoint(progress, low_watermark)
            yield records
            raise
        self._complete(progress, has_ended or low_watermark is None, has_ended)
        yield records

    def _is_package_full(self, progress: Progress) -> bool:
        # a scan that loses its place whenever it goes on would never end
        limit = self._run.rows_per_package
        return limit is not None and len(self._loaded) >= limit and not progress["is_lost"]

    def _checkpoint(self, progress: Progress, low_watermark: int | None) -> None:
        keeps_position = low_watermark is None and progress["position"] is not None
        self.state = {**self.state, "scan": progress.copy() if keeps_position else None}

    def _complete(self, progress: Progress, is_full_scan: bool, has_ended: bool) -> None:
        self.is_done = progress["run"] == self._run.id
        self.state = _completed(self.state, progress, is_full_scan, has_ended)


def _is_of_the_list(error: Exception) -> bool:
    """Whether an error may be one of the position that was asked for."""
    if isinstance(error, AiBatchesError):
        return error.is_of_the_list
    return not isinstance(error, TimeUpError)


def claims_rows(stored: Mapping[str, Any] | None) -> bool:
    """Whether the table has to have rows of the account, if what was stored is right.

    Args:
        stored (Mapping[str, Any] | None): What was stored last.

    Returns:
        bool: False also for a list that was empty whenever it was read.
    """
    state = _valid(stored)
    complete, scan = state["complete"], state["scan"]
    return bool((complete and complete["anchor"] is not None) or (scan and scan["rows"]))


def without_rows(stored: Mapping[str, Any] | None) -> State:
    """The state of an account whose rows are no longer in the table: its list is owed again.

    Args:
        stored (Mapping[str, Any] | None): What was stored last.

    Returns:
        State: It claims nothing but since when batches were asked for.
    """
    return {**_valid(stored), "scan": None, "owes_refresh": True, "is_gone": True}


def _plan(state: State, settings: ScanSettings, run: Run) -> Plan:
    """The scan to do in a state."""
    complete, scan = state["complete"], state["scan"]
    if scan:
        return Plan(scan.copy(), None, "was cut")
    since = run.since
    reason = "first run"
    if complete:
        since = complete["since"]
        reason = _why_whole(state, complete, settings, run)
        if _is_earlier(run.since, since):
            since, reason = run.since, "older ones asked for"
    new = Progress(
        run=run.id,
        is_refresh=state["owes_refresh"],
        since=since,
        started=run.started,
        settle_window=settings.settle_window,
        max_open_age=settings.max_open_age,
        newest=None,
        anchor=None,
        oldest_held=None,
        rows=0,
        pages=0,
        descents=0,
        in_order=True,
        oldest=None,
        is_lost=False,
        is_doubted=False,
        position=None,
    )
    low_watermark = (
        _low_watermark(complete, settings, run.started) if complete and not reason else None
    )
    return Plan(new, low_watermark, reason)


def _why_whole(state: State, complete: Complete, settings: ScanSettings, run: Run) -> str:
    """Why an incremental scan would not do, in a few words; empty where it does."""
    if state["owes_refresh"]:
        return "not in the table" if state["is_gone"] else "full refresh owed"
    if not complete["is_ordered"]:
        return "order not proven"
    if not 0 <= run.started - complete["last_full_scan"] < settings.full_scan_interval:
        return "due"
    if (
        settings.settle_window > complete["settle_window"]
        or settings.max_open_age > complete["max_open_age"]
    ):
        return "settings changed"
    return ""


def _completed(state: State, progress: Progress, is_full_scan: bool, has_ended: bool) -> State:
    """The state after a scan is complete."""
    before = state["complete"]
    last_full_scan, is_ordered = progress["started"], _is_proven(progress)
    if before and not is_full_scan:
        last_full_scan, is_ordered = before["last_full_scan"], before["is_ordered"]
    newest = progress["newest"]
    return {
        "version": STATE_VERSION,
        "complete": {
            "high_watermark": min(
                progress["started"], progress["started"] if newest is None else newest
            ),
            "anchor": progress["anchor"],
            "oldest_held": progress["oldest_held"],
            "since": None if has_ended else progress["since"],
            "is_ordered": is_ordered,
            "last_full_scan": last_full_scan,
            "settle_window": progress["settle_window"],
            "max_open_age": progress["max_open_age"],
        },
        "scan": None,
        "owes_refresh": state["owes_refresh"] and not progress["is_refresh"],
        "is_gone": state["is_gone"] and not progress["is_refresh"],
    }


def _state_for(stored: Mapping[str, Any] | None, run: Run) -> State:
    """What was stored last, as far as it can be used, and what the run owes."""
    state = _valid(stored)
    state["owes_refresh"] |= run.full_refresh
    return state


def _valid(stored: Mapping[str, Any] | None) -> State:
    state: State = {
        "version": STATE_VERSION,
        "complete": None,
        "scan": None,
        "owes_refresh": False,
        "is_gone": False,
    }
    if stored and stored.get("version") == STATE_VERSION:
        complete, scan = stored.get("complete"), stored.get("scan")
        state["complete"] = complete if _has_fields(complete, Complete) else None
        state["scan"] = scan if _has_fields(scan, Progress) else None
        state["owes_refresh"] = bool(stored.get("owes_refresh"))
        state["is_gone"] = bool(stored.get("is_gone"))
    return state


def _has_fields(stored: Any, kind: type) -> bool:
    return isinstance(stored, Mapping) and stored.keys() == kind.__annotations__.keys()


def _low_watermark(complete: Complete, settings: ScanSettings, now: int) -> int:
    """Down to where an incremental scan must read: rows below changed before the last scan saw them."""
    low_watermark = complete["high_watermark"]
    if complete["oldest_held"] is not None:
        low_watermark = min(
            low_watermark, max(complete["oldest_held"], now - settings.max_open_age)
        )
    return low_watermark - settings.lookback


def _observe(progress: Progress, sightings: list[Sighting]) -> None:
    """Takes in the rows of a page."""
    if sightings:
        progress["anchor"] = progress["anchor"] or sightings[0].id
        progress["rows"] += len(sightings)
    oldest, newest, oldest_held = progress["oldest"], progress["newest"], progress["oldest_held"]
    for _, created, is_held in sightings:
        if created is None:
            progress["in_order"] = False
            continue
        if oldest is None or created < oldest:
            progress["descents"] += oldest is not None
            oldest = created
        elif created > oldest + ORDER_TOLERANCE:
            progress["in_order"] = False
        if newest is None or created > newest:
            newest = created
        if is_held and (oldest_held is None or created < oldest_held):
            oldest_held = created
    progress["oldest"], progress["newest"], progress["oldest_held"] = oldest, newest, oldest_held


def _is_proven(progress: Progress) -> bool:
    return (
        progress["in_order"]
        and progress["descents"] >= MIN_DESCENTS
        and progress["pages"] >= MIN_PAGES
    )


def _is_below(progress: Progress, bound: int | None) -> bool:
    """Whether the scan has passed a bound; strictly, since creation times tie."""
    oldest = progress["oldest"]
    return (
        progress["in_order"]
        and bound is not None
        and oldest is not None
        and oldest + ORDER_TOLERANCE < bound
    )


def _is_earlier(since: int | None, other: int | None) -> bool:
    """Whether the first bound reaches further back; None reaches back to the beginning."""
    return other is not None and (since is None or since < other)
