"""The charts; light or dark as marimo's theme is."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import altair as alt

from ai_batches import shown

from ..sql.reader import TRow
from .formats import duration, percent, whole_number
from .queries import OUTCOMES, PERCENTILES
from .view import MEASURE_NAMES, NOT_REPORTED, OTHERS, View

_PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C6BB1", "#A6761D")
"""Okabe and Ito's, which the colour-blind can tell apart, without the very light and dark ones."""
_PALE = tuple(f"{colour}80" for colour in _PALETTE)
_GREY = "#8A8F98"

# completed, failed, expired, cancelled: the usual outcome stays in the background
_OUTCOME_COLOURS = dict(zip(OUTCOMES, ("#7FA7BF", "#D55E00", "#E6B800", _GREY), strict=True))

_TICKS = (1, 10, 60, 600, 3_600, 6 * 3_600, 86_400, 7 * 86_400, 30 * 86_400)

_PROVIDERS = alt.Y("Provider:N").axis(title=None, grid=False)


def colours(view: View) -> dict[str, str]:
    """A colour for each of the 16 largest series; the others are grey."""
    largest = [name for name in view.series if name not in (OTHERS, NOT_REPORTED)]
    chosen = dict(zip(largest, _PALETTE + _PALE, strict=False))
    return {name: chosen.get(name, f"{_GREY}70") for name in view.series}


def over_time(view: View, shown: dict[str, str], measure: str) -> alt.TopLevelMixin:
    """Stacked bars, one per day or week."""
    step, time = (7, "Week of") if view.is_weekly else (1, "Day (UTC)")
    title = MEASURE_NAMES[measure]
    first, last = view.first_on or date.today(), view.last_on or date.today()
    # days are UTC in every time zone of a reader: so they are words here
    style = "%-d %b %y" if first.year < last.year else "%-d %b"
    days = [first + timedelta(away) for away in range(0, (last - first).days + 1, step)]
    rows = [
        {"label": f"{day:{style}}", time: f"{day}", "Part": name, "place": place, title: amount}
        for place, (name, points) in enumerate(view.series.items())
        for day, amount in points.items()
    ]
    scale = alt.Scale(domain=[f"{day:{style}}" for day in days], paddingInner=0.06)
    x_axis = alt.Axis(title=None, labelAngle=0, labelOverlap="greedy", labelSeparation=12)
    # SI says G, people say B
    amounts = "replace(format(datum.value, '~s'), 'G', 'B')"
    chart = alt.Chart(alt.InlineData(values=rows)).mark_bar()
    chart = chart.encode(
        x=alt.X("label:O", sort=None, scale=scale, axis=x_axis),
        y=alt.Y(f"{title}:Q").axis(title=None, tickCount=5, labelExpr=amounts),
        color=_colour("Part", shown).legend(None),
        # the largest is at the bottom
        order="place:Q",
        tooltip=[f"{time}:N", "Part:N", alt.Tooltip(f"{title}:Q", format=",")],
    )
    return _finish(chart, 240, f"{title} over time")


def outcomes(view: View) -> alt.TopLevelMixin:
    """One bar of 100 % per provider, split by how its batches ended."""
    rows = [
        {
            "Provider": provider,
            "Ended as": word,
            "place": place,
            "batches": row[word] or 0,
            "Share": f"{percent(row[word] or 0, ended)} ({whole_number(row[word] or 0)})",
        }
        for provider, row, ended in view.ended
        for place, word in enumerate(OUTCOMES)
    ]
    chart = alt.Chart(alt.InlineData(values=rows)).mark_bar(size=14)
    chart = chart.encode(
        x=alt.X("batches:Q").stack("normalize").axis(title=None, format="%", tickCount=5),
        y=_PROVIDERS,
        color=_colour("Ended as", _OUTCOME_COLOURS).legend(title=None, orient="top", columns=2),
        order="place:Q",
        tooltip=["Provider:N", "Ended as:N", "Share:N"],
    )
    return _finish(chart, alt.Step(26), "How batches ended, by provider")


def durations(rows: Sequence[TRow]) -> alt.TopLevelMixin:
    """A box per provider: the middle half, the median in it, and a line from p5 to p95."""
    names = {one: "median" if one == 50 else f"p{one}" for one in PERCENTILES}
    values = [
        {
            "Provider": row["provider"],
            # a logarithm has no place for 0 seconds
            **{f"s{one}": max(1, row[f"p{one}"]) for one in names},
            **{name: duration(row[f"p{one}"]) for one, name in names.items()},
        }
        for row in rows
    ]
    low = min((row["s5"] for row in values), default=1)
    high = max((row["s95"] for row in values), default=1)
    ticks = [tick for tick in _TICKS if low / 4 <= tick <= high * 4] or [1]
    words = " : ".join(f"datum.value == {tick} ? '{duration(tick)}'" for tick in ticks)
    axis = alt.Axis(title=None, values=ticks, labelExpr=f"{words} : ''", labelOverlap=True)
    scale = alt.Scale(type="log", domain=[min(low, ticks[0]), max(high, ticks[-1])], nice=False)
    base = alt.Chart(alt.InlineData(values=values)).encode(
        y=_PROVIDERS, tooltip=["Provider:N", *(f"{name}:N" for name in names.values())]
    )
    line = base.mark_rule(strokeWidth=2, color=_PALETTE[0])
    chart = alt.layer(
        line.encode(x=alt.X("s5:Q", scale=scale, axis=axis), x2="s95:Q"),
        base.mark_bar(size=14, color=_PALETTE[0]).encode(x="s25:Q", x2="s75:Q"),
        base.mark_tick(thickness=3, size=14, color="white").encode(x="s50:Q"),
    )
    return _finish(chart, alt.Step(26), "Time from created to ended, by provider")


def error_codes(rows: Sequence[TRow]) -> alt.TopLevelMixin:
    """A bar per error code, the most frequent on top."""
    values = [
        {"Error": shown(row["error_code"] or NOT_REPORTED), "Requests": row["requests"]}
        for row in rows
    ]
    chart = alt.Chart(alt.InlineData(values=values)).mark_bar(size=14, color=_PALETTE[5])
    chart = chart.encode(
        x=alt.X("Requests:Q").axis(title=None, tickCount=5),
        y=alt.Y("Error:N", sort=None).axis(title=None, grid=False, labelLimit=220),
        tooltip=["Error:N", alt.Tooltip("Requests:Q", format=",")],
    )
    return _finish(chart, alt.Step(26), "Failed requests by error code")


def _colour(name: str, shown: dict[str, str]) -> alt.Color:
    return alt.Color(f"{name}:N").scale(domain=list(shown), range=list(shown.values()))


def _finish(chart: Any, height: int | alt.Step, description: str) -> alt.TopLevelMixin:
    # SVG is read by screen readers
    embedding = {"embedOptions": {"renderer": "svg", "actions": False}}
    chart = chart.properties(
        width="container",
        height=height,
        description=description,
        usermeta=embedding,
    )
    chart = chart.configure(background="transparent", font="PT Sans, sans-serif")
    chart = chart.configure_view(stroke=None).configure_legend(labelFontSize=12)
    made: alt.TopLevelMixin = chart.configure_axis(
        domain=False, ticks=False, gridColor=f"{_GREY}40", labelPadding=6, labelFontSize=12
    )
    return made
