"""Failure rates that stand out, and batches that are paid for although they did not complete."""

from pathlib import Path
from typing import Any

import pytest

from ai_batches_runner.inspect.failure_rates import chance_of
from cases import Case
from commands import keys, run
from slack_hook import Hook
from support import DAY, HOUR, Lists, TRow, batch, cursor_list, ended_ago, few_of
from targets import TARGETS, TServers

SECTION = "SOURCES__AI_BATCHES__ALERTS__"


class Ended:
    """Batches that ended."""

    def __init__(self) -> None:
        self.rows: list[TRow] = []

    def add(
        self, model: str | None, ago: int, count: int, status: str = "completed", **fields: Any
    ) -> None:
        """Adds batches of a model that ended some seconds ago."""
        for _ in range(count):
            number = 10_000 + len(self.rows)
            named = {"model": model, "endpoint": "/v1/responses", **fields}
            self.rows.append(ended_ago(number, status, ago + len(self.rows), **named))

    def serve(self, lists: Lists) -> dict[str, str]:
        """Lists them, the newest first."""
        self.rows.sort(key=lambda row: row["created_at"], reverse=True)
        lists.serve("openai", cursor_list(self.rows))
        return {**keys(lists, "openai"), "SOURCES__AI_BATCHES__OPENAI__PAGE_SIZE": "1000"}


ALERT = (
    "openai: 12 of the last 25 batches of gpt-5 at /v1/responses failed (48.0%), against 2 of 100"
    " in the 30 days before (2.0%): 46 points more (limit 5), p = 2e-08 (Fisher's exact test, limit"
    " 0.001)"
)


def worsened() -> Ended:
    """One model whose rate stands out, and many for which it does not."""
    ended = Ended()
    failed: dict[str, Any] = {"request_counts": {"total": 2, "completed": 0, "failed": 2}}
    ended.add("gpt-5", HOUR, 13)
    ended.add("gpt-5", HOUR, 8, "failed")
    ended.add("gpt-5", HOUR, 2, "expired")
    ended.add("gpt-5", HOUR, 2, **failed)
    ended.add("gpt-5", HOUR, 9, "cancelled")
    ended.add("gpt-5", 2 * DAY, 98)
    ended.add("gpt-5", 30 * DAY, 1, "failed")
    ended.add("gpt-5", 3 * DAY, 1, "failed")
    ended.add("gpt-5", 32 * DAY, 50, "failed")
    # as bad before
    ended.add("bad", HOUR, 20, "failed")
    ended.add("bad", 2 * DAY, 20, "failed")
    # 19 before are too few
    ended.add("new", HOUR, 20, "failed")
    ended.add("new", 2 * DAY, 19)
    # the newest 20 count, one of which ended today
    ended.add("slow", HOUR, 1)
    ended.add("slow", 2 * DAY, 19)
    ended.add("slow", 3 * DAY, 20)
    # none ended today
    ended.add("gone", 2 * DAY, 20, "failed")
    ended.add("gone", 3 * DAY, 50)
    # what chance explains
    ended.add(None, HOUR, 17)
    ended.add(None, HOUR, 3, "failed")
    ended.add(None, 2 * DAY, 20)
    return ended


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    "name",
    few_of(["duckdb_file", "sqlite", "postgres", "mariadb", "delta"], quick=["duckdb_file"]),
)
def test_a_rate_that_stands_out_is_named_and_how(
    name: str, server: TServers, lists: Lists, tmp_path: Path
) -> None:
    target = TARGETS[name](tmp_path, server)
    ended = worsened()
    variables = ended.serve(lists)
    # a batch that a gateway lists, too, counts once
    lists.serve("respan", cursor_list(ended.rows))
    variables |= keys(lists, "respan") | {"SOURCES__AI_BATCHES__RESPAN__PAGE_SIZE": "1000"}
    case = Case(name, target, target, tmp_path, "rates", lists, variables)
    assert case.run()[0] == 0
    code, printed = case.run(command="alerts")
    assert code == 1
    assert [line for line in printed.splitlines() if "of the last" in line] == [f"- {ALERT}"]


@pytest.mark.integration
def test_a_rate_is_told_once_for_as_long_as_it_stands_out(lists: Lists, hook: Hook) -> None:
    ended = worsened()
    variables = ended.serve(lists)
    variables |= {"RUNTIME__SLACK_INCOMING_HOOK": hook.url}
    assert ALERT in run("load", **variables)[1]
    assert sum("of the last" in text for text in hook.took) == 1
    # its numbers change
    ended.add("gpt-5", 60, 1, "failed")
    ended.serve(lists)
    assert "of the last" not in run("load", **variables)[1]
    assert sum("of the last" in text for text in hook.took) == 1
    assert "13 of the last 26 batches" in run("alerts")[1]
    for setting, value in {
        "FAILURE_RISE": "60",
        "FAILURE_CHANCE": "1e-20",
        "FAILURE_BATCHES": "100",
    }.items():
        assert "gpt-5" not in run("alerts", **{SECTION + setting: value})[1], setting


def test_a_rate_that_rises_by_the_limit_is_named(lists: Lists) -> None:
    ended = Ended()
    for ago, good, failed in ((HOUR, 60, 60), (2 * DAY, 150, 50)):
        ended.add("gpt-5", ago, good)
        ended.add("gpt-5", ago, failed, "failed")
    assert run("load", **ended.serve(lists))[0] == 0
    for rise, is_named in (("25", True), ("25.1", False)):
        printed = run("alerts", **{SECTION + "FAILURE_RISE": rise})[1]
        assert ("25 points more (limit 25)" in printed) == is_named


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("FAILURE_BATCHES", "0"),
        ("FAILURE_BATCHES", "2.5"),
        ("FAILURE_RISE", "nan"),
        ("FAILURE_CHANCE", "rare"),
        ("NOT_LOADED_AFTER", "0d"),
        ("NOT_LOADED_AFTER", "31d"),
    ],
)
def test_a_threshold_that_cannot_be_used_is_named_before_anything_is_read(
    lists: Lists, setting: str, value: str
) -> None:
    lists.serve("openai", cursor_list([batch(1)]))
    code, _, log = run("load", **keys(lists, "openai"), **{SECTION + setting: value})
    assert (code, lists.count("openai")) == (2, 0)
    assert f"`sources.ai_batches.alerts.{setting.lower()}` cannot be used" in log
    assert "Correct it, or remove the setting." in log


@pytest.mark.integration
def test_the_chance_of_so_many_failures() -> None:
    # all four that failed of eight are among the new four: one way of 70
    assert chance_of(4, 4, 0, 4) == pytest.approx(1 / 70)
    assert chance_of(0, 4, 4, 4) == pytest.approx(1)
    assert 0 <= chance_of(50_000, 100_000, 10_000, 1_000_000) < 1e-300


@pytest.mark.integration
def test_what_is_paid_for_without_having_completed_is_told_once_with_its_cost(
    lists: Lists,
) -> None:
    usage = {"usage": {"input_tokens": 8_000_000, "output_tokens": 1_000_000}}
    counts = {"request_counts": {"total": 9, "completed": 4, "failed": 0}}
    none = {"request_counts": {"total": 9, "completed": 0, "failed": 0}}
    rows = [
        ended_ago(9, "cancelled", 60, model="gpt-5", **counts, **usage),
        ended_ago(8, "expired", 70, model="gpt-99", **counts, **usage),
        ended_ago(7, "cancelled", 80, output_file_id="file-7"),
        ended_ago(6, "cancelled", 90, **none),
        ended_ago(5, "expired", 100, **none),
        ended_ago(4, "failed", 110, **counts),
        ended_ago(3, "cancelled", 3 * DAY, **counts),
    ]
    lists.serve("openai", cursor_list(rows))
    variables = keys(lists, "openai")
    printed = run("load", **variables)[1]
    first = "within a day before the first run"
    assert printed.splitlines()[printed.splitlines().index("Alerts:") + 1 :] == [
        f"- openai, account default: 1 batch expired {first}: batch_5",
        f"- openai, account default: 1 batch failed {first}: batch_4",
        f"- openai, account default: 3 batches expired or cancelled {first} with results that are"
        " paid for (8 requests succeeded, 10.00 USD without 2 of unknown cost): batch_9, batch_8,"
        " batch_7",
    ]
    rows.insert(0, ended_ago(10, "cancelled", 10, **counts))
    # results that come to light later are told, too
    assert rows[5]["id"] == "batch_5"
    rows[5] |= counts
    printed = run("load", **variables)[1]
    assert printed.splitlines()[printed.splitlines().index("Alerts:") + 1 :] == [
        "- openai, account default: 2 batches expired or cancelled since the last run with results"
        " that are paid for (8 requests succeeded, cost not known): batch_10, batch_5",
    ]
