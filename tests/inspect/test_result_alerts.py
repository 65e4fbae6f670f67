"""Alerts on results: what expires, what nobody counts, and the errors behind a failure."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from commands import keys, run
from slack_hook import Hook
from stored_results import store_results
from support import DAY, FIRST, NOW, Lists, TRow, batch, cursor_list, ended_ago

LATE = NOW - 28 * DAY
"""An end after which results are there for two more days."""


def of(number: int, **values: Any) -> TRow:
    return {"provider": "openai", "account": "default", "batch_id": f"batch_{number}", **values}


def file(number: int, kind: str = "error", outcome: str = "loaded", **values: Any) -> TRow:
    given = {"results": "all", "lines": 1, "loaded_at": datetime.now(UTC)}
    # as dlt makes it: a time
    load_id = {"_dlt_load_id": str(time.time())}
    return of(number, kind=kind, outcome=outcome, **{**given, **load_id, **values})


def error(number: int, key: str, code: str | None, **values: Any) -> TRow:
    return of(number, request_key=key, outcome="failed", error_code=code, **values)


def store(files: Sequence[TRow] = (), requests: Sequence[TRow] = ()) -> None:
    rows = {"batch_files": files, "batch_requests": requests}
    store_results("duckdb", None, {name: each for name, each in rows.items() if each})


def alerts() -> list[str]:
    return [line.removeprefix("- ") for line in run("alerts")[1].splitlines()[1:]]


def old(number: int, **fields: Any) -> TRow:
    return batch(number, created_at=LATE - DAY, completed_at=LATE, **fields)


@pytest.mark.integration
def test_results_that_expire_are_named_for_accounts_that_want_them(
    lists: Lists, hook: Hook
) -> None:
    files = {"output_file_id": "file-a", "error_file_id": "file-b"}
    rows = [
        batch(9, completed_at=FIRST, **files),
        *(old(n, **files) for n in (8, 7, 6, 5)),
        # without any file; and gone already
        old(4),
        batch(3, created_at=NOW - 40 * DAY, completed_at=NOW - 39 * DAY, **files),
    ]
    lists.serve("openai", cursor_list(rows))
    variables = keys(lists, "openai")
    assert run("load", **variables)[0] == 0
    assert alerts() == []
    # one account whose last file was tried long ago
    store([file(9, _dlt_load_id="1700000000.1")])
    assert alerts() == []
    # error files only are wanted
    store([file(9), file(8), file(7, outcome="broken"), file(6, outcome="expired")])
    text = "with results that are not loaded and expire within 3 days"
    assert alerts() == [f"openai, account default: 2 batches {text}: batch_5, batch_7"]
    # all are, and a batch needs both
    store([file(7), file(7, "output"), file(5, outcome="too_large"), file(5, "output")])
    named = f"openai, account default: 2 batches {text}: batch_5, batch_8"
    assert alerts() == [named]
    for _ in range(2):
        run("load", **variables, RUNTIME__SLACK_INCOMING_HOOK=hook.url)
    assert hook.took == [f"AI batch alerts:\n• {named}"]


@pytest.mark.integration
def test_an_error_file_although_the_list_counts_no_failure(lists: Lists) -> None:
    none_failed = {"request_counts": {"total": 5, "completed": 5, "failed": 0}}
    one_failed = {"request_counts": {"total": 5, "completed": 4, "failed": 1}}
    rows = [
        ended_ago(9, "completed", 60, error_file_id="file-9", **none_failed),
        ended_ago(8, "completed", 60, error_file_id="file-8", **one_failed),
        ended_ago(7, "completed", 60, error_file_id="file-7", **none_failed),
        # what was never run is in the error file of these
        ended_ago(6, "cancelled", 60, error_file_id="file-6", request_counts={"failed": 0}),
        batch(5, error_file_id="file-5", **none_failed),
    ]
    lists.serve("openai", cursor_list(rows))
    variables = keys(lists, "openai")
    assert run("load", **variables)[0] == 0
    assert alerts() == []
    store(
        [file(9), file(8), file(7, lines=0), file(6), file(5, outcome="broken", lines=None)],
        [
            error(9, "a", "server_error"),
            error(9, "b", "rate_limit"),
            error(9, "c", "rate_limit"),
            *(error(9, f"text {n}", "the prompt was: dear Ada") for n in range(4)),
        ],
    )
    named = (
        "openai, account default: 1 batch with failed requests in the error file, though the list"
        " reports none (most frequent error: rate_limit): batch_9"
    )
    assert alerts() == [named]
    assert f"- {named}" in run("load", **variables)[1].splitlines()
    # once
    assert "batch_9" not in run("load", **variables)[1]
    assert alerts() == []


@pytest.mark.integration
@pytest.mark.parametrize("kind", ["failed", "expired"])
def test_the_most_frequent_error_of_batches_that_failed(lists: Lists, kind: str) -> None:
    rows = [ended_ago(2, kind, 60), ended_ago(1, kind, 120)]
    lists.serve("openai", cursor_list(rows))
    variables = keys(lists, "openai")
    assert run("load", **variables)[0] == 0
    said = f"openai, account default: 2 batches {kind} within a day before the first run"
    assert alerts() == [f"{said}: batch_2, batch_1"]
    store(
        [file(2), file(1)],
        [
            error(2, "a", "server_error"),
            error(2, "b", None, error_type="bad_request"),
            error(1, "c", None, error_type="bad_request"),
        ],
    )
    assert alerts() == [f"{said} (most frequent error: bad_request): batch_2, batch_1"]
