"""What a command reports in JSON, for programs to read."""

import logging
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from ai_batches import Reading, shown_fields, shown_message, subject

from ..inspect.alert import Alert
from ..inspect.check import AccountCheck, Check
from ..inspect.verify import Verdict
from ..run.report import AccountReport, TAccount
from ..run.results import ResultsReport
from .output import Lines, sentence


class JsonLines(Lines):
    """One line of JSON an event, on standard output, dlt's own warnings included.

    Args:
        shows_traceback (bool): Whether an error has its stack trace.
        level (int): Events below this level of `logging` are left out.
    """

    def __init__(self, shows_traceback: bool = False, level: int = logging.INFO) -> None:
        super().__init__(shows_traceback)
        self._json_handler = logging.StreamHandler(sys.stdout)
        self._json_handler.setFormatter(
            JsonFormatter(
                "{levelname}{message}",
                style="{",
                rename_fields={"levelname": "level"},
                timestamp="time",
            )
        )
        self._logger = logging.getLogger("ai_batches_runner")
        self._logger.setLevel(level)
        self._logger.handlers = [self._json_handler]
        self._logger.propagate = False

    def _handler(self, is_formatted: bool, before: Sequence[logging.Handler]) -> logging.Handler:
        return self._json_handler

    def note(self, text: str, **fields: Any) -> None:
        """Logs it as an event with these fields."""
        self._log("note", text, **fields)

    def reading(self, reading: Reading) -> None:
        """Logs that a list is being read."""
        if self._is_time(reading):
            self._log("reading", sentence(reading), **reading._asdict())

    def storing(self, rows: int) -> None:
        """Logs that rows are being stored."""
        self._log("storing", f"storing {rows:,} batches", batches=rows)

    def summary(self, reports: Sequence[AccountReport], place: str) -> None:
        """Logs the report of each account."""
        for report in reports:
            whose = subject(report.provider, report.account)
            self._log(
                "account",
                report.failure or f"{whose}: {report.result}",
                logging.ERROR if report.error else logging.INFO,
                **asdict(report),
                result=report.result.lower(),
            )

    def results(self, reports: Sequence[ResultsReport]) -> None:
        """Logs which results were read, for each account."""
        for report in reports:
            whose = subject(report.provider, report.account)
            self._log(
                "results",
                report.failure or f"{whose}: {report.lines:,} lines of results",
                logging.ERROR if report.error else logging.INFO,
                **asdict(report),
            )

    def storing_results(self, lines: int) -> None:
        """Logs that results are being stored."""
        self._log("storing_results", f"storing results, {lines:,} lines", lines=lines)

    def alerts(self, alerts: Sequence[Alert], reported: Collection[TAccount] = frozenset()) -> None:
        """Logs each alert."""
        for alert in alerts:
            self._log("alert", str(alert), logging.WARNING, **alert._asdict())

    def verdicts(self, verdicts: Mapping[TAccount, Verdict]) -> None:
        """Logs the verdict on each account."""
        for (provider, account), verdict in verdicts.items():
            self._log(
                "verified",
                f"{subject(provider, account)}: {verdict.result}",
                logging.INFO if verdict.is_good else logging.ERROR,
                provider=provider,
                account=account,
                **asdict(verdict),
            )

    def checked(self, found: Check) -> None:
        """Logs the finding on each account, and on the destination."""
        for each in found.accounts:
            whose = subject(each.provider, each.account)
            self._log(
                "checked_account",
                each.failure or f"{whose}: works",
                _level_of(each),
                provider=each.provider,
                account=each.account,
                is_good=not each.error,
                error=each.error,
                error_type=each.error_type,
                unusual=list(each.unusual),
            )
        destination = found.destination
        self._log(
            "checked_destination",
            destination.error or f"{destination.place}: {destination.result}",
            logging.ERROR if destination.error else logging.INFO,
            place=destination.place,
            is_good=not destination.error,
            error=destination.error,
            untried=destination.untried or None,
            trace=destination.trace or None if self._shows_traceback else None,
        )

    def complain(self, text: str, error: BaseException | None = None) -> None:
        """Logs an error."""
        self._log("error", text, logging.ERROR, error if self._shows_traceback else None)

    def _say(self, text: str) -> None:
        self._log("message", text)

    def _log(
        self,
        event: str,
        text: str,
        level: int = logging.INFO,
        error: BaseException | None = None,
        /,
        **fields: Any,
    ) -> None:
        trace: str | None = fields.pop("trace", None)
        extra = {"event": event, **shown_fields(fields)}
        if trace:
            extra["trace"] = shown_message(trace)
        self._logger.log(level, text, exc_info=error, extra=extra)


def _level_of(found: AccountCheck) -> int:
    if found.error:
        return logging.ERROR
    return logging.WARNING if found.unusual else logging.INFO
