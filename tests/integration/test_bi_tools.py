"""What BI tools see in the DuckDB file: an older driver, SQLAlchemy, and runs beside them."""

import json
import os
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import psycopg2
import pytest
from starlette.requests import Request

import servers
from ai_batches import COLUMNS
from ai_batches_runner.sql.view_definitions import VIEWS
from commands import COMMAND, keys, run
from environments import HELPERS, ROOT, binary
from read_as_bi_tool import as_json
from support import Lists, TAnswer, TRow, batch, cursor_list, failure, offset_list

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

SCRIPT = str(HELPERS / "read_as_bi_tool.py")
DATASET = "ai_batches_dataset"
COUNT = f"SELECT count(*) FROM {DATASET}.batches"  # noqa: S608
ALL = f"SELECT * FROM {DATASET}.batches ORDER BY provider, id"  # noqa: S608
TYPES = f"SELECT column_name, column_type FROM (DESCRIBE {DATASET}.batches)"  # noqa: S608
NOW_IN_SECONDS = ("open_seconds", "is_stuck")
"""Columns of views that say another thing each second."""


class Tool:
    """A program of the environment `bi` that reads a file and answers questions about it.

    Args:
        way (str): `driver`, which keeps the file open, or `sqlalchemy`, which opens it each time.
        file (Path): Of DuckDB.
    """

    def __init__(self, way: str, file: Path) -> None:
        self._process = subprocess.Popen(  # noqa: S603
            [binary("bi"), SCRIPT, way, str(file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = self._process.pid

    def __enter__(self) -> "Tool":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def ask(self, sql: str, **parameters: object) -> Any:
        """Rows as lists, or an error as text."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps([sql, parameters]) + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    def close(self) -> None:
        """Ends the program."""
        if self._process.returncode is None:
            self._process.communicate(timeout=60)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the pipeline makes its file."""
    return tmp_path / "ai_batches.duckdb"


@pytest.fixture
def rows() -> list[TRow]:
    """What OpenAI lists; tests change it between runs."""
    fields: dict[str, Any] = {
        "metadata": {"team": "Größe 😀"},
        "request_counts": {"total": 2**40, "completed": 3, "failed": 1},
        "errors": {"data": [{"code": "invalid_json_line", "message": "not JSON"}]},
    }
    return [
        batch(3, status="in_progress"),
        batch(2, status="failed", created_at=1_740_000_000, failed_at=1_740_000_060, **fields),
        batch(1, created_at=1_730_000_000, completed_at=1_730_003_600),
    ]


@pytest.fixture
def variables(lists: Lists, rows: list[TRow]) -> dict[str, str]:
    """What a run is told: a provider of Unix seconds, and one of text with microseconds."""
    lists.serve("openai", cursor_list(rows))
    lists.serve("bland", offset_list([{"id": "b1", "created_at": "2025-05-08T19:28:12.627123Z"}]))
    return keys(lists, "openai", "bland")


def test_an_older_driver_reads_what_runs_wrote(
    file: Path, rows: list[TRow], variables: Mapping[str, str]
) -> None:
    assert run("load", **variables)[0] == 0
    with Tool("driver", file) as tool:
        assert tool.ask("SELECT version()") == [["v1.2.2"]]
        assert tool.ask(COUNT) == [[4]]
        types = dict(tool.ask(TYPES))
        assert list(types) == list(COLUMNS)
        assert types["is_open"] == "BOOLEAN"
        assert types["requests_total"] == "BIGINT"
        assert types["created_at"] == "TIMESTAMP WITH TIME ZONE"
        assert types["metadata"] == "JSON"
        columns = "status, is_open, requests_total, created_at, failed_at, metadata->>'team'"
        one = f"SELECT {columns} FROM {DATASET}.batches WHERE id = $id"  # noqa: S608
        failed = ["2025-02-19T21:20:00+00:00", "2025-02-19T21:21:00+00:00"]
        assert tool.ask(one, id="batch_2") == [["failed", False, 2**40, *failed, "Größe 😀"]]
        created = "2025-05-08T19:28:12.627123+00:00"
        assert tool.ask(one, id="b1") == [[None, None, None, created, None, None]]
        assert tool.ask(ALL) == _ask_current(file, ALL)

    rows[:1] = [batch(4), batch(3)]
    assert run("load", **variables)[0] == 0
    with Tool("driver", file) as tool:
        tables = "SELECT table_name FROM duckdb_tables() WHERE schema_name = $name ORDER BY ALL"
        for (name,) in tool.ask(tables, name=DATASET):
            query = f"SELECT * FROM {DATASET}.{name} ORDER BY ALL"  # noqa: S608
            assert tool.ask(query) == _ask_current(file, query)
        assert tool.ask(COUNT) == [[5]]
        assert tool.ask(one, id="batch_3")[0][:2] == ["completed", False]


ON_RESULTS = ("batch_errors", "batch_totals", "batches_results")
"""Views that are empty here."""


def test_an_older_driver_reads_views_also_in_a_copy_of_another_name(
    file: Path, tmp_path: Path, rows: list[TRow], variables: Mapping[str, str]
) -> None:
    assert run("load", **variables)[0] == 0
    _make_view(file)
    # a run into a file with views
    rows.insert(0, batch(4, status="in_progress"))
    assert run("load", **variables)[0] == 0
    copy = tmp_path / "copy.duckdb"
    copy.write_bytes(file.read_bytes())
    for place in (file, copy):
        with Tool("driver", place) as tool:
            assert tool.ask(f"SELECT id FROM {DATASET}.by_hand ORDER BY id") == [  # noqa: S608
                ["batch_3"],
                ["batch_4"],
            ]
            for name, view in VIEWS.items():
                lasting = [column for column in view.columns if column not in NOW_IN_SECONDS]
                query = f"SELECT {', '.join(lasting)} FROM {DATASET}.{name} ORDER BY ALL"  # noqa: S608
                answer = tool.ask(query)
                assert answer or name in ON_RESULTS
                assert answer == _ask_current(file, query)


def test_sqlalchemy_lists_and_asks_as_superset_does(
    file: Path, variables: Mapping[str, str]
) -> None:
    assert run("load", **variables)[0] == 0
    _make_view(file)
    found = json.loads(
        subprocess.check_output(  # noqa: S603
            [binary("bi"), SCRIPT, "inspect", str(file), DATASET], text=True
        )
    )
    assert f"ai_batches.{DATASET}" in found["schemas"]
    assert "batches" in found["tables"]
    assert {"by_hand", *VIEWS} <= set(found["views"])
    assert list(found["columns"]) == list(COLUMNS)
    types = {"id", "is_open", "requests_total", "created_at", "ended_at", "metadata"}
    assert {name: found["columns"][name] for name in types} == {
        "id": "VARCHAR",
        "is_open": "BOOLEAN",
        "requests_total": "BIGINT",
        "created_at": "TIMESTAMP",
        "ended_at": "TIMESTAMP",
        "metadata": "VARCHAR",
    }
    query = f"SELECT id, created_at FROM {DATASET}.batches WHERE status = :status"  # noqa: S608
    with Tool("sqlalchemy", file) as tool:
        answer = [["batch_2", "2025-02-19T21:20:00+00:00"]]
        assert tool.ask(query, status="failed") == answer
        later = query + " AND created_at > CAST(:since AS TIMESTAMPTZ)"
        assert tool.ask(later, status="failed", since="2025-02-19 21:19:59+00:00") == answer
        assert tool.ask(later, status="failed", since="2025-02-19 21:20:00+00:00") == []
        assert "read-only" in tool.ask(f"DELETE FROM {DATASET}.batches")  # noqa: S608
        # nothing is kept open between questions
        assert run("load", "--lock-timeout", "1", **variables)[0] == 0
        assert tool.ask(query, status="failed") == answer


def test_a_run_waits_for_a_tool_that_keeps_the_file_open_then_gives_up(
    file: Path, lists: Lists, variables: Mapping[str, str]
) -> None:
    assert run("load", **variables)[0] == 0
    asked = len(lists.requests)
    with Tool("driver", file) as tool:
        assert tool.ask(COUNT) == [[4]]
        code, _, log = run("load", "--lock-timeout", "1", **variables)
        assert code == 1
        assert f"{file} is open in process {tool.pid}" in log
        assert len(lists.requests) == asked
        assert tool.ask(COUNT) == [[4]]
    assert run("load", "--lock-timeout", "1", **variables)[0] == 0


def test_a_tool_may_read_while_lists_are_read_and_the_run_waits_for_it(
    file: Path, lists: Lists, rows: list[TRow], variables: Mapping[str, str]
) -> None:
    assert run("load", **variables)[0] == 0
    rows.insert(0, batch(4))
    answer_rightly = cursor_list(rows)
    counts: list[object] = []

    def answer(request: Request) -> TAnswer:
        tool = Tool("driver", file)
        counts.append(tool.ask(COUNT))
        threading.Timer(1, tool.close).start()
        return answer_rightly(request)

    lists.serve("openai", answer)
    assert run("load", **variables)[0] == 0
    assert counts == [[[4]]]
    assert _ask_current(file, COUNT) == [[5]]


def test_a_tool_that_asks_while_a_run_writes_is_refused_and_may_ask_again(
    file: Path, rows: list[TRow], variables: Mapping[str, str]
) -> None:
    assert run("load", **variables)[0] == 0
    rows[:0] = [batch(number) for number in range(3_003, 3, -1)]
    answers = []
    with (
        Tool("sqlalchemy", file) as tool,
        subprocess.Popen(  # noqa: S603
            [COMMAND, "load", "--rows-per-load", "1000"],
            env={**os.environ, **variables},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process,
    ):
        while process.poll() is None:
            answers.append(tool.ask(COUNT))
            # the run, too, has to find it free
            time.sleep(0.05)
        answers.append(tool.ask(COUNT))
    assert process.returncode == 0
    assert answers[-1] == [[3_004]]
    refused = [answer for answer in answers if isinstance(answer, str)]
    assert refused
    assert all("Could not set lock on file" in answer for answer in refused)
    counts = [answer[0][0] for answer in answers if answer not in refused]
    assert counts == sorted(counts)


def test_the_copy_that_the_documents_make_keeps_tools_and_runs_apart(
    file: Path, tmp_path: Path, lists: Lists, rows: list[TRow], variables: Mapping[str, str]
) -> None:
    lines = (ROOT / "docs/bi-tools.md").read_text().splitlines()
    command = next(line for line in lines if line.startswith("ai-batches load && cp "))
    # a run that had to wait would fail
    command = command.replace("load ", "load --lock-timeout 1 ", 1)
    environment = {
        **os.environ,
        **variables,
        "PATH": f"{Path(COMMAND).parent}:{os.environ['PATH']}",
    }
    copy = tmp_path / "bi.duckdb"

    def run_and_copy() -> subprocess.Popen[bytes]:
        return subprocess.Popen(["sh", "-c", command], env=environment)  # noqa: S603, S607

    with run_and_copy() as first:
        pass
    assert first.returncode == 0
    _make_view(file)
    with Tool("driver", copy) as keeping, Tool("sqlalchemy", copy) as opening:
        assert keeping.ask(COUNT) == [[4]]
        first_file = copy.stat().st_ino
        rows.insert(0, batch(4))
        answers = []
        with run_and_copy() as second:
            while second.poll() is None:
                answers.append(opening.ask(COUNT))
        assert second.returncode == 0
        assert all(answer in ([[4]], [[5]]) for answer in answers), answers
        assert opening.ask(COUNT) == [[5]]
        assert opening.ask(f"SELECT count(*) FROM {DATASET}.batches_unique") == [[5]]  # noqa: S608
        # what it has open is whole, and gone with its connection
        assert keeping.ask(COUNT) == [[4]]
        assert copy.stat().st_ino != first_file
        with Tool("driver", copy) as another:
            assert another.ask(ALL) == _ask_current(file, ALL)

        second_file = copy.stat().st_ino
        lists.serve("bland", failure(401))
        with run_and_copy() as third:
            pass
        assert third.returncode == 1
        assert copy.stat().st_ino == second_file
        assert opening.ask(COUNT) == [[5]]


def test_postgres_is_read_while_a_run_writes(
    rows: list[TRow], variables: Mapping[str, str]
) -> None:
    query = "SELECT count(*) FROM ai_batches.batches"
    with servers.postgres() as url:
        told = {**variables, "DESTINATION__POSTGRES__CREDENTIALS": url}
        assert run("load", "--destination", "postgres", **told)[0] == 0
        with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
            connection.set_session(isolation_level="REPEATABLE READ")
            cursor.execute(query)
            assert cursor.fetchall() == [(4,)]
            rows.insert(0, batch(4))
            # a transaction that has read the table stays open meanwhile
            code, _, log = run("load", "--destination", "postgres", **told)
            assert code == 0, log
            cursor.execute(query)
            assert cursor.fetchall() == [(4,)]
            connection.rollback()
            cursor.execute(query)
            assert cursor.fetchall() == [(5,)]


def _ask_current(file: Path, query: str) -> Any:
    """What the driver says that the pipeline writes with, as a tool would answer."""
    with duckdb.connect(str(file), read_only=True) as connection:
        return json.loads(as_json(connection.execute(query).fetchall()))


def _make_view(file: Path) -> None:
    """Makes one by hand, beside those of the pipeline."""
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            f"CREATE VIEW {DATASET}.by_hand AS SELECT * FROM {DATASET}.batches WHERE is_open"  # noqa: S608
        )
