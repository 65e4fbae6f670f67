"""The dashboard as its reader has it: in a real browser, beside plain SQL on the same data."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import pytest
import requests
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

import servers
from commands import COMMAND, keys, run
from generated import add_results, copy_to_postgres, fill, record_runs, writing
from support import Lists, batch, cursor_list, few_of

pytestmark = pytest.mark.timeout(400)

in_browser = pytest.mark.integration
"""It needs Chromium."""

DATASET = "ai_batches"
ACCOUNT = "it's 50% \\ a:b"
SECONDS = 60_000
"""How long to wait for what has to come, in milliseconds."""
expect.set_options(timeout=SECONDS)

TFigures = dict[str, Any]
"""What the page shows."""

NOTICE = "marimo-callout-output p[role=status]"

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "<marimo-button data-label='x'></marimo-button>",
    "https://evil.example/pixel.png",
    "![x](https://evil.example/pixel.png) **bold** and a [link](https://evil.example)",
    '[{"mimetype": "text/html", "data": "<img src=x>"}, "text/html:<b>bold</b>"]',
    "$$x^2$$ <script>alert(1)</script>",
    '" onmouseover=alert(1) x="',
]
"""Texts that marimo or a browser could take for more than text."""

UNIQUE = """
    WITH b AS (SELECT * FROM ai_batches.batches QUALIFY row_number() OVER (
        PARTITION BY id ORDER BY provider = 'respan', provider, account) = 1)
"""
"""The ids of the generated batches are different, but for those that Respan shows of OpenAI's."""


@contextmanager
def serving(*arguments: str, **variables: str) -> Iterator[str]:
    """Runs the command, yields its address, and interrupts it: it has to end in silence."""
    with subprocess.Popen(  # noqa: S603
        [COMMAND, "dashboard", "--no-browser", "--port", "0", *arguments],
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            address = re.search(r"http://\S+", line)
            if not address:
                process.kill()
                raise AssertionError(line + process.communicate()[1])
            yield address[0]
            process.send_signal(signal.SIGINT)
            printed, log = process.communicate(timeout=60)
            assert (process.returncode, printed, log) == (0, "", "")
        finally:
            process.kill()


def on_file(file: Path) -> dict[str, str]:
    """Variables that lead to a DuckDB file."""
    return {"DESTINATION__DUCKDB__CREDENTIALS": str(file)}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with batches of 200 days, and runs."""
    file = tmp_path_factory.mktemp("data") / "test.duckdb"
    fill(file, 6_000, 200)
    record_runs(file)
    return file


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, which finds no host but this one."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=servers.program("chromium"),
            args=["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
        )
        yield started
        started.close()


@contextmanager
def viewing(
    browser: Browser, address: str, width: int = 1280, scheme: Any = "light"
) -> Iterator[Page]:
    """Opens the page; nothing may fail on it, and nothing may come from another host."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, timezone_id="Asia/Tokyo"
    )
    context.set_default_timeout(SECONDS)
    faults: list[str] = []

    def note(text: str, is_fault: bool) -> None:
        if is_fault:
            faults.append(text)

    page = context.new_page()
    page.on("console", lambda message: note(message.text, message.type == "error"))
    page.on("pageerror", lambda error: note(str(error), True))
    page.on("requestfailed", lambda request: note(request.url, not is_cut(request)))
    page.on("response", lambda reply: note(f"{reply.status} {reply.url}", reply.status >= 400))
    page.on("request", lambda request: note(request.url, is_foreign(request.url)))
    page.on("websocket", lambda socket: note(socket.url, is_foreign(socket.url)))
    page.goto(address)
    yield page
    assert faults == []
    context.close()


def is_cut(request: Request) -> bool:
    """Whether the page itself gave a request up, as when it is loaded anew."""
    return request.failure == "net::ERR_ABORTED"


def is_foreign(url: str) -> bool:
    """Whether something is asked of another host."""
    parts = urlsplit(url)
    return parts.scheme not in ("data", "blob") and parts.hostname != "127.0.0.1"


def rows(page: Page, place: str, table: int | None = None) -> list[list[str]]:
    """The texts of a table, or of one of several tables."""
    container = page.locator(place)
    if table is not None:
        container = container.locator("marimo-table").nth(table)
    found: list[list[str]] = container.locator("tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.cells].map(cell => cell.innerText.trim()))"
    )
    return found


def figures(page: Page) -> TFigures:
    """All that the page shows, except for what the time of day changes."""
    page.locator("#duration svg.marks").wait_for()
    found: TFigures = {}
    while True:
        before = found
        found = {
            name: page.locator(f"#tile-{name}").get_attribute("data-value")
            for name in ("open", "stuck", "batches", "requests", "tokens", "completed")
        }
        for name in ("volume", "outcome", "duration", "failure"):
            found[name] = rows(page, f"#{name}")
        found["open ids"] = [row[3] for row in rows(page, "#open")]
        found["seconds"] = [
            place.get_attribute("title")
            for place in page.locator("#duration tbody td:nth-child(n+3) [title]").all()
        ]
        # every widget is drawn on its own
        if found == before and found["duration"]:
            return found
        page.wait_for_timeout(300)


def number(page: Page, name: str, value: object) -> None:
    """Waits until a figure is what it has to be."""
    expect(page.locator(f"#tile-{name}")).to_have_attribute(
        "data-value",
        str(value),
    )


def ask(file: Path, query: str) -> list[tuple[Any, ...]]:
    """Plain SQL."""
    with duckdb.connect(str(file), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.execute(UNIQUE + query).fetchall()


def chosen(page: Page, condition: str = "TRUE") -> str:
    """The rows that the page says to show, as SQL."""
    first, last = re.findall(r"\d+-\d+-\d+", page.locator("#volume .note").inner_text())
    return f"created_at::date BETWEEN '{first}' AND '{last}' AND {condition}"


def check(page: Page, file: Path, condition: str = "TRUE") -> None:
    """Compares every figure with SQL."""
    where = chosen(page, condition)
    shown = figures(page)
    ((batches, told, tokens, completed),) = ask(
        file,
        "SELECT count(*), sum(requests_total)::bigint, sum(total_tokens)::bigint,"
        f" count(*) FILTER (status = 'completed') FROM b WHERE {where}",
    )
    expected = (batches, told, "" if tokens is None else tokens, completed)
    assert [shown[name] for name in ("batches", "requests", "tokens", "completed")] == [
        str(value) for value in expected
    ]
    ((open_batches, stuck),) = ask(
        file,
        "SELECT count(*), count(*) FILTER (now() - created_at > INTERVAL 1 DAY)"
        f" FROM b WHERE is_open AND {condition}",
    )
    assert (shown["open"], shown["stuck"]) == (str(open_batches), str(stuck))
    assert shown["open ids"] == [
        row[0]
        for row in ask(
            file, f"SELECT id FROM b WHERE is_open AND {condition} ORDER BY created_at LIMIT 10"
        )
    ]
    assert [row[:2] for row in shown["volume"]] == [
        [row[0], f"{row[1]:,}"]
        for row in ask(
            file,
            f"SELECT provider, count(*) AS n FROM b WHERE {where} GROUP BY ALL ORDER BY n DESC, 1",
        )
    ]
    words = ("completed", "failed", "expired", "cancelled")
    shares = ", ".join(f"100 * avg((status = '{word}')::int)" for word in words)
    for row, (provider, ended, *parts) in zip(
        shown["outcome"],
        ask(
            file,
            f"SELECT provider, count(*), {shares} FROM b WHERE NOT is_open AND {where}"
            " GROUP BY ALL ORDER BY ALL",
        ),
        strict=True,
    ):
        assert row[:2] == [provider, f"{ended:,}"]
        assert [float(cell.removesuffix(" %")) for cell in row[2:]] == pytest.approx(
            parts, abs=0.051
        )
    seconds = "date_diff('second', created_at, ended_at)"
    spread = ask(
        file,
        f"SELECT quantile_disc({seconds}, 0.5), quantile_disc({seconds}, 0.95) FROM b"
        f" WHERE ended_at IS NOT NULL AND {where} GROUP BY provider ORDER BY provider",
    )
    assert shown["seconds"] == [f"{value:,} s" for pair in spread for value in pair]
    failed = ask(
        file,
        "SELECT strftime(ended_at, '%Y-%m-%d %H:%M'), id,"
        " CASE status WHEN 'failed' THEN errors->>'$.data[0].message' END,"
        " CASE WHEN output_file_id IS NULL THEN '–' ELSE 'paid output' END FROM b"
        f" WHERE status IN ('failed', 'expired', 'cancelled') AND {where}"
        " ORDER BY ended_at DESC, provider, id LIMIT 12",
    )
    assert [(row[0], row[4], row[7]) for row in shown["failure"]] == [
        (ended, name, output) for ended, name, _, output in failed
    ]
    for row, (*_, message, _) in zip(shown["failure"], failed, strict=True):
        assert row[5] == (f"bad_line {message}" if message else "–")


@in_browser
def test_its_figures_are_those_of_sql_and_filters_change_them(browser: Browser, data: Path) -> None:
    with (
        serving("--dataset", DATASET, **on_file(data)) as address,
        viewing(browser, address) as page,
    ):
        days = (utc_day(), (figures(page), utc_day())[1])
        assert any(f"'{day - timedelta(29)}'" in chosen(page) for day in days)
        check(page, data)
        everything = ask(data, "SELECT count(*) FROM b")[0][0]
        choose(page, "Created", "All time")
        number(page, "batches", everything)
        check(page, data)
        expect(page.locator("#volume .note")).to_contain_text("By week")

        choose_several(page, "Provider", "openai", "kimi")
        condition = "provider IN ('openai', 'kimi')"
        count = f"SELECT count(*) FROM b WHERE {condition}"
        number(page, "batches", ask(data, count)[0][0])
        check(page, data, condition)

        choose_several(page, "Account", ACCOUNT)
        condition += " AND account = 'it''s 50% \\ a:b'"
        number(page, "batches", ask(data, f"SELECT count(*) FROM b WHERE {condition}")[0][0])
        check(page, data, condition)

        choose(page, "Created", "Own dates")
        expect(page.locator("#volume .note")).to_contain_text("By day")
        check(page, data, condition)


@in_browser
@pytest.mark.parametrize(
    ("measure", "formula"),
    few_of(
        [
            ("Requests", "requests_total"),
            ("Failed requests", "requests_failed"),
            ("Tokens", "total_tokens"),
        ],
        quick=[("Failed requests", "requests_failed")],
    ),
)
def test_amounts_are_split_by_any_column(
    browser: Browser, data: Path, measure: str, formula: str
) -> None:
    with (
        serving("--dataset", DATASET, **on_file(data)) as address,
        viewing(browser, address) as page,
    ):
        figures(page)
        choose(page, "Show", measure)
        for column in ("model", "endpoint", "account"):
            choose(page, "by", column)
            expect(page.locator("#volume th").first).to_have_text(column.capitalize())
            expect(page.locator("#volume th").nth(1)).to_have_text(measure)
            amounts = ask(
                data,
                f"SELECT coalesce({column}, 'not reported'), sum({formula})::bigint AS n FROM b"
                f" WHERE {chosen(page)} GROUP BY ALL HAVING n > 0 ORDER BY n DESC, 1",
            )
            shown, others = amounts[:7], amounts[7:]
            if len(amounts) > 8 or others:
                shown.append(("all others", sum(amount for _, amount in others)))
            expect(page.locator("#volume tbody tr")).to_have_count(len(shown))
            assert [row[:2] for row in figures(page)["volume"]] == [
                [name, f"{amount:,}"] for name, amount in shown
            ]


@in_browser
def test_costs_stand_beside_what_has_none(
    browser: Browser, lists: Lists, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my.csv").write_text(
        "provider,model,input_usd_per_mtok,output_usd_per_mtok\nopenai,mine,1,1\n"
    )
    prefix = "SOURCES__AI_BATCHES__"
    budget = {"label": "team=search", "usd_per_month": 50}
    monkeypatch.setenv(prefix + "PRICES", str(tmp_path / "my.csv"))
    monkeypatch.setenv(prefix + "LABELS", '{"team": "metadata.team"}')
    monkeypatch.setenv(prefix + "BUDGETS", json.dumps([budget, {"usd_per_month": 1_000}]))
    teams = {"search": (30_000_000, 10_001_000), "<b>ads</b>": (6_000,), None: (None, None)}
    made = [
        batch(
            number,
            model="mine",
            created_at=int(time.time()),
            metadata={"team": team} if team else None,
            usage=usage and {"input_tokens": usage, "output_tokens": 0},
        )
        for number, (team, usage) in enumerate(
            (team, usage) for team, usages in teams.items() for usage in usages
        )
    ]
    lists.serve("openai", cursor_list(made))
    file = tmp_path / "costs.duckdb"
    code, _, log = run("load", "--dataset", DATASET, **keys(lists, "openai"), **on_file(file))
    assert code == 0, log
    with (
        serving("--dataset", DATASET, **on_file(file)) as address,
        viewing(browser, address) as page,
    ):
        expect(page.locator("#tile-cost")).to_have_attribute("title", "40")
        expect(page.locator("#tile-cost")).to_contain_text("2 batches without")
        choose(page, "Show", "Cost in USD")
        choose(page, "by", "team")
        expect(page.locator("#volume th").first).to_have_text("Team")
        expect(page.locator("#volume tbody tr")).to_have_count(3)
        expect(page.locator("#volume tbody")).to_contain_text("40.00")
        assert [row[:4] for row in rows(page, "#volume")] == [
            ["search", "40.00", "99.9 %", "0"],
            ["<b>ads</b>", "< 0.01", "0.1 %", "0"],
            ["not reported", "0.00", "0 %", "2"],
        ]
        assert [row[:5] for row in rows(page, "#budgets")] == [
            ["team=search", "40.00", "50.00", "80.0 %", "0"],
            ["all batches", "40.01", "1,000.00", "4.0 %", "2"],
        ]


@in_browser
def test_the_last_runs_stand_at_the_top(browser: Browser, data: Path) -> None:
    with (
        serving("--dataset", DATASET, **on_file(data)) as address,
        viewing(browser, address) as page,
    ):
        figures(page)
        ((newest,),) = ask(data, "SELECT max(ended_at) FROM ai_batches.runs WHERE result = 'ok'")
        at = newest.astimezone(UTC)
        expect(page.locator("#as-of")).to_have_text(f"{at:%Y-%m-%d %H:%M} UTC")
        expect(page.locator("marimo-accordion")).to_contain_text("✕ 1 failed")
        failed, good = runs(page)
        assert failed[:2] == ["openai", "default"]
        assert failed[2].startswith("✕ failed ")
        assert failed[7] == "AuthenticationError <script>alert(1)</script> is refused"
        assert [good[0], *good[4:7]] == ["kimi", "1,200", "7", "–"]


@in_browser
def test_failed_requests_are_shown_by_code_model_and_batch(
    browser: Browser, tmp_path: Path
) -> None:
    file = tmp_path / "test.duckdb"
    fill(file, 3_000, 40)
    with (
        serving("--dataset", DATASET, **on_file(file)) as address,
        viewing(browser, address) as page,
    ):
        figures(page)
        # without results, there is nothing of them
        expect(page.locator("#errors")).to_have_count(0)
        add_results(file)
        refresh(page)
        page.locator("#errors svg.marks").wait_for()
        for condition in ("TRUE", "provider = 'kimi'"):
            if condition != "TRUE":
                choose_several(page, "Provider", "kimi")
                count = f"SELECT count(*) FROM b WHERE {chosen(page, condition)}"
                number(page, "batches", ask(file, count)[0][0])
            figures(page)
            source = (
                f"FROM b JOIN ai_batches.batch_requests r ON batch_id = id WHERE"
                f" {chosen(page, condition).replace('provider', 'b.provider')}"
            )
            total = ask(file, f"SELECT count(*) {source}")[0][0]
            by_code = ask(
                file,
                "SELECT coalesce(error_code, '–'), count(*) AS n, count(DISTINCT id)"
                f" {source} GROUP BY ALL ORDER BY n DESC, 1",
            )
            tables = page.locator("#errors marimo-table")
            expect(tables.nth(0).locator("tbody tr")).to_have_count(3)
            expect(tables.nth(0).locator("tbody")).to_contain_text(f"{by_code[0][1]:,}")
            codes, models, batches = (rows(page, "#errors", place) for place in range(3))
            assert [(row[0], row[1], row[3]) for row in codes] == [
                (code, f"{count:,}", f"{several:,}") for code, count, several in by_code
            ]
            shares = [float(row[2].removesuffix(" %")) for row in codes]
            assert shares == pytest.approx([100 * n / total for _, n, _ in by_code], abs=0.051)
            by_model = ask(
                file,
                "SELECT coalesce(b.model, '–'), b.provider, count(*) AS n, count(DISTINCT id)"
                f" {source} GROUP BY ALL ORDER BY n DESC",
            )
            assert [row[2] for row in models] == [f"{row[2]:,}" for row in by_model[:10]]
            assert {tuple(row[:4]) for row in models} <= {
                (model, provider, f"{count:,}", f"{several:,}")
                for model, provider, count, several in by_model
            }
            by_batch = ask(
                file,
                f"SELECT count(*) AS n {source} GROUP BY id, error_code ORDER BY n DESC LIMIT 10",
            )
            assert [row[5] for row in batches] == [str(count) for (count,) in by_batch]
            assert {row[3] for row in batches} == {"✕ failed"}
            assert all(row[4].endswith("slow down") for row in batches)


@in_browser
def test_it_lets_runs_write_and_says_so_where_one_does(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "test.duckdb"
    fill(file, 500, 20)
    with (
        serving("--dataset", DATASET, **on_file(file)) as address,
        viewing(browser, address) as page,
    ):
        check(page, file)
        # the page stays open, and the file is free
        with writing(file) as connection:
            connection.execute("DELETE FROM ai_batches.batches WHERE provider = 'kimi'")
        refresh(page)
        number(page, "batches", ask(file, "SELECT count(*) FROM b")[0][0])
        check(page, file)
        with holding(file) as holder:
            refresh(page)
            expect(page.locator(NOTICE)).to_contain_text(
                f"{file} is open in process {holder}",
            )
            expect(page.locator(NOTICE)).to_contain_text("The figures are those read before.")
            expect(page.locator("#tile-batches")).to_be_visible()
            with viewing(browser, address) as late:
                expect(late.locator(NOTICE)).to_contain_text(
                    "A run may be writing",
                )
                expect(late.locator("#tile-batches")).to_have_count(0)
        refresh(page)
        expect(page.locator(NOTICE)).to_have_count(0)
        check(page, file)


@in_browser
def test_what_is_not_there_yet_is_a_sentence(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "<b>test.duckdb"
    with (
        serving("--dataset", DATASET, **on_file(file)) as address,
        viewing(browser, address) as page,
    ):
        notice = page.locator(NOTICE)
        expect(notice).to_contain_text(f"There is no DuckDB file {file}")
        with writing(file) as connection:
            connection.execute("CREATE SCHEMA ai_batches")
        refresh(page)
        expect(notice).to_contain_text("No batches loaded yet")
        with writing(file) as connection:
            connection.execute("DROP SCHEMA ai_batches")
        fill(file, 0)
        refresh(page)
        expect(notice).to_contain_text("No batches loaded yet")
        with writing(file) as connection:
            connection.execute("DROP SCHEMA ai_batches CASCADE")
        fill(file, 100, 10)
        refresh(page)
        check(page, file)
        expect(notice).to_have_count(0)
        expect(page.locator("#no-runs")).to_be_visible()
    with (
        serving("--destination", "nowhere") as address,
        viewing(browser, address) as page,
    ):
        expect(page.locator(NOTICE)).to_contain_text("dlt does not know")


@in_browser
def test_it_is_light_or_dark_as_the_system_is(browser: Browser, data: Path) -> None:
    colours = {}
    with serving("--dataset", DATASET, **on_file(data)) as address:
        for scheme in ("light", "dark"):
            with viewing(browser, address, scheme=scheme) as page:
                figures(page)
                colours[scheme] = [
                    brightness(page, "body", "backgroundColor"),
                    brightness(page, "#tile-batches .font-bold", "color"),
                    brightness(page, "#volume svg.marks .role-axis-label text", "fill"),
                ]
    (paper, ink, letters), (dark_paper, dark_ink, dark_letters) = colours.values()
    assert paper > 200 > 100 > ink
    assert dark_ink > 180 > 50 > dark_paper
    # what one reads in a chart is far from what it stands on
    assert paper - letters > 100
    assert dark_letters - dark_paper > 100


@in_browser
def test_it_fits_a_phone(browser: Browser, data: Path) -> None:
    with (
        serving("--dataset", DATASET, **on_file(data)) as address,
        viewing(browser, address, width=390) as page,
    ):
        check(page, data)
        runs(page)
        for place in ("html", "#App", "#volume"):
            assert page.locator(place).first.evaluate("e => e.scrollWidth <= e.clientWidth"), place
        assert (
            page.locator("#volume svg.marks").evaluate("e => e.getBoundingClientRect().right") < 390
        )
        # a wide table scrolls in itself
        assert page.locator("#failure [part=table-wrapper] > div:has(table)").evaluate(
            "e => e.scrollWidth > e.clientWidth"
        )
        tiles = [
            box["x"] for tile in page.locator("[id^=tile-]").all() if (box := tile.bounding_box())
        ]
        assert len(set(tiles)) == 2


@in_browser
def test_tables_are_sorted_by_value(browser: Browser, data: Path) -> None:
    with (
        serving("--dataset", DATASET, **on_file(data)) as address,
        viewing(browser, address) as page,
    ):
        medians = figures(page)["seconds"][::2]
        header = page.locator("#duration th", has_text="Median")
        header.hover()
        header.get_by_test_id("data-table-sort-button").click()
        medians.sort(key=lambda title: int(title.removesuffix(" s").replace(",", "")))
        first = page.locator("#duration tbody tr").first.locator("td").nth(2).locator("[title]")
        expect(first).to_have_attribute("title", medians[0])
        assert figures(page)["seconds"][::2] == medians


@in_browser
def test_what_vendors_send_is_text(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "test.duckdb"
    fill(file, 400, 20)
    record_runs(file)
    texts = ", ".join("'{}'".format(text.replace("'", "''")) for text in HOSTILE)
    text = f"([{texts}])[rowid % {len(HOSTILE)} + 1]"
    with writing(file) as connection:
        connection.execute(
            f"UPDATE ai_batches.batches SET id = {text} || rowid, account = {text}, model = {text},"
            f" endpoint = {text}, output_file_id = {text}, is_open = rowid < 20,"
            f" status = CASE WHEN rowid < 20 THEN {text} ELSE 'failed' END,"
            f" errors = json_object('code', {text}, 'message', {text})"
        )
        connection.execute(
            f"UPDATE ai_batches.runs SET account = {text}, error = {text}, error_type = {text}"
        )
    add_results(file)
    with writing(file) as connection:
        connection.execute(
            f"UPDATE ai_batches.batch_requests SET error_code = {text}, error_message = {text}"
        )
    with (
        serving("--dataset", DATASET, **on_file(file)) as address,
        viewing(browser, address) as page,
    ):
        figures(page)
        choose_several(page, "Account", *HOSTILE)
        for column in ("account", "endpoint", "model"):
            choose(page, "by", column)
            expect(page.locator("#volume th").first).to_have_text(column.capitalize())
            assert {row[0] for row in figures(page)["volume"]} == set(HOSTILE)
        failures, opened, last_runs = rows(page, "#failure"), rows(page, "#open"), runs(page)
        for _, _, _, account, name, reason, *_ in failures:
            assert account in HOSTILE
            assert (name.rstrip("0123456789"), reason) == (account, f"{account} {account}")
        for _, _, account, name, status, model, *_ in opened:
            assert account in HOSTILE
            assert name.rstrip("0123456789") == model == account
            assert status.removeprefix("! stuck").strip() == account
        errors = rows(page, "#errors", 2)
        assert len(errors) == 10
        for _, account, name, _, reason, _ in errors:
            assert account in HOSTILE
            assert name.rstrip("0123456789") == account
            assert any(reason == f"{text} {text}" for text in HOSTILE)
        for run in last_runs:
            assert run[1] in HOSTILE
            assert run[7] == f"{run[1]} {run[1]}"
        assert len(failures) + len(opened) + len(last_runs) == 12 + 10 + 4
        # pointing at a text and pressing it shows no more than the text, either
        for cell in page.locator("#failure tbody tr td:nth-child(6)").all():
            cell.click()
        page.locator("#volume svg.marks .mark-rect path").first.hover()
        tooltip = page.locator("#vg-tooltip-element")
        expect(tooltip).to_be_visible()
        assert any(text in tooltip.inner_text() for text in HOSTILE)
        popup = "[data-radix-popper-content-wrapper]"
        for place in (".cell", "#vg-tooltip-element", "marimo-multiselect", popup):
            for element in ("a", "b:not(.badge)", "img", "script", "strong", "marimo-button"):
                expect(page.locator(f"{place} {element}")).to_have_count(0)
        expect(page.locator("[onmouseover], [onerror]")).to_have_count(0)


@in_browser
def test_no_personal_data_reaches_the_browser(browser: Browser, data: Path) -> None:
    with (
        serving("--dataset", DATASET, **on_file(data)) as address,
        viewing(browser, address) as page,
    ):
        received: list[str] = []
        page.on(
            "websocket",
            lambda socket: socket.on("framereceived", lambda frame: received.append(str(frame))),
        )
        page.reload()
        figures(page)
        choose(page, "Created", "All time")
        expect(page.locator("#volume .note")).to_contain_text("By week")
        everything = "".join(received) + page.content()
        assert "batch_" in everything
        for word in ("somebody", "person"):
            assert word not in everything


@in_browser
@pytest.mark.long
def test_another_destination_shows_the_same(browser: Browser, data: Path) -> None:
    with (
        servers.postgres() as url,
        serving("--dataset", DATASET, **on_file(data)) as here,
        serving(
            "--destination",
            "postgres",
            "--dataset",
            DATASET,
            DESTINATION__POSTGRES__CREDENTIALS=url,
        ) as there,
    ):
        copy_to_postgres(data, url)
        with viewing(browser, here) as one, viewing(browser, there) as other:
            assert runs(one) == runs(other)
            for choice in ("Last 30 days", "All time"):
                for page in (one, other):
                    figures(page)
                    choose(page, "Created", choice)
                    expect(page.locator("#volume .note")).to_contain_text(
                        "By week" if choice == "All time" else "By day"
                    )
                    choose(page, "by", "model")
                    expect(page.locator("#volume th").first).to_have_text("Model")
                    choose_several(page, "Account", ACCOUNT)
                    check_account = f"account = '{ACCOUNT.replace(chr(39), chr(39) * 2)}'"
                    count = f"SELECT count(*) FROM b WHERE {chosen(page, check_account)}"
                    number(page, "batches", ask(data, count)[0][0])
                assert figures(one) == figures(other)
                for page in (one, other):
                    choose_several(page, "Account", ACCOUNT)


def answers(address: str, *headers: str, path: str = "/", version: str = "1.1") -> int:
    """The status of a reply to a request with these headers, which may be missing or double."""
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname, parts.port), 20) as connection:
        lines = (f"GET {path} HTTP/{version}", *headers, "", "")
        connection.sendall("\r\n".join(lines).encode())
        return int(connection.makefile("rb").readline().split()[1])


def opens_socket(address: str, *headers: str) -> bool:
    """Whether a WebSocket is opened for a browser that sends these headers."""
    upgrade = (
        "Upgrade: websocket",
        "Connection: upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    )
    return answers(address, *headers, *upgrade, path="/ws?session_id=s_aaaaaa") == 101


@pytest.mark.integration
def test_pages_of_other_sites_are_refused(data: Path) -> None:
    with serving("--dataset", DATASET, **on_file(data)) as address:
        port = urlsplit(address).port
        own = f"Host: 127.0.0.1:{port}"
        for host in ("127.0.0.1", "localhost", "LocalHost.", "[::1]", "[0:0:0:0:0:0:0:1]"):
            assert answers(address, f"Host: {host}:{port}") == 200
            assert opens_socket(address, f"Host: {host}:{port}", f"Origin: http://{host}:{port}")
        # as a proxy on another port would ask
        assert answers(address, "Host: localhost", "Origin: https://localhost:443") == 200
        assert answers(address, "Host: localhost:80", "Origin: https://localhost") == 403
        assert answers(address, "Host: localhost:443", "Origin: https://localhost") == 200
        for headers in (
            [f"Host: evil.example:{port}"],
            [f"Host: evil.example:{port}", "X-Forwarded-Host: localhost"],
            [f"Host: localhost.evil.example:{port}"],
            [f"Host: localhost@evil.example:{port}"],
            [f"Host: [::2]:{port}"],
            ["Host: "],
            [f"Host: 127.0.0.2:{port}"],
        ):
            assert answers(address, *headers) == 403
            assert not opens_socket(address, *headers)
        assert answers(address, version="1.0") == 403
        assert answers(address, own, f"Host: evil.example:{port}") in (400, 403)
        for origin in (
            "https://evil.example",
            "null",
            f"http://127.0.0.1:{(port or 0) + 1}",
            f"http://evil.example@127.0.0.1:{port}",
            f"http://127.0.0.1:{port}.evil.example",
            f"https://127.0.0.1:{port}/x",
        ):
            assert answers(address, own, f"Origin: {origin}") == 403
            assert not opens_socket(address, own, f"Origin: {origin}")
        twice = (f"Origin: http://127.0.0.1:{port}", "Origin: https://evil.example")
        assert answers(address, own, *twice) == 403


@pytest.mark.integration
def test_other_names_are_answered_if_they_are_allowed(data: Path) -> None:
    names = ("--allow-host", "Figures.example", "--allow-host", "[fd00::0:1]")
    everywhere = ("--host", "0.0.0.0", "--dataset", DATASET)  # noqa: S104
    with serving(*everywhere, *names, **on_file(data)) as address:
        assert urlsplit(address).hostname == "127.0.0.1"
        for host in ("figures.example", "FIGURES.EXAMPLE.:80", "[fd00::1]:1", "localhost"):
            assert answers(address, f"Host: {host}") == 200
        for host in ("evil.example", "x.figures.example", "[fd00::2]", "192.0.2.1"):
            assert answers(address, f"Host: {host}") == 403


@pytest.mark.integration
def test_no_page_may_show_it_in_a_frame(data: Path) -> None:
    with serving("--dataset", DATASET, **on_file(data)) as address:
        for reply in (
            requests.get(address, timeout=20),
            requests.get(address, headers={"origin": "null"}, timeout=20),
            requests.get(f"{address}/nowhere", timeout=20),
        ):
            assert reply.headers["Content-Security-Policy"] == "frame-ancestors 'none'"
            assert reply.headers["X-Content-Type-Options"] == "nosniff"
            assert reply.headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("name", ["*", "", "http://a.example", "a.example:80", "[::1]:80", ":::"])
def test_what_is_not_the_name_of_a_machine_is_wrong_usage(name: str) -> None:
    code, _, log = run("dashboard", "--allow-host", name)
    assert code == 2
    assert "must be a name or an address without a port" in log


@pytest.mark.integration
def test_a_port_that_is_taken_is_a_sentence(data: Path) -> None:
    with serving("--dataset", DATASET, **on_file(data)) as address:
        port = str(urlsplit(address).port)
        done = subprocess.run(  # noqa: S603
            [COMMAND, "dashboard", "--no-browser", "--port", port],
            capture_output=True,
            text=True,
            timeout=100,
        )
    assert done.returncode == 2
    assert f"127.0.0.1:{port}: Address already in use" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_its_packages_it_says_which_extra_to_install() -> None:
    program = (
        "import sys; sys.modules['marimo'] = None; from ai_batches_runner.cli import main;"
        " sys.exit(main(['dashboard']))"
    )
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 2
    assert "needs marimo" in done.stderr
    assert "extra `dashboard`" in done.stderr


def runs(page: Page) -> list[list[str]]:
    """Opens the table of the last runs."""
    page.locator("marimo-accordion button").first.click()
    page.locator("marimo-accordion tbody tr").first.wait_for()
    return rows(page, "marimo-accordion")


def choose(page: Page, label: str, option: str) -> None:
    """Takes an option of a list."""
    page.locator("marimo-dropdown").filter(has_text=label).locator("select").select_option(
        label=option
    )


def choose_several(page: Page, label: str, *options: str) -> None:
    """Clicks options of a list of which several can be taken."""
    page.locator("marimo-multiselect").filter(has_text=label).locator(
        "button, [role=combobox]"
    ).first.click()
    for option in options:
        page.get_by_role("option", name=option, exact=True).click()
    page.keyboard.press("Escape")


def refresh(page: Page) -> None:
    """Presses the button."""
    page.locator("marimo-refresh button").first.click()


def brightness(page: Page, place: str, name: str) -> float:
    """Of a computed colour: 0 is black, 255 white."""
    # in whatever notation the browser has it
    parts = page.locator(place).first.evaluate(
        """(element, name) => {
            const brush = document.createElement("canvas").getContext("2d");
            brush.fillStyle = getComputedStyle(element)[name];
            brush.fillRect(0, 0, 1, 1);
            return [...brush.getImageData(0, 0, 1, 1).data].slice(0, 3);
        }""",
        name,
    )
    return float(sum(parts) / 3)


def utc_day() -> date:
    """Today."""
    return datetime.now(UTC).date()


@contextmanager
def holding(file: Path) -> Iterator[int]:
    """Another process that has a DuckDB file open to write; yields its id."""
    program = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); input()"
    )
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", program, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield process.pid
        process.communicate("\n", timeout=60)
