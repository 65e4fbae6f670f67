"""A run: what it was asked for, and what happens in it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import uuid4

from ..workers import Lane, Workers


class Reading(NamedTuple):
    """How far the reading of one account's list has come."""

    provider: str
    account: str
    pages: int
    rows: int
    requests: int
    """Requests made, retries included."""
    trouble: str | None
    """What the last request met with if it is retried, such as `HTTP 429`."""


@dataclass(frozen=True)
class RunRequest:
    """What a run is asked to do beyond loading new, open and just ended batches.

    Args:
        since (int | None): Load batches created since then, in microseconds since 1970; batches
            loaded earlier stay covered. None: no limit.
        full_refresh (bool): Read every list to its end again; nothing is dropped. An interrupted
            refresh resumes on the next run.
        rows_per_load (int | None): Rows per account after which a long scan is interrupted, to
            resume in the next load package; None: no limit.
        deadline (float | None): Moment by `time.monotonic` after which nothing is waited for; the
            next run resumes. None: no deadline.
        seconds_per_load (float | None): Seconds after its first rows after which a load package is
            complete, although lists are still being read; None: no limit.
    """

    since: int | None = None
    full_refresh: bool = False
    rows_per_load: int | None = None
    deadline: float | None = None
    seconds_per_load: float | None = None


@dataclass
class Run:
    """One run, which may take several load packages, one after the other."""

    request: RunRequest = RunRequest()
    id: str = field(default_factory=lambda: uuid4().hex)
    started: int = field(default_factory=lambda: time.time_ns() // 1_000)
    """Microseconds since 1970."""
    holding: frozenset[tuple[str, str]] | None = None
    """Provider and account with rows in the table when the run began; None: not known."""
    on_progress: Callable[[Reading], None] | None = None
    """Receives each page read and each request that is retried, from any thread."""
    is_interrupted: bool = False
    """Whether Ctrl-C or SIGTERM ended the last load package before its time."""
    workers: Workers = field(default_factory=Workers, repr=False)
    lanes: dict[str, Lane[Any, Any]] = field(default_factory=dict, repr=False)
    """The lists of each provider that was read so far, also those that go on being read between
    two load packages."""
    _package_due: float | None = None
    """Moment by `time.monotonic` at which the load package is complete."""

    @property
    def is_over(self) -> bool:
        """Whether the deadline has passed."""
        deadline = self.request.deadline
        return deadline is not None and time.monotonic() >= deadline

    @property
    def is_complete(self) -> bool:
        """Whether all that was read was handed on, and nothing is read any more."""
        return all(lane.is_over for lane in self.lanes.values())

    @property
    def is_split(self) -> bool:
        """Whether what is read may go into several load packages."""
        return (self.request.rows_per_load or self.request.seconds_per_load) is not None

    @property
    def is_package_due(self) -> bool:
        """Whether the load package is to be stored, with what it has."""
        due = self._package_due
        return self.is_interrupted or (due is not None and time.monotonic() >= due)

    def begin_package(self) -> None:
        """Notes that a load package begins."""
        self._package_due = None
        for lane in self.lanes.values():
            lane.begin_package()

    def note_rows(self) -> None:
        """Notes that the load package has rows."""
        seconds = self.request.seconds_per_load
        if self._package_due is None and seconds is not None:
            self._package_due = time.monotonic() + seconds

    def end(self) -> None:
        """Ends all reading; what was not handed on is read again by the next run."""
        self.workers.end([feed for lane in self.lanes.values() for feed in lane.feeds])
