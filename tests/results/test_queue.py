"""Which results are read: those that are wanted and not loaded, and none of the others."""

import json
import time
from pathlib import Path

import pytest
from dlt import Pipeline

from ai_batches import Account, ProviderSettings, ai_batches_results_source
from ai_batches.results.settings import ResultSettings
from ai_batches_runner.run.pipeline import open_to_read
from ai_batches_runner.run.result_queue import Shard, next_batches
from ai_batches_runner.sql.reader import open_reader
from commands import run, table
from file_server import (
    Asked,
    FileServer,
    ended_batch,
    failed_line,
    line,
    lines,
    reply,
)
from support import DAY, KEY, TRow, ended_ago, few_of, select

FILE = "ai_batches.duckdb"
DATASET = "ai_batches_dataset"


def serve(file_server: FileServer, numbers: range, size: int = 100) -> list[TRow]:
    """A list of batches, each with three requests that succeeded and two that failed."""
    rows = []
    for number in reversed(numbers):
        out, err = f"out{number}", f"err{number}"
        file_server.serve(out, reply(b"".join(line(n, size) for n in range(3))))
        file_server.serve(err, reply(failed_line(3) + failed_line(4)))
        rows.append(
            ended_ago(number, "completed", 2 * DAY - number, output_file_id=out, error_file_id=err)
        )
    file_server.serve_list(*rows)
    return rows


def asked(file_server: FileServer) -> set[str]:
    """Paths that were asked for since the last look."""
    found = {
        each.path.removesuffix("/content").removeprefix("/files/") for each in file_server.asked
    }
    file_server.asked.clear()
    return found


def counted(folder: Path) -> list[tuple[int, ...]]:
    """How many rows each table of results has, and distinct ones by key."""
    query = (
        f"SELECT (SELECT count(*) FROM {DATASET}.batch_requests),"  # noqa: S608
        f" (SELECT count(DISTINCT (batch_id, request_key)) FROM {DATASET}.batch_requests),"
        f" (SELECT count(*) FROM {DATASET}.batch_usage),"
        f" (SELECT count(*) FROM {DATASET}.batch_files WHERE outcome = 'loaded')"
    )
    return [tuple(int(str(value)) for value in row) for row in table(folder / FILE, query)]


@pytest.mark.integration
def test_what_is_loaded_is_not_asked_for_again_and_what_is_new_is(
    file_server: FileServer, tmp_path: Path
) -> None:
    serve(file_server, range(1, 4))
    variables = file_server.variables()
    code, printed, _ = run("load", **variables)
    assert code == 0, printed
    assert counted(tmp_path) == [(15, 15, 6, 6)]
    asked(file_server)
    assert run("load", "--results", **variables)[0] == 0
    # nor for the list
    assert asked(file_server) == set()
    serve(file_server, range(1, 5))
    assert run("load", **variables)[0] == 0
    assert asked(file_server) == {"/batches", "out4", "err4"}
    assert counted(tmp_path) == [(20, 20, 8, 8)]


@pytest.mark.integration
@pytest.mark.parametrize(
    ("first", "second", "reads"),
    few_of(
        [
            ("errors", "totals", {"out1", "err1"}),
            ("errors", "all", {"out1", "err1"}),
            ("totals", "errors", {"err1"}),
            ("totals", "all", {"out1", "err1"}),
            ("all", "errors", set()),
            ("all", "totals", set()),
            ("off", "errors", {"err1"}),
            ("all", "off", set()),
        ],
        quick=[("totals", "errors", {"err1"})],
    ),
)
def test_another_mode_reads_what_it_lacks(
    file_server: FileServer, tmp_path: Path, first: str, second: str, reads: set[str]
) -> None:
    serve(file_server, range(1, 2))
    assert run("load", **file_server.variables(first))[0] == 0
    asked(file_server)
    assert run("load", "--results", **file_server.variables(second))[0] in (0, 2)
    assert asked(file_server) == reads
    assert run("load", "--results", **file_server.variables(second))[0] in (0, 2)
    assert asked(file_server) == set()
    ((requests, keys, usage, _),) = counted(tmp_path)
    assert (
        requests
        == keys
        == {"all": 5, "errors": 2}.get(
            "all" if "all" in (first, second) else "errors" if "errors" in (first, second) else "",
            0,
        )
    )
    assert usage == (2 if {"totals", "all"} & {first, second} else 0)


@pytest.mark.integration
def test_a_time_limit_stops_and_the_next_run_goes_on(
    file_server: FileServer, tmp_path: Path
) -> None:
    rows = serve(file_server, range(1, 13))
    assert run("load", **file_server.variables("off"))[0] == 0

    def slow(request: Asked) -> bytes:
        time.sleep(1.5)
        return reply(lines(1))

    for row in rows:
        file_server.serve(row["output_file_id"], slow)
    code, printed, _ = run("load", "--results", "--time-limit", "4", **file_server.variables())
    assert code == 3, printed
    asked(file_server)
    serve(file_server, range(1, 13))
    before = counted(tmp_path)[0][3] // 2
    assert before < 12
    assert run("load", "--results", **file_server.variables())[0] == 0
    assert len(asked(file_server)) == 2 * (12 - before)
    assert counted(tmp_path)[0][3] == 24


@pytest.mark.integration
def test_shards_are_disjoint_and_complete(file_server: FileServer, tmp_path: Path) -> None:
    serve(file_server, range(1, 25))
    # dlt names the file after the pipeline otherwise
    place = {"DESTINATION__DUCKDB__CREDENTIALS": str(tmp_path / FILE)}
    assert run("load", **file_server.variables("off"), **place)[0] == 0
    asked(file_server)
    parts = []
    for number in (1, 2, 3):
        name = f"shard_{number}"
        arguments = ("--shard", f"{number}/3", "--pipeline-name", name)
        code, printed, log = run(
            "load", "--results", *arguments, **file_server.variables(), **place
        )
        assert code == 0, printed + log
        parts.append(asked(file_server))
    assert all(parts)
    assert sum(map(len, parts)) == len(set.union(*parts)) == 48
    assert counted(tmp_path) == [(120, 120, 48, 48)]
    assert run("load", "--results", **file_server.variables(), **place)[0] == 0
    assert asked(file_server) == set()


@pytest.mark.integration
def test_wrong_uses_of_the_options_are_told(file_server: FileServer) -> None:
    assert run("load", "--shard", "1/2", **file_server.variables())[0] == 2
    for wrong in ("0/2", "3/2", "1", "a/b", "1/0"):
        assert run("load", "--results", "--shard", wrong, **file_server.variables())[0] == 2
    assert run("load", "--results", "--full-refresh", **file_server.variables())[0] == 2
    assert not file_server.asked


@pytest.mark.integration
def test_failed_prints_the_failed_requests_of_a_batch(
    file_server: FileServer, tmp_path: Path
) -> None:
    serve(file_server, range(1, 2))
    assert run("load", **file_server.variables("errors"))[0] == 0
    code, printed, _ = run("failed", "batch_1")
    assert code == 0
    found = [json.loads(text) for text in printed.splitlines()]
    assert [each["custom_id"] for each in found] == ["request-3", "request-4"]
    assert {each["error_code"] for each in found} == {"rate_limit"}
    assert run("failed", "batch_2")[0] == 2


@pytest.mark.integration
def test_failed_prints_a_batch_of_several_accounts_once(file_server: FileServer) -> None:
    serve(file_server, range(1, 2))
    given = file_server.variables("errors")
    prefix = "SOURCES__AI_BATCHES__OPENAI__"
    del given[prefix + "API_KEY"]
    given[prefix + "ACCOUNTS"] = json.dumps({"one": KEY + "one", "two": KEY + "two"})
    assert run("load", **given)[0] == 0
    code, printed, _ = run("failed", "batch_1")
    assert code == 0
    assert len(printed.splitlines()) == 2


@pytest.mark.integration
def test_what_failed_before_comes_after_what_was_not_tried(file_server: FileServer) -> None:
    serve(file_server, range(1, 4))
    file_server.serve("out1", reply(b"{}", 400))
    assert run("load", **file_server.variables("all"))[0] == 1
    serve(file_server, range(1, 6))
    assert run("load", **file_server.variables("off"))[0] == 0
    accounts = {("openai", "default"): Account("default", KEY, "", results=ResultSettings("all"))}
    with open_to_read() as pipeline, open_reader(pipeline) as reader:
        found = next_batches(reader, accounts, (), Shard(), 10)
    assert [row["id"] for row in found] == ["batch_4", "batch_5", "batch_1"]


def test_plain_dlt_reads_results_without_the_command(
    file_server: FileServer, pipeline: Pipeline
) -> None:
    """As the source's own example has it."""
    file_server.serve("out", reply(lines(3)))
    file_server.serve("err", reply(failed_line(7)))
    account = Account("default", KEY, "the test", results=ResultSettings("all"))
    settings = {"openai": ProviderSettings((account,), file_server.url)}
    given = ended_batch(error="err")
    for _ in range(2):
        pipeline.run(ai_batches_results_source([given], settings))
    query = "SELECT request_key, outcome FROM batch_requests ORDER BY 1"
    assert select(pipeline, query) == [
        ("request-0", "succeeded"),
        ("request-1", "succeeded"),
        ("request-2", "succeeded"),
        ("request-7", "failed"),
    ]
    assert select(pipeline, "SELECT sum(requests) FROM batch_usage") == [(4,)]
    query = "SELECT kind, outcome, attempts FROM batch_files ORDER BY 1"
    assert select(pipeline, query) == [("error", "loaded", 1), ("output", "loaded", 1)]
