"""One run that reads results: what is left to be read, and what came of it."""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Lock
from typing import NamedTuple

import pyarrow as pa

from ..errors import AiBatchesError, AuthenticationError
from ..providers.results import Batch
from ..scan.run import Run

_FAILURES_IN_A_ROW = 3
"""Files after which an account is left alone for this run: its server is out of order."""

_ROWS_PER_PACKAGE = 50_000
"""After which it is stored: DuckDB and others take more than a kilobyte of memory to merge one."""


@dataclass
class AccountWork:
    """What several workers read with one account's key; they note it with the methods."""

    batches: deque[Batch] = field(default_factory=deque)
    """Those that no worker has begun."""
    outcomes: Counter[str] = field(default_factory=Counter)
    """Files by what came of them, as in the column `outcome`."""
    lines: int = 0
    """Lines of files that were loaded."""
    requests: int = 0
    """Requests made, retries and redirects included."""
    error: AiBatchesError | None = None
    """The last thing that kept a file from being loaded, other than its age or size."""
    failures: int = 0
    """Files in a row that could not be read, for a reason that may hold for the next one, too."""
    is_key_good: bool = False
    """Whether any file was answered."""
    is_stopped: bool = False
    """Whether nothing more is tried in this run."""
    _lock: Lock = field(default_factory=Lock, repr=False)

    def note_requests(self, count: int) -> None:
        """Notes requests that were made."""
        with self._lock:
            self.requests += count

    def note_lines(self, count: int) -> None:
        """Notes the lines of a file that was read."""
        with self._lock:
            self.lines += count

    def note_outcome(self, word: str) -> None:
        """Notes what came of a file."""
        with self._lock:
            self.outcomes[word] += 1

    def note_success(self) -> None:
        """Notes that a file was answered as it should be."""
        self.failures, self.is_key_good = 0, True

    def stop(self, error: AiBatchesError) -> None:
        """Notes why nothing more can be read."""
        with self._lock:
            self.error, self.is_stopped = error, True

    def note_failure(self, error: AiBatchesError, is_of_file: bool = False) -> None:
        """Notes why a file could not be read.

        Args:
            error (AiBatchesError): Why.
            is_of_file (bool): Whether it says nothing about other files.
        """
        with self._lock:
            self.error = error
            self.failures += not is_of_file
            # after others were answered, it is the file that may not be read
            is_refused_key = isinstance(error, AuthenticationError) and not self.is_key_good
            self.is_stopped |= is_refused_key or self.failures >= _FAILURES_IN_A_ROW


class Proof(NamedTuple):
    """What says what came of the files of one batch, once its rows are stored."""

    rows: pa.Table
    """Of `batch_files`, without the load."""
    replaces: bool
    """Whether what was read stands for all that was read of the batch before."""


@dataclass
class ResultsRun(Run):
    """A run that reads results of batches.

    Of a run in several load packages, what says that a file was loaded goes into the package after
    the one with its rows: if a package was stored in part, they are read again.
    """

    work: dict[tuple[str, str], AccountWork] = field(default_factory=dict)
    """By provider and account."""
    proofs: list[Proof] = field(default_factory=list, repr=False)
    """For the next load package."""
    _rows: int = 0
    """In this load package."""

    def add(self, batches: Iterable[Batch]) -> None:
        """Adds batches to be read, in this order."""
        for batch in batches:
            whose = (batch["provider"], batch["account"])
            self.work.setdefault(whose, AccountWork()).batches.append(batch)

    def begin_package(self) -> None:
        """Notes that a load package begins."""
        super().begin_package()
        self._rows = 0

    def note_table(self, rows: int) -> None:
        """Notes that the load package has so many more rows."""
        self._rows += rows
        self.note_rows()

    @property
    def is_package_due(self) -> bool:
        """Whether the load package is to be stored, with what it has."""
        return super().is_package_due or (self.is_split and self._rows >= _ROWS_PER_PACKAGE)

    @property
    def is_complete(self) -> bool:
        """Whether all that was read, and what says so, was handed on."""
        return super().is_complete and not self.proofs
