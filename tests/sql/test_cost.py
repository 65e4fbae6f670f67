"""The view `batches_cost` on real destinations: what batches cost, and why it is not known."""

import json
import random
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_batches_runner.run.pipeline import open_to_read
from ai_batches_runner.sql.dialects import translate
from ai_batches_runner.sql.reader import literal, open_reader
from ai_batches_runner.sql.view_definitions import VIEWS
from cases import Case
from commands import keys
from stored_results import store_results
from support import Lists, TRow, batch, cursor_list
from targets import TARGETS, TServers, each_family

pytestmark = pytest.mark.timeout(400)

ON = {"then": date(2025, 9, 12), "now": date(2026, 11, 28)}


def at(day: date, seconds: int = 43_200) -> int:
    """Unix seconds of a moment of a day in UTC."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) + seconds


def usage(read: int, put_out: int | None = 0, cached: int | None = None) -> TRow:
    """Tokens in OpenAI's shape."""
    details = {} if cached is None else {"input_tokens_details": {"cached_tokens": cached}}
    return {"usage": {"input_tokens": read, "output_tokens": put_out, **details}}


def priced(name: str, model: str | None, day: date = ON["now"], **fields: Any) -> TRow:
    """A batch of many requests that ran."""
    counts = {"request_counts": {"total": 1_000, "completed": 1_000, "failed": 0}}
    chosen = {"endpoint": "/v1/responses", "created_at": at(day), **counts, **fields}
    return {**batch(1), "id": name, "model": model, **chosen}


LONG = usage(30_000_000, 10_000_000)

OPENAI: list[tuple[TRow, str | None, str | None, str | None]] = [
    # BerriAI/litellm#14884
    (
        priced("cached", "gpt-5", **usage(31_493_594, 19_786_241, 24_045_184)),
        "105.08928525",
        "105.08928525",
        None,
    ),
    (
        priced("before", "gpt-5", ON["then"], **usage(31_493_594, 19_786_241, 24_045_184)),
        None,
        None,
        "no price on that day",
    ),
    (
        priced(
            "eve",
            "gpt-5",
            date(2026, 10, 13),
            created_at=at(date(2026, 10, 13), 86_399),
            **usage(1_000_000),
        ),
        None,
        None,
        "no price on that day",
    ),
    (
        priced("first", "gpt-5", created_at=at(date(2026, 10, 14), 0), **usage(1_000_000)),
        "0.625",
        "0.625",
        None,
    ),
    (priced("long", "gpt-6-sol", **LONG), "80", "135", None),
    (
        priced("long-cached", "gpt-6-sol", **usage(30_000_000, 10_000_000, 20_000_000)),
        "62",
        "99",
        None,
    ),
    (priced("at-the-threshold", "gpt-6-sol", **usage(272_000, 0)), "0.272", "0.272", None),
    (priced("one-above", "gpt-6-sol", **usage(272_001, 0)), "0.272001", "0.544002", None),
    (
        priced(
            "alone", "gpt-6-sol", **usage(272_001, 0), request_counts={"total": 1, "completed": 1}
        ),
        "0.544002",
        "0.544002",
        None,
    ),
    (priced("dated", "gpt-5-2025-08-07", **usage(8, 1)), "0.00001", "0.00001", None),
    (
        priced("less-than-a-billionth", "gpt-5-nano", **usage(1, 0)),
        "0.000000025",
        "0.000000025",
        None,
    ),
    (
        priced("nothing-ran", "gpt-5", **usage(0), request_counts={"total": 2, "completed": 0}),
        "0",
        "0",
        None,
    ),
    (priced("zeros", "gpt-5", **usage(0)), None, None, "no tokens"),
    (priced("unmetered", "gpt-5"), None, None, "no tokens"),
    (priced("half", "gpt-5", **usage(5, None)), None, None, "no tokens"),
    (priced("more-cached", "gpt-5", **usage(5, 1, 6)), None, None, "no tokens"),
    (priced("too-many", "gpt-5", **usage(2**62, 2**62)), None, None, "no tokens"),
    (
        priced(
            "embeddings",
            "text-embedding-3-small",
            endpoint="/v1/embeddings",
            **usage(4_000_000, None),
        ),
        "0.04",
        "0.04",
        None,
    ),
    (priced("open", "gpt-5", status="in_progress", **usage(5, 5)), None, None, "not metered yet"),
    (priced("unknown", "gpt-99", **usage(5, 5)), None, None, "unknown model"),
    (priced("prefix", "gpt-5-something", **usage(5, 5)), None, None, "unknown model"),
    (priced("no-model", None, **usage(5, 5)), None, None, "unknown model"),
    (
        priced("images", "gpt-5", endpoint="/v1/images/generations", **usage(5, 5)),
        None,
        None,
        "not text",
    ),
    (priced("video", "sora-2", endpoint="/v1/videos", **usage(5, 5)), None, None, "not text"),
    (priced("audio", "gpt-4o-transcribe", **usage(5, 5)), None, None, "not text"),
]
"""Rows, what they cost, what they cost at most, and why nobody knows."""

OPENROUTER: list[tuple[TRow, str | None, str | None, str | None]] = [
    # with one web search
    (
        {
            **priced("told", "openai/gpt-5"),
            "usage": {**usage(13_333, 203)["usage"], "cost": 0.04587},
        },
        "0.04587",
        "0.04587",
        None,
    ),
    (
        {**priced("text", "openai/gpt-5"), "usage": {**usage(1, 1)["usage"], "cost": "no idea"}},
        None,
        None,
        "unknown model",
    ),
    (priced("untold", "openai/gpt-5", **usage(13_333, 203)), None, None, "unknown model"),
    (
        {**priced("still-open", "m", status="in_progress"), "usage": {"cost": 1}},
        None,
        None,
        "not metered yet",
    ),
]

# BerriAI/litellm#32307; Claude's tokens come with results, here a gateway lists them
USERS = """provider,model,valid_from,valid_to,input_usd_per_mtok,output_usd_per_mtok,source
openai_compatible,mine,,2026-11-27,1,2,contract
openai_compatible,mine,2026-11-28,,3,4,contract
openai,gpt-5-mini,2026-11-28,2026-11-28,0.5,0.5,contract
"""

QUICK_HERE = ("duckdb_file", "sqlite")
FURTHER = ("postgres", "mariadb", "delta", "iceberg", "ducklake_in_sqlite")

DEPLOYMENTS = {"azure_openai": {"my-deployment": "eu/gpt-5"}}

XAI = {
    "batch_id": "ticks",
    "name": "n",
    "create_time": "2026-11-28T00:00:00Z",
    "state": {"num_requests": 3, "num_pending": 0, "num_success": 3, "num_error": 0},
    "cost_breakdown": {"total_cost_usd_ticks": 458_700_000},
}

AS_TEXT = {"cost_breakdown": {"total_cost_usd_ticks": "458700000"}}


LABELS = {"team": "metadata.cost-center", "group": "metadata.a.b", "job": "description"}
"""One has a name that is a reserved word."""

METADATA: list[Any] = [
    {"cost-center": "search", "a.b": "x"},
    {"cost-center": "Search"},
    {"cost-center": 'sëarch\'s "own"'},
    {"cost-center": ""},
    {"cost-center": None, "a": {"b": "not this"}},
    {},
    None,
]
"""Whose a batch is, in turn."""

TEAMS = ["search", "Search", 'sëarch\'s "own"', None, None, None, None]


def labelled(rows: list[TRow]) -> list[TRow]:
    """Rows with labels in their metadata."""
    turns = [METADATA[number % len(METADATA)] for number in range(len(rows))]
    return [{**row, "metadata": each} for row, each in zip(rows, turns, strict=True)]


def serve(lists: Lists) -> dict[str, str]:
    """Serves all lists; returns the settings."""
    openai = labelled([row for row, *_ in OPENAI])
    openai += [
        priced("negotiated", "gpt-5-mini", **usage(1_000_000)),
        priced("listed", "gpt-5-mini", date(2026, 11, 27), **usage(1_000_000)),
    ]
    lists.serve("openai", cursor_list(openai))
    lists.serve("openrouter", cursor_list([row for row, *_ in OPENROUTER]))
    lists.serve("xai", {"batches": [XAI, {**XAI, "batch_id": "as-text", **AS_TEXT}]})
    analytics = [{"total_cost": cost} for cost in ("0.0458700", "0", None)]
    doubleword = [
        {**priced(f"analytics-{number}", None), "analytics": each}
        for number, each in enumerate(analytics)
    ]
    lists.serve("doubleword", cursor_list(doubleword))
    mine = [
        priced(
            "last-day",
            "mine",
            date(2026, 11, 27),
            created_at=at(date(2026, 11, 27), 86_399),
            **usage(1_000_000, 1_000_000),
        ),
        priced("next-day", "mine", created_at=at(ON["now"], 0), **usage(1_000_000, 1_000_000)),
    ]
    lists.serve("openai_compatible", cursor_list(mine))
    # the vendor's own prices hold for what a gateway lists
    lists.serve("respan", cursor_list([priced("behind", "gpt-5", **usage(8, 1))]))
    deployed = [priced("deployed", "my-deployment", **usage(1_000_000))]
    lists.serve("azure_openai", cursor_list([*deployed, priced("not-told", "gpt-5", **usage(1))]))
    found = keys(
        lists,
        "openai",
        "openrouter",
        "xai",
        "doubleword",
        "openai_compatible",
        "respan",
        "azure_openai",
    )
    Path("my.csv").write_text(USERS)
    return found | {
        "SOURCES__AI_BATCHES__PRICES": "my.csv",
        "SOURCES__AI_BATCHES__PRICE_MODELS": json.dumps(DEPLOYMENTS),
        "SOURCES__AI_BATCHES__LABELS": json.dumps(LABELS),
    }


def decimal(value: Any) -> Decimal | None:
    """A number as a destination gives it back: SQLite's are binary."""
    return None if value is None else Decimal(str(value)).quantize(Decimal("1e-9"))


@pytest.mark.parametrize("name", each_family([*QUICK_HERE, *FURTHER], QUICK_HERE, everywhere=True))
def test_costs_are_the_same_everywhere(
    name: str, server: TServers, lists: Lists, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = TARGETS[name](tmp_path, server)
    dataset = f"test_{random.getrandbits(32):x}"
    case = Case(name, target, target, tmp_path, dataset, lists, serve(lists))
    code, printed = case.run()
    assert code == 0, printed
    assert "WARNING" not in printed
    if name in ("delta", "iceberg"):
        labels = {"SOURCES__AI_BATCHES__LABELS": json.dumps(LABELS)}
        for variable, value in {**target.variables, **labels}.items():
            monkeypatch.setenv(variable, value)
        with open_to_read("filesystem", dataset) as pipeline, open_reader(pipeline) as reader:
            rows = reader.rows("SELECT * FROM batches_cost")
            days = reader.rows("SELECT * FROM batches_daily")
            spend = reader.rows("SELECT * FROM batches_spend")
    else:
        rows = target.read(dataset, "batches_cost")[1]
        days = target.read(dataset, "batches_daily")[1]
        spend = target.read(dataset, "batches_spend")[1]
    found = {row["id"]: row for row in rows}
    assert len(found) == len(rows)
    for row, cost, most, gap in OPENAI + OPENROUTER:
        costs = found[row["id"]]
        assert costs["cost_gap"] == gap, row["id"]
        assert decimal(costs["cost_usd"]) == decimal(cost), row["id"]
        assert decimal(costs["cost_usd_max"]) == decimal(most), row["id"]
        assert (costs["cost_basis"] is None) == (cost is None)
        if cost is None:
            assert {costs[each] for each in ("standard_cost_usd", "saved_usd")} == {None}
    for told in ("told", "ticks", "as-text", "analytics-0"):
        assert (found[told]["cost_basis"], found[told]["price_source"]) == ("vendor", None)
        assert decimal(found[told]["cost_usd"]) == Decimal("0.04587")
        assert found[told]["saved_usd"] is None
    assert found["analytics-1"]["cost_gap"] == found["analytics-2"]["cost_gap"] == "no tokens"
    expected = {
        "last-day": ("3", None, "contract"),
        "next-day": ("7", None, "contract"),
        "negotiated": ("0.5", None, "contract"),
        "listed": ("0.125", "0.25", "genai-prices"),
        "cached": ("105.08928525", "210.1785705", "genai-prices"),
        "long": ("80", "160", "genai-prices"),
        "alone": ("0.544002", "1.088004", "genai-prices"),
        "behind": ("0.00001", "0.00002", "genai-prices"),
        "deployed": ("0.6875", "1.375", "litellm"),
    }
    for name_of, (cost, standard, source) in expected.items():
        costs = found[name_of]
        assert costs["cost_basis"] == "tokens", name_of
        assert decimal(costs["cost_usd"]) == decimal(cost), name_of
        assert decimal(costs["standard_cost_usd"]) == decimal(standard), name_of
        saved = None if standard is None else Decimal(standard) - Decimal(cost)
        assert decimal(costs["saved_usd"]) == decimal(saved), name_of
        assert costs["price_source"] == source
    assert str(found["negotiated"]["price_valid_from"]) == "2026-11-28"
    assert found["last-day"]["price_valid_from"] is None
    assert found["not-told"]["cost_gap"] == "unknown model"
    priced_sum = sum(decimal(row["cost_usd"]) or 0 for row in rows)
    assert sum(decimal(day["cost_usd"]) or 0 for day in days) == priced_sum
    unpriced = sum(row["cost_usd"] is None for row in rows)
    assert sum(day["batches_without_cost"] for day in days) == unpriced > 0
    for day in days:
        assert (day["cost_usd"] is None) == (day["batches_without_cost"] == day["batches"])
    check_spend(spend, found)


def check_spend(spend: list[TRow], costs: dict[str, TRow]) -> None:
    """Sums over any label and month equal those over the batches that have it."""
    assert list(spend[0])[:7] == ["month", "provider", "account", *LABELS, "model"]
    teams: dict[str | None, list[TRow]] = {}
    for number, (row, *_) in enumerate(OPENAI):
        teams.setdefault(TEAMS[number % len(TEAMS)], []).append(costs[row["id"]])
    for row in costs.values():
        if row["id"] not in {each["id"] for each, *_ in OPENAI}:
            teams[None].append(row)
    assert {row["team"] for row in spend} == teams.keys()
    for team, batches in teams.items():
        rows = [row for row in spend if row["team"] == team]
        assert total(rows, "cost_usd") == total(batches, "cost_usd"), team
        unpriced = sum(row["cost_usd"] is None for row in batches)
        assert sum(row["batches_without_cost"] for row in rows) == unpriced, team
    for cut in ("month", "provider", "account", "group", "job", "model"):
        parts: dict[Any, list[TRow]] = {}
        for row in spend:
            parts.setdefault(row[cut], []).append(row)
        sums = [total(rows, "cost_usd") for rows in parts.values()]
        assert sum(sums) == total(list(costs.values()), "cost_usd"), cut
    assert {row["group"] for row in spend} == {"x", None}
    assert {str(row["month"])[:10] for row in spend} == {"2025-09-01", "2026-10-01", "2026-11-01"}
    known = [row for row in spend if row["cost_usd_max"] is not None]
    assert total(known, "cost_usd_max") > total(known, "cost_usd")


def test_a_month_has_a_maximum_only_if_each_known_cost_has_one() -> None:
    costs = [
        ("a", "m", "1", "2"),
        ("b", "m", "3", None),
        ("c", "n", "5", "7"),
        ("d", "n", None, None),
    ]
    with duckdb.connect() as connection:
        whose = "provider VARCHAR, account VARCHAR, id VARCHAR"
        money = "cost_usd DECIMAL(38, 9), cost_usd_max DECIMAL(38, 9)"
        connection.execute(
            f"CREATE TABLE batches_labelled ({whose}, model VARCHAR, created_on DATE)"
        )
        connection.execute(f"CREATE TABLE batches_cost ({whose}, {money})")
        for name, model, cost, most in costs:
            row = ["openai", "default", name]
            connection.execute(
                "INSERT INTO batches_labelled VALUES (?, ?, ?, ?, ?)", [*row, model, ON["now"]]
            )
            connection.execute(
                "INSERT INTO batches_cost VALUES (?, ?, ?, ?, ?)", [*row, cost, most]
            )
        query = translate(VIEWS["batches_spend"].query, "duckdb")
        found = connection.sql(query).project("model, cost_usd, cost_usd_max").fetchall()
    assert sorted(found) == [("m", 4, None), ("n", 5, 7)]


def total(rows: list[TRow], column: str) -> Decimal:
    """The sum of what is known."""
    return sum((decimal(row[column]) or Decimal(0) for row in rows), Decimal(0))


TOKENS = st.integers(0, 10**12)
PRICES = st.integers(0, 2_000 * 10**9)


@given(st.tuples(*[TOKENS] * 4), st.tuples(*[PRICES] * 4))
def test_whole_numbers_come_to_what_decimals_do(
    tokens: tuple[int, ...], prices: tuple[int, ...]
) -> None:
    numbers = ", ".join(f"CAST({each} AS BIGINT)" for each in (*tokens, *prices))
    query = f"SELECT COST({numbers}) AS nanos"
    exact = sum(
        Fraction(count * price, 1_000_000) for count, price in zip(tokens, prices, strict=True)
    )
    rounded = floor(exact + Fraction(1, 2))
    assert duckdb.execute(translate(query, "duckdb")).fetchall() == [(rounded,)]
    with closing(sqlite3.connect(":memory:")) as connection:
        assert connection.execute(translate(query, "sqlite")).fetchall() == [(rounded,)]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", 1.0),
        ('"12.5"', 12.5),
        ("1e-5", 1e-5),
        ("0", 0.0),
        ('"12 USD"', None),
        ('"NaN"', None),
        ('""', None),
        ("null", None),
        ("true", None),
        ("[1]", None),
    ],
)
def test_a_number_in_json_is_one_or_none(text: str, number: float | None) -> None:
    document = json.dumps({"a": {"b": json.loads(text)}})
    query = f"SELECT JSON_NUMBER({literal(document)}, '$.a.b') AS number"
    (found,) = duckdb.execute(translate(query, "duckdb")).fetchall()[0]
    assert found == number or (number is None and not 0 <= (found or -1) < 10)
    with closing(sqlite3.connect(":memory:")) as connection:
        assert connection.execute(translate(query, "sqlite")).fetchall() == [(number,)]


def told(name: str, model: str, requests: int, **sums: Any) -> TRow:
    """A row of `batch_usage`."""
    whose = {"provider": "openai", "account": "default", "batch_id": name}
    return {**whose, "model": model, "outcome": "succeeded", "requests": requests, **sums}


USED: dict[str, tuple[list[TRow], str | None, str | None, str | None]] = {
    # BerriAI/litellm#32307 has such sums, of another model
    "one-model": (
        [told("one-model", "gpt-5", 2, input_tokens=18, output_tokens=43)],
        "0.00022625",
        "0.00022625",
        None,
    ),
    "two-models": (
        [
            told("two-models", "gpt-5", 1, input_tokens=1_000_000, output_tokens=0),
            told("two-models", "gpt-5-nano", 1, input_tokens=1_000_000, output_tokens=0),
        ],
        "0.65",
        "0.65",
        None,
    ),
    "one-unknown": (
        [
            told("one-unknown", "gpt-5", 1, input_tokens=8, output_tokens=1),
            told("one-unknown", "nobody-knows", 1, input_tokens=8, output_tokens=1),
        ],
        None,
        None,
        "unknown model",
    ),
    # before the sums of the list, which count as much
    "both": (
        [told("both", "gpt-5", 1, input_tokens=1_000_000, output_tokens=0)],
        "0.625",
        "0.625",
        None,
    ),
    "none-is-long": (
        [
            told(
                "none-is-long",
                "gpt-6-sol",
                1_000,
                input_tokens=30_000_000,
                output_tokens=10_000_000,
                requests_long_context=0,
            )
        ],
        "80",
        "80",
        None,
    ),
    "some-are-long": (
        [
            told(
                "some-are-long",
                "gpt-6-sol",
                100,
                input_tokens=30_000_000,
                output_tokens=10_000_000,
                requests_long_context=9,
            )
        ],
        "80",
        "135",
        None,
    ),
    # a request that ran tells no tokens: the sums are not all of it
    "in-part": (
        [
            told("in-part", "gpt-5", 1, input_tokens=8, output_tokens=1),
            {**told("in-part", "", 1), "outcome": "unknown"},
        ],
        None,
        None,
        "no tokens",
    ),
    # what ran behind a name of the user's has no price, the name has one
    "named": (
        [told("named", "nobody-knows", 1, input_tokens=1_000_000, output_tokens=0)],
        "2",
        "2",
        None,
    ),
    # what is written into a cache has a price of its own
    "written": (
        [
            told(
                "written",
                "mine",
                1,
                input_tokens=3_000_000,
                cached_input_tokens=1_000_000,
                cache_write_tokens=1_000_000,
                output_tokens=0,
            )
        ],
        "8.5",
        "8.5",
        None,
    ),
}
"""Sums of results, and cost, highest cost and gap of the batch."""

WRITTEN = (
    "provider,model,input_usd_per_mtok,cached_input_usd_per_mtok,cache_write_usd_per_mtok,"
    "output_usd_per_mtok\nopenai,mine,2,0.5,6,1\n"
)


@pytest.mark.parametrize(
    "name",
    each_family(["duckdb_file", "postgres", "sqlite"], ["duckdb_file"], everywhere=True),
)
def test_results_tell_what_a_batch_cost(
    name: str, server: TServers, lists: Lists, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = TARGETS[name](tmp_path, server)
    dataset = f"test_{random.getrandbits(32):x}"
    listed: dict[str, TRow] = {"both": {**usage(8, 1)}, "named": {"model": "mine"}}
    rows = [{**priced(each, None), **listed.get(each, {})} for each in USED]
    lists.serve("openai", cursor_list(rows))
    Path("my.csv").write_text(WRITTEN)
    variables = keys(lists, "openai") | {"SOURCES__AI_BATCHES__PRICES": "my.csv"}
    case = Case(name, target, target, tmp_path, dataset, lists, variables)
    assert case.run()[0] == 0
    for variable, value in target.variables.items():
        monkeypatch.setenv(variable, value)
    kept = [row for sums, *_ in USED.values() for row in sums]
    files = [
        {**dict(list(row.items())[:3]), "kind": "output", "results": "totals", "outcome": "loaded"}
        for row in {row["batch_id"]: row for row in kept}.values()
    ]
    destination = target.arguments[1] if target.arguments else "duckdb"
    store_results(destination, dataset, {"batch_files": files, "batch_usage": kept})
    # a run that loads something looks which models there are
    rows.insert(0, priced("new", None))
    assert case.run()[0] == 0
    found = {row["id"]: row for row in target.read(dataset, "batches_cost")[1]}
    for batch_id, (_, cost, most, gap) in USED.items():
        costs = found[batch_id]
        assert costs["cost_gap"] == gap, batch_id
        assert decimal(costs["cost_usd"]) == decimal(cost), batch_id
        assert decimal(costs["cost_usd_max"]) == decimal(most), batch_id
        assert costs["cost_basis"] == (None if gap else "requests"), batch_id
    assert found["new"]["cost_gap"] == "no tokens"
