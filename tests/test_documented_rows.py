"""Rows in the shape that a vendor's page shows, through the pipeline into columns."""

import json
from datetime import datetime, timezone
from typing import Any

import pytest
from dlt import Pipeline

from support import Lists, TRow, load, page, stored

CREATED = 1_782_097_200
ENDED = CREATED + 3_600

OPENAI_COUNTS = {"total": 10, "completed": 7, "failed": 2}

ROWS: dict[str, TRow] = {
    "openrouter": {
        "id": "batch_1",
        "object": "batch",
        "endpoint": "/v1/messages",
        "model": "anthropic/large",
        "provider": "Anthropic",
        "completion_window": "24h",
        "status": "cancelled",
        "created_at": CREATED,
        "expires_at": CREATED + 345_600,
        "finalized_at": ENDED,
        "request_counts": OPENAI_COUNTS,
        "usage": {
            "prompt_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 1, "audio_tokens": 0},
            "completion_tokens": 6,
            "completion_tokens_details": {"reasoning_tokens": 2},
            "total_tokens": 11,
            "cost": 0.25,
        },
        "results": None,
        "error": {"message": "cancelled by hand"},
    },
    "voyage": {
        "id": "batch-1",
        "object": "batch",
        "endpoint": "/v1/rerank",
        "errors": None,
        "input_file_id": "file-1",
        "completion_window": "12h",
        "model": "rerank-2",
        "status": "completed",
        "output_file_id": "file-2",
        "error_file_id": "file-3",
        "request_counts": OPENAI_COUNTS,
        "metadata": {"corpus": "manuals"},
        "created_at": "2026-06-22T03:00:00.031781+00:00",
        "in_progress_at": "2026-06-22T03:00:04.166042+00:00",
        "finalizing_at": "2026-06-22T03:59:00.101059+00:00",
        "completed_at": "2026-06-22T04:00:00.221885+00:00",
        "failed_at": None,
        "expected_completion_at": "2026-06-22T15:00:00.031781+00:00",
        "cancelling_at": None,
        "cancelled_at": None,
    },
    "nebius": {
        "id": "batch_1",
        "object": "batch",
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
        "status": "completed",
        "created_at": CREATED,
        "request_counts": OPENAI_COUNTS,
        "input_file_id": "file-1",
        "output_file_id": "file-2",
        "error_file_id": None,
        "override_settings": {"model": "large-2", "temperature": 0.5},
        "in_progress_at": CREATED + 5,
        "finalizing_at": ENDED - 5,
        "completed_at": ENDED,
        "metadata": {},
    },
    "doubleword": {
        "id": "6a1c1f4e-0000-4000-8000-000000000001",
        "object": "batch",
        "endpoint": "/v1/embeddings",
        "input_file_id": "",
        "completion_window": "1h",
        "status": "completed",
        "created_at": CREATED,
        "in_progress_at": CREATED + 5,
        "expires_at": CREATED + 1_800,
        "completed_at": ENDED,
        # it was late; this is its deadline again
        "expired_at": CREATED + 1_800,
        "request_counts": OPENAI_COUNTS,
        "analytics": {"total_requests": 7, "total_tokens": 11, "total_cost": "0.75"},
        "dwext": {"source": "api"},
    },
    "deepinfra": {
        "id": "batch_1",
        "object": "batch",
        "endpoint": "/v1/completions",
        "errors": None,
        "input_file_id": "file_1",
        "completion_window": "24h",
        "status": "expired",
        "output_file_id": None,
        "error_file_id": None,
        "created_at": CREATED,
        "expires_at": None,
        "expired_at": ENDED,
        "request_counts": None,
        "metadata": None,
        "model": None,
        "usage": None,
    },
}

COUNTS = {"requests_total": 10, "requests_completed": 7, "requests_failed": 2}

COLUMNS: dict[str, TRow] = {
    "openrouter": {
        **COUNTS,
        "status": "cancelled",
        "model": "anthropic/large",
        "input_tokens": 5,
        "cached_input_tokens": 1,
        "output_tokens": 6,
        "reasoning_tokens": 2,
        "total_tokens": 11,
        "cancelled_at": ENDED,
        "ended_at": ENDED,
        "expires_at": CREATED + 345_600,
        "errors": {"message": "cancelled by hand"},
    },
    "voyage": {
        **COUNTS,
        "status": "completed",
        "model": "rerank-2",
        "created_at": CREATED,
        "in_progress_at": CREATED + 4,
        "finalizing_at": ENDED - 60,
        "ended_at": ENDED,
        "expires_at": CREATED + 43_200,
        "metadata": {"corpus": "manuals"},
    },
    "nebius": {**COUNTS, "model": "large-2", "ended_at": ENDED, "metadata": {}},
    "doubleword": {
        **COUNTS,
        "status": "completed",
        "is_open": False,
        "input_file_id": None,
        "ended_at": ENDED,
        "expired_at": None,
        "total_tokens": None,
    },
    "deepinfra": {
        "status": "expired",
        "ended_at": ENDED,
        "requests_total": None,
        "total_tokens": None,
    },
}

EXTRAS: dict[str, Any] = {
    "openrouter": {
        "object": "batch",
        "provider": "Anthropic",
        "results": None,
        "usage": {"cost": 0.25, "prompt_tokens_details": {"audio_tokens": 0}},
    },
    "voyage": {"object": "batch"},
    "nebius": {"object": "batch", "override_settings": {"temperature": 0.5}},
    "doubleword": {
        "object": "batch",
        "expired_at": CREATED + 1_800,
        "analytics": {"total_requests": 7, "total_tokens": 11, "total_cost": "0.75"},
        "dwext": {"source": "api"},
    },
    "deepinfra": {"object": "batch"},
}


def plain(value: Any) -> Any:
    """A value of the table, as the rows above have it."""
    if isinstance(value, datetime):
        return int(value.astimezone(timezone.utc).timestamp())
    if isinstance(value, str) and value.startswith("{"):
        return json.loads(value)
    return value


@pytest.mark.parametrize("name", list(ROWS))
def test_a_documented_row_fills_the_columns(pipeline: Pipeline, lists: Lists, name: str) -> None:
    lists.serve(name, page([ROWS[name]]))
    assert load(pipeline, lists.settings())[name, "default"]["error"] is None
    (row,) = stored(pipeline, name).values()
    assert {column: plain(row[column]) for column in COLUMNS[name]} == COLUMNS[name]
    assert plain(row["extra"]) == EXTRAS[name]


def test_a_batch_that_doubleword_retries_is_open_again(pipeline: Pipeline, lists: Lists) -> None:
    ended = ROWS["doubleword"] | {"status": "failed", "failed_at": ENDED}
    del ended["completed_at"]
    open_again = {key: value for key, value in ended.items() if key != "failed_at"}
    lists.serve("doubleword", [page([ended]), page([open_again | {"status": "in_progress"}])])
    seen = []
    for _ in range(2):
        load(pipeline, lists.settings())
        (row,) = stored(pipeline, "doubleword").values()
        seen.append(
            (row["status"], row["is_open"], plain(row["ended_at"]), plain(row["failed_at"]))
        )
    assert seen == [("failed", False, ENDED, ENDED), ("in_progress", True, None, None)]
