"""Results in each destination: the same rows as in DuckDB; a second run changes nothing."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from ai_batches import TABLES
from cases import Case
from file_server import FileServer, failed_line, line, reply
from support import DAY, NOW, Lists, TRow, ended_ago
from targets import TARGETS, TServers, duckdb_file, each_family

pytestmark = pytest.mark.timeout(400)

QUICK = ("sqlite",)


in_each_family = pytest.mark.parametrize(
    "case", each_family([name for name in TARGETS if name != "duckdb_file"], QUICK), indirect=True
)


@pytest.fixture
def case(
    request: pytest.FixtureRequest,
    server: TServers,
    lists: Lists,
    tmp_path: Path,
    files: FileServer,
) -> Case:
    """A place of its own in each destination, and results to load into it."""
    dataset = f"test_{random.getrandbits(32):x}"
    name: str = request.param
    target = TARGETS[name](tmp_path, server)
    reference = duckdb_file(tmp_path, server)
    return Case(name, target, reference, tmp_path, dataset, lists, files.variables())


@pytest.fixture
def files() -> Iterator[FileServer]:
    """Serves a list, and files with what is hard on one destination or another."""
    with FileServer() as served:
        served.serve_list(
            ended_ago(2, "completed", DAY, output_file_id="out2", error_file_id="err2"),
            ended_ago(1, "completed", 2 * DAY, output_file_id="out1"),
        )
        served.serve("out1", reply(b"".join(map(costly_line, range(300)))))
        served.serve("out2", reply(b"".join(odd_lines())))
        served.serve("err2", reply(failed_line(8) + failed_line(9, "x" * 3_000) + b"torn\n"))
        yield served


def costly_line(number: int) -> bytes:
    """A line of a reply whose cost has nine digits behind the point."""
    value = orjson.loads(line(number, 10))
    value["response"]["body"]["usage"]["cost"] = 0.000000123 * (number + 1)
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)


def odd_lines() -> Iterator[bytes]:
    """Lines whose ids some collations take for one, or that are hard to quote."""
    ids = ["abc", "ABC", "abc ", "\u00e1bc", "a\u0301bc", "\uff41bc", "", "x" * 500]
    ids += ['it\'s "so" \\ %s {x} :y \n\t; --', "nul\x00", "\U0001f600", "output:1"]
    for number, name in enumerate(ids):
        yield line(number, 10, custom_id=name)


def plain(value: Any) -> Any:
    """A value, whatever type a client gives back for it."""
    if isinstance(value, str) and len(value) > 18 and value[4:8:3] == "--":
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        in_utc = value if value.tzinfo else value.replace(tzinfo=UTC)
        return in_utc.astimezone(UTC).isoformat()
    return value


def rows(found: list[TRow], table: str) -> list[TRow]:
    """Rows in one form for all destinations, in one order, but for what each run has anew."""
    new = ("_dlt_load_id", "loaded_at", "attempts")
    (key,) = [each.primary_key for each in TABLES if each.name == table]
    kept = []
    for row in found:
        values = {name: plain(value) for name, value in row.items() if name not in new}
        if "has_output" in values:
            values["has_output"] = bool(values["has_output"])
        if values.get("reported_cost_usd") is not None:
            values["reported_cost_usd"] = round(float(values["reported_cost_usd"]), 9)
        kept.append(values)
    return sorted(kept, key=lambda row: json.dumps([row[name] for name in key]))


@in_each_family
@pytest.mark.integration
def test_results_are_the_same_everywhere_and_a_second_run_changes_nothing(
    case: Case, files: FileServer
) -> None:
    code, printed = case.run()
    assert code == 0, printed
    assert case.run(folder="reference", target=case.reference)[0] == 0
    before = {table.name: case.target.read(case.dataset, table.name)[1] for table in TABLES}
    for table in TABLES:
        types, found = case.reference.read(case.dataset, table.name)
        assert list(case.target.read(case.dataset, table.name)[0]) == list(types)
        assert rows(before[table.name], table.name) == rows(found, table.name), table.name
    counts = {name: len(found) for name, found in before.items()}
    assert counts == {"batch_requests": 315, "batch_usage": 4, "batch_files": 3}
    files.asked.clear()
    code, printed = case.run("--results")
    assert code == 0, printed
    assert not files.asked
    assert before == {t.name: case.target.read(case.dataset, t.name)[1] for t in TABLES}


@in_each_family
@pytest.mark.integration
def test_results_that_are_read_again_replace_what_was_read_before(
    case: Case, files: FileServer
) -> None:
    """Another mode reads the files again, and so does a batch that was opened again."""
    errors = case._replace(settings=files.variables("totals"))
    assert errors.run()[0] == 0
    assert case.run("--results")[0] == 0
    odd = ended_ago(2, "completed", DAY, output_file_id="out2", error_file_id="err2")
    name = "it's \\ :y %s\u00e1"
    more = [{**odd, "id": name}, odd, ended_ago(1, "completed", 2 * DAY, output_file_id="out1")]
    files.serve_list(*more)
    assert case.run()[0] == 0
    counts = {t.name: len(case.target.read(case.dataset, t.name)[1]) for t in TABLES}
    assert counts == {"batch_requests": 330, "batch_usage": 7, "batch_files": 5}
    for row in more[:2]:
        row |= {"error_file_id": None, "completed_at": NOW - 60}
    files.serve_list(*more)
    files.serve("out2", reply(b"".join(list(odd_lines())[::2]) + failed_line(5)))
    assert case.run()[0] == 0
    assert case.run(folder="reference", target=case.reference)[0] == 0
    for table in TABLES:
        found = case.target.read(case.dataset, table.name)[1]
        expected = case.reference.read(case.dataset, table.name)[1]
        assert rows(found, table.name) == rows(expected, table.name), table.name
