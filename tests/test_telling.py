"""What a run tells: on the way, in the end, in the table `runs`, and what needs attention."""

import json
import os
import pty
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ai_batches_demo import LoopbackServer
from commands import COMMAND, keys, run, run_process, summary, table
from support import KEY, Lists, TAnswer, TRow, batch, cursor_list, failure, offset_list, page

NOW = int(time.time())
HOUR = 3_600
DAY = 24 * HOUR
RUNS = "SELECT {} FROM ai_batches_dataset.runs ORDER BY started_at, provider, account"


def ended(number: int, status: str, ago: int, **fields: Any) -> TRow:
    """A batch that ended so many seconds ago."""
    created = {"created_at": NOW - ago - HOUR, "expires_at": NOW - ago - HOUR + DAY}
    return batch(number, status=status, **{**created, f"{status}_at": NOW - ago, **fields})


def runs(tmp_path: Path, columns: str) -> list[tuple[Any, ...]]:
    """What the table of the runs says."""
    return table(tmp_path / "ai_batches.duckdb", RUNS.format(columns))


# The table of the runs


def test_each_run_leaves_a_row_for_each_account(lists: Lists, tmp_path: Path) -> None:
    rows = [batch(2, status="in_progress"), batch(1)]
    lists.serve("openai", cursor_list(rows))
    lists.serve("bland", offset_list([{"id": "b1", "created_at": "2025-05-08T19:28:12.627Z"}]))
    lists.serve("kimi", failure(401))
    started = time.time()
    variables = keys(lists, "openai", "bland", "kimi")
    assert run("load", **variables)[0] == 1
    rows[:] = [batch(3), batch(2), batch(1)]
    assert run("load", "openai", **variables)[0] == 0
    counts = "batches_read, batches_new, batches_changed, batches_open, requests"
    assert runs(tmp_path, f"provider, account, result, {counts}, error_type") == [
        ("bland", "default", "ok", 1, 1, 0, None, lists.count("bland"), None),
        ("kimi", "default", "failed", 0, 0, 0, None, 1, "AuthenticationError"),
        ("openai", "default", "ok", 2, 2, 0, 1, 1, None),
        ("openai", "default", "ok", 3, 1, 1, 0, 1, None),
    ]
    moments = runs(tmp_path, "epoch(started_at), epoch(ended_at), seconds")
    for begun, done, seconds in moments:
        assert started < begun < done < time.time()
        assert 0 < seconds < done - begun
    assert len({row[0] for row in runs(tmp_path, "run_id")}) == 2
    assert "refused the key" in str(runs(tmp_path, "error"))
    # what a run changed can be found by the load
    changed = """
        SELECT batches.id FROM ai_batches_dataset.batches JOIN ai_batches_dataset.runs
        ON _dlt_load_id = load_id WHERE batches_read = 3 ORDER BY 1
    """
    assert table(tmp_path / "ai_batches.duckdb", changed) == [("batch_2",), ("batch_3",)]


def test_a_run_in_many_packages_is_one_row(lists: Lists, tmp_path: Path) -> None:
    lists.serve("openai", cursor_list([batch(n) for n in range(950, 0, -1)]))
    assert run("load", "--rows-per-load", "300", **keys(lists, "openai"))[0] == 0
    counts = runs(tmp_path, "batches_read, batches_new, requests, result")
    assert counts == [(950, 950, lists.count("openai"), "ok")]


def test_a_run_that_is_cut_says_so(lists: Lists, tmp_path: Path) -> None:
    def slow(request: Request) -> TAnswer:
        time.sleep(0.3)
        return inner(request)

    inner = cursor_list([batch(n) for n in range(5_000, 0, -1)])
    lists.serve("openai", slow)
    assert run("load", "--time-limit", "0.5", **keys(lists, "openai"))[0] == 3
    assert runs(tmp_path, "result") == [("partial",)]


def test_settings_that_cannot_be_used_leave_a_row(lists: Lists, tmp_path: Path) -> None:
    lists.serve("openai", page([batch(1)]))
    wrong = {"SOURCES__AI_BATCHES__KIMI__PAGE_SIZE": "many"}
    assert run("load", **keys(lists, "openai", "kimi"), **wrong)[0] == 1
    assert runs(tmp_path, "provider, account, result, error_type") == [
        ("kimi", "", "failed", "SettingsError"),
        ("openai", "default", "ok", None),
    ]


def test_what_needs_attention(lists: Lists, tmp_path: Path) -> None:
    rows = [
        ended(7, "failed", 120),
        ended(6, "expired", 300),
        ended(5, "completed", 400),
        # nobody who installs this today wants to hear of last month
        ended(4, "failed", 3 * DAY),
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
    rows[:] = [ended(8, "failed", 1), *rows[:4], ended(3, "cancelled", 1), *rows[5:]]
    code, printed, _ = run("load", **variables)
    assert printed.splitlines()[-2:] == [
        "Alerts:",
        "- openai, account default: 1 batch failed since the last run: batch_8",
    ]


def test_many_are_counted_and_some_named(lists: Lists) -> None:
    rows = [ended(n, "failed", 60 + 60 * (50 - n)) for n in range(50, 0, -1)]
    lists.serve("openai", cursor_list(rows))
    _, printed, _ = run("load", **keys(lists, "openai"))
    assert printed.splitlines()[-1] == (
        "- openai, account default: 50 batches failed within a day before the first run:"
        " batch_50, batch_49, batch_48 and 47 more"
    )


def test_a_batch_that_a_gateway_lists_too_is_told_once(lists: Lists) -> None:
    rows = [ended(1, "failed", 60)]
    for name in ("openai", "respan"):
        lists.serve(name, cursor_list(rows))
    _, printed, _ = run("load", **keys(lists, "openai", "respan"))
    assert [line for line in printed.splitlines() if " failed " in line] == [
        "- openai, account default: 1 batch failed within a day before the first run: batch_1"
    ]


def test_a_batch_that_ended_is_not_stuck_because_a_gateway_says_so(lists: Lists) -> None:
    old = {"created_at": NOW - 4 * DAY, "expires_at": NOW - 3 * DAY}
    lists.serve("openai", cursor_list([batch(1, **old)]))
    lists.serve("respan", cursor_list([batch(1, status="in_progress", **old)]))
    _, printed, _ = run("load", **keys(lists, "openai", "respan"))
    assert "attention" not in printed


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
        "- kimi, account default: not loaded since then",
        "- novita, account default: the provider refused the key; not loaded yet",
        "- respan, account default: the last run failed; not loaded yet",
    ]


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


def test_settings_that_were_mended_are_forgotten(lists: Lists) -> None:
    lists.serve("openai", page([batch(1)]))
    variables = keys(lists, "openai")
    assert run("load", **variables)[0] == 0
    assert run("load", **variables, SOURCES__AI_BATCHES__OPENAI__PAGE_SIZE="many")[0] == 1
    assert "openai: the last run failed; not loaded yet" in run("alerts")[1]
    assert run("load", **variables)[0] == 0
    assert run("alerts") == (0, "", "")


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
    """One that was killed before its row was written, or that failed for another reason."""
    rows = [batch(1)]
    lists.serve("openai", cursor_list(rows))
    variables = keys(lists, "openai")
    assert run("load", **variables)[0] == 0
    rows.insert(0, ended(2, "failed", 60))
    assert "batch_2" in run("load", **variables)[1]
    last = "(SELECT max(started_at) FROM ai_batches_dataset.runs)"
    with duckdb.connect(str(tmp_path / "ai_batches.duckdb")) as connection:
        connection.execute(change.format("ai_batches_dataset.runs", last))
    assert "1 batch failed since the last run: batch_2" in run("load", **variables)[1]


def test_a_run_of_one_provider_tells_what_is_wrong_with_another(lists: Lists) -> None:
    lists.serve("openai", page([batch(1)]))
    lists.serve("kimi", failure(401))
    variables = keys(lists, "openai", "kimi")
    assert run("load", **variables)[0] == 1
    code, printed, _ = run("load", "openai", **variables)
    assert code == 0
    assert "- kimi, account default: the provider refused the key; not loaded yet" in printed


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


def test_where_nothing_was_loaded_there_is_nothing_to_look_at() -> None:
    code, printed, log = run("alerts")
    assert (code, printed) == (2, "")
    assert "nothing was loaded yet" in log
    assert "Traceback" not in log
    assert not Path("ai_batches.duckdb").exists()


# Slack


@contextmanager
def slack(status: int = 200) -> Iterator[tuple[str, list[str]]]:
    """A hook, and the texts that were sent to it."""
    sent: list[str] = []

    async def receive(request: Request) -> Response:
        sent.append((await request.json())["text"])
        return PlainTextResponse("ok", status)

    app = Starlette(routes=[Route("/services/T0/secret-of-the-hook", receive, methods=["POST"])])
    with LoopbackServer(app) as server:
        yield f"{server.url}/services/T0/secret-of-the-hook", sent


def test_slack_is_told_once_and_nothing_personal(lists: Lists) -> None:
    private = {
        "metadata": {"customer": "Ada Lovelace"},
        "description": "letter to Ada",
        "errors": {"data": [{"code": "bad", "message": "prompt: dear Ada"}]},
    }
    rows = [ended(2, "failed", 60, **private), batch(1)]
    lists.serve("openai", cursor_list(rows))
    lists.serve("kimi", failure(404, {"error": {"message": "no Ada here"}}))
    with slack() as (hook, sent):
        variables = {**keys(lists, "openai", "kimi"), "RUNTIME__SLACK_INCOMING_HOOK": hook}
        assert run("load", **variables)[0] == 1
        assert sent == [
            "AI batch alerts:\n"
            "• kimi, account default: the last run failed; not loaded yet\n"
            "• openai, account default: 1 batch failed within a day before the first run: batch_2"
        ]
        for _ in range(2):
            run("load", **variables)
        assert sent[1:] == [
            "AI batch alerts:\n• kimi, account default: the last run failed; not loaded yet"
        ]
        # what was mended and comes again is told again
        lists.serve("kimi", page([batch(1)]))
        run("load", **variables)
        lists.serve("kimi", failure(401))
        run("load", **variables)
        assert sent[2:] == [
            "AI batch alerts:\n• kimi, account default: the provider refused the key"
        ]


def test_a_hook_that_fails_is_a_warning_that_does_not_show_it(lists: Lists) -> None:
    lists.serve("openai", cursor_list([ended(1, "failed", 60)]))
    with slack(status=500) as (hook, sent):
        variables = {**keys(lists, "openai"), "RUNTIME__SLACK_INCOMING_HOOK": hook}
        code, printed, log = run("load", **variables)
    assert code == 0
    assert len(sent) == 1
    assert "could not be sent to Slack" in log
    assert "secret-of-the-hook" not in printed + log


# How it is told


def test_the_summary_fits_80_columns(lists: Lists) -> None:
    lists.serve("openai", cursor_list([batch(n) for n in range(1_200, 0, -1)]))
    name = "the accounts of research and of development"
    accounts = json.dumps({name: KEY, "b": KEY})
    variables = {
        "SOURCES__AI_BATCHES__OPENAI__ACCOUNTS": accounts,
        "SOURCES__AI_BATCHES__OPENAI__BASE_URL": lists.url("openai"),
    }
    code, printed, _ = run("load", **variables, COLUMNS="80")
    assert code == 0
    lines = printed.splitlines()[:-1]
    assert max(map(len, lines)) <= 80
    assert sum(line.count("1,200") for line in lines) == 4


def test_json_is_an_event_a_line(lists: Lists) -> None:
    lists.serve("openai", cursor_list([ended(2, "failed", 60), batch(1)]))
    lists.serve("kimi", failure(401))
    odd = page([batch(1, created_at="long ago")])
    lists.serve("novita", odd)
    code, printed, log = run(
        "load", "--log-format", "json", **keys(lists, "openai", "kimi", "novita")
    )
    assert (code, log) == (1, "")
    events = [json.loads(line) for line in printed.splitlines()]
    assert all({"time", "level", "message"} <= event.keys() for event in events)
    accounts = {e["provider"]: e for e in events if e.get("event") == "account"}
    assert accounts["openai"]["read"] == accounts["openai"]["new"] == 2
    assert accounts["openai"]["result"] == "ok"
    assert accounts["kimi"]["level"] == "ERROR"
    assert accounts["kimi"]["error_type"] == "AuthenticationError"
    assert "refused the key" in accounts["kimi"]["error"]
    attention = [e for e in events if e.get("event") == "alert"]
    assert [(e["kind"], e["provider"], e["ids"]) for e in attention] == [
        ("refused_key", "kimi", []),
        ("failed", "openai", ["batch_2"]),
    ]
    # dlt's own lines are events, too
    assert [e["level"] for e in events if "could not be read" in e["message"]] == ["WARNING"]
    # errors that end the run as well
    code, printed, log = run("load", "--log-format", "json")
    assert (code, log) == (2, "")
    assert [json.loads(line)["level"] for line in printed.splitlines()] == ["ERROR"]
    code, printed, _ = run(
        "load", "--log-format", "json", "--quiet", **keys(lists, "openai", "kimi")
    )
    levels = {json.loads(line)["level"] for line in printed.splitlines()}
    assert levels == {"ERROR", "WARNING"}
    code, printed, log = run("verify", "--log-format", "json", **keys(lists, "openai"))
    found = [json.loads(line) for line in printed.splitlines()]
    assert [(e["event"], e["listed"], e["missing"]) for e in found] == [("verified", 2, [])]


def test_quiet_is_silent_where_all_is_well(lists: Lists) -> None:
    lists.serve("openai", cursor_list([batch(1)]))
    assert run("load", "--quiet", **keys(lists, "openai")) == (0, "", "")
    lists.serve("openai", cursor_list([ended(2, "failed", 60), batch(1)]))
    lists.serve("kimi", failure(401))
    code, printed, log = run("load", "--quiet", **keys(lists, "openai", "kimi"))
    assert code == 1
    assert printed.splitlines() == [
        "Alerts:",
        "- openai, account default: 1 batch failed since the last run: batch_2",
    ]
    assert log.startswith("FAILED kimi, account default: the provider refused the key")
    lists.serve("openai", cursor_list([ended(3, "failed", 60), batch(1)]))
    code, printed, log = run("verify", "--quiet", **keys(lists, "openai"))
    assert code == 1
    assert "missing: batch_3" in printed


def test_a_stack_trace_is_shown_only_on_demand(lists: Lists, tmp_path: Path) -> None:
    lists.serve("openai", page([batch(1)]))
    variables = keys(lists, "openai")
    (tmp_path / "ai_batches.duckdb").write_text("no database")
    code, _, log = run("load", **variables)
    assert code == 2
    assert "is not a DuckDB file, or is damaged" in log
    assert "Traceback" not in log
    code, _, log = run("load", "--debug", **variables)
    assert code == 2
    assert "is not a DuckDB file, or is damaged" in log
    assert "Traceback" in log
    code, printed, log = run("load", "--debug", "--log-format", "json", **variables)
    assert "Traceback" in json.loads(printed)["exc_info"]


def test_a_warning_is_a_sentence(lists: Lists) -> None:
    lists.serve("openai", page([batch(1, created_at="long ago")]))
    _, _, log = run("load", **keys(lists, "openai"))
    assert log.startswith("WARNING: openai, account default: 1 values of `created_at`")
    assert len(log.splitlines()) == 1


def test_a_terminal_shows_live_what_each_provider_does(lists: Lists) -> None:
    """The answers wait until what they bring about is on the screen."""
    shown = Screen()
    pages = cursor_list([batch(n) for n in range(1_000, 0, -1)])

    def answer(request: Request) -> TAnswer:
        if lists.count("openai") == 5:
            shown.wait_for("400 batches", "4 pages", "/s")
        return pages(request)

    def limited(request: Request) -> TAnswer:
        if lists.count("kimi") == 1:
            return failure(429, Retry_After="0.2")
        shown.wait_for("kimi", "waiting (HTTP 429)")
        return page([batch(1)])

    lists.serve("openai", answer)
    lists.serve("kimi", limited)
    code, printed = shown.run([COMMAND, "load"], {**os.environ, **keys(lists, "openai", "kimi")})
    assert code == 0
    # what was live is gone, the table stays
    assert "1,000" in printed
    assert "batches" in printed.splitlines()[-1]


class Screen:
    """A terminal, and what was ever written to it."""

    def __init__(self) -> None:
        self._master, self._slave = pty.openpty()
        os.set_blocking(self._master, False)
        self._text = ""

    def wait_for(self, *words: str) -> None:
        """Waits until a line has all of these words."""
        deadline = time.monotonic() + 60
        pattern = ".*".join(map(re.escape, words))
        while not re.search(pattern, self._read()):
            assert time.monotonic() < deadline, self._text
            time.sleep(0.02)

    def run(self, command: list[str], variables: dict[str, str]) -> tuple[int, str]:
        """Runs a command whose error stream is the terminal; gives code and standard output."""
        done = subprocess.run(  # noqa: S603
            command,
            env={**variables, "TERM": "xterm-256color", "COLUMNS": "80"},
            stdout=subprocess.PIPE,
            stderr=self._slave,
            text=True,
            timeout=100,
        )
        return done.returncode, done.stdout

    def _read(self) -> str:
        with suppress(BlockingIOError):
            self._text += os.read(self._master, 65_536).decode()
        return self._text
