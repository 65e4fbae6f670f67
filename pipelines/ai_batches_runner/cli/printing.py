"""The tables and sentences that commands print."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ai_batches import shown, shown_message, subject

from ..inspect.check import Check, failures, oddities
from ..inspect.verify import Verdict
from ..run.report import AccountReport, TAccount
from ..run.results import ResultsReport

SHOWN_IDS = 5


def print_line(text: str, console: Console) -> None:
    """Prints a message without any markup, on one line: a log keeps a sentence together."""
    message = shown_message(text)
    console.print(message, markup=False, emoji=False, highlight=False, soft_wrap=True)


def print_json(value: Mapping[str, Any]) -> None:
    """Prints an object on one line of standard output, for a program to read."""
    # ASCII: any terminal and any program takes it, and nothing of it is a control character
    sys.stdout.write(json.dumps(value) + "\n")


def print_results(reports: Sequence[ResultsReport], console: Console) -> None:
    """Prints what was read of results, a line an account, and what failed."""
    for report in reports:
        files = ", ".join(
            f"{count:,} {word.replace('_', ' ')}" for word, count in sorted(report.files.items())
        )
        more = "; more in the next run" if report.is_partial else ""
        whose = subject(report.provider, report.account)
        print_line(
            f"Results of {whose}: files {files or 'none'}; {report.lines:,} lines{more}", console
        )
        if report.failure:
            print_line(f"FAILED {report.failure}", console)


def print_summary(reports: Sequence[AccountReport], place: str, console: Console) -> None:
    """Prints the reports as a table, and below it what failed and where the rows are."""
    table = Table(box=None, pad_edge=False, collapse_padding=console.width < 100)
    for heading in ("provider", "account"):
        table.add_column(heading, overflow="fold")
    for heading in ("read", "new", "changed", "open now", "requests", "seconds"):
        # in a narrow log, names may be folded, but no number be cut
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("result")
    for report in reports:
        table.add_row(
            _cell(report.provider),
            _cell(report.account),
            f"{report.read:,}",
            f"{report.new:,}",
            _number(report.changed),
            _number(report.open),
            f"{report.requests:,}",
            f"{report.seconds:.1f}",
            report.result,
        )
    console.print(table)
    for report in reports:
        if report.failure:
            print_line(f"FAILED {report.failure}", console)
    print_line(place, console)


def print_verdicts(verdicts: Mapping[TAccount, Verdict], console: Console) -> None:
    """Prints the verdicts as a table, and below it some ids of each kind."""
    table = Table(box=None, pad_edge=False)
    for heading in ("provider", "account"):
        table.add_column(heading, overflow="fold")
    for heading in ("listed", "missing", "stale", "no longer listed"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("result")
    for (provider, account), verdict in sorted(verdicts.items()):
        numbers = (verdict.listed, *map(len, (verdict.missing, verdict.stale, verdict.unlisted)))
        shares = (f"{number:,}" for number in numbers)
        table.add_row(_cell(provider), _cell(account), *shares, verdict.result)
    console.print(table)
    for (provider, account), verdict in sorted(verdicts.items()):
        whose = subject(provider, account)
        if verdict.error:
            print_line(f"FAILED {verdict.error}", console)
        kinds = {
            "missing": verdict.missing,
            "stale": verdict.stale,
            "no longer listed": verdict.unlisted,
        }
        for word, ids in kinds.items():
            if ids:
                more = f" and {len(ids) - SHOWN_IDS} more" if len(ids) > SHOWN_IDS else ""
                named = ", ".join(map(shown, ids[:SHOWN_IDS]))
                print_line(f"{whose}, {word}: {named}{more}", console)


def print_check(found: Check, console: Console) -> None:
    """Prints a table of the accounts, the destination, and below them what is unusual or wrong."""
    table = Table(box=None, pad_edge=False)
    for heading in ("provider", "account", "key"):
        table.add_column(heading, overflow="fold")
    for each in found.accounts:
        key = "FAILED" if each.error else "works"
        table.add_row(_cell(each.provider), _cell(each.account), key)
    console.print(table)
    destination = found.destination
    place = f"{destination.place}: {destination.result}"
    for text in (place, *oddities(found), *failures(found)):
        print_line(text, console)


def _cell(text: str | None) -> Text:
    # an account may be called [eu] or :eu:, which must not be read as markup
    return Text(shown(text or ""))


def _number(value: int | None) -> str:
    return "?" if value is None else f"{value:,}"
