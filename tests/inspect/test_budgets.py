"""Labels and budgets: each step is told once a month, and what has no cost is told beside it."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ai_batches_runner.inspect.budgets import Budget, Spend, read_spend
from commands import keys, run, table
from slack_hook import Hook
from support import NOW, Lists, TRow, batch, cursor_list

FILE, DATASET = "ai_batches.duckdb", "ai_batches_dataset"

PREFIX = "SOURCES__AI_BATCHES__"
PRICES = "provider,model,input_usd_per_mtok,output_usd_per_mtok\nopenai,mine,1,1\n"
START = max(NOW - 1_000, int(datetime.now(UTC).replace(day=1, hour=0, minute=0).timestamp()))
"""Of batches, in this month."""

LABELS = {"team": "metadata.team", "order": "endpoint"}


def costing(number: int, usd: int, team: str | None = "search", **fields: Any) -> TRow:
    """A batch of this month that costs so many USD."""
    usage = {"input_tokens": usd * 1_000_000, "output_tokens": 0}
    metadata = {"team": team} if team else None
    own = {"model": "mine", "usage": usage, "metadata": metadata, "created_at": START + number}
    return batch(number, **own | fields)


@pytest.fixture
def rows(lists: Lists, monkeypatch: pytest.MonkeyPatch) -> list[TRow]:
    """What OpenAI lists; labels and prices are set."""
    Path("my.csv").write_text(PRICES)
    monkeypatch.setenv(PREFIX + "PRICES", "my.csv")
    monkeypatch.setenv(PREFIX + "LABELS", json.dumps(LABELS))
    found = [costing(1, 40)]
    lists.serve("openai", cursor_list(found))
    return found


def budget(**entry: Any) -> dict[str, str]:
    """The setting, of one budget."""
    return {PREFIX + "BUDGETS": json.dumps([entry])}


def told(texts: list[str]) -> list[str]:
    """Lines on budgets."""
    return [line for text in texts for line in text.splitlines() if "Budget of" in line]


@pytest.mark.integration
def test_each_step_is_told_once_a_month(
    lists: Lists, rows: list[TRow], hook: Hook, tmp_path: Path
) -> None:
    variables = hook.variables(lists, "openai") | budget(label="team=search", usd_per_month=100)
    code, printed, log = run("load", **variables)
    assert code == 0, log
    # 40 USD of 100, the first step is at 50
    assert (told([printed]), hook.took) == ([], [])
    rows[:0] = [costing(4, 500, "Search"), costing(3, 0, model="nobody-knows"), costing(2, 41)]
    hook.status = 500
    code, printed, log = run("load", **variables)
    (line,) = told([printed])
    assert "Budget of team=search: 81.00 of 100.00 USD" in line
    assert "80% or more; without 1 batch whose cost is not known" in line
    # printed, but not sent: the next run sends it
    assert told(hook.took) == []
    hook.status = 200
    for _ in range(2):
        code, printed, _ = run("load", **variables)
        assert told([printed]) == []
    assert len(told(hook.took)) == 1
    # it is spent: the third step
    rows.insert(0, costing(5, 19))
    code, printed, _ = run("load", **variables)
    assert len(told([printed])) == 1
    assert "100% or more" in told([printed])[0]
    assert len(told(hook.took)) == 2
    # cheaper, and dear again
    with duckdb.connect(str(tmp_path / FILE)) as connection:
        connection.execute(f"DELETE FROM {DATASET}.batch_prices WHERE model = 'mine'")  # noqa: S608
    assert run("load", **variables)[0] == 0
    rows.insert(0, costing(6, 1, model="gpt-5"))
    assert run("load", **variables)[0] == 0
    assert len(told(hook.took)) == 2
    # whoever asks is told what holds
    assert "100% or more" in run("alerts", **variables)[1]


def test_a_budget_of_all_batches_and_steps_of_its_own(lists: Lists, rows: list[TRow]) -> None:
    rows[:0] = [costing(2, 1, None), costing(3, 1, "other")]
    variables = keys(lists, "openai") | budget(usd_per_month=1_000.5, warn_at=[0.04, 0.5])
    _, printed, _ = run("load", **variables)
    (line,) = told([printed])
    assert "Budget of all batches: 42.00 of 1,000.50 USD" in line
    assert "4% or more; without 0 batches" in line


def test_batches_of_other_months_do_not_count(lists: Lists, rows: list[TRow]) -> None:
    rows[0]["created_at"] -= 32 * 86_400
    variables = keys(lists, "openai") | budget(usd_per_month=1)
    assert told([run("load", **variables)[1]]) == []


def test_a_maximum_of_which_a_part_is_not_known_is_not_told() -> None:
    sums: list[TRow] = [
        {"usd": 1, "most_usd": 2, "without_most": 0, "unpriced": 0},
        {"usd": 3, "most_usd": None, "without_most": 1, "unpriced": 2},
    ]

    def ask(query: str) -> list[TRow]:
        return sums if "batches_spend" in query else [{"month": date(2026, 11, 1)}]

    (spend,) = read_spend(ask, [Budget(None, None, Decimal(9), (1.0,))])
    assert spend == Spend("2026-11", Decimal(4), None, 2)


def test_labels_are_columns_and_follow_their_setting(
    lists: Lists, rows: list[TRow], tmp_path: Path
) -> None:
    rows[0]["endpoint"] = "nightly"
    rows.insert(0, costing(2, 2, None))
    variables = keys(lists, "openai")
    assert run("load", **variables)[0] == 0
    query = f'SELECT team, "order" FROM {DATASET}.batches_labelled ORDER BY created_at'  # noqa: S608
    assert table(tmp_path / FILE, query) == [("search", "nightly"), (None, None)]
    spend = f"SELECT team, SUM(cost_usd) FROM {DATASET}.batches_spend GROUP BY 1 ORDER BY 1"  # noqa: S608
    assert table(tmp_path / FILE, spend) == [("search", Decimal(40)), (None, Decimal(2))]
    # without `order`, and another one
    labels = {PREFIX + "LABELS": json.dumps({"whose": "metadata.team"})}
    code, _, log = run("load", **variables, **labels)
    assert (code, log) == (0, "")
    with duckdb.connect(str(tmp_path / FILE)) as connection:
        found = connection.execute(f"DESCRIBE {DATASET}.batches_spend").fetchall()
        (text,) = connection.execute(
            "SELECT comment FROM duckdb_columns() WHERE table_name = 'batches_spend'"
            " AND column_name = 'whose'"
        ).fetchall()[0]
    assert [row[0] for row in found[:5]] == ["month", "provider", "account", "whose", "model"]
    assert "metadata.team" in text


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("labels", '["team"]', "not a table"),
        ("labels", '{"Team": "description"}', "`Team` is not a name"),
        ("labels", '{"te am": "description"}', "`te am` is not a name"),
        ("labels", '{"model": "description"}', "already"),
        ("labels", '{"cost_gap": "description"}', "already"),
        ("labels", '{"team": "metadata"}', "`team` has to be"),
        ("labels", '{"team": "metadata.it\'s"}', "`team` has to be"),
        ("labels", '{"team": "errors"}', "`team` has to be"),
        ("labels", '{"team": 5}', "`team` has to be"),
        ("labels", json.dumps({f"l{n}": "description" for n in range(9)}), "at most 8"),
        ("labels", "{team", "not JSON"),
        ("budgets", '{"usd_per_month": 5}', "not a list"),
        ("budgets", "[5]", "entry 1 is not a table"),
        ("budgets", '[{"usd_per_month": 5}, {"usd": 5}]', "entry 2 is not a table"),
        ("budgets", '[{"label": "team=a"}]', "`usd_per_month`"),
        ("budgets", '[{"usd_per_month": 0}]', "`usd_per_month`"),
        ("budgets", '[{"usd_per_month": true}]', "`usd_per_month`"),
        ("budgets", '[{"usd_per_month": 5, "label": "team"}]', "`label`"),
        ("budgets", '[{"usd_per_month": 5, "label": "job=x"}]', "`label`"),
        ("budgets", '[{"usd_per_month": 5, "warn_at": 0.5}]', "`warn_at`"),
        ("budgets", '[{"usd_per_month": 5, "warn_at": [-1]}]', "`warn_at`"),
    ],
)
def test_what_cannot_be_used_is_named_before_anything_is_read(
    lists: Lists, rows: list[TRow], name: str, value: str, problem: str
) -> None:
    variables = keys(lists, "openai") | {PREFIX + name.upper(): value}
    code, _, log = run("load", **variables)
    assert code == 2
    assert f"`sources.ai_batches.{name}` cannot be used" in log
    assert problem in log
    assert lists.requests == []


def test_settings_of_a_file_are_read(lists: Lists, rows: list[TRow]) -> None:
    folder = Path(".dlt")
    folder.mkdir()
    (folder / "config.toml").write_text(
        "[sources.ai_batches]\n"
        'budgets = [{ label = "team=search", usd_per_month = 40, warn_at = [1.0] }]\n'
    )
    assert len(told([run("load", **keys(lists, "openai"))[1]])) == 1
