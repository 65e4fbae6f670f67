"""What a run reads: the whole list or its newest part, down to which time, and why."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from .run import Run
from .settings import ScanSettings
from .state import CompleteScan, ScanProgress, ScanState


class ScanPlan(NamedTuple):
    """A scan to do."""

    progress: ScanProgress
    """How it begins; with a position if it resumes an interrupted scan."""
    low_watermark: int | None
    """Creation time down to which an incremental scan reads; None for a full scan."""
    reason: str
    """Why it is a full scan, in a few words; empty for an incremental scan."""

    @property
    def position(self) -> Mapping[str, Any] | None:
        """Where it resumes in the list; None: at the head."""
        return self.progress["position"]

    @property
    def is_full_scan(self) -> bool:
        """Whether it reads the list to its end."""
        return self.low_watermark is None


def plan_scan(state: ScanState, settings: ScanSettings, run: Run) -> ScanPlan:
    """Decides what to read next.

    Args:
        state (ScanState): What is stored of the account.
        settings (ScanSettings): How far down to read.
        run (Run): The run that reads.

    Returns:
        ScanPlan: The interrupted scan if there is one; else an incremental scan if that is enough;
            else a full scan.
    """
    complete, scan = state["complete"], state["scan"]
    if scan:
        return ScanPlan(scan.copy(), None, "interrupted")
    since, reason = run.request.since, "first run"
    if complete:
        since, reason = complete["since"], _reason_for_full_scan(state, complete, settings, run)
        if _is_earlier(run.request.since, since):
            since, reason = run.request.since, "older batches requested"
    progress = _new_progress(settings, run, since, state["owes_refresh"])
    if complete is None or reason:
        return ScanPlan(progress, None, reason)
    return ScanPlan(progress, _low_watermark(complete, settings, run.started), "")


def _reason_for_full_scan(
    state: ScanState, complete: CompleteScan, settings: ScanSettings, run: Run
) -> str:
    """Why an incremental scan is not enough, in a few words; empty if it is."""
    if state["owes_refresh"]:
        return "rows not in the table" if state["is_gone"] else "full refresh"
    if not complete["is_ordered"]:
        return "order not proven"
    # also after a run whose clock was far ahead
    if not 0 <= run.started - complete["last_full_scan"] < settings.full_scan_interval:
        return "interval elapsed"
    if (
        settings.settle_window > complete["settle_window"]
        or settings.max_open_age > complete["max_open_age"]
    ):
        return "settings changed"
    return ""


def _low_watermark(complete: CompleteScan, settings: ScanSettings, now: int) -> int:
    """Rows below it had settled before the last complete scan saw them."""
    low_watermark = complete["high_watermark"]
    if complete["oldest_held"] is not None:
        held = max(complete["oldest_held"], now - settings.max_open_age)
        low_watermark = min(low_watermark, held)
    return low_watermark - settings.lookback


def _new_progress(
    settings: ScanSettings, run: Run, since: int | None, is_refresh: bool
) -> ScanProgress:
    return {
        "run": run.id,
        "is_refresh": is_refresh,
        "since": since,
        "started": run.started,
        "settle_window": settings.settle_window,
        "max_open_age": settings.max_open_age,
        "newest": None,
        "anchor": None,
        "oldest_held": None,
        "rows": 0,
        "pages": 0,
        "descents": 0,
        "in_order": True,
        "oldest": None,
        "is_lost": False,
        "is_doubted": False,
        "position": None,
    }


def _is_earlier(since: int | None, other: int | None) -> bool:
    """Whether the first bound reaches further back; None reaches back to the beginning."""
    return other is not None and (since is None or since < other)
