"""What is stored per account between runs, and how it is read back.

dlt stores the state as JSON, together with the rows that it stands for. Anything but a valid state
means that the list is read to its end, never a crash or a gap. Times and spans are microseconds.
"""

from collections.abc import Mapping
from typing import Any, TypedDict

STATE_VERSION = 2

_KEYS_SINCE_VERSION_1 = {
    "walk": "scan",
    "landmark": "anchor",
    "read_up_to": "high_watermark",
    "whole_at": "last_full_scan",
    "settle": "settle_window",
}
"""Keys of version 1 to those of this version; all others have kept their name."""


class ScanProgress(TypedDict):
    """A scan that is under way."""

    run: str
    """Id of the run that began it."""
    is_refresh: bool
    """Whether it was begun for a full refresh."""
    since: int | None
    """Creation time down to which it reads; None: to the end."""
    started: int
    """Start of the run that began it."""
    settle_window: int
    """The setting when it began."""
    max_open_age: int
    """The setting when it began."""
    newest: int | None
    """Creation time of the newest row so far."""
    anchor: str | None
    """Id of the first row."""
    oldest_held: int | None
    """Creation time of the oldest row so far that may still change."""
    rows: int
    """Rows seen since the head, including those of earlier parts."""
    pages: int
    descents: int
    """How often a row was older than all before it."""
    in_order: bool
    """Whether no row so far was newer than the ones before it."""
    oldest: int | None
    """Creation time of the oldest row so far."""
    is_lost: bool
    """Whether its position was lost, so that it had to restart at the head."""
    is_doubted: bool
    """Whether the last attempt to resume from its position failed."""
    position: Mapping[str, Any] | None
    """Where the paginator resumes; None: at the head."""


class CompleteScan(TypedDict):
    """The last complete scan. It changes only when a scan completes, with that scan's last rows."""

    high_watermark: int
    """Its start, or its newest row if that is older: the provider's clock may run behind."""
    anchor: str | None
    """Id of its first row; None: the list was empty."""
    oldest_held: int | None
    """Creation time of the oldest row that may still change."""
    since: int | None
    """What is covered: the table has all batches created since then; None: all."""
    is_ordered: bool
    """Whether the list was found newest first."""
    last_full_scan: int
    """When the list was last read to its end."""
    settle_window: int
    """The setting when it began."""
    max_open_age: int
    """The setting when it began."""


class ScanState(TypedDict):
    """The state of one account."""

    version: int
    run: str | None
    """Id of the run that stored it. It differs from load to load, so that a working folder notices
    that another one has loaded."""
    complete: CompleteScan | None
    scan: ScanProgress | None
    """The checkpoint of an interrupted full scan."""
    owes_refresh: bool
    """Whether the list must be read to its end by a scan that began after that was asked for."""
    is_gone: bool
    """Whether that is because the table has lost the rows."""


def read_state(stored: Mapping[str, Any] | None) -> ScanState:
    """Reads a stored state, also one of version 1.

    Args:
        stored (Mapping[str, Any] | None): The JSON that was stored last; None: nothing.

    Returns:
        ScanState: A new state of this version, with the parts that are valid.
    """
    state: ScanState = {
        "version": STATE_VERSION,
        "run": None,
        "complete": None,
        "scan": None,
        "owes_refresh": False,
        "is_gone": False,
    }
    if not stored or stored.get("version") not in (1, STATE_VERSION):
        return state
    stored = _with_new_keys(stored)
    run = stored.get("run")
    complete, scan = _with_new_keys(stored.get("complete")), _with_new_keys(stored.get("scan"))
    state["run"] = run if isinstance(run, str) else None
    state["complete"] = complete if _has_fields(complete, CompleteScan) else None
    state["scan"] = scan if _has_fields(scan, ScanProgress) else None
    state["owes_refresh"] = bool(stored.get("owes_refresh"))
    state["is_gone"] = bool(stored.get("is_gone"))
    return state


def claims_rows(stored: Mapping[str, Any] | None) -> bool:
    """Whether the table must have rows of the account if the stored state is right.

    Args:
        stored (Mapping[str, Any] | None): The JSON that was stored last.

    Returns:
        bool: False also for a list that was empty whenever it was read.
    """
    state = read_state(stored)
    complete, scan = state["complete"], state["scan"]
    return bool((complete and complete["anchor"] is not None) or (scan and scan["rows"]))


def without_rows(stored: Mapping[str, Any] | None) -> ScanState:
    """The state of an account whose rows are no longer in the table: the list is read again.

    Args:
        stored (Mapping[str, Any] | None): The JSON that was stored last.

    Returns:
        ScanState: It keeps only since when batches were asked for.
    """
    return {**read_state(stored), "scan": None, "owes_refresh": True, "is_gone": True}


def _with_new_keys(stored: Any) -> Any:
    """An object with the keys of this version; not the objects in it, such as a position."""
    if not isinstance(stored, Mapping):
        return stored
    return {_KEYS_SINCE_VERSION_1.get(key, key): value for key, value in stored.items()}


def _has_fields(stored: Any, kind: type) -> bool:
    return isinstance(stored, Mapping) and stored.keys() == kind.__annotations__.keys()
