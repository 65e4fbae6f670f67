"""A batch that changed after its results were loaded is read again; what it gave is replaced."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from commands import run, table
from file_server import FileServer, failed_line, line, reply
from support import DAY, KEY, NOW, TRow, ended_ago

FILE = "ai_batches.duckdb"
DATASET = "ai_batches_dataset"
COUNTS = {"total": 5, "completed": 3, "failed": 2}


def listed(number: int, **fields: Any) -> TRow:
    """A batch with both files, which ended a day ago."""
    row = ended_ago(number, "completed", DAY - number, request_counts=COUNTS)
    return {**row, "output_file_id": f"out{number}", "error_file_id": f"err{number}", **fields}


def serve(file_server: FileServer, *rows: TRow) -> None:
    """Serves a list, and files of three requests that succeeded and two that failed."""
    file_server.serve_list(*rows)
    for row in rows:
        file_server.serve(row["output_file_id"], reply(b"".join(line(n, 10) for n in range(3))))
        if row["error_file_id"]:
            file_server.serve(row["error_file_id"], reply(failed_line(3) + failed_line(4)))


def read_files(file_server: FileServer) -> set[str]:
    """Files that were asked for since the last look."""
    found = {each.path.split("/")[2] for each in file_server.asked if "/files/" in each.path}
    file_server.asked.clear()
    return found


def stored(folder: Path, query: str) -> list[tuple[object, ...]]:
    """Rows of the tables of results, by a query without the dataset."""
    for name in ("batch_requests", "batch_usage", "batch_files"):
        query = query.replace(name, f"{DATASET}.{name}")
    return table(folder / FILE, query)


REQUESTS = "SELECT request_key, outcome FROM batch_requests WHERE batch_id = '{}' ORDER BY 1"
USAGE = "SELECT model, outcome, requests FROM batch_usage WHERE batch_id = '{}' ORDER BY 1, 2"
FILES = "SELECT kind, outcome, lines FROM batch_files WHERE batch_id = '{}' ORDER BY 1"
SUCCEEDED = [(f"request-{number}", "succeeded") for number in range(3)]
FAILED = [(f"request-{number}", "failed") for number in (3, 4)]


@pytest.mark.integration
def test_what_changed_is_read_again_and_replaced_and_the_rest_is_not(
    file_server: FileServer, tmp_path: Path
) -> None:
    serve(file_server, *map(listed, range(1, 8)))
    assert run("load", **file_server.variables())[0] == 0
    assert len(read_files(file_server)) == 14
    retried = {"total": 5, "completed": 5, "failed": 0}
    changes: dict[int, TRow] = {
        1: {"completed_at": NOW - 600},
        2: {"request_counts": {**COUNTS, "total": 6}},
        3: {"request_counts": {**COUNTS, "completed": 4}},
        4: {"request_counts": {**COUNTS, "failed": 1}},
        5: {"output_file_id": "another"},
        6: {"metadata": {"says": "nothing of results"}, "request_counts": None},
        7: {"completed_at": NOW - 600, "request_counts": retried, "error_file_id": None},
    }
    serve(file_server, *(listed(number, **fields) for number, fields in changes.items()))
    # one request is of another model, one fails now, and one is no more
    again = orjson.dumps({"custom_id": "request-1", "error": {"code": "late"}}) + b"\n"
    file_server.serve("out7", reply(line(0, 10).replace(b"small-1", b"small-2") + again))
    assert run("load", **file_server.variables())[0] == 0
    changed = {f"{kind}{number}" for number in range(1, 5) for kind in ("out", "err")}
    assert read_files(file_server) == changed | {"another", "err5", "out7"}
    assert stored(tmp_path, REQUESTS.format("batch_7")) == [
        ("request-0", "succeeded"),
        ("request-1", "failed"),
    ]
    assert stored(tmp_path, USAGE.format("batch_7")) == [
        ("", "failed", 1),
        ("small-2", "succeeded", 1),
    ]
    assert stored(tmp_path, FILES.format("batch_7")) == [("output", "loaded", 2)]
    for number in range(1, 7):
        assert stored(tmp_path, REQUESTS.format(f"batch_{number}")) == SUCCEEDED + FAILED
        assert len(stored(tmp_path, FILES.format(f"batch_{number}"))) == 2
    assert run("load", **file_server.variables())[0] == 0
    assert read_files(file_server) == set()


@pytest.mark.integration
@pytest.mark.parametrize(
    ("first", "second", "requests", "usage"),
    [
        # what a smaller mode does not read stays as it was read
        ("all", "errors", [*SUCCEEDED, ("request-3", "failed")], 3),
        ("all", "totals", SUCCEEDED + FAILED, 4),
        ("totals", "errors", [("request-3", "failed")], 3),
        ("errors", "totals", FAILED, 4),
        ("errors", "all", [*SUCCEEDED, ("request-3", "failed"), ("request-9", "succeeded")], 4),
        ("errors", "errors", [("request-3", "failed")], 0),
    ],
)
def test_a_mode_replaces_what_it_reads(
    file_server: FileServer,
    tmp_path: Path,
    first: str,
    second: str,
    requests: list[tuple[str, str]],
    usage: int,
) -> None:
    serve(file_server, listed(1))
    assert run("load", **file_server.variables(first))[0] == 0
    row = listed(1, completed_at=NOW - 600)
    serve(file_server, row)
    file_server.serve("out1", reply(b"".join(line(n, 10) for n in (0, 1, 2, 9))))
    file_server.serve("err1", reply(failed_line(3)))
    for _ in range(2):
        assert run("load", **file_server.variables(second))[0] == 0
    assert stored(tmp_path, REQUESTS.format("batch_1")) == requests
    query = "SELECT COALESCE(SUM(requests), 0) FROM batch_usage WHERE outcome = 'succeeded'"
    assert stored(tmp_path, query) == [(usage,)]


@pytest.mark.integration
def test_what_cannot_be_read_again_stays_as_it_was(file_server: FileServer, tmp_path: Path) -> None:
    serve(file_server, listed(1))
    assert run("load", **file_server.variables())[0] == 0
    row = listed(1, completed_at=NOW - 600)
    serve(file_server, row)
    file_server.serve("out1", reply(b"{}", 404))
    assert run("load", **file_server.variables())[0] == 1
    assert stored(tmp_path, REQUESTS.format("batch_1")) == SUCCEEDED + FAILED
    assert stored(tmp_path, FILES.format("batch_1")) == [
        ("error", "loaded", 2),
        ("output", "loaded", 3),
    ]
    read_files(file_server)
    serve(file_server, row)
    file_server.serve("out1", reply(line(0, 10)))
    for _ in range(2):
        assert run("load", **file_server.variables())[0] == 0
    assert read_files(file_server) == {"out1", "err1"}
    assert stored(tmp_path, REQUESTS.format("batch_1")) == [SUCCEEDED[0], *FAILED]


@pytest.mark.integration
def test_requests_that_xai_adds_to_an_ended_batch_are_read(
    file_server: FileServer, tmp_path: Path
) -> None:
    """Its list has no end of a batch: only the counts say so."""
    prefix = "SOURCES__AI_BATCHES__XAI__"
    given = {"API_KEY": KEY, "BASE_URL": file_server.url, "RESULTS": "all"}
    variables = {prefix + name: value for name, value in given.items()}
    asked = []
    for count in (2, 2, 3):
        state = {"num_requests": count, "num_success": count, "num_pending": 0, "num_error": 0}
        row = {"batch_id": "batch_1", "create_time": NOW - DAY, "state": state}
        results = [
            {
                "batch_request_id": f"request-{number}",
                "batch_result": {"response": {"chat": {"id": "1", "choices": [{}]}}},
            }
            for number in range(count)
        ]
        for path, body in (
            ("/batches", {"batches": [row]}),
            ("/batches/batch_1/results", {"results": results}),
        ):
            sent = reply(orjson.dumps(body), content_type="application/json")
            file_server.answers[path] = lambda asked, sent=sent: sent  # type: ignore[misc]
        file_server.asked.clear()
        assert run("load", **variables)[0] == 0
        asked.append([each.path for each in file_server.asked].count("/batches/batch_1/results"))
    assert asked == [1, 0, 1]
    assert stored(tmp_path, "SELECT count(*) FROM batch_requests") == [(3,)]
