"""The figures of one view of the page, read from the destination."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from ai_batches import shown

from ..inspect.budgets import Budget, Spend
from ..sql.reader import TRow
from . import queries
from .queries import MEASURES, OUTCOMES, Filters

PERIODS = {"Last 7 days": 7, "Last 30 days": 30, "Last 90 days": 90, "All time": None}
"""Days up to today (UTC), by name of the period."""
OWN_PERIOD = "Own dates"
DEFAULT_PERIOD = "Last 30 days"

WEEKLY_BEYOND = 120
"""Days from which on a period is shown by week."""

MEASURE_NAMES = {
    "batches": "Batches",
    "requests": "Requests",
    "failed_requests": "Failed requests",
    "tokens": "Tokens",
    "cost": "Cost in USD",
}

OTHERS = "all others"
NOT_REPORTED = "not reported"

TAsk = Callable[[str], list[TRow]]
"""Answers a query."""


class RequestErrors(NamedTuple):
    """Requests that have no result, by three columns; the most frequent first."""

    codes: list[TRow]
    models: list[TRow]
    batches: list[TRow]
    """By batch, outcome and code."""


@dataclass(frozen=True)
class View:
    """Everything below the filters."""

    filters: Filters
    runs: list[TRow]
    """The last run of each provider and account; empty if no runs are recorded."""
    as_of: datetime | None
    """Time of the last load."""
    providers: dict[str, TRow]
    """By provider: the measures and outcomes over the period."""
    series: dict[str, dict[date, float]]
    """Amounts by part, and by day or the Monday of a week; the largest part first, others last."""
    unpriced: dict[str, int]
    """Batches without a known cost, by part."""
    first_on: date | None
    """First and last day of `series`."""
    last_on: date | None
    is_weekly: bool
    """Whether `series` is by week."""
    open: list[TRow]
    durations: list[TRow]
    failures: list[TRow]
    errors: RequestErrors | None
    """None if no results were read, ever."""
    undated: int
    """Batches without a readable creation time; they are in no figure over time."""
    budgets: Sequence[tuple[Budget, Spend]]
    """Budgets, and what was spent of each in the month so far, regardless of filters."""

    def total(self, name: str) -> float | None:
        """A measure or an outcome over all providers; None if no provider reports it."""
        return _sum(row[name] for row in self.providers.values())

    @property
    def ended(self) -> list[tuple[str, TRow, float]]:
        """Provider, its figures, and how many of its batches ended, if any did."""
        counted = [
            (provider, row, _sum(row[word] for word in OUTCOMES))
            for provider, row in self.providers.items()
        ]
        return [(provider, row, ended) for provider, row, ended in counted if ended]

    def now(self, name: str) -> int:
        """`open_batches` or `stuck_batches`."""
        return int(self.open[0][name] or 0) if self.open else 0


def span(period: str, own: Sequence[date], today: date) -> tuple[date | None, date | None]:
    """First and last day of a period; None for no limit.

    Args:
        period (str): One of `PERIODS` or `OWN_PERIOD`.
        own (Sequence[date]): First and last day of `OWN_PERIOD`.
        today (date): The current day in UTC.
    """
    if period == OWN_PERIOD:
        return own[0], own[1]
    days = PERIODS[period]
    return (today - timedelta(days - 1) if days else None), None


def read_view(
    ask: TAsk,
    filters: Filters,
    breakdown: str,
    measure: str,
    budgets: Sequence[tuple[Budget, Spend]] = (),
) -> View:
    """Reads all that the page shows.

    Args:
        ask (TAsk): Answers queries.
        filters (Filters): Which batches count.
        breakdown (str): By what to split the amounts over time, one of `BREAKDOWNS` or a label.
        measure (str): What to count over time, one of `MEASURES`.
        budgets (Sequence[tuple[Budget, Spend]]): To show beside it.

    Returns:
        View: The figures.
    """
    runs = ask(queries.last_runs())
    loads = runs if any(row["loaded_at"] for row in runs) else ask(queries.last_load())
    days = ask(queries.days(filters))
    amounts = days
    if breakdown != "provider":
        largest = ask(queries.largest_series(filters, breakdown, measure))
        names = [row["series"] for row in largest]
        # a single one more is shown by its own name
        shown = names if len(names) <= queries.SHOWN_SERIES else names[:-1]
        amounts = ask(queries.volumes(filters, breakdown, shown))
    dated = [row["created_on"] for row in days if row["created_on"]]
    first, last = filters.first_on, filters.last_on
    if dated:
        first, last = first or min(dated), last or max(dated)
    key = "provider" if breakdown == "provider" else "series"
    is_weekly = bool(first and last and (last - first).days >= WEEKLY_BEYOND)
    if is_weekly and first:
        first -= timedelta(first.weekday())
    return View(
        filters=filters,
        runs=runs,
        as_of=max((row["loaded_at"] for row in loads if row["loaded_at"]), default=None),
        providers=_by_provider(days),
        series=_series(amounts, key, measure, is_weekly),
        unpriced=_unpriced(amounts, key),
        first_on=first,
        last_on=last,
        is_weekly=is_weekly,
        open=ask(queries.longest_open(filters)),
        durations=ask(queries.durations(filters)),
        failures=ask(queries.newest_failures(filters)),
        errors=_errors(ask, filters),
        undated=sum(row["batches"] for row in ask(queries.undated(filters))),
        budgets=budgets,
    )


def _errors(ask: TAsk, filters: Filters) -> RequestErrors | None:
    if not ask(queries.any_results()):
        return None
    return RequestErrors(
        ask(queries.error_codes(filters)),
        ask(queries.error_models(filters)),
        ask(queries.error_batches(filters)),
    )


def _by_provider(days: Sequence[TRow]) -> dict[str, TRow]:
    names = (*MEASURES, *OUTCOMES, "no_status", "partly_failed", "unpriced")
    return {
        provider: {
            name: _sum(row[name] for row in days if row["provider"] == provider) for name in names
        }
        for provider in sorted({row["provider"] for row in days})
    }


def _series(
    rows: Sequence[TRow], key: str, measure: str, is_weekly: bool
) -> dict[str, dict[date, float]]:
    points: dict[str, dict[date, float]] = {}
    for row in rows:
        day = row["created_on"]
        if day is None or not row[measure]:
            continue
        name = _name(row[key])
        start = day - timedelta(day.weekday()) if is_weekly else day
        amounts = points.setdefault(name, {})
        amounts[start] = amounts.get(start, 0) + row[measure]
    order = sorted(points, key=lambda name: (name == OTHERS, -sum(points[name].values()), name))
    return {name: points[name] for name in order}


def _unpriced(rows: Sequence[TRow], key: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in rows:
        if row["created_on"] is not None:
            name = _name(row[key])
            counts[name] = counts.get(name, 0) + int(row["unpriced"] or 0)
    return counts


def _name(series: str | None) -> str:
    return OTHERS if series is None else shown(series) or NOT_REPORTED


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
