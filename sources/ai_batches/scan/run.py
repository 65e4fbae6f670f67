"""A run: what it was asked for, and what happens in it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import uuid4


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
            resume in the next load package; None: everything in one package.
        deadline (float | None): Moment by `time.monotonic` after which nothing is waited for; the
            next run resumes. None: no deadline.
    """

    since: int | None = None
    full_refresh: bool = False
    rows_per_load: int | None = None
    deadline: float | None = None


@dataclass
class Run:
    """One run, which may take several load packages, one after the other."""

    request: RunRequest = RunRequest()
    id: str = field(default_factory=lambda: uuid4().hex)
    started: int = field(default_factory=lambda: time.time_ns() // 1_000)
    """Microseconds since 1970."""
    finished: set[tuple[str, str]] = field(default_factory=set)
    """Provider and account of lists that are complete, failed or out of time: not read again."""
    unknown_statuses: dict[tuple[str, str], dict[str, set[str]]] = field(default_factory=dict)
    """Unknown status words by provider and account, each with the ids of its rows; reported once,
    at the end."""
    holding: frozenset[tuple[str, str]] | None = None
    """Provider and account with rows in the table when the run began; None: not known."""
    on_progress: Callable[[Reading], None] | None = None
    """Receives each page read and each request that is retried, from any thread."""

    @property
    def is_over(self) -> bool:
        """Whether the deadline has passed."""
        deadline = self.request.deadline
        return deadline is not None and time.monotonic() >= deadline
