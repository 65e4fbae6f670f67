"""Many accounts: side by side in a run, or spread over runs side by side."""

import json
import os
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from starlette.requests import Request

from commands import COMMAND, run, table
from servers import PASSWORD, postgres
from support import KEY, Lists, TAnswer, TRow, batch, cursor_list, failure


class Accounts:
    """Lists of many accounts, told apart by their keys."""

    def __init__(self, names: list[str], size: int) -> None:
        self.keys = {name: f"{KEY}-{name}" for name in names}
        self.lists: dict[str, list[TRow]] = {
            f"Bearer {key}": [batch(n, endpoint=name) for n in range(size, 0, -1)]
            for name, key in self.keys.items()
        }

    def answer(self, request: Request) -> TAnswer:
        return cursor_list(self.lists[request.headers["authorization"]])(request)

    def settings(self, lists: Lists, names: list[str]) -> dict[str, str]:
        prefix = "SOURCES__AI_BATCHES__OPENAI__"
        chosen = {name: self.keys[name] for name in names}
        return {prefix + "ACCOUNTS": json.dumps(chosen), prefix + "BASE_URL": lists.url("openai")}


@pytest.mark.integration
def test_hundreds_of_accounts_load_in_one_run(lists: Lists, tmp_path: Path) -> None:
    names = [f"team-{n:03}" for n in range(300)]
    accounts = Accounts(names, size=5)
    lists.serve("openai", accounts.answer)
    variables = accounts.settings(lists, names)
    code, printed, log = run("load", **variables)
    assert code == 0, log
    assert printed.count("team-") == 300
    query = (
        "SELECT count(*), count(DISTINCT account), count(DISTINCT (account, id)),"
        " bool_and(account = endpoint) FROM ai_batches_dataset.batches"
    )
    assert table(tmp_path / "ai_batches.duckdb", query) == [(1_500, 300, 1_500, True)]
    lists.requests.clear()
    assert run("load", **variables)[0] == 0
    assert len(lists.requests) == 300


def test_connections_do_not_grow_with_the_accounts(lists: Lists) -> None:
    names = [f"team-{n:03}" for n in range(40)]
    accounts = Accounts(names, size=5)
    open_connections: list[int] = []

    def answer(request: Request) -> TAnswer:
        assert request.url.port is not None
        port = f":{request.url.port:04X}"
        lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
        sockets = [line.split() for line in lines]
        open_connections.append(sum(s[1].endswith(port) and s[3] == "01" for s in sockets))
        return accounts.answer(request)

    lists.serve("openai", answer)
    variables = accounts.settings(lists, names)
    variables["SOURCES__AI_BATCHES__OPENAI__CONCURRENCY"] = "3"
    assert run("load", **variables)[0] == 0
    assert len(open_connections) == 40
    # one that was closed may still be there for a moment
    assert max(open_connections) <= 6


@pytest.mark.integration
@pytest.mark.timeout(300)
def test_runs_side_by_side_share_one_table(lists: Lists, tmp_path: Path) -> None:
    halves = {"left": ["a", "b", "c"], "right": ["d", "e", "f"]}
    accounts = Accounts([name for names in halves.values() for name in names], size=250)
    begun: set[str] = set()

    def answer(request: Request) -> TAnswer:
        begun.add("left" if request.headers["authorization"][-1] in "abc" else "right")
        # neither goes on before both have begun, so that they do load at the same time
        return accounts.answer(request) if begun == set(halves) else failure(503)

    lists.serve("openai", answer)
    with postgres() as url:
        for _ in range(3):
            begun.clear()
            runs = [start(half, names, accounts, lists, url) for half, names in halves.items()]
            for process in runs:
                printed = process.communicate(timeout=120)[0]
                assert process.returncode == 0, printed
                assert PASSWORD not in printed
            for rows in accounts.lists.values():
                rows.insert(0, batch(len(rows) + 1, endpoint=rows[0]["endpoint"]))
                rows[0]["created_at"] = rows[1]["created_at"] + 1
        with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT account, count(*), count(DISTINCT id), bool_and(account = endpoint)"
                " FROM ai_batches.batches GROUP BY account ORDER BY account"
            )
            assert cursor.fetchall() == [(name, 252, 252, True) for name in "abcdef"]


def start(
    half: str, names: list[str], accounts: Accounts, lists: Lists, url: str
) -> "subprocess.Popen[str]":
    """Starts a run that has a name, and accounts, of its own."""
    variables: dict[str, Any] = {
        **os.environ,
        **accounts.settings(lists, names),
        "DESTINATION__POSTGRES__CREDENTIALS": url,
        "RUNTIME__REQUEST_MAX_ATTEMPTS": "1000",
        "RUNTIME__REQUEST_MAX_RETRY_DELAY": "0.1",
    }
    return subprocess.Popen(  # noqa: S603
        [COMMAND, "load", "--destination", "postgres", "--pipeline-name", f"ai_batches_{half}"],
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
