"""What the command prints: tables, JSON, nothing, and live lines on a terminal."""

import json
import os
import pty
import re
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
from starlette.requests import Request

from commands import COMMAND, keys, run
from support import (
    KEY,
    Lists,
    TAnswer,
    batch,
    cursor_list,
    ended_ago,
    failure,
    page,
)


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
    lists.serve("openai", cursor_list([ended_ago(2, "failed", 60), batch(1)]))
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
    lists.serve("openai", cursor_list([ended_ago(2, "failed", 60), batch(1)]))
    lists.serve("kimi", failure(401))
    code, printed, log = run("load", "--quiet", **keys(lists, "openai", "kimi"))
    assert code == 1
    assert printed.splitlines() == [
        "Alerts:",
        "- openai, account default: 1 batch failed since the last run: batch_2",
    ]
    assert log.startswith("FAILED kimi, account default: the provider refused the key")
    lists.serve("openai", cursor_list([ended_ago(3, "failed", 60), batch(1)]))
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
    assert log.startswith(
        "WARNING: openai, account default: field `created_at`: could not be read in 1 row"
    )
    assert len(log.splitlines()) == 1


@pytest.mark.integration
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
