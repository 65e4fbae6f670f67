# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""The page itself: a marimo app, whose cells run again when what they use changes.

What it shows is made in `screen`; a cell only says what depends on what.
"""

import marimo

app = marimo.App(width="full", app_title="AI batches", css_file="page.css")


@app.cell
def _():
    import marimo as mo

    from ai_batches_runner.dashboard.screen import Screen
    from ai_batches_runner.dashboard.server import new_session

    screen = Screen(new_session())
    return mo, screen


@app.cell
def _(mo):
    refresh = mo.ui.refresh(options=["1m", "5m", "30m"], label="Refresh")
    mo.Html(f'<header class="top"><h1>AI batches</h1>{refresh}</header>')
    return (refresh,)


@app.cell
def _(refresh, screen):
    # when it is pressed
    refresh.value
    owners = screen.reload()
    return (owners,)


@app.cell
def _(owners, screen):
    owners
    period, own_dates = screen.period(), screen.own_dates()
    provider, account = screen.several("provider"), screen.several("account")
    return account, own_dates, period, provider


@app.cell
def _(account, mo, own_dates, owners, period, provider):
    _dates = own_dates if period.value == "Own dates" else ""
    mo.Html(f'<div class="filters">{period}{provider}{account}{_dates}</div>') if owners else None
    return


@app.cell
def _(account, own_dates, period, provider, screen):
    filters = screen.filters(period.value, own_dates.value, provider.value, account.value)
    return (filters,)


@app.cell
def _(screen):
    measure, breakdown = screen.measure(), screen.breakdown()
    return breakdown, measure


@app.cell
def _(breakdown, filters, measure, owners, screen):
    owners
    view = screen.read(filters, breakdown.value, measure.value)
    return (view,)


@app.cell
def _(screen, view):
    view
    screen.notice()
    return


@app.cell
def _(breakdown, measure, screen, view):
    screen.body(view, measure, breakdown)
    return


if __name__ == "__main__":
    app.run()
