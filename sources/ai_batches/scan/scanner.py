"""Reads a list as planned, and keeps the state true to the rows that were handed on."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from ..errors import AiBatchesError, TimeUpError
from .evidence import Sighting, is_below, is_order_proven, observe
from .pages import Page, Row
from .plan import ScanPlan, plan_scan
from .run import Run
from .settings import ScanSettings
from .state import STATE_VERSION, ScanState, read_state

Pages = Callable[[ScanPlan], Iterable[Page]]
"""Reads the list from the position of a plan to its end, page by page."""

TRecord = TypeVar("TRecord")
"""What a row becomes, to be loaded."""

Read = Callable[[list[Row]], Iterable[tuple[TRecord, Sighting]]]
"""Reads the rows of a page, in their order."""


class Scanner:
    """Scans one account's list for one load package.

    Args:
        stored (Mapping[str, Any] | None): The state that was stored last. If it is not a valid
            one, the list is read to its end.
        settings (ScanSettings): How far down to read.
        run (Run): The run that reads.
    """

    def __init__(self, stored: Mapping[str, Any] | None, settings: ScanSettings, run: Run) -> None:
        self.state: ScanState = {**read_state(stored), "run": run.id}
        """What to store with the rows that were yielded last, and all before them."""
        self.state["owes_refresh"] |= run.request.full_refresh
        self.is_done = False
        """Whether a scan that this run began is complete."""
        self._settings = settings
        self._run = run
        self._loaded: dict[str, Sighting] = {}
        """Rows handed on so far: a key may stand in a load package only once."""

    def scan(self, pages: Pages, read: Read[TRecord], portion: int) -> Iterator[list[TRecord]]:
        """Finishes a scan that an earlier run left, then scans from the head.

        Before each yield, `state` is set to what must be stored with all rows up to and including
        it.

        Args:
            pages (Pages): The list.
            read (Read[TRecord]): Reads the rows of a page.
            portion (int): Rows to hand on at a time.

        Yields:
            list[TRecord]: Records to load, each key once. What was read before an error is handed
                on before the error is raised. An empty list stands for a state without rows.
        """
        while not self.is_done and not self._run.is_over:
            yield from self._scan_once(pages, read, portion)
            if self.state["scan"]:
                return

    def _scan_once(
        self, pages: Pages, read: Read[TRecord], portion: int
    ) -> Iterator[list[TRecord]]:
        plan = plan_scan(self.state, self._settings, self._run)
        scan: _Scan[TRecord] = _Scan(plan, self.state, self._run, self._loaded)
        try:
            for page in pages(plan):
                if scan.is_load_full:
                    # only now: a list that ends with a full load needs no further one
                    return
                scan.take(page, read(page.rows))
                if scan.may_stop():
                    break
                if self._run.is_over:
                    yield self._checkpoint(scan)
                    return
                if scan.has_portion(portion):
                    yield self._checkpoint(scan)
        except Exception as ex:
            scan.doubt_position(ex)
            yield self._checkpoint(scan)
            raise
        yield self._complete(scan)

    def _checkpoint(self, scan: "_Scan[TRecord]") -> list[TRecord]:
        """Sets the state from which the next run resumes; returns the records to yield with it."""
        # an incremental scan is short: it starts again
        resumes = scan.low_watermark is None and scan.progress["position"] is not None
        self.state = {**self.state, "scan": scan.progress.copy() if resumes else None}
        return scan.hand_on()

    def _complete(self, scan: "_Scan[TRecord]") -> list[TRecord]:
        """Sets the state after a complete scan; returns the records to yield with it."""
        self.is_done = scan.progress["run"] == self._run.id
        self.state = scan.completed_state(self.state)
        return scan.hand_on()


class _Scan(Generic[TRecord]):
    """One scan under way.

    Args:
        plan (ScanPlan): What to read.
        state (ScanState): The state before it.
        run (Run): The run that reads.
        loaded (dict[str, Sighting]): Rows of the load package by id; rows are added.
    """

    def __init__(
        self, plan: ScanPlan, state: ScanState, run: Run, loaded: dict[str, Sighting]
    ) -> None:
        self.progress = plan.progress
        self.low_watermark = plan.low_watermark
        """Creation time down to which an incremental scan reads; None: a full scan."""
        self.is_load_full = False
        """Whether the rows handed on last have filled the load package."""
        complete = state["complete"]
        self._anchor = complete["anchor"] if complete else None
        self._rows_per_load = run.request.rows_per_load
        self._loaded = loaded
        self._records: list[TRecord] = []
        """Read, and not handed on yet."""
        self._met_anchor = False
        self._has_stopped = False
        """Whether it ended before the list did."""
        self._has_advanced = False
        """Whether any row came, from the position on."""
        self._restarts = 0
        self._catches_up_at = 0
        """Rows it had seen when it last restarted at the head."""

    def take(self, page: Page, rows: Iterable[tuple[TRecord, Sighting]]) -> None:
        """Takes in a page, and keeps the records whose key is new in the load package."""
        progress = self.progress
        if page.restarts > self._restarts:
            self._restarts = page.restarts
            self._catches_up_at = max(self._catches_up_at, progress["rows"])
            progress["rows"], progress["oldest"], progress["is_lost"] = 0, None, True
        seen = []
        for record, sighting in rows:
            # the version that is loaded counts, even if this one is newer
            loaded = self._loaded.setdefault(sighting.id, sighting)
            if loaded is sighting:
                self._records.append(record)
            seen.append(loaded)
        observe(progress, seen)
        self._met_anchor |= any(sighting.id == self._anchor for sighting in seen)
        self._has_advanced |= bool(seen)
        progress["pages"] += bool(page.rows)
        progress["is_doubted"] &= not page.rows
        progress["position"] = page.position

    def may_stop(self) -> bool:
        """Decides whether the rest of the list need not be read: the only early stop there is.

        An incremental scan that lacks the evidence to stop becomes a full scan here.
        """
        progress = self.progress
        if self.low_watermark is None:
            self._has_stopped = is_order_proven(progress) and is_below(progress, progress["since"])
        elif is_below(progress, self.low_watermark) and self._met_anchor:
            self._has_stopped = True
        elif is_below(progress, self.low_watermark) or not progress["in_order"]:
            self.low_watermark = None
        return self._has_stopped

    def has_portion(self, size: int) -> bool:
        """Whether enough records were read to hand them on."""
        # under a limit of yields, a scan that restarted must get further than before
        return len(self._records) >= size and self.progress["rows"] > self._catches_up_at

    def hand_on(self) -> list[TRecord]:
        """Returns the records that were not handed on yet."""
        records, self._records = self._records, []
        limit = self._rows_per_load
        # a scan that loses its position whenever it resumes would never end
        self.is_load_full = (
            limit is not None
            and len(self._loaded) >= limit
            and self.low_watermark is None
            and not self.progress["is_lost"]
        )
        return records

    def doubt_position(self, error: Exception) -> None:
        """Notes an error that the stored position may have caused; the second one drops it."""
        if self._has_advanced or not _may_be_caused_by_position(error):
            return
        if self.progress["is_doubted"]:
            self.progress["position"] = None
        self.progress["is_doubted"] = True

    def completed_state(self, state: ScanState) -> ScanState:
        """The state after this scan is complete."""
        progress, before = self.progress, state["complete"]
        last_full_scan, is_ordered = progress["started"], is_order_proven(progress)
        is_full_scan = self.low_watermark is None or not self._has_stopped
        if before and not is_full_scan:
            last_full_scan, is_ordered = before["last_full_scan"], before["is_ordered"]
        started, newest = progress["started"], progress["newest"]
        return {
            "version": STATE_VERSION,
            "run": state["run"],
            "complete": {
                "high_watermark": started if newest is None else min(started, newest),
                "anchor": progress["anchor"],
                "oldest_held": progress["oldest_held"],
                "since": progress["since"] if self._has_stopped else None,
                "is_ordered": is_ordered,
                "last_full_scan": last_full_scan,
                "settle_window": progress["settle_window"],
                "max_open_age": progress["max_open_age"],
            },
            "scan": None,
            "owes_refresh": state["owes_refresh"] and not progress["is_refresh"],
            "is_gone": state["is_gone"] and not progress["is_refresh"],
        }


def _may_be_caused_by_position(error: Exception) -> bool:
    if isinstance(error, AiBatchesError):
        return error.may_be_position
    return not isinstance(error, TimeUpError)
