"""The tables, as marimo's widgets.

What a vendor sent reaches marimo as escaped HTML only, through `Cell`: `mo.ui.table` loads an image
if a plain string is the address of one, and shows a long string as Markdown.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from html import escape
from typing import Any

import marimo as mo

from ai_batches import shown

from ..sql.reader import TRow
from .formats import (
    NOTHING,
    ago,
    duration,
    moment,
    percent,
    short_number,
    usd,
    whole_number,
)
from .queries import OUTCOMES
from .view import MEASURE_NAMES, View

LONGEST_TEXT = 160
LONGEST_TITLE = 2_000

_BADGES = {
    "ok": ("good", "✓"),
    "partial": ("warn", "◐"),
    "expired": ("warn", "–"),  # noqa: RUF001
    "failed": ("bad", "✕"),
    "stuck": ("bad", "!"),
}
"""Class and mark of a word: the mark is for those who cannot tell the colours apart."""


class Cell(mo.Html):
    """A table cell of escaped text.

    Args:
        text (str | None): What is shown.
        prefix (str): HTML in front of it, without anything unescaped.
        title (str): What is shown when the pointer rests on it; by default, the text.
        key (float | None): By what to sort; by default, prefix and text.
        is_number (bool): Whether to align it to the right.
    """

    def __init__(
        self,
        text: str | None,
        prefix: str = "",
        title: str = "",
        key: float | None = None,
        is_number: bool = False,
    ) -> None:
        text = shown(text or ("" if prefix else NOTHING))
        title = escape(shown(title, LONGEST_TITLE) if title else text)
        prefix = f"{prefix} " if prefix else ""
        super().__init__(f'<span class="cell" title="{title}">{prefix}{escape(text)}</span>')
        self._key = (key or 0, prefix, text)
        self.is_number = is_number

    def __lt__(self, other: "Cell") -> bool:
        return self._key < other._key


def badge(word: str, text: str = "") -> str:
    """A word with the colour of good or bad news, as HTML.

    Args:
        word (str): Decides on the colour and the mark.
        text (str): What is shown; by default, the word.
    """
    kind, mark = _BADGES.get(word, ("plain", "–"))  # noqa: RUF001
    return f'<b class="badge {kind}">{mark} {escape(shown(text or word))}</b>'


def runs(view: View, now: datetime) -> Any:
    """The last run of each provider and account; what failed comes first."""
    order = {"failed": 0, "partial": 1}
    rows = sorted(view.runs, key=lambda row: (order.get(row["result"], 2), row["provider"]))
    return _table(
        [
            {
                **_owner(row),
                "Last run": _ago(row["ended_at"], now, badge(row["result"])),
                "Last success": _ago(row["loaded_at"], now),
                "Read": _number(row["batches_read"]),
                "New": _number(row["batches_new"]),
                "Changed": _number(row["batches_changed"]),
                "Error": _long(row["error"], row["error_type"]),
            }
            for row in rows
        ],
        wrapped="Error",
    )


def longest_open(view: View) -> Any:
    """The batches that have been open for longest."""
    if not view.open:
        return mo.md("No batch is open.")
    return _table(
        [
            {
                "Open for": Cell(
                    duration(row["open_seconds"]),
                    title=f"since {moment(row['created_at'])} UTC",
                    key=row["open_seconds"],
                ),
                **_owner(row),
                "Batch": Cell(row["id"]),
                "Status": Cell(row["status"], badge("stuck") if row["is_stuck"] else ""),
                "Model or endpoint": Cell(row["model"] or row["endpoint"]),
                "Window": _seconds(row["window_seconds"]),
                "Done": _done(row),
            }
            for row in view.open
        ]
    )


def series(view: View, colours: dict[str, str], by: str, measure: str) -> Any:
    """The legend of the chart over time, with the total of each part."""
    totals = {name: sum(points.values()) for name, points in view.series.items()}
    of_cost = measure == "cost"
    if of_cost:
        # what has no cost at all is in no bar
        totals |= {name: 0 for name, count in view.unpriced.items() if count and name not in totals}
    return _table(
        [
            {
                by.capitalize(): Cell(
                    name,
                    f'<i class="swatch" style="background:{colours.get(name, "none")}"></i>',
                ),
                MEASURE_NAMES[measure]: _usd(total) if of_cost else _number(total),
                "Share": _share(total, sum(totals.values())),
                **({"Without cost": _number(view.unpriced.get(name, 0))} if of_cost else {}),
            }
            for name, total in totals.items()
        ]
    )


def budgets(view: View) -> Any:
    """Budgets, and the month so far."""
    return _table(
        [
            {
                "Budget": Cell(str(budget)),
                "Spent": _usd(spend.usd),
                "Of": _usd(budget.usd),
                "Share": _share(float(spend.usd), float(budget.usd)),
                "Without cost": _number(spend.unpriced),
            }
            for budget, spend in view.budgets
        ]
    )


def outcomes(view: View) -> Any:
    """How batches ended, in numbers."""
    return _table(
        [
            {
                "Provider": Cell(provider),
                "Ended": _number(ended),
                **{word.capitalize(): _share(row[word] or 0, ended) for word in OUTCOMES},
            }
            for provider, row, ended in view.ended
        ]
    )


def durations(view: View) -> Any:
    """Median and spread, in numbers."""
    return _table(
        [
            {
                "Provider": Cell(row["provider"]),
                "With an end": _number(row["batches"]),
                "Median": _seconds(row["p50"]),
                "p95": _seconds(row["p95"]),
            }
            for row in view.durations
        ]
    )


def failures(view: View) -> Any:
    """The batches that failed last."""
    if not view.failures:
        return mo.md("No batch failed, expired or was cancelled.")
    return _table(
        [
            {
                "Ended (UTC)": Cell(moment(row["failed_at"])),
                "Status": Cell(None, badge(row["status"])),
                **_owner(row),
                "Batch": Cell(row["id"]),
                "Reason": _long(row["reason"], row["reason_code"]),
                "Done": _done(row),
                "Output": Cell(
                    "paid output" if row["output_file_id"] else None,
                    title=f"file {row['output_file_id']}" if row["output_file_id"] else "",
                ),
            }
            for row in view.failures
        ],
        wrapped="Reason",
    )


def error_codes(rows: Sequence[TRow]) -> Any:
    """Errors of requests, by code."""
    return _table(
        [
            {
                "Error": Cell(row["error_code"]),
                "Requests": _number(row["requests"]),
                "Share": _share(row["requests"], row["all_requests"]),
                "Batches": _number(row["batches"]),
            }
            for row in rows
        ]
    )


def error_models(rows: Sequence[TRow]) -> Any:
    """Failed requests, by model."""
    return _table(
        [
            {
                "Model": Cell(row["model"]),
                "Provider": Cell(row["provider"]),
                "Requests": _number(row["requests"]),
                "Batches": _number(row["batches"]),
            }
            for row in rows
        ]
    )


def error_batches(rows: Sequence[TRow]) -> Any:
    """Failed requests, by batch and code."""
    return _table(
        [
            {
                **_owner(row),
                "Batch": Cell(row["id"]),
                "Outcome": Cell(None, badge(row["outcome"])),
                "Error": _long(row["error_message"], row["error_code"]),
                "Requests": _number(row["requests"]),
            }
            for row in rows
        ],
        wrapped="Error",
    )


def _table(rows: Sequence[dict[str, Cell]], wrapped: str | None = None) -> Any:
    names = rows[0] if rows else {}
    return mo.ui.table(
        list(rows),
        pagination=False,
        selection=None,
        max_height=412,
        show_search=False,
        show_download=False,
        show_data_types=False,
        show_column_summaries=False,
        wrapped_columns=[wrapped] if wrapped else None,
        text_justify_columns={name: "right" for name in names if names[name].is_number},
    )


def _owner(row: TRow) -> dict[str, Cell]:
    return {"Provider": Cell(row["provider"]), "Account": Cell(row["account"])}


def _number(value: float | None) -> Cell:
    return Cell(whole_number(value), key=value, is_number=True)


def _usd(value: float | Decimal) -> Cell:
    return Cell(usd(value), title=f"{value} USD", key=float(value), is_number=True)


def _share(part: float, whole: float) -> Cell:
    return Cell(percent(part, whole), key=part / whole if whole else 0, is_number=True)


def _seconds(value: float | None) -> Cell:
    return Cell(duration(value), title=f"{whole_number(value)} s", key=value, is_number=True)


def _ago(at: datetime | None, now: datetime, prefix: str = "") -> Cell:
    key = -at.timestamp() if at else 0
    return Cell(ago(at, now), prefix, title=f"{moment(at)} UTC", key=key)


def _done(row: TRow) -> Cell:
    total, failed = row["requests_total"], row["requests_failed"]
    text = f"{short_number(row['requests_completed'] or 0)} / {short_number(total)}"
    if failed:
        text += f", {short_number(failed)} failed"
    return Cell(NOTHING if total is None else text, key=total, is_number=True)


def _long(text: str | None, code: str | None) -> Cell:
    text = text or ""
    cut = shown(text, LONGEST_TEXT)
    return Cell(cut, f"<code>{escape(shown(code))}</code>" if code else "", title=text)
