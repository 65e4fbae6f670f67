"""The tables of prices: when they are stored, and what is said of a user's own list."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ai_batches_runner.run.pipeline import open_to_read
from ai_batches_runner.sql.reader import open_reader
from commands import keys, run, table
from support import Lists, TRow, batch, cursor_list

FILE, DATASET = "ai_batches.duckdb", "ai_batches_dataset"

OWN = "provider,model,valid_from,input_usd_per_mtok,output_usd_per_mtok,source\n"

NOON = 1_795_867_200
"""Of 2026-11-28, in Unix seconds."""


def tokens(number: int, model: str | None, given: int, put_out: int, **fields: Any) -> TRow:
    """A batch that used tokens."""
    usage = {"input_tokens": given, "output_tokens": put_out}
    return batch(number, model=model, created_at=NOON + number, usage=usage, **fields)


def ask(folder: Path, query: str) -> list[tuple[Any, ...]]:
    """Runs a query on the DuckDB file; `{}` is the dataset."""
    return table(folder / FILE, query.replace("{}", DATASET))


def loads(folder: Path) -> int:
    """Load packages so far."""
    ((count,),) = ask(folder, "SELECT count(*) FROM {}._dlt_loads")
    return int(count)


@pytest.fixture
def rows(lists: Lists) -> list[TRow]:
    """What OpenAI's list shows."""
    found = [tokens(2, "gpt-5", 8, 1), tokens(1, None, 1, 1)]
    lists.serve("openai", cursor_list(found))
    return found


def test_prices_are_typed_and_stored_once(rows: list[TRow], lists: Lists, tmp_path: Path) -> None:
    variables = keys(lists, "openai")
    code, _, log = run("load", **variables)
    assert (code, log) == (0, "")
    types = dict(
        ask(
            tmp_path,
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_name = 'batch_prices'",
        )
    )
    assert types["input_usd_per_mtok"] == "DECIMAL(18,9)"
    assert types["valid_from"] == "DATE"
    assert types["long_above_input_tokens"] == "BIGINT"
    own = "input_usd_per_mtok, valid_from FROM {}.batch_prices WHERE model = 'gpt-5'"
    query = f"SELECT {own} AND provider = 'openai'"
    assert ask(tmp_path, query) == [(Decimal("0.625"), date(2026, 10, 14))]
    models = "SELECT provider, model, priced_provider, priced_model, how FROM {}.batch_price_models"
    assert ask(tmp_path, models) == [("openai", "gpt-5", "openai", "gpt-5", "exact")]
    stored = "SELECT count(*) FROM {}._dlt_loads"
    # a package of batches, and one of runs and prices
    assert ask(tmp_path, stored) == [(2,)]
    # written by nobody meanwhile
    with duckdb.connect(str(tmp_path / FILE)) as connection:
        connection.execute(f"DELETE FROM {DATASET}.batch_prices WHERE provider = 'xai'")
    rows.insert(0, tokens(3, "gpt-5", 1, 1))
    assert run("load", **variables)[0] == 0
    assert ask(tmp_path, "SELECT count(*) FROM {}.batch_prices WHERE provider = 'xai'") == [(0,)]
    rows.insert(0, tokens(4, "gpt-99", 1, 1))
    assert run("load", **variables)[0] == 0
    assert ask(tmp_path, "SELECT count(*) > 0 FROM {}.batch_prices WHERE provider = 'xai'") == [
        (True,)
    ]
    assert ask(tmp_path, f"{models} WHERE how = 'none'") == [
        ("openai", "gpt-99", None, None, "none")
    ]


def test_a_model_that_is_told_later_is_looked_up(
    rows: list[TRow], lists: Lists, tmp_path: Path
) -> None:
    variables = keys(lists, "openai")
    assert run("load", **variables)[0] == 0
    rows[1]["model"] = "gpt-5-mini"
    assert run("load", **variables)[0] == 0
    models = "SELECT model FROM {}.batch_price_models ORDER BY 1"
    assert ask(tmp_path, models) == [("gpt-5",), ("gpt-5-mini",)]


@pytest.mark.integration
def test_without_models_the_views_are_made_all_the_same(lists: Lists, tmp_path: Path) -> None:
    lists.serve("openai", cursor_list([batch(1)]))
    code, _, log = run("load", **keys(lists, "openai"))
    assert (code, log) == (0, "")
    assert ask(tmp_path, "SELECT count(*) FROM {}.batch_price_models") == [(0,)]
    assert ask(tmp_path, "SELECT cost_usd, cost_gap FROM {}.batches_cost") == [(None, "no tokens")]
    assert ask(tmp_path, "SELECT cost_usd, batches_without_cost FROM {}.batches_daily") == [
        (None, 1)
    ]


@pytest.mark.integration
@pytest.mark.parametrize("name", ["batch_prices", "batch_price_models"])
def test_a_table_that_was_dropped_is_made_and_filled_again(
    name: str, rows: list[TRow], lists: Lists, tmp_path: Path
) -> None:
    variables = keys(lists, "openai")
    assert run("load", **variables)[0] == 0
    with duckdb.connect(str(tmp_path / FILE)) as connection:
        connection.execute(f"DROP TABLE {DATASET}.{name}")
    code, _, log = run("load", **variables)
    assert code == 0, log
    assert f"Made again, since somebody took it away: {name}" in log
    assert ask(tmp_path, f"SELECT count(*) > 0 FROM {{}}.{name}") == [(True,)]
    assert ask(tmp_path, "SELECT cost_usd FROM {}.batches_cost WHERE cost_usd > 0") == [
        (Decimal("0.00001"),)
    ]


@pytest.mark.integration
def test_what_an_earlier_version_loaded_can_be_read(
    rows: list[TRow], lists: Lists, tmp_path: Path
) -> None:
    assert run("load", **keys(lists, "openai"))[0] == 0
    with duckdb.connect(str(tmp_path / FILE)) as connection:
        for name in ("batch_prices", "batch_price_models"):
            connection.execute(f"DROP TABLE {DATASET}.{name}")
    with open_to_read() as pipeline, open_reader(pipeline) as reader:
        days = reader.rows("SELECT cost_usd, batches_without_cost FROM batches_daily")
        assert days == [{"cost_usd": None, "batches_without_cost": 1}] * 2
        gaps = {row["cost_gap"] for row in reader.rows("SELECT cost_gap FROM batches_cost")}
    assert gaps == {"unknown model"}


def test_a_users_price_goes_first_and_a_change_is_seen(
    rows: list[TRow], lists: Lists, tmp_path: Path
) -> None:
    own = tmp_path / "my.csv"
    own.write_text(f"{OWN}openai,gpt-5,2026-11-28,1,1,contract\n")
    variables = {**keys(lists, "openai"), "SOURCES__AI_BATCHES__PRICES": str(own)}
    cost = (
        "SELECT cost_usd, standard_cost_usd, price_source FROM {}.batches_cost WHERE cost_usd > 0"
    )
    assert run("load", **variables)[0] == 0
    assert ask(tmp_path, cost) == [(Decimal("0.000009"), None, "contract")]
    assert ask(tmp_path, "SELECT DISTINCT how FROM {}.batch_price_models") == [("user",)]
    # the list has its say on the days before
    spans = "SELECT valid_from, valid_to, source FROM {}.batch_prices WHERE model = 'gpt-5'"
    assert ask(tmp_path, f"{spans} AND provider = 'openai' ORDER BY 1") == [
        (date(2026, 10, 14), date(2026, 11, 27), "genai-prices"),
        (date(2026, 11, 28), None, "contract"),
    ]
    own.write_text(f"{OWN}openai,gpt-5,2026-11-28,2,2,contract\n")
    assert run("load", **variables)[0] == 0
    assert ask(tmp_path, cost) == [(Decimal("0.000018"), None, "contract")]
    del variables["SOURCES__AI_BATCHES__PRICES"]
    assert run("load", **variables)[0] == 0
    assert ask(tmp_path, cost) == [(Decimal("0.00001"), Decimal("0.00002"), "genai-prices")]


def test_a_bad_line_is_an_error_before_anything_is_read(
    rows: list[TRow], lists: Lists, tmp_path: Path
) -> None:
    (tmp_path / "my.csv").write_text(f"{OWN}openai,gpt-5,,1,2,\nopenai,gpt-5-mini,,1,free,\n")
    variables = {**keys(lists, "openai"), "SOURCES__AI_BATCHES__PRICES": "my.csv"}
    for command in ("check", "load"):
        code, _, log = run(command, **variables)
        assert code == 2
        assert "my.csv, line 3: `output_usd_per_mtok` is not a number of USD" in log
    assert "my.csv, line 3: `output_usd_per_mtok` is not a number of USD" in log
    assert "sources.ai_batches.prices" in log
    assert lists.requests == []
    assert not (tmp_path / FILE).exists() or not ask(
        tmp_path, "SELECT 1 FROM information_schema.tables WHERE table_name = 'batches'"
    )


@pytest.mark.integration
def test_names_of_models_that_are_no_table_are_an_error(rows: list[TRow], lists: Lists) -> None:
    for value in ("gpt-5", "[1]", '{"open-ai": {}}', '{"openai": "x"}', '{"openai": {"x": 5}}'):
        variables = {"SOURCES__AI_BATCHES__PRICE_MODELS": value, **keys(lists, "openai")}
        code, _, log = run("load", **variables)
        assert code == 2
        assert "sources.ai_batches.price_models" in log
        assert lists.requests == []


@pytest.mark.integration
def test_claudes_batch_costs_what_its_tokens_do(lists: Lists, tmp_path: Path) -> None:
    # BerriAI/litellm#32307; the list of Anthropic reports neither model nor tokens
    lists.serve("openai", cursor_list([tokens(1, "claude-opus-4-6", 18, 43)]))
    variables = keys(lists, "openai")
    assert run("load", **variables)[0] == 0
    assert ask(tmp_path, "SELECT cost_gap FROM {}.batches_cost") == [("unknown model",)]
    with duckdb.connect(str(tmp_path / FILE)) as connection:
        connection.execute(f"UPDATE {DATASET}.batches SET provider = 'anthropic'")
    assert run("load", **variables)[0] == 0
    found = ask(tmp_path, "SELECT cost_usd FROM {}.batches_cost WHERE provider = 'anthropic'")
    assert found == [(Decimal("0.0005825"),)]


@pytest.mark.integration
def test_a_batch_without_a_cost_changes_no_sum(
    rows: list[TRow], lists: Lists, tmp_path: Path
) -> None:
    variables = keys(lists, "openai")
    sums = (
        "SELECT SUM(cost_usd), SUM(cost_usd_max), SUM(saved_usd),"
        " (SELECT SUM(cost_usd) FROM {}.batches_daily),"
        " (SELECT SUM(batches_without_cost) FROM {}.batches_daily) FROM {}.batches_cost"
    )
    assert run("load", **variables)[0] == 0
    (before,) = ask(tmp_path, sums)
    unpriced = [
        tokens(3, "gpt-99", 10**9, 10**9),
        tokens(4, None, 10**9, 10**9),
        tokens(5, "gpt-5", 10**9, 10**9, status="in_progress"),
        tokens(6, "gpt-5", 10**9, 10**9, endpoint="/v1/images/edits"),
        tokens(7, "gpt-5", -5, 10**9),
        {**tokens(8, "gpt-5", 10**9, 10**9), "created_at": 1_700_000_000},
        batch(9, model="gpt-5"),
    ]
    for number, row in enumerate(unpriced, 1):
        rows.insert(0, row)
        assert run("load", "--full-refresh", **variables)[0] == 0
        (after,) = ask(tmp_path, sums)
        assert after == (*before[:-1], before[-1] + number)
