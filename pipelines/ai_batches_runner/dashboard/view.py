"""What the page shows at a time: answers of the destination, put together."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from ..reading import TRow
from . import queries
from .queries import BREAKDOWNS, MEASURES, OUTCOMES, Filters
from .session import TAsk

PERIODS = {"Last 7 days": 7, "Last 30 days": 30, "Last 90 days": 90, "All time": None}
"""Names of the spans of days up to today (UTC), to their lengths."""
OWN_PERIOD = "Own dates"
DEFAULT_PERIOD = "Last 30 days"

WEEKLY_BEYOND = 120
"""Days from which on a span is shown by week."""

OTHERS = "all others"
UNTOLD = "not told"


@dataclass(frozen=True)
class Series:
    """One part of what is counted over time."""

    name: str
    points: dict[date, float]
    """Amounts by day, or by the Monday of a week."""

    @property
    def total(self) -> float:
        """Over the whole span."""
        return sum(self.points.values())


@dataclass(frozen=True)
class View:
    """Everything below the filters."""

    runs: list[TRow]
    """The last one of each provider and account; none where no runs are recorded."""
    as_of: datetime | None
    """When anything was last loaded."""
    providers: dict[str, TRow]
    """Sums by provider over the span: the measures, and how batches ended."""
    series: list[Series]
    """The largest first; all others last."""
    since: date | None
    """First and last day that were chosen."""
    until: date | None
    first_on: date | None
    """The days that the amounts over time are of."""
    last_on: date | None
    is_weekly: bool
    """Whether a point of a series is a week, by its Monday."""
    open: list[TRow]
    durations: list[TRow]
    failures: list[TRow]
    undated: int = 0
    """Batches whose time of creation could not be read; they are in no figure over time."""

    def total(self, name: str) -> int | None:
        """A measure or an outcome, over all providers; None where no provider tells it."""
        return _sum(row[name] for row in self.providers.values())

    @property
    def open_batches(self) -> int:
        """How many are open now."""
        return int(self.open[0]["open_batches"]) if self.open else 0

    @property
    def stuck_batches(self) -> int:
        """How many of these are stuck."""
        return int(self.open[0]["stuck_batches"] or 0) if self.open else 0


def span(period: str, own: Sequence[date], today: date) -> tuple[date | None, date | None]:
    """First and last day of a period by its name; None where it has no end.

    Args:
        period (str): One of `PERIODS` or `OWN_PERIOD`.
        own (Sequence[date]): First and last day of the latter.
        today (date): The day that it is in UTC.
    """
    if period == OWN_PERIOD:
        return own[0], own[1]
    days = PERIODS[period]
    return (today - timedelta(days - 1) if days else None), None


def read_view(ask: TAsk, filters: Filters, breakdown: str, measure: str) -> View:
    """Asks for all that the page shows.

    Args:
        ask (TAsk): Answers queries.
        filters (Filters): Which batches count.
        breakdown (str): By what to split the amounts over time, one of `BREAKDOWNS`.
        measure (str): What to count over time, one of `MEASURES`.
    """
    if breakdown not in BREAKDOWNS or measure not in MEASURES:
        raise ValueError("no such column")
    runs = ask(queries.last_runs())
    days = ask(queries.days(filters))
    amounts = days
    if breakdown != "provider":
        largest = ask(queries.largest_series(filters, breakdown, measure))
        names = [row["series"] for row in largest]
        # a single one more needs no name for all others
        shown = names if len(names) <= queries.SHOWN_SERIES else names[:-1]
        amounts = ask(queries.volumes(filters, breakdown, shown))
    dated = [row["created_on"] for row in days if row["created_on"]]
    first, last = filters.first_on, filters.last_on
    if dated:
        first, last = first or min(dated), last or max(dated)
    is_weekly = bool(first and last and (last - first).days >= WEEKLY_BEYOND)
    if is_weekly and first:
        first -= timedelta(first.weekday())
    return View(
        runs=runs,
        as_of=_as_of(runs, ask),
        providers=_by_provider(days),
        series=_series(
            amounts, "provider" if breakdown == "provider" else "series", measure, is_weekly
        ),
        since=filters.first_on,
        until=filters.last_on,
        first_on=first,
        last_on=last,
        is_weekly=is_weekly,
        open=ask(queries.longest_open(filters)),
        durations=ask(queries.durations(filters)),
        failures=ask(queries.newest_failures(filters)),
        undated=sum(row["batches"] for row in ask(queries.undated(filters))),
    )


def _as_of(runs: Sequence[TRow], ask: TAsk) -> datetime | None:
    moments = [row["loaded_at"] for row in runs if row["loaded_at"]]
    if not moments:
        moments = [row["loaded_at"] for row in ask(queries.last_load()) if row["loaded_at"]]
    return max(moments, default=None)


def _by_provider(days: Sequence[TRow]) -> dict[str, TRow]:
    names = (*MEASURES, *OUTCOMES, "untold", "partly")
    return {
        provider: {
            name: _sum(row[name] for row in days if row["provider"] == provider) for name in names
        }
        for provider in sorted({row["provider"] for row in days})
    }


def _series(rows: Sequence[TRow], key: str, measure: str, is_weekly: bool) -> list[Series]:
    points: dict[str, dict[date, float]] = {}
    for row in rows:
        day = row["created_on"]
        if day is None or not row[measure]:
            continue
        name = OTHERS if row[key] is None else row[key] or UNTOLD
        start = day - timedelta(day.weekday()) if is_weekly else day
        amounts = points.setdefault(name, {})
        amounts[start] = amounts.get(start, 0) + row[measure]
    made = [Series(name, amounts) for name, amounts in points.items()]
    return sorted(made, key=lambda one: (one.name == OTHERS, -one.total, one.name))


def _sum(values: Any) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
