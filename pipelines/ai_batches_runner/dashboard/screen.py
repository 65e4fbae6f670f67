"""One viewer's screen: what was chosen, what was read for it, and the page made of both."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta, timezone
from typing import Any

import marimo as mo

from ..reading import TRow
from . import charts, page
from .queries import BREAKDOWNS, Filters, owners
from .session import Session, explain
from .view import DEFAULT_PERIOD, OWN_PERIOD, PERIODS, View, read_view, span


class Screen:
    """What a viewer sees.

    Args:
        session (Session): Answers the queries.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        # for when the widgets are made anew
        self._chosen: dict[str, Any] = {}
        self._owners: list[TRow] = []
        self._view: View | None = None
        self.problem: str | None = None
        """Why what is shown is not what was asked for."""

    def reload(self) -> list[TRow]:
        """Reads anew which providers and accounts there are; keeps what was read, on failure.

        Returns:
            list[TRow]: Provider and account of each; none where nothing was loaded yet.
        """
        self._session.forget()
        self.problem = None
        try:
            with self._session.asking() as ask:
                self._owners = ask(owners())
        except Exception as ex:
            # of any destination's driver
            self.problem = explain(ex)
        return self._owners

    def read(self, filters: Filters, breakdown: str, measure: str) -> View | None:
        """Reads what the page shows; what was read before, on failure."""
        if not self._owners:
            return None
        try:
            with self._session.asking(filters.near()) as ask:
                self._view = read_view(ask, filters, breakdown, measure)
            self.problem = None
        except Exception as ex:
            # of any destination's driver
            self.problem = explain(ex)
        return self._view

    def period(self) -> mo.ui.dropdown:
        """Chooses the span of days."""
        return mo.ui.dropdown(
            [*PERIODS, OWN_PERIOD],
            value=self._chosen.get("period", DEFAULT_PERIOD),
            label="Created",
            on_change=self._keep("period"),
        )

    def own_dates(self) -> mo.ui.date_range:
        """Chooses first and last day, for a period of one's own."""
        today = _today()
        return mo.ui.date_range(
            value=self._chosen.get("own_dates", (today - timedelta(29), today)),
            label="UTC days",
            on_change=self._keep("own_dates"),
        )

    def several(self, name: str) -> mo.ui.multiselect:
        """Chooses providers or accounts; none chosen means all."""
        options = sorted({row[name] for row in self._owners})
        return mo.ui.multiselect(
            options,
            value=[one for one in self._chosen.get(name, ()) if one in options],
            label=name.capitalize(),
            on_change=self._keep(name),
        )

    def measure(self) -> mo.ui.dropdown:
        """Chooses what to count over time."""
        names = {title: name for name, title in page.MEASURE_NAMES.items()}
        return mo.ui.dropdown(names, value="Batches", label="Show")

    def breakdown(self) -> mo.ui.dropdown:
        """Chooses by what to split it."""
        return mo.ui.dropdown(list(BREAKDOWNS), value="provider", label="by")

    def filters(
        self,
        period: str,
        own_dates: tuple[date, date],
        providers: Sequence[str],
        accounts: Sequence[str],
    ) -> Filters:
        """What was chosen, as conditions."""
        first, last = span(period, own_dates, _today())
        return Filters(first, last, tuple(providers), tuple(accounts))

    def notice(self) -> mo.Html | None:
        """Says why there is nothing, or nothing new, to see."""
        if self.problem:
            shown = " Shown is what was read before." if self._view else ""
            return mo.Html(
                page.notice(f"{self.problem}{shown} Press Refresh to look again.", "warning")
            )
        if not self._owners:
            return mo.Html(
                page.notice(
                    "Nothing was loaded yet: the table holds no batch. Run ai-batches, then press"
                    " Refresh."
                )
            )
        return None

    def body(
        self, view: View | None, measure: mo.ui.dropdown, breakdown: mo.ui.dropdown
    ) -> mo.Html | None:
        """The figures."""
        if view is None:
            return None
        colours = charts.colours(view.series, breakdown.value)
        return mo.Html(
            page.whole(
                view,
                datetime.now(timezone.utc),
                page.Charts(
                    controls=f"{measure}{breakdown}",
                    over_time=_html(charts.over_time(view, colours, measure.value)),
                    legend=page.series_table(view.series, colours, breakdown.value, measure.value),
                    outcomes=_html(charts.outcomes(view.providers)),
                    durations=_html(charts.durations(view.durations)),
                ),
                charts.OUTCOME_COLOURS,
            )
        )

    def _keep(self, name: str) -> Callable[[Any], None]:
        def keep(value: Any) -> None:
            self._chosen[name] = value

        return keep


def _html(chart: Any) -> str:
    return f"{mo.as_html(chart)}"


def _today() -> date:
    return datetime.now(timezone.utc).date()
