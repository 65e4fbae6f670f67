"""The charts. Their lines and letters take the page's colours by CSS, light or dark."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import altair as alt

from ai_batches import PROVIDERS

from ..reading import TRow
from .page import MEASURE_NAMES, duration, percent, whole_number
from .queries import OUTCOMES
from .view import OTHERS, UNTOLD, Series, View

_PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C6BB1", "#A6761D")
"""Okabe's and Ito's, which the colour-blind can tell apart, without those too pale or too dark."""
_NEUTRAL = {OTHERS: "#8A8F98", UNTOLD: "#B5BAC2"}

OUTCOME_COLOURS = {
    # what is as it should be stays in the background
    "completed": "#7FA7BF",
    "failed": "#D55E00",
    "expired": "#E6B800",
    "cancelled": "#8A8F98",
}

_TICKS = {
    1: "1 s",
    10: "10 s",
    60: "1 min",
    600: "10 min",
    3_600: "1 h",
    6 * 3_600: "6 h",
    86_400: "1 d",
    7 * 86_400: "7 d",
    30 * 86_400: "30 d",
}


def colours(series: Sequence[Series], breakdown: str) -> dict[str, str]:
    """A colour for each series; a provider keeps its own, unless one before it has the same."""
    order = list(PROVIDERS) if breakdown == "provider" else []
    chosen: dict[str, str] = {}
    for one in series:
        start = order.index(one.name) if one.name in order else 0
        wanted = [_PALETTE[(start + step) % len(_PALETTE)] for step in range(len(_PALETTE))]
        free = [colour for colour in wanted if colour not in chosen.values()]
        chosen[one.name] = _NEUTRAL.get(one.name) or (free or wanted)[0]
    return chosen


def over_time(view: View, shown: Mapping[str, str], measure: str) -> alt.TopLevelMixin:
    """Stacked bars, one a day or week."""
    length = 7 if view.is_weekly else 1
    first, last = view.first_on or date.today(), view.last_on or date.today()
    below: dict[date, float] = {}
    rows = []
    # the largest stands on the axis
    for one in view.series:
        for day, amount in one.points.items():
            start = below.get(day, 0)
            below[day] = start + amount
            rows.append(
                {
                    "left": _number(day),
                    "right": _number(day) + length,
                    "low": start,
                    "high": start + amount,
                    "series": one.name,
                    "day": day.isoformat(),
                    "shown": whole_number(amount),
                }
            )
    # days are UTC, whatever the reader's zone: so they are numbers here
    labels = (
        "utcFormat(datum.value * 864e5, datum.value % 1 ? '' :"
        f" '{'%-d %b %y' if first.year < last.year else '%-d %b'}')"
    )
    axis = alt.Axis(
        title=None, grid=False, labelExpr=labels, labelOverlap=True, tickMinStep=1, tickCount=8
    )
    scale = alt.Scale(domain=[_number(first), _number(last) + length], nice=False, zero=False)
    chart = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_rect(xOffset=0.5, x2Offset=-0.5)
        .encode(
            x=alt.X("left:Q", scale=scale, axis=axis),
            x2="right:Q",
            y=alt.Y("low:Q", axis=_amounts()),
            y2="high:Q",
            color=_colour("series", shown),
            tooltip=[
                alt.Tooltip("day:N", title="Week of" if view.is_weekly else "Day (UTC)"),
                alt.Tooltip("series:N", title="Part"),
                alt.Tooltip("shown:N", title=MEASURE_NAMES[measure]),
            ],
        )
    )
    return _finish(chart, 240, f"{MEASURE_NAMES[measure]} over time")


def outcomes(providers: Mapping[str, TRow]) -> alt.TopLevelMixin:
    """One bar a provider, of 100 %, split by how batches ended."""
    rows = [
        {
            "provider": provider,
            "outcome": word,
            "place": place,
            "share": row[word] / ended,
            "shown": f"{percent(row[word], ended)} ({whole_number(row[word])})",
        }
        for provider, row in providers.items()
        if (ended := sum(row[word] or 0 for word in OUTCOMES))
        for place, word in enumerate(OUTCOMES)
    ]
    chart = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_bar(size=16)
        .encode(
            y=_providers(),
            x=alt.X(
                "share:Q",
                scale=alt.Scale(domain=[0, 1]),
                axis=alt.Axis(title=None, format="%", tickCount=5),
            ),
            color=_colour("outcome", OUTCOME_COLOURS),
            order=alt.Order("place:Q"),
            tooltip=[
                alt.Tooltip("provider:N", title="Provider"),
                alt.Tooltip("outcome:N", title="Ended as"),
                alt.Tooltip("shown:N", title="Share"),
            ],
        )
    )
    return _finish(chart, 34 * _count(rows) + 6, "How batches ended, by provider")


def durations(rows: Sequence[TRow]) -> alt.TopLevelMixin:
    """A box a provider: the middle half, the median in it, and a line from p5 to p95."""
    values = [
        {
            "provider": row["provider"],
            # a logarithm has no place for 0 seconds
            **{f"p{one}": max(1, row[f"p{one}"]) for one in (5, 25, 50, 75, 95)},
            **{f"shown{one}": duration(row[f"p{one}"]) for one in (5, 25, 50, 75, 95)},
        }
        for row in rows
    ]
    low = min((row["p5"] for row in values), default=1)
    high = max((row["p95"] for row in values), default=1)
    ticks = [tick for tick in _TICKS if low / 4 <= tick <= high * 4] or [1]
    words = " : ".join(f"datum.value == {tick} ? '{_TICKS[tick]}'" for tick in ticks)
    axis = alt.Axis(title=None, values=ticks, labelExpr=f"{words} : ''", labelOverlap=True)
    scale = alt.Scale(type="log", domain=[min(low, ticks[0]), max(high, ticks[-1])], nice=False)
    tooltip = [
        alt.Tooltip("provider:N", title="Provider"),
        *(
            alt.Tooltip(f"shown{one}:N", title="median" if one == 50 else f"p{one}")
            for one in (5, 25, 50, 75, 95)
        ),
    ]
    base = alt.Chart(alt.InlineData(values=values)).encode(y=_providers(), tooltip=tooltip)
    colour = _colour(
        "provider", colours([Series(row["provider"], {}) for row in values], "provider")
    )
    chart = alt.layer(
        base.mark_rule(strokeWidth=2).encode(
            x=alt.X("p5:Q", scale=scale, axis=axis), x2="p95:Q", color=colour
        ),
        base.mark_tick(thickness=2, size=10).encode(x="p95:Q", color=colour),
        base.mark_bar(size=16).encode(x="p25:Q", x2="p75:Q", color=colour),
        base.mark_tick(thickness=3, size=22).encode(x="p50:Q").properties(name="middle"),
    )
    return _finish(chart, 34 * len(values) + 6, "Time from created to ended, by provider")


def _number(day: date) -> int:
    """A day as the number of days since 1970."""
    return (day - date(1970, 1, 1)).days


def _amounts() -> alt.Axis:
    # SI says G where people say B
    return alt.Axis(
        title=None, tickCount=5, labelExpr="replace(format(datum.value, '~s'), 'G', 'B')"
    )


def _providers() -> alt.Y:
    return alt.Y("provider:N", axis=alt.Axis(title=None, grid=False, ticks=False, domain=False))


def _colour(name: str, shown: Mapping[str, str]) -> alt.Color:
    scale = alt.Scale(domain=list(shown), range=list(shown.values()))
    # the page has a legend of its own, which is narrow where the page is
    return alt.Color(f"{name}:N", scale=scale, legend=None)


def _count(rows: Sequence[Mapping[str, Any]]) -> int:
    return len({row["provider"] for row in rows})


def _finish(chart: Any, height: int, description: str) -> alt.TopLevelMixin:
    made: alt.TopLevelMixin = (
        chart.properties(
            width="container",
            height=height,
            description=description,
            # drawn as SVG, which CSS can reach
            usermeta={"embedOptions": {"renderer": "svg", "actions": False}},
        )
        .configure(background="transparent", font="inherit")
        .configure_view(stroke=None)
        .configure_axis(domain=False, ticks=False, labelPadding=6, labelFontSize=12)
    )
    return made
