# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""The page: a marimo app. A cell runs again when what it uses changes."""

import marimo

app = marimo.App(width="medium", app_title="AI batches", css_file="page.css")


@app.cell
def _():
    from datetime import UTC, datetime, timedelta

    import marimo as mo

    from ai_batches import shown
    from ai_batches_runner.dashboard import layout, queries
    from ai_batches_runner.dashboard import view as views
    from ai_batches_runner.dashboard.server import new_session

    session = new_session()
    # for when the lists of providers and accounts are made anew
    chosen = {}

    def today():
        return datetime.now(UTC).date()

    return chosen, layout, mo, queries, session, shown, timedelta, today, views


@app.cell
def _(mo):
    refresh = mo.ui.refresh(options=["1m", "5m", "30m"], label="Refresh")
    mo.hstack([mo.md("# AI batches"), refresh], align="center")
    return (refresh,)


@app.cell
def _(refresh, session):
    # runs when it is pressed
    refresh.value
    owners = session.reload()
    return (owners,)


@app.cell
def _(mo, session, timedelta, today, views):
    period = mo.ui.dropdown(
        [*views.PERIODS, views.OWN_PERIOD], value=views.DEFAULT_PERIOD, label="Created"
    )
    own_dates = mo.ui.date_range(value=(today() - timedelta(29), today()), label="UTC days")
    measure = mo.ui.dropdown(
        {title: name for name, title in views.MEASURE_NAMES.items()}, value="Batches", label="Show"
    )
    breakdown = mo.ui.dropdown(session.breakdowns, value="provider", label="by")
    return breakdown, measure, own_dates, period


@app.cell
def _(chosen, mo, owners, shown):
    def _several(name):
        options = {shown(one): one for one in sorted({row[name] for row in owners})}
        return mo.ui.multiselect(
            options,
            value=[text for text, one in options.items() if one in chosen.get(name, ())],
            label=name.capitalize(),
            on_change=lambda value: chosen.update({name: value}),
        )

    provider, account = _several("provider"), _several("account")
    return account, provider


@app.cell
def _(account, mo, own_dates, owners, period, provider, views):
    _shown = [period, provider, account, *([own_dates] if period.value == views.OWN_PERIOD else [])]
    mo.hstack(_shown, justify="start", wrap=True, gap=1) if owners else None
    return


@app.cell
def _(account, own_dates, period, provider, queries, today, views):
    filters = queries.Filters(
        *views.span(period.value, own_dates.value, today()),
        tuple(provider.value),
        tuple(account.value),
    )
    return (filters,)


@app.cell
def _(breakdown, filters, layout, measure, owners, session):
    owners
    view = session.read(filters, breakdown.value, measure.value)
    layout.notice(session.problem, bool(owners), view)
    return (view,)


@app.cell
def _(breakdown, layout, measure, view):
    # marimo forgets a table that no variable refers to
    page = layout.page(view, measure, breakdown) if view else None
    page
    return (page,)


if __name__ == "__main__":
    app.run()
