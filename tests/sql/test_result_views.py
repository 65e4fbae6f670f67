"""The views on results, on each real destination."""

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ai_batches_runner.run.pipeline import open_to_read
from ai_batches_runner.sql.reader import Reader, open_reader
from cases import Case
from stored_results import store_results
from support import FIRST, KEY, Lists, TRow, batch, cursor_list
from targets import QUICK, TARGETS, TServers, each_family

pytestmark = pytest.mark.timeout(400)

HERE = ("duckdb_file", "postgres", "sqlite", "mariadb", "delta", "iceberg")
QUICK_HERE = {*QUICK, "duckdb_file", "sqlite"}

UNTIL = datetime(2026, 12, 24, 18, tzinfo=UTC)

OUTSIDE = {"request_counts": None, "usage": None}
"""Of a vendor whose list has neither counts nor tokens."""

LISTS: dict[str, list[TRow]] = {
    "openai": [
        batch(9, completed_at=FIRST + 3_600, **OUTSIDE),
        batch(8, **OUTSIDE),
        batch(
            7,
            status="expired",
            output_file_id="file-7",
            request_counts={"total": 4, "completed": 3, "failed": 0},
            usage={"input_tokens": 100, "output_tokens": 10, "total_tokens": 110},
        ),
        batch(6, status="cancelled", **OUTSIDE),
        batch(5, request_counts={"total": 10, "completed": 9, "failed": 1}, usage=None),
        batch(4, status="failed", **OUTSIDE),
        batch(3, status="in_progress", **OUTSIDE),
        batch(2, **OUTSIDE),
    ],
    # the gateway's copy
    "respan": [batch(4, status="failed", **OUTSIDE)],
}


def of(number: int, provider: str = "openai", account: str = "default", **values: Any) -> TRow:
    return {"provider": provider, "account": account, "batch_id": f"batch_{number}", **values}


def file(number: int, kind: str, lines: int | None, mode: str = "all", **values: Any) -> TRow:
    row = {"kind": kind, "results": mode, "outcome": "loaded", "lines": lines, "bad_lines": 0}
    return of(number, **{**row, "available_until": UNTIL, **values})


def usage(
    number: int, outcome: str, requests: int, tokens: int | None = None, **values: Any
) -> TRow:
    sums = {"input_tokens": tokens, "output_tokens": tokens and tokens // 10}
    given = {"model": "m", "outcome": outcome, "requests": requests, **sums}
    return of(number, **{**given, **values})


def request(number: int, key: str, outcome: str, code: str | None, **values: Any) -> TRow:
    return of(number, request_key=key, custom_id=key, outcome=outcome, error_code=code, **values)


ROWS: Mapping[str, list[TRow]] = {
    "batch_files": [
        # read whole by one account, and in part by another one
        file(9, "output", 8),
        file(9, "error", 3, bad_lines=1),
        file(9, "output", 8, account="staging"),
        file(9, "error", None, account="staging", outcome="broken", bad_lines=None),
        # sums only, and a file that is missing
        file(8, "output", 5, "totals"),
        file(8, "error", None, "totals", outcome="not_ready", bad_lines=None),
        # by another account only what failed, of more lines
        file(8, "results", 9, "errors", account="staging"),
        file(7, "output", 3),
        file(7, "error", 1),
        file(6, "error", 5, "errors"),
        file(5, "output", 8, "totals"),
        file(4, "error", 1, "errors", provider="respan"),
        file(2, "results", None, outcome="expired", bad_lines=None),
    ],
    "batch_usage": [
        usage(9, "succeeded", 6, 600, cached_input_tokens=60),
        usage(9, "succeeded", 2, 200, model="n", reasoning_tokens=1),
        usage(9, "failed", 3, top_error_code="rate", top_error_count=2),
        usage(9, "succeeded", 8, 800, account="staging"),
        usage(8, "succeeded", 3, 30),
        usage(8, "failed", 2, model="", top_error_code="rate", top_error_count=1),
        usage(7, "succeeded", 3, 9_000),
        usage(7, "expired", 1, top_error_code="batch_expired", top_error_count=1),
        usage(5, "succeeded", 8, None),
    ],
    "batch_requests": [
        request(9, "b", "failed", "rate", error_message="slow down"),
        request(9, "a", "failed", "rate", error_message="slow down"),
        request(9, "c", "failed", None, error_type="bad", error_message="it's 50%"),
        request(9, "d", "succeeded", None),
        request(9, "b", "failed", "rate", error_message="slow down", account="staging"),
        request(7, "x", "expired", "batch_expired", error_message="too late"),
        *(request(6, f"{n}", "cancelled", "batch_cancelled") for n in range(4)),
        request(6, "9", "failed", "server_error", error_message="oops"),
        request(4, "z", "failed", "bad_line", error_message="no", provider="respan"),
    ],
}

ERRORS = [
    # batch, outcome, code, message, requests, first custom_id
    ("openai", "batch_6", "cancelled", "batch_cancelled", None, 4, "0"),
    ("openai", "batch_6", "failed", "server_error", "oops", 1, "9"),
    ("openai", "batch_7", "expired", "batch_expired", "too late", 1, "x"),
    ("openai", "batch_8", "failed", None, None, 1, None),
    ("openai", "batch_8", "failed", "rate", None, 1, None),
    ("openai", "batch_9", "failed", "bad", "it's 50%", 1, "c"),
    ("openai", "batch_9", "failed", "rate", "slow down", 2, "a"),
    ("respan", "batch_4", "failed", "bad_line", "no", 1, "z"),
]

RESULTS = [
    # batch, files loaded and not, lines, bad lines, lines missing
    ("batch_2", 0, 1, 0, 0, None),
    ("batch_4", 1, 0, 1, 0, None),
    ("batch_5", 1, 0, 8, 0, 2),
    ("batch_6", 1, 0, 5, 0, None),
    ("batch_7", 2, 0, 4, 0, 0),
    ("batch_8", 1, 1, 5, 0, None),
    ("batch_9", 2, 0, 11, 1, None),
]

UNIQUE = [
    # batch, requests completed and failed, input, cached, output, reasoning, all tokens
    ("batch_2", None, None, None, None, None, None, None),
    ("batch_3", None, None, None, None, None, None, None),
    ("batch_4", None, None, None, None, None, None, None),
    ("batch_5", 9, 1, None, None, None, None, None),
    ("batch_6", None, None, None, None, None, None, None),
    # what the list says is left alone; what it does not say is filled in
    ("batch_7", 3, 0, 100, None, 10, None, 110),
    ("batch_8", 3, None, 30, None, 3, None, 33),
    ("batch_9", 8, 3, 800, 60, 80, 1, 880),
]

FAILED = [
    # batch, code and message of the reason
    ("batch_4", "bad_line", "no"),
    ("batch_5", None, None),
    ("batch_6", "server_error", "oops"),
    ("batch_7", "batch_expired", "too late"),
    ("batch_9", "rate", "slow down"),
]


def load_lists(name: str, server: TServers, lists: Lists, folder: Path) -> Case:
    """Loads the lists into a place of its own in a destination."""
    found: dict[str, str] = {}
    for provider, rows in LISTS.items():
        lists.serve(provider, cursor_list(rows))
        prefix = f"SOURCES__AI_BATCHES__{provider.upper()}__"
        found |= {prefix + "API_KEY": KEY, prefix + "BASE_URL": lists.url(provider)}
    target = TARGETS[name](folder, server)
    dataset = f"test_{random.getrandbits(32):x}"
    case = Case(name, target, target, folder, dataset, lists, found)
    code, printed = case.run()
    assert code == 0, printed
    assert "WARNING" not in printed
    return case


def rows(reader: Reader, view: str, *columns: str) -> list[tuple[Any, ...]]:
    """Columns of a view, in order."""
    found = reader.rows(f"SELECT {', '.join(columns)} FROM {view}")  # noqa: S608
    values = [tuple(row[name] for name in columns) for row in found]
    return sorted(values, key=lambda row: [(value is not None, value or 0) for value in row])


@pytest.mark.sample(1)
@pytest.mark.parametrize("name", each_family(HERE, QUICK_HERE))
def test_results_fill_in_what_lists_leave_out(
    name: str, server: TServers, lists: Lists, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = load_lists(name, server, lists, tmp_path)
    for variable, value in case.target.variables.items():
        monkeypatch.setenv(variable, value)
    arguments = case.target.arguments
    destination = arguments[1] if arguments else "duckdb"
    table_format: Any = arguments[3] if "--table-format" in arguments else None
    store_results(destination, case.dataset, ROWS, table_format)
    with open_to_read(destination, case.dataset) as pipeline, open_reader(pipeline) as reader:
        check(reader)
        # the sum of days is the sum of batches
        (day,) = reader.rows(
            "SELECT SUM(input_tokens) AS tokens, SUM(requests_failed) AS failed FROM batches_daily"
        )
        assert (day["tokens"], day["failed"]) == (930, 4)
        untils = reader.rows("SELECT DISTINCT available_until AS until_at FROM batches_results")
        assert untils == [{"until_at": UNTIL}]
    if name in ("duckdb_file", "postgres", "sqlite", "mariadb"):
        # the destination's own views say the same as the reader
        types, found = case.target.read(case.dataset, "batches_results")
        assert list(types)[:3] == ["provider", "account", "id"]
        assert sorted(row["id"] for row in found) == [row[0] for row in RESULTS]


def check(reader: Reader) -> None:
    """Compares the views with what they have to hold."""
    assert (
        rows(
            reader,
            "batch_errors",
            *("provider", "batch_id", "outcome", "error_code", "error_message"),
            *("requests", "first_custom_id"),
        )
        == ERRORS
    )
    assert (
        rows(
            reader,
            "batches_results",
            *("id", "files_loaded", "files_not_loaded", "lines", "bad_lines", "lines_missing"),
        )
        == RESULTS
    )
    assert (
        rows(
            reader,
            "batches_unique",
            *("id", "requests_completed", "requests_failed", "input_tokens"),
            *("cached_input_tokens", "output_tokens", "reasoning_tokens", "total_tokens"),
        )
        == UNIQUE
    )
    assert rows(reader, "batches_failed", "id", "reason_code", "reason") == FAILED
    assert ("batch_9", 3, 880) in rows(
        reader, "batches_turnaround", "id", "requests_failed", "total_tokens"
    )


def test_a_destination_without_tables_of_results_is_read_as_before(
    server: TServers, lists: Lists, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = load_lists("duckdb_file", server, lists, tmp_path)
    for variable, value in case.target.variables.items():
        monkeypatch.setenv(variable, value)
    with duckdb.connect(str(tmp_path / "batches.duckdb")) as connection:
        for table in ROWS:
            connection.execute(f"DROP TABLE {case.dataset}.{table}")
    with open_to_read("duckdb", case.dataset) as pipeline, open_reader(pipeline) as reader:
        assert len(rows(reader, "batches_unique", "id")) == len(LISTS["openai"])
        assert len(rows(reader, "batches_failed", "id")) == 4
        assert rows(reader, "batch_errors", "batch_id") == []
        assert rows(reader, "batch_files", "batch_id") == []
    with open_to_read("duckdb", "elsewhere") as pipeline, open_reader(pipeline) as reader:
        assert rows(reader, "batches_unique", "id") == []
