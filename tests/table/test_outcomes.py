"""Statuses that are read from counts, where the demo's batches do not show every case."""

from typing import Any

import pytest
from dlt import Pipeline

from support import Lists, load, page, select


def message_batch(number: int, word: str, initiated: bool = False, **counts: int) -> dict[str, Any]:
    """A row in Anthropic's shape."""
    at = f"2026-01-01T10:00:{number:02d}.000001+00:00"
    return {
        "id": f"msgbatch_{number}",
        "processing_status": word,
        "request_counts": {"processing": 0, "succeeded": 0, "errored": 0, **counts}
        | {key: counts.get(key, 0) for key in ("canceled", "expired")},
        "created_at": at,
        "ended_at": at if word == "ended" else None,
        "cancel_initiated_at": at if initiated else None,
    }


@pytest.mark.parametrize(
    ("row", "status", "is_open"),
    [
        (message_batch(1, "ended", succeeded=3, canceled=1, expired=1), "cancelled", False),
        (message_batch(2, "ended", initiated=True, succeeded=3), "completed", False),
        (message_batch(3, "ended", succeeded=3, expired=2), "expired", False),
        (message_batch(4, "ended", errored=5), "completed", False),
        (message_batch(5, "canceling", initiated=True, processing=5), "cancelling", True),
        (message_batch(6, "Dormant", processing=5), "dormant", True),
        # nobody knows how it ended, but when
        ({**message_batch(7, "ended"), "request_counts": None}, None, False),
    ],
)
def test_how_a_batch_of_anthropic_ended(
    pipeline: Pipeline, lists: Lists, row: dict[str, Any], status: str | None, is_open: bool | None
) -> None:
    lists.serve("anthropic", page([row]))
    load(pipeline, lists.settings())
    found = select(pipeline, "SELECT status, is_open, status_raw, requests_total FROM batches")
    total = row["request_counts"] and sum(row["request_counts"].values())
    assert found == [(status, is_open, row["processing_status"], total)]


@pytest.mark.integration
def test_a_batch_of_xai_is_what_its_counts_say_now(pipeline: Pipeline, lists: Lists) -> None:
    counts = {"num_requests": 2, "num_pending": 0, "num_success": 1, "num_error": 1}
    seen = []
    for changes in (
        {"state": None},
        {"state": {"num_requests": 0, "num_pending": 0}},
        {"state": counts},
        # more requests came
        {"state": counts | {"num_requests": 5, "num_pending": 3}},
        {"state": counts, "cancel_time": "2026-01-02"},
        # those that run are waited for
        {"state": counts | {"num_pending": 1}, "cancel_time": "2026-01-02"},
        {"state": None, "cancel_time": "2026-01-02", "cancel_by_xai_message": "not a file"},
    ):
        row = {"batch_id": "batch_1", "create_time": "2026-01-01", **changes}
        lists.serve("xai", {"batches": [row], "pagination_token": None})
        load(pipeline, lists.settings())
        columns = "status, is_open, cancelled_at IS NULL, failed_at IS NULL, ended_at IS NULL"
        seen += select(pipeline, f"SELECT {columns} FROM batches")  # noqa: S608
    assert seen == [
        (None, None, True, True, True),
        ("validating", True, True, True, True),
        ("completed", False, True, True, True),
        ("in_progress", True, True, True, True),
        ("cancelled", False, False, True, False),
        ("cancelling", True, True, True, True),
        ("failed", False, True, False, False),
    ]


def test_a_list_of_xai_may_be_left_out(pipeline: Pipeline, lists: Lists) -> None:
    lists.serve("xai", {"pagination_token": None})
    done = load(pipeline, lists.settings())["xai", "default"]
    assert (done["error"], done["rows"]) == (None, 0)
