"""Alerts: what a person should look at, after a run, on demand and in Slack."""

import re
import threading
import time
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest

from commands import keys, run, run_process, summary
from slack_hook import Hook
from support import DAY, NOW, Lists, batch, cursor_list, ended_ago, failure, page


def forget_what_was_told() -> None:
    """As if the working folder were new."""
    for file in Path("dlt/pipelines").glob("*.told.*"):
        file.unlink()


def test_what_needs_attention(lists: Lists, tmp_path: Path) -> None:
    rows = [
        ended_ago(7, "failed", 120),
        ended_ago(6, "expired", 300),
        ended_ago(5, "completed", 400),
        # nobody who installs this today wants to hear of last month
        ended_ago(4, "failed", 3 * DAY),
        batch(3, status="in_progress", created_at=NOW - 3 * DAY, expires_at=NOW - 2 * DAY),
        batch(2, status="in_progress", created_at=NOW - 3 * DAY, completion_window="7d"),
        batch(1, created_at=NOW - 4 * DAY),
    ]
    lists.serve("openai", cursor_list(rows))
    variables = keys(lists, "openai")
    code, printed, _ = run("load", **variables)
    first = "within a day before the first run"
    stuck = "- openai, account default: 1 batch open beyond its window: batch_3"
    assert code == 0
    assert printed.splitlines()[-4:] == [
        "Alerts:",
        stuck,
        f"- openai, account default: 1 batch expired {first}: batch_6",
        f"- openai, account default: 1 batch failed {first}: batch_7",
    ]
    # the same from the table alone: no list is asked
    asked = lists.count("openai")
    code, shown, _ = run("alerts")
    assert code == 1
    assert shown.splitlines() == printed.splitlines()[-4:]
    assert lists.count("openai") == asked
    # what was told is not told again; a stuck batch is as long as it is stuck
    code, printed, _ = run("load", **variables)
    assert printed.splitlines()[-2:] == ["Alerts:", stuck]
    rows[:] = [ended_ago(8, "failed", 1), *rows[:4], ended_ago(3, "cancelled", 1), *rows[5:]]
    code, printed, _ = run("load", **variables)
    assert printed.splitlines()[-2:] == [
        "Alerts:",
        "- openai, account default: 1 batch failed since the last run: batch_8",
    ]


@pytest.mark.integration
def test_many_are_counted_and_some_named(lists: Lists) -> None:
    rows = [ended_ago(n, "failed", 60 + 60 * (50 - n)) for n in range(50, 0, -1)]
    lists.serve("openai", cursor_list(rows))
    _, printed, _ = run("load", **keys(lists, "openai"))
    assert printed.splitlines()[-1] == (
        "- openai, account default: 50 batches failed within a day before the first run:"
        " batch_50, batch_49, batch_48 and 47 more"
    )


@pytest.mark.integration
def test_a_batch_that_a_gateway_lists_too_is_told_once(lists: Lists) -> None:
    rows = [ended_ago(1, "failed", 60)]
    for name in ("openai", "respan"):
        lists.serve(name, cursor_list(rows))
    _, printed, _ = run("load", **keys(lists, "openai", "respan"))
    assert [line for line in printed.splitlines() if " failed " in line] == [
        "- openai, account default: 1 batch failed within a day before the first run: batch_1"
    ]


@pytest.mark.integration
def test_a_batch_that_ended_is_not_stuck_because_a_gateway_says_so(lists: Lists) -> None:
    old = {"created_at": NOW - 4 * DAY, "expires_at": NOW - 3 * DAY}
    lists.serve("openai", cursor_list([batch(1, **old)]))
    lists.serve("respan", cursor_list([batch(1, status="in_progress", **old)]))
    _, printed, _ = run("load", **keys(lists, "openai", "respan"))
    assert "attention" not in printed


@pytest.mark.integration
def test_accounts_that_fail_or_were_not_loaded_for_long(lists: Lists, tmp_path: Path) -> None:
    lists.serve("openai", page([batch(1)]))
    lists.serve("kimi", page([batch(1)]))
    lists.serve("novita", failure(401))
    lists.serve("respan", failure(404))
    code, printed, _ = run("load", **keys(lists, "openai", "kimi", "novita", "respan"))
    assert code == 1
    # the summary has told of them
    assert "Needs attention" not in printed
    with duckdb.connect(str(tmp_path / "ai_batches.duckdb")) as connection:
        connection.execute(
            "UPDATE ai_batches_dataset.runs SET started_at = started_at - INTERVAL '25 hours',"
            " ended_at = ended_at - INTERVAL '25 hours'"
        )
    assert run("load", "openai", **keys(lists, "openai"))[0] == 0
    code, printed, _ = run("alerts")
    assert code == 1
    told = re.sub(r"since \d{4}-\d\d-\d\d \d\d:\d\d UTC", "since then", printed).splitlines()
    assert told == [
        "Alerts:",
        "- kimi, account default: not loaded since then, for over 24 hours",
        "- novita, account default: the provider refused the key; not loaded yet",
        "- respan, account default: the last run failed; not loaded yet",
    ]
    later = run("alerts", SOURCES__AI_BATCHES__ALERTS__NOT_LOADED_AFTER="26h")[1]
    assert "kimi" not in later


@pytest.mark.integration
def test_a_refused_key_that_an_earlier_version_recorded_is_one(
    lists: Lists, tmp_path: Path
) -> None:
    lists.serve("novita", failure(401))
    assert run("load", "novita", **keys(lists, "novita"))[0] == 1
    with duckdb.connect(str(tmp_path / "ai_batches.duckdb")) as connection:
        connection.execute("UPDATE ai_batches_dataset.runs SET error_type = 'RefusedKeyError'")
    code, printed, _ = run("alerts")
    assert code == 1
    assert "- novita, account default: the provider refused the key; not loaded yet" in printed


@pytest.mark.integration
def test_settings_that_were_mended_are_forgotten(lists: Lists) -> None:
    lists.serve("openai", page([batch(1)]))
    variables = keys(lists, "openai")
    assert run("load", **variables)[0] == 0
    assert run("load", **variables, SOURCES__AI_BATCHES__OPENAI__PAGE_SIZE="many")[0] == 1
    assert "openai: the last run failed; not loaded yet" in run("alerts")[1]
    assert run("load", **variables)[0] == 0
    assert run("alerts") == (0, "", "")


@pytest.mark.integration
@pytest.mark.sample(1)
@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM {0} WHERE started_at = {1}",
        "UPDATE {0} SET result = 'failed' WHERE started_at = {1}",
    ],
)
def test_what_a_run_brought_that_did_not_end_well_is_told(
    lists: Lists, tmp_path: Path, change: str
) -> None:
    """One that was killed before its row was written, or that failed for another reason.

    What was told is lost, too: the runs say it.
    """
    rows = [batch(1)]
    lists.serve("openai", cursor_list(rows))
    variables = keys(lists, "openai")
    assert run("load", **variables)[0] == 0
    rows.insert(0, ended_ago(2, "failed", 60))
    assert "batch_2" in run("load", **variables)[1]
    last = "(SELECT max(started_at) FROM ai_batches_dataset.runs)"
    with duckdb.connect(str(tmp_path / "ai_batches.duckdb")) as connection:
        connection.execute(change.format("ai_batches_dataset.runs", last))
    forget_what_was_told()
    assert "1 batch failed since the last run: batch_2" in run("load", **variables)[1]


@pytest.mark.integration
def test_a_run_of_one_provider_tells_what_is_wrong_with_another(lists: Lists) -> None:
    lists.serve("openai", page([batch(1)]))
    lists.serve("kimi", failure(401))
    variables = keys(lists, "openai", "kimi")
    assert run("load", **variables)[0] == 1
    code, printed, _ = run("load", "openai", **variables)
    assert code == 0
    assert "- kimi, account default: the provider refused the key; not loaded yet" in printed


@pytest.mark.integration
def test_a_load_is_good_even_if_nobody_can_look_afterwards(lists: Lists, tmp_path: Path) -> None:
    """A reader opens the file as soon as the rows are there."""
    lists.serve("openai", page([batch(1)]))
    file = tmp_path / "ai_batches.duckdb"
    is_over = threading.Event()

    def look() -> None:
        while not is_over.is_set():
            with suppress(duckdb.Error):
                connection = duckdb.connect(str(file), read_only=True)
                if connection.execute(
                    "SELECT 1 FROM information_schema.tables WHERE table_name = 'runs'"
                ).fetchall():
                    is_over.wait()
                connection.close()
            time.sleep(0.001)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        code, printed, log = run_process("load", **keys(lists, "openai"))
    finally:
        is_over.set()
        thread.join()
    assert code == 0, log
    assert summary(printed, "openai")[-1] == "ok"


@pytest.mark.integration
def test_a_dataset_that_is_not_there_is_no_good_news(lists: Lists) -> None:
    lists.serve("openai", page([batch(1)]))
    assert run("load", **keys(lists, "openai"))[0] == 0
    code, printed, log = run("alerts", "--dataset", "misspelt")
    assert (code, printed) == (2, "")
    assert "There is no table misspelt.batches" in log


def test_all_is_well(lists: Lists) -> None:
    lists.serve("openai", page([batch(1)]))
    assert "attention" not in run("load", **keys(lists, "openai"))[1]
    assert run("alerts") == (0, "", "")


@pytest.mark.integration
def test_where_nothing_was_loaded_there_is_nothing_to_look_at() -> None:
    code, printed, log = run("alerts")
    assert (code, printed) == (2, "")
    assert "nothing was loaded yet" in log
    assert "Traceback" not in log
    assert not Path("ai_batches.duckdb").exists()


# Slack


@pytest.mark.integration
def test_slack_is_told_once_and_nothing_personal(lists: Lists, hook: Hook) -> None:
    private = {
        "metadata": {"customer": "Ada Lovelace"},
        "description": "letter to Ada",
        "errors": {"data": [{"code": "bad", "message": "prompt: dear Ada"}]},
    }
    rows = [ended_ago(2, "failed", 60, **private), batch(1)]
    lists.serve("openai", cursor_list(rows))
    lists.serve("kimi", failure(404, {"error": {"message": "no Ada here"}}))
    variables = hook.variables(lists, "openai", "kimi")
    assert run("load", **variables)[0] == 1
    assert hook.took == [
        "AI batch alerts:\n"
        "• kimi, account default: the last run failed; not loaded yet\n"
        "• openai, account default: 1 batch failed within a day before the first run: batch_2"
    ]
    for _ in range(2):
        run("load", **variables)
    assert hook.took[1:] == []
    # what was mended and comes again is told again
    lists.serve("kimi", page([batch(1)]))
    run("load", **variables)
    lists.serve("kimi", failure(401))
    run("load", **variables)
    assert hook.took[1:] == [
        "AI batch alerts:\n• kimi, account default: the provider refused the key"
    ]


@pytest.mark.integration
def test_a_hook_that_fails_is_a_warning_that_does_not_show_it(lists: Lists, hook: Hook) -> None:
    lists.serve("openai", cursor_list([ended_ago(1, "failed", 60)]))
    hook.status = 500
    code, printed, log = run("load", **hook.variables(lists, "openai"))
    assert code == 0
    assert len(hook.refused) == 1
    assert "could not be sent to Slack" in log
    assert "of-the-hook" not in printed + log
