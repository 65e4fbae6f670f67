"""Rows in the shape that a vendor's page shows, into columns; `documented_rows` has them."""

import json
from datetime import datetime
from typing import Any

import pytest
from dlt import Pipeline

from ai_batches import PROVIDERS
from ai_batches.table.columns import JSON_COLUMNS
from documented_others import OTHERS
from documented_rows import DOCUMENTED, STATUS_WORDS, at, iso
from support import Lists, TRow, load, page, read_row, stored

ROWS = DOCUMENTED | OTHERS
FIRST_FIVE = {"bland", "kimi", "novita", "openai", "respan"}
"""Providers that other tests read: recorded replies, and batches in OpenAI's shape."""


def plain(column: str, value: Any) -> Any:
    """A value of the table, as the documented rows have it."""
    if isinstance(value, datetime):
        return int(value.timestamp())
    return json.loads(value) if column in JSON_COLUMNS else value


def filled(row: TRow) -> TRow:
    """The columns of a row that are set, but for those that each row has."""
    always = ("provider", "account", "id", "_dlt_load_id")
    return {
        column: plain(column, value)
        for column, value in row.items()
        if value is not None and column not in always
    }


def provider_of(case: str) -> str:
    """The provider whose row it is."""
    return case.partition(",")[0]


def status_of(name: str, word: str) -> Any:
    """What a status word is read as."""
    *parents, field = PROVIDERS[name].fields["status_raw"].split(".")
    status: Any = {field: word}
    for parent in reversed(parents):
        status = {parent: status}
    return read_row(name, {PROVIDERS[name].fields["id"]: "1"} | status)[0]["status"]


@pytest.mark.parametrize("case", list(ROWS))
def test_a_documented_row_fills_these_columns_and_no_others(case: str) -> None:
    name, (row, columns, extra) = provider_of(case), ROWS[case]
    found, unreadable = read_row(name, row)
    assert unreadable == {}
    assert found["id"] == next(iter(row.values()))
    assert filled(found) == columns | {"is_open": False, "extra": extra}


def test_documented_rows_are_of_providers_and_of_all_but_those_that_others_test() -> None:
    documented = {provider_of(case) for case in ROWS}
    assert documented <= set(PROVIDERS)
    # a provider that is being added has its two files first
    added = set(PROVIDERS) - FIRST_FIVE - documented
    assert len(added) <= 1, added


@pytest.mark.parametrize(
    ("name", "row", "columns"),
    [
        # Google leaves out what is zero, or the first word of a list
        (
            "gemini",
            {"name": "batches/1", "metadata": {"batchStats": {"pendingRequestCount": "0"}}},
            {"requests_total": 0, "requests_completed": 0, "requests_failed": 0},
        ),
        ("gemini", {"name": "batches/1", "metadata": {}}, {}),
        (
            "vertex",
            {"name": "jobs/1", "completionStats": {"successfulCount": "4"}},
            {"requests_completed": 4, "requests_failed": 0},
        ),
        (
            "fireworks",
            {"name": "jobs/1", "jobProgress": {"inputTokens": None, "outputTokens": None}},
            {},
        ),
        (
            "fireworks",
            {"name": "jobs/1", "jobProgress": {"inputTokens": 5, "outputTokens": None}},
            {"input_tokens": 5, "total_tokens": 5},
        ),
        ("zhipu", {"id": "batch_1", "request_counts": None}, {}),
        ("zhipu", {"id": "batch_1", "request_counts": {"total": None}}, {}),
    ],
)
def test_a_row_may_leave_out(name: str, row: TRow, columns: TRow) -> None:
    found, unreadable = read_row(name, row)
    assert unreadable == {}
    assert {k: v for k, v in filled(found).items() if k != "extra"} == columns


@pytest.mark.parametrize("name", list(STATUS_WORDS))
def test_what_status_words_are_read_as(name: str) -> None:
    expected = {
        word: status for status, words in STATUS_WORDS[name].items() for word in words.split()
    }
    assert {word: status_of(name, word) for word in expected} == expected


@pytest.mark.parametrize(
    ("operation", "status"),
    [
        ({"done": True, "response": {}}, "completed"),
        ({"done": True, "error": {"code": 13, "message": "It broke"}}, "failed"),
        ({"done": True, "error": {"code": 1, "message": "Cancelled by hand"}}, "cancelled"),
        ({"done": False}, None),
        ({}, None),
        # it says more
        (
            {"done": True, "error": {"code": 4}, "metadata": {"state": "BATCH_STATE_EXPIRED"}},
            "expired",
        ),
    ],
)
def test_an_operation_without_a_state_tells_its_end(operation: TRow, status: str | None) -> None:
    metadata = {"endTime": iso(3)} | operation.get("metadata", {})
    found, unreadable = read_row(
        "gemini", {"name": "batches/1"} | operation | {"metadata": metadata}
    )
    assert unreadable == {}
    assert found["status"] == status
    if status:
        assert found[f"{status}_at"] == found["ended_at"]


def test_a_batch_that_doubleword_retries_is_open_again(pipeline: Pipeline, lists: Lists) -> None:
    ended = {"id": "1", "created_at": at(0), "status": "failed", "failed_at": at(3)}
    open_again = {"id": "1", "created_at": at(0), "status": "in_progress"}
    lists.serve("doubleword", [page([ended]), page([open_again])])
    seen = []
    for _ in range(2):
        load(pipeline, lists.settings())
        (row,) = stored(pipeline, "doubleword").values()
        ends = (plain(column, row[column]) for column in ("ended_at", "failed_at"))
        seen.append((row["status"], row["is_open"], *ends))
    assert seen == [("failed", False, at(3), at(3)), ("in_progress", True, None, None)]
