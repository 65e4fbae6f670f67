# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""The page itself: a marimo app, whose cells run again when what they use changes.

What it shows is put together in the modules beside it; a cell only ties them.
"""

import marimo

app = marimo.App(width="full", app_title="AI batches", css_file="page.css")


@app.cell
def _():
    from datetime import datetime, timedelta, timezone

    import marimo as mo

    from ai_batches_runner.dashboard import charts, desk, page, questions, server, view

    own_desk = server.desk()
    # what was chosen, for when the choices are made anew
    chosen = {}
    last = {}
    return chosen, charts, datetime, desk, last, mo, own_desk, page, questions, server, timedelta, timezone, view


@app.cell
def _(mo):
    refresh = mo.ui.refresh(options=["1m", "5m", "30m"], label="Refresh")
    mo.Html(f'<header class="top"><h1>AI batches</h1>{refresh}</header>')
    return (refresh,)


@app.cell
def _(desk, last, own_desk, questions, refresh):
    refresh.value
    own_desk.forget()
    try:
        with own_desk.asking() as _ask:
            owners, unread = _ask(questions.owners()), None
        last["owners"] = owners
    except Exception as _error:
        owners, unread = last.get("owners", []), desk.explain(_error)
    return owners, unread


@app.cell
def _(chosen, datetime, mo, owners, timedelta, timezone, view):
    def _keep(name):
        return lambda value: chosen.__setitem__(name, value)

    def _many(name):
        _options = sorted({row[name] for row in owners})
        return mo.ui.multiselect(
            _options,
            value=[one for one in chosen.get(name, []) if one in _options],
            label=name.capitalize(),
            on_change=_keep(name),
        )

    _today = datetime.now(timezone.utc).date()
    period = mo.ui.dropdown(
        [*view.PERIODS, view.OWN_PERIOD],
        value=chosen.get("period", view.DEFAULT_PERIOD),
        label="Created",
        on_change=_keep("period"),
    )
    own_dates = mo.ui.date_range(
        value=chosen.get("own_dates", (_today - timedelta(29), _today)),
        label="from, to (UTC)",
        on_change=_keep("own_dates"),
    )
    provider, account = _many("provider"), _many("account")
    return account, own_dates, period, provider


@app.cell
def _(account, mo, own_dates, owners, period, provider, view):
    _parts = [period, *([own_dates] if period.value == view.OWN_PERIOD else []), provider, account]
    mo.Html(
        '<div class="filters">{}</div>'.format("".join(f"{part}" for part in _parts))
    ) if owners else None
    return


@app.cell
def _(account, datetime, own_dates, period, provider, questions, timezone, view):
    _first, _last = view.span(period.value, own_dates.value, datetime.now(timezone.utc).date())
    filters = questions.Filters(_first, _last, tuple(provider.value), tuple(account.value))
    return (filters,)


@app.cell
def _(mo, page, questions):
    measure = mo.ui.dropdown(
        {name: key for key, name in page.MEASURE_NAMES.items()}, value="Batches", label="Show"
    )
    breakdown = mo.ui.dropdown(list(questions.BREAKDOWNS), value="provider", label="by")
    return breakdown, measure


@app.cell
def _(breakdown, desk, filters, last, measure, own_desk, owners, unread, view):
    problem = unread
    if owners and not problem:
        try:
            with own_desk.asking() as _ask:
                last["view"] = view.read_view(_ask, filters, breakdown.value, measure.value)
        except Exception as _error:
            problem = desk.explain(_error)
    # what was read before is better than nothing
    shown = last.get("view") if owners else None
    return problem, shown


@app.cell
def _(mo, owners, page, problem):
    _text = None
    if problem:
        _text = page.notice(f"{problem} Then press Refresh.", "warning")
    elif not owners:
        _text = page.notice(
            "Nothing was loaded yet: there is no batch in the table. Run ai-batches, then press"
            " Refresh."
        )
    mo.Html(_text) if _text else None
    return


@app.cell
def _(breakdown, charts, datetime, measure, mo, page, shown, timezone):
    def _page():
        now = datetime.now(timezone.utc)
        colours = charts.colours(shown.series, breakdown.value)
        time_chart = mo.as_html(
            charts.over_time(shown.series, colours, measure.value, shown.is_weekly)
        )
        return page.whole(
            shown,
            now,
            controls=f"{measure}{breakdown}",
            over_time=f"{time_chart}",
            legend=page.series_table(shown.series, colours, breakdown.value, measure.value),
            outcomes=f"{mo.as_html(charts.outcomes(shown.providers))}",
            outcome_colours=charts.OUTCOME_COLOURS,
            durations=f"{mo.as_html(charts.durations(shown.durations))}",
        )

    mo.Html(_page()) if shown else None
    return


if __name__ == "__main__":
    app.run()
