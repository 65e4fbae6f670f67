"""How a command reports what it does: live on a terminal, in lines, as JSON, or only faults."""

import logging
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any

import dlt
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn

from ai_batches import (
    Reading,
    shown,
    shown_trace,
    subject,
)

from ..inspect.alert import Alert
from ..inspect.alerts import FAILURES
from ..inspect.check import Check, failures
from ..inspect.verify import Verdict
from ..run.progress import ProgressListener
from ..run.report import AccountReport, TAccount
from ..run.results import ResultsReport
from .printing import print_check, print_line, print_results, print_summary, print_verdicts

SECONDS_BETWEEN_LINES = 30.0
"""Of one account, if the output is not a terminal."""

_DLT = logging.getLogger("dlt")


def _without_trace(record: logging.LogRecord) -> bool:
    """Takes the stack trace from what dlt logs."""
    record.exc_info = record.exc_text = None
    return True


class Output(ProgressListener):
    """Prints failures and alerts only (`--quiet`); the base of the others.

    Args:
        shows_traceback (bool): Whether an error is followed by its stack trace.
    """

    def __init__(self, shows_traceback: bool = False) -> None:
        self.console = Console()
        self._shows_traceback = shows_traceback

    def __enter__(self) -> "Output":
        return self

    def __exit__(self, *error: Any) -> None:
        pass

    @contextmanager
    def printing_log(self) -> Iterator[None]:
        """Prints dlt's log in the way of this output, for as long as a block runs."""
        # asking also has dlt set up its log
        is_formatted = bool(dlt.config.get("runtime.log_format"))
        before = _DLT.handlers[:]
        handler = self._handler(is_formatted, before)
        if not self._shows_traceback:
            handler.addFilter(_without_trace)
        _DLT.handlers[:] = [handler]
        try:
            yield
        finally:
            handler.removeFilter(_without_trace)
            _DLT.handlers[:] = before

    def _handler(self, is_formatted: bool, before: Sequence[logging.Handler]) -> logging.Handler:
        handler = logging.StreamHandler(sys.stderr)
        # without a format of the user's: a person needs neither process nor line of code
        plain = logging.Formatter("{levelname}: {message}", style="{")
        handler.setFormatter(before[0].formatter if is_formatted and before else plain)
        return handler

    def summary(self, reports: Sequence[AccountReport], place: str) -> None:
        """What a run did, in the end."""
        for report in reports:
            if report.failure:
                self.complain(f"FAILED {report.failure}")

    def results(self, reports: Sequence[ResultsReport]) -> None:
        """What a run did for results."""
        for report in reports:
            if report.failure:
                self.complain(f"FAILED {report.failure}")

    def alerts(self, alerts: Sequence[Alert], reported: Collection[TAccount] = frozenset()) -> None:
        """What a person should look at; of accounts in `reported`, no failure again."""
        left = [
            alert
            for alert in alerts
            if alert.kind not in FAILURES or (alert.provider, alert.account) not in reported
        ]
        if left:
            self._say("Alerts:")
        for alert in left:
            self._say(f"- {alert}")

    def verdicts(self, verdicts: Mapping[TAccount, Verdict]) -> None:
        """What `verify` found."""
        bad = {whose: verdict for whose, verdict in verdicts.items() if not verdict.is_good}
        if bad:
            print_verdicts(bad, self.console)

    def checked(self, found: Check) -> None:
        """What `check` found."""
        for text in failures(found):
            self.complain(text)
        self._trace(found)

    def note(self, text: str, **fields: Any) -> None:
        """Says what a person may want to know before anything is done; here: nothing."""

    def complain(self, text: str, error: BaseException | None = None) -> None:
        """Says what went wrong and what to do, on the error stream."""
        print_line(text, Console(stderr=True))
        if error and self._shows_traceback:
            print_line(shown_trace(error), Console(stderr=True))

    def _trace(self, found: Check) -> None:
        if found.destination.trace and self._shows_traceback:
            print_line(found.destination.trace, Console(stderr=True))

    def _say(self, text: str) -> None:
        print_line(text, self.console)


class Lines(Output):
    """Says in lines how far it has come, now and then, and in the end what was done."""

    def __init__(self, shows_traceback: bool = False) -> None:
        super().__init__(shows_traceback)
        self._spoke_at: dict[TAccount, float] = {}

    def note(self, text: str, **fields: Any) -> None:
        """Prints it, beside what is printed as a result."""
        print_line(text, Console(stderr=True))

    def reading(self, reading: Reading) -> None:
        """Prints a line if the last one is long ago."""
        if self._is_time(reading):
            print_line(sentence(reading), Console(stderr=True))

    def summary(self, reports: Sequence[AccountReport], place: str) -> None:
        """Prints the table of what was done."""
        print_summary(reports, place, self.console)

    def results(self, reports: Sequence[ResultsReport]) -> None:
        """Prints a line for each account."""
        print_results(reports, self.console)

    def verdicts(self, verdicts: Mapping[TAccount, Verdict]) -> None:
        """Prints all of them."""
        print_verdicts(verdicts, self.console)

    def checked(self, found: Check) -> None:
        """Prints all of it."""
        print_check(found, self.console)
        self._trace(found)

    def _is_time(self, reading: Reading) -> bool:
        whose, now = (reading.provider, reading.account), time.monotonic()
        is_time = now - self._spoke_at.setdefault(whose, now) >= SECONDS_BETWEEN_LINES
        if is_time:
            self._spoke_at[whose] = now
        return is_time


class Terminal(Lines):
    """Shows live what each provider is doing."""

    def __init__(self, shows_traceback: bool = False) -> None:
        super().__init__(shows_traceback)
        self._lock = Lock()
        self._tasks: dict[str, TaskID] = {}
        self._last: dict[TAccount, Reading] = {}
        self._live = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            TextColumn("{task.completed:>9,.0f} batches"),
            TextColumn("{task.fields[pages]:>6,} pages"),
            TextColumn("{task.fields[rate]:>7,.0f}/s"),
            TextColumn("{task.fields[state]}", markup=False),
            console=Console(stderr=True),
            transient=True,
        )

    def __enter__(self) -> "Terminal":
        self._live.start()
        self._redirect_log()
        return self

    def __exit__(self, *error: Any) -> None:
        self._live.stop()
        self._redirect_log()

    def _redirect_log(self) -> None:
        """Has the log follow the error stream, which the live display replaces for its time."""
        for handler in _DLT.handlers:
            if isinstance(handler, logging.StreamHandler):
                handler.setStream(sys.stderr)

    def reading(self, reading: Reading) -> None:
        """Moves the line of a provider on, whose accounts are read side by side."""
        with self._lock:
            name = reading.provider
            if name not in self._tasks:
                self._tasks[name] = self._live.add_task(name, total=None, pages=0, rate=0, state="")
            last = self._last.get((name, reading.account))
            rows, pages = (last.rows, last.pages) if last else (0, 0)
            self._last[name, reading.account] = reading
            task = self._live.tasks[self._tasks[name]]
            completed = task.completed + reading.rows - rows
            self._live.update(
                self._tasks[name],
                completed=completed,
                pages=task.fields["pages"] + reading.pages - pages,
                rate=completed / (task.elapsed or 1),
                state=shown(f"waiting ({reading.trouble})" if reading.trouble else reading.account),
            )

    def storing(self, rows: int) -> None:
        """Says so in each line."""
        with self._lock:
            for task in self._tasks.values():
                self._live.update(task, state="storing")


def sentence(reading: Reading) -> str:
    """How far the reading of a list has come, in words."""
    waits = f"; trying again after {reading.trouble}" if reading.trouble else ""
    whose = subject(reading.provider, reading.account)
    return f"{whose}: {reading.rows:,} batches, {reading.pages:,} pages{waits}"
