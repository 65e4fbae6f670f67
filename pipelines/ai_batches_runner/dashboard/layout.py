"""The page below the filters, as marimo's widgets."""

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

import marimo as mo

from . import charts, tables
from .formats import ago, moment, percent, short_number, usd, whole_number
from .view import RequestErrors, View


class Section(mo.Html):
    """A part of the page with a heading.

    Args:
        name (str): Its id.
        title (str): The heading.
        parts (Sequence[object]): What it shows.
        note (str): Explains it.
    """

    def __init__(self, name: str, title: str, parts: Sequence[object], note: str) -> None:
        # marimo forgets a table that nothing refers to
        self.parts = parts
        super().__init__(
            f'<section class="card" id="{name}"><h2>{title}</h2>{mo.vstack(parts)}'
            f'<p class="note">{escape(note)}</p></section>'
        )


def notice(problem: str, any_loaded: bool, view: View | None) -> mo.Html | None:
    """Says why there is nothing, or nothing new, to see."""
    if problem:
        shown = " The figures are those read before." if view else ""
        text, kind = f"{problem}{shown} Press Refresh to try again.", "warn"
    elif not any_loaded:
        text = "No batches loaded yet. Run ai-batches, then press Refresh."
        kind = "info"
    else:
        return None
    return mo.callout(mo.Html(f'<p role="status">{escape(text)}</p>'), kind)  # type: ignore[arg-type]


def page(view: View, measure: mo.ui.dropdown, breakdown: mo.ui.dropdown) -> mo.Html:
    """All that is below the filters."""
    colours = charts.colours(view)
    undated = f" {whole_number(view.undated)} without a creation time are left out."
    silent = [name for name, row in view.providers.items() if row["no_status"] == row["batches"]]
    without = f" Without a status: {', '.join(silent)}." if silent else ""
    ended = Section(
        "outcome",
        "How batches ended",
        [charts.outcomes(view), tables.outcomes(view)],
        f"Of the batches created in the period that ended.{without}",
    )
    durations = Section(
        "duration",
        "Time from created to ended",
        [charts.durations(view.durations), tables.durations(view)],
        "Of the batches created in the period, completed or not, if the provider reports when they"
        " ended. Bar: the middle half; white: the median; line: p5 to p95; logarithmic scale.",
    )
    return mo.vstack(
        [
            _freshness(view, datetime.now(UTC)),
            _tiles(view),
            Section(
                "open",
                "Open for longest",
                [tables.longest_open(view)],
                "Open batches, now, whenever created. Stuck: open beyond the completion window, or"
                f" for more than a day if there is none.{without}",
            ),
            Section(
                "volume",
                "Over time",
                [
                    mo.hstack([measure, breakdown], justify="start", gap=1),
                    charts.over_time(view, colours, measure.value),
                    tables.series(view, colours, breakdown.value, measure.value),
                ],
                f"{_period(view)}. A batch listed by several accounts or through a gateway counts"
                f" once, as its vendor's.{undated if view.undated else ''}",
            ),
            *([_budgets(view)] if view.budgets else []),
            mo.hstack([ended, durations], widths="equal", wrap=True, gap=1),
            Section(
                "failure",
                "Newest failures",
                [tables.failures(view)],
                "Batches created in the period that failed, expired or were cancelled."
                f" {whole_number(view.total('partly_failed') or 0)} more completed with failed"
                " requests.",
            ),
            *([_errors(view.errors)] if view.errors else []),
        ],
        gap=1,
    )


def _budgets(view: View) -> Section:
    month = view.budgets[0][1].month
    return Section(
        "budgets",
        "Budgets",
        [tables.budgets(view)],
        f"Batches created in {month} (UTC), regardless of filters. `Spent` leaves out those whose"
        " cost is not known.",
    )


def _errors(errors: RequestErrors) -> Section:
    """Failed requests, of batches whose results were read."""
    parts: list[object] = [mo.md("No request failed.")]
    if errors.codes:
        parts = [
            charts.error_codes(errors.codes),
            mo.hstack(
                [tables.error_codes(errors.codes), tables.error_models(errors.models)],
                widths="equal",
                wrap=True,
                gap=1,
            ),
            tables.error_batches(errors.batches),
        ]
    return Section(
        "errors",
        "Failed requests",
        parts,
        "Requests without a result, of the batches created in the period whose results were read:"
        " the most frequent errors, the models, and the batches with the most of one error.",
    )


def _period(view: View) -> str:
    first, last = view.filters.first_on or view.first_on, view.last_on
    days = f", {first} to {last}" if first and last else ""
    return f"By {'week' if view.is_weekly else 'day'} of creation (UTC){days}"


def _freshness(view: View, now: datetime) -> mo.Html:
    label = f'Data as of <strong id="as-of">{moment(view.as_of)} UTC</strong>'
    label += f" ({ago(view.as_of, now)})" if view.as_of else ""
    if not view.runs:
        return mo.Html(f'<p id="no-runs">{label}; no runs recorded</p>')
    for word in ("ok", "partial", "failed"):
        count = sum(row["result"] == word for row in view.runs)
        label += f" {tables.badge(word, f'{count} {word}')}" if count else ""
    note = "The last run of every account, regardless of filters."
    return mo.accordion(
        {f"<span>{label}</span>": mo.vstack([tables.runs(view, now), mo.Html(f"<p>{note}</p>")])}
    )


def _tiles(view: View) -> mo.Html:
    ended = sum(count for _, _, count in view.ended)
    completed = view.total("completed") if ended else None
    stuck = view.now("stuck_batches")
    requests, failed = view.total("requests"), view.total("failed_requests")
    cost, unpriced = view.total("cost"), view.total("unpriced")
    return mo.hstack(
        [
            _tile("Open", view.now("open_batches"), "now, whenever created"),
            _tile("Stuck", stuck, "open too long", is_bad=stuck > 0),
            _tile("Batches", view.total("batches"), "created in the period"),
            _tile("Requests", requests, f"{percent(failed, requests)} of them failed"),
            _tile("Tokens", view.total("tokens"), "as far as reported"),
            _tile("Cost", cost, f"USD; {whole_number(unpriced)} batches without", usd(cost)),
            _tile(
                "Completed", completed, f"of {whole_number(ended)} ended", percent(completed, ended)
            ),
        ],
        widths="equal",
        wrap=True,
        gap=0.75,
    )


def _tile(
    label: str, value: float | None, caption: str, shown: str = "", is_bad: bool = False
) -> mo.Html:
    stat = mo.stat(
        shown or short_number(value),
        label=label,
        caption=caption,
        bordered=True,
        slot=mo.Html('<b class="badge bad">!</b>') if is_bad else None,
    )
    exact = "" if value is None else value
    return mo.Html(
        f'<div id="tile-{label.lower()}" data-value="{exact}"'
        f' title="{whole_number(value)}">{stat}</div>'
    )
