"""The parts of the page that are no charts, as HTML; every value is escaped."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from html import escape
from typing import NamedTuple

from ..reading import TRow
from .queries import OUTCOMES
from .view import Series, View

MEASURE_NAMES = {
    "batches": "Batches",
    "requests": "Requests",
    "failed_requests": "Failed requests",
    "tokens": "Tokens",
}
NOTHING = "–"  # noqa: RUF001
LONGEST_TEXT = 160


class Cell(NamedTuple):
    """A cell of a table: HTML, and how it is set."""

    html: str
    kind: str = ""


def short_number(value: float | None) -> str:
    """Such as 950, 12.3k, 4.56M; three digits are enough to compare."""
    if value is None:
        return NOTHING
    for size, unit in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        # 999,950 would be rounded to 1000k
        if abs(value) >= size * 0.9995:
            scaled = value / size
            return f"{scaled:.{max(0, 2 - len(str(int(abs(scaled)))) + 1)}f}{unit}"
    return f"{value:,.0f}"


def whole_number(value: float | None) -> str:
    """With thousands separated."""
    return NOTHING if value is None else f"{value:,.0f}"


def percent(part: float | None, whole: float | None) -> str:
    """One digit after the point, unless it is all or nothing."""
    if not whole or part is None:
        return NOTHING
    if part in (0, whole):
        return "0 %" if not part else "100 %"
    # rounding must not make all or nothing of it
    return f"{min(max(100 * part / whole, 0.1), 99.9):.1f} %"


def duration(seconds: float | None) -> str:
    """The two largest units."""
    if seconds is None:
        return NOTHING
    left = int(seconds)
    parts: list[str] = []
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        if left >= size or (unit == "s" and not parts):
            parts.append(f"{left // size} {unit}")
            left %= size
        elif parts:
            break
    return " ".join(parts[:2])


def moment(at: datetime | None) -> str:
    """In UTC, to the minute."""
    return NOTHING if at is None else f"{at.astimezone(timezone.utc):%Y-%m-%d %H:%M}"


def ago(at: datetime | None, now: datetime) -> str:
    """How long ago, in one unit."""
    if at is None:
        return "never"
    seconds = max(0, int((now - at).total_seconds()))
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit} ago"
    return "just now"


def notice(text: str, kind: str = "info") -> str:
    """A sentence in a frame."""
    mark = {"info": "i", "warning": "!"}[kind]
    return (
        f'<div class="notice {kind}" role="status"><span class="mark" aria-hidden="true">{mark}'
        f"</span><p>{escape(text)}</p></div>"
    )


def header(view: View, now: datetime) -> str:
    """How fresh the data is, and what failed."""
    failed = [row for row in view.runs if row["result"] == "failed"]
    partial = [row for row in view.runs if row["result"] == "partial"]
    parts: list[str] = [
        f'<span>Data as of <strong id="as-of">{moment(view.as_of)}{" UTC" if view.as_of else ""}'
        f"</strong>{f' ({ago(view.as_of, now)})' if view.as_of else ''}</span>"
    ]
    if view.runs:
        good = len(view.runs) - len(failed) - len(partial)
        parts.append(f"<span>{_badge('ok', f'{good} ok')}</span>")
        if partial:
            parts.append(f"<span>{_badge('partial', f'{len(partial)} partial')}</span>")
        if failed:
            parts.append(f"<span>{_badge('failed', f'{len(failed)} failed')}</span>")
    else:
        parts.append('<span id="no-runs">no runs recorded</span>')
    return f'<div class="fresh">{"".join(parts)}</div>'


def run_table(view: View, now: datetime) -> str:
    """The last run of each provider and account; what needs a look comes first."""
    order = {"failed": 0, "partial": 1}
    rows = sorted(view.runs, key=lambda row: (order.get(row["result"], 2), row["provider"]))
    return _table(
        "runs",
        ["Provider", "Account", "Last run", "Last success", "#Read", "#New", "#Changed", "Error"],
        [
            [
                _provider(row["provider"]),
                _text(row["account"] or NOTHING),
                Cell(f"{_badge(row['result'], row['result'])} {_ago(row['ended_at'], now)}"),
                Cell(_ago(row["loaded_at"], now)),
                _number(row["batches_read"]),
                _number(row["batches_new"]),
                _number(row["batches_changed"]),
                _long(row["error"] or "", row["error_type"]),
            ]
            for row in rows
        ],
    )


def tiles(view: View) -> str:
    """The figures to see first."""
    ended = sum(view.total(word) or 0 for word in OUTCOMES)
    completed = view.total("completed")
    told = view.total("requests")
    return "".join(
        [
            '<div class="tiles">',
            _tile("open", "Open now", view.open_batches, "whenever created"),
            _tile(
                "stuck",
                "Stuck",
                view.stuck_batches,
                "open beyond their window",
                "bad" if view.stuck_batches else "",
            ),
            _tile("batches", "Batches", view.total("batches"), "created in the period"),
            _tile(
                "requests",
                "Requests",
                told,
                f"{percent(view.total('failed_requests'), told)} of them failed",
            ),
            _tile("tokens", "Tokens", view.total("tokens"), "where providers meter them"),
            _tile(
                "completed",
                "Completed",
                completed if ended else None,
                f"of {whole_number(ended)} ended",
                shown=percent(completed, ended),
            ),
            "</div>",
        ]
    )


def open_table(view: View) -> str:
    """The batches that are open for longest."""
    if not view.open:
        return '<p class="none">No batch is open.</p>'
    return _table(
        "open",
        [
            "Open for",
            "Provider",
            "Account",
            "Batch",
            "Status",
            "Model or endpoint",
            "#Window",
            "#Done",
        ],
        [
            [
                Cell(
                    f'<span title="since {moment(row["created_at"])} UTC">'
                    f"{duration(row['open_seconds'])}</span> "
                    f"{_badge('stuck', 'stuck') if row['is_stuck'] else ''}"
                ),
                _provider(row["provider"]),
                _text(row["account"]),
                _code(row["id"]),
                _text(row["status"]),
                _text(row["model"] or row["endpoint"] or NOTHING),
                Cell(duration(row["window_seconds"]), "number"),
                Cell(_done(row), "number"),
            ]
            for row in view.open
        ],
    )


def series_table(
    series: Sequence[Series], colours: Mapping[str, str], breakdown: str, measure: str
) -> str:
    """The legend of the chart over time, with what each part adds up to."""
    whole = sum(one.total for one in series)
    return _table(
        "series",
        [breakdown.capitalize(), f"#{MEASURE_NAMES[measure]}", "#Share"],
        [
            [
                Cell(f"{_swatch(colours[one.name])}{escape(one.name)}", "wrap"),
                _number(one.total),
                Cell(percent(one.total, whole), "number"),
            ]
            for one in series
        ],
    )


def outcome_table(view: View) -> str:
    """How batches ended, in numbers."""
    return _table(
        "outcomes",
        ["Provider", "#Ended", *(f"#{word.capitalize()}" for word in OUTCOMES)],
        [
            [
                _provider(provider),
                _number(ended),
                *(Cell(percent(row[word], ended), "number") for word in OUTCOMES),
            ]
            for provider, row in view.providers.items()
            if (ended := sum(row[word] or 0 for word in OUTCOMES))
        ],
    )


def outcome_legend(colours: Mapping[str, str]) -> str:
    """The colours of the outcomes."""
    return '<p class="legend">{}</p>'.format(
        "".join(f"<span>{_swatch(colours[word])}{word}</span>" for word in OUTCOMES)
    )


def duration_table(view: View) -> str:
    """Median and spread, in numbers."""
    return _table(
        "durations",
        ["Provider", "#With an end", "#Median", "#p95"],
        [
            [
                _provider(row["provider"]),
                _number(row["batches"]),
                _duration(row["p50"]),
                _duration(row["p95"]),
            ]
            for row in view.durations
        ],
    )


def failure_table(view: View) -> str:
    """The batches that failed last."""
    if not view.failures:
        return '<p class="none">None failed, expired or was cancelled.</p>'
    return _table(
        "failures",
        ["Ended (UTC)", "Status", "Provider", "Account", "Batch", "Reason", "#Done", "Output"],
        [
            [
                Cell(moment(row["failed_at"])),
                Cell(_badge(row["status"], row["status"])),
                _provider(row["provider"]),
                _text(row["account"]),
                _code(row["id"]),
                _long(row["reason"] or "", row["reason_code"]),
                Cell(_done(row), "number"),
                Cell(
                    f'<span title="file {escape(row["output_file_id"])}">paid output</span>'
                    if row["output_file_id"]
                    else NOTHING
                ),
            ]
            for row in view.failures
        ],
    )


class Charts(NamedTuple):
    """The parts of the page that are made elsewhere, as HTML."""

    controls: str
    """Of the amounts over time."""
    over_time: str
    legend: str
    outcomes: str
    durations: str


def whole(view: View, now: datetime, made: Charts, outcome_colours: Mapping[str, str]) -> str:
    """All that is below the filters."""
    each = "each batch once: listed by a gateway or several accounts, it is its vendor's"
    undated = f"; {whole_number(view.undated)} without a date left out" if view.undated else ""
    silent = [name for name, row in view.providers.items() if row["untold"] == row["batches"]]
    untold = f"; {', '.join(silent)} tells no status" if silent else ""
    fresh = run_table(view, now) if view.runs else ""
    return "".join(
        [
            f'<main class="page" data-first="{view.since or ""}" data-last="{view.until or ""}">',
            f'<details class="card fresh-card"><summary>{header(view, now)}</summary>{fresh}'
            '<p class="note">The last run of every account; no filter applies.</p></details>',
            tiles(view),
            _card(
                "open",
                "Open for longest",
                open_table(view),
                "Open batches whenever created, now; stuck is open beyond its window, or beyond a"
                f" day where none is told{untold}.",
            ),
            _card(
                "volume",
                "Over time",
                f'<div class="controls">{made.controls}</div>{made.over_time}{made.legend}',
                f"By {'week' if view.is_weekly else 'day'} of creation (UTC), {each}{undated}.",
            ),
            '<div class="pair">',
            _card(
                "outcome",
                "How batches ended",
                f"{outcome_legend(outcome_colours)}{made.outcomes}{outcome_table(view)}",
                f"Of the batches created in the period that ended{untold}.",
            ),
            _card(
                "duration",
                "Time from created to ended",
                '<p class="legend"><span><i class="box"></i>middle half, with the median</span>'
                '<span><i class="line"></i>p5 to p95</span></p>'
                f"{made.durations}{duration_table(view)}",
                "Of the batches created in the period, completed or not, whose vendor tells when"
                " they ended; logarithmic scale.",
            ),
            "</div>",
            _card(
                "failure",
                "Newest failures",
                failure_table(view),
                "The last batches created in the period that failed, expired or were cancelled;"
                f" {whole_number(view.total('partly') or 0)} more completed with failed requests.",
            ),
            "</main>",
        ]
    )


def _card(name: str, title: str, body: str, note: str) -> str:
    return (
        f'<section class="card" id="{name}"><h2>{escape(title)}</h2>{body}'
        f'<p class="note">{escape(note)}</p></section>'
    )


def _tile(
    name: str, title: str, value: float | None, below: str, kind: str = "", shown: str | None = None
) -> str:
    return (
        f'<div class="tile {kind}" id="tile-{name}" data-value="{"" if value is None else value}">'
        f'<h3>{title}</h3><strong title="{whole_number(value)}">'
        f"{shown or short_number(value)}</strong>"
        f"<span>{below}</span></div>"
    )


def _table(name: str, headings: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    head = "".join(
        f'<th scope="col" class="number">{heading[1:]}</th>'
        if heading.startswith("#")
        else f'<th scope="col">{heading}</th>'
        for heading in headings
    )
    body = "".join(
        "<tr>{}</tr>".format("".join(f'<td class="{cell.kind}">{cell.html}</td>' for cell in row))
        for row in rows
    )
    return (
        f'<div class="scroller" tabindex="0"><table id="table-{name}">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _done(row: TRow) -> str:
    total = row["requests_total"]
    if total is None:
        return NOTHING
    failed = row["requests_failed"]
    extra = f", {short_number(failed)} failed" if failed else ""
    return f"{short_number(row['requests_completed'] or 0)} / {short_number(total)}{extra}"


def _ago(at: datetime | None, now: datetime) -> str:
    return f'<span title="{moment(at)} UTC">{ago(at, now)}</span>'


def _text(value: str | None) -> Cell:
    return Cell(escape(value or NOTHING))


def _provider(value: str) -> Cell:
    return Cell(escape(value))


def _code(value: str) -> Cell:
    return Cell(f'<code title="{escape(value)}">{escape(value)}</code>')


def _number(value: float | None) -> Cell:
    return Cell(whole_number(value), "number")


def _duration(seconds: int | None) -> Cell:
    exact = f"{whole_number(seconds)} s"
    return Cell(f'<span title="{exact}">{duration(seconds)}</span>', "number")


def _long(text: str, code: str | None = None) -> Cell:
    cut = text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT].rstrip()}…"
    name = f"<code>{escape(code)}</code> " if code else ""
    return Cell(f'<span title="{escape(text[:2_000])}">{name}{escape(cut)}</span>', "text")


def _badge(kind: str, text: str) -> str:
    # a mark beside the colour: not everybody tells red from green
    marks = {"ok": "✓", "completed": "✓", "failed": "✕", "partial": "◐", "stuck": "!"}
    mark = marks.get(kind, "–")  # noqa: RUF001
    return (
        f'<span class="badge {escape(kind)}"><i aria-hidden="true">{mark}</i>{escape(text)}</span>'
    )


def _swatch(colour: str) -> str:
    return f'<i class="swatch" style="background:{colour}"></i>'
