"""How each vendor shows its batches: rows, pages and refusals, after its page and recorded replies.

The shapes are the vendors'; the values are made up. Where a page leaves something open, the oddest
answer that was seen or is allowed is given.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from .batches import DAY, ENDPOINTS, MODELS, Batch, BatchList

Reply = tuple[int, Any]
"""HTTP status and JSON body."""

TIMES = (
    "in_progress",
    "finalizing",
    "completed",
    "failed",
    "expired",
    "cancelling",
    "cancelled",
)

FAILURES = (
    ("invalid_json_line", "This line is not parseable as valid JSON."),
    ("duplicate_custom_id", "Another line of the file has the same custom_id."),
    ("token_limit_exceeded", "The enqueued tokens are beyond the limit of the organization."),
    ("model_not_found", "The model does not exist, or cannot be used in a batch."),
    ("mismatched_model", "The lines of the file name more than one model."),
)
"""Why a batch failed as a whole: code and message."""


@dataclass(frozen=True)
class DemoVendor:
    """One vendor's endpoint on the demo server.

    `root` and `path` are what the vendor's base URL and path are in reality; `page` answers the
    query parameters of a request.
    """

    root: str
    path: str
    key_header: Callable[[str], str]
    refusal: Callable[[str], Any]
    page: Callable[[BatchList, Mapping[str, str]], Reply]


def _bearer(key: str) -> str:
    return f"Bearer {key}"


def _openai_row(batch: Batch, now: int) -> dict[str, Any]:
    status = batch.status(now)
    row: dict[str, Any] = {
        "id": f"batch_{batch.id}",
        "object": "batch",
        "endpoint": ENDPOINTS[batch.number % len(ENDPOINTS)],
        "errors": _validation_errors(batch) if status == "failed" else None,
        "input_file_id": f"file-in{batch.id}",
        "completion_window": "24h",
        "status": status,
        "output_file_id": f"file-out{batch.id}" if batch.done(now) else None,
        # one clean batch was seen with an empty text here
        "error_file_id": f"file-err{batch.id}"
        if batch.failed(now)
        else [None, ""][batch.number % 2],
        "created_at": batch.created_at,
        "expires_at": batch.created_at + DAY,
        **{f"{word}_at": batch.reached(word, now) for word in TIMES},
        "request_counts": {
            "total": batch.requests if status != "validating" else 0,
            "completed": batch.done(now),
            "failed": batch.failed(now),
        },
        "metadata": [None, {"team": "search", "run": str(batch.number)}][batch.number % 2],
    }
    # older batches have neither key
    if batch.number >= 40:
        ended = status == "completed"
        row["model"] = MODELS[batch.number % len(MODELS)] if ended else None
        row["usage"] = _usage(batch.done(now) if ended else 0)
    return row


def _validation_errors(batch: Batch) -> dict[str, Any]:
    code, message = FAILURES[batch.number % len(FAILURES)]
    return {
        "object": "list",
        "data": [
            {
                "code": code,
                "line": batch.number,
                "message": message,
                "param": None,
            }
        ],
    }


def _usage(requests: int) -> dict[str, Any]:
    return {
        "input_tokens": 40 * requests,
        "input_tokens_details": {"cached_tokens": 8 * requests},
        "output_tokens": 150 * requests,
        "output_tokens_details": {"reasoning_tokens": 90 * requests},
        "total_tokens": 190 * requests,
    }


def _kimi_row(batch: Batch, now: int) -> dict[str, Any]:
    row = _openai_row(batch, now)
    for absent in ("errors", "expired_at", "model", "usage"):
        row.pop(absent, None)
    return row | {"completion_window": ["12h", "1d", "7d"][batch.number % 3]}


def _respan_row(batch: Batch, now: int) -> dict[str, Any]:
    row = _openai_row(batch, now)
    shown = ("id", "object", "endpoint", "status", "created_at", "request_counts")
    # what is not reached is not null but absent
    return {key: row[key] for key in shown} | (
        {"completed_at": row["completed_at"]} if row["completed_at"] else {}
    )


def _novita_row(batch: Batch, now: int) -> dict[str, Any]:
    row = _openai_row(batch, now)
    status = batch.status(now)
    words = {"validating": "validating", "in_progress": "PROGRESS", "finalizing": "PROGRESS"}
    latest = max(at for at in batch.steps.values() if at <= now)
    return {
        "id": row["id"],
        "object": "batch",
        "endpoint": row["endpoint"],
        "input_file_id": row["input_file_id"],
        "output_file_id": row["output_file_id"] or "",
        "error_file_id": row["error_file_id"] or "",
        "completion_window": "48h",
        "in_progress_at": _nanoseconds(row["in_progress_at"]),
        "expires_at": None,
        **{f"{word}_at": _nanoseconds(row[f"{word}_at"]) for word in TIMES[1:]},
        "status": words.get(status, status.upper()),
        "errors": FAILURES[batch.number % len(FAILURES)][1] if status == "failed" else "",
        "version": len(batch.steps),
        "created_at": _nanoseconds(batch.created_at),
        "updated_at": None if latest == batch.created_at else _nanoseconds(latest),
        "created_by": f"user-{batch.number % 3}",
        "created_by_key_id": f"key_{batch.number % 3}",
        "remark": "",
        **row["request_counts"],
        "metadata": None,
        "request_counts": row["request_counts"],
    }


def _nanoseconds(at: int | None) -> str | None:
    if at is None:
        return None
    moment = datetime.fromtimestamp(at, timezone(timedelta(hours=8)))
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at % 1000:03d}816948+08:00"


def _bland_row(batch: Batch, now: int) -> dict[str, Any]:
    moment = datetime.fromtimestamp(batch.created_at, timezone.utc)
    return {
        "id": f"00000000-0000-4000-8000-{batch.number:012d}",
        "user_id": "11111111-0000-4000-8000-000000000000",
        "base_prompt": '{"record":true,"task":"Ask for the order number"}',
        "created_at": f"{moment:%Y-%m-%dT%H:%M:%S}.{batch.created_at % 1000:03d}Z",
        "call_objects": [{"task": "Ask for the order number", "phone_number": "+15550100"}],
        "description": "Untitled Batch" if batch.number % 3 else f"Orders {batch.number}",
    }


def _cursor_page(
    row: Callable[[Batch, int], dict[str, Any]],
    batches: BatchList,
    query: Mapping[str, str],
    newest_first: bool = True,
    largest: int = 100,
    default: int = 20,
) -> Reply:
    shown = batches.visible()
    if newest_first:
        shown.reverse()
    start = 0
    if "after" in query:
        ids = [f"batch_{batch.id}" for batch in shown]
        if query["after"] not in ids:
            return 404, {"error": {"message": "Resource not found.", "param": "after"}}
        start = ids.index(query["after"]) + 1
    limit = int(query.get("limit", default))
    if limit > largest:
        message = f"Invalid 'limit': expected a value <= {largest}, but got {limit} instead."
        return 400, {"error": {"message": message, "param": "limit"}}
    rows = [row(batch, batches.clock) for batch in shown[start : start + limit]]
    return 200, {
        "object": "list",
        "data": rows,
        "first_id": rows[0]["id"] if rows else None,
        "last_id": rows[-1]["id"] if rows else None,
        "has_more": len(shown) > start + limit,
    }


def _openai_page(batches: BatchList, query: Mapping[str, str]) -> Reply:
    return _cursor_page(_openai_row, batches, query)


def _respan_page(batches: BatchList, query: Mapping[str, str]) -> Reply:
    # the vendor's own example has the older batch first
    return _cursor_page(_respan_row, batches, query, newest_first=False)


def _novita_page(batches: BatchList, query: Mapping[str, str]) -> Reply:
    after = {"after": query["after"]} if "after" in query else {}
    return _cursor_page(_novita_row, batches, after)


def _kimi_page(batches: BatchList, query: Mapping[str, str]) -> Reply:
    status, body = _cursor_page(_kimi_row, batches, query)
    if status == 200:
        # only `object` and `data` are required
        body = {key: body[key] for key in ("object", "data", "has_more")}
        if not body["has_more"]:
            del body["has_more"]
    return status, body


def _bland_page(batches: BatchList, query: Mapping[str, str]) -> Reply:
    shown = batches.visible()[::-1]
    start = int(query.get("skip", 0))
    rows = shown[start : start + int(query.get("take", 50))]
    return 200, {"data": [_bland_row(batch, batches.clock) for batch in rows], "errors": None}


def _error_object(key: str) -> Any:
    # some vendors quote the key that they refuse
    message = f"Incorrect API key provided: {key}."
    return {"error": {"message": message, "type": "invalid_request_error", "code": None}}


def _bare_string(key: str) -> Any:
    return {"error": "Authentication credentials were not provided."}


def _error_list(key: str) -> Any:
    return {"data": None, "errors": [{"error": "UNAUTHORIZED", "message": f"Bad key {key}"}]}


VENDORS: dict[str, DemoVendor] = {
    "bland": DemoVendor("/bland", "/v2/batches/list", str, _error_list, _bland_page),
    "respan": DemoVendor("/respan/api", "/v1/batches/", _bearer, _bare_string, _respan_page),
    "openai": DemoVendor("/openai/v1", "/batches", _bearer, _error_object, _openai_page),
    "novita": DemoVendor("/novita/openai/v1", "/batches", _bearer, _error_object, _novita_page),
    "kimi": DemoVendor("/kimi/v1", "/batches", _bearer, _error_object, _kimi_page),
}
"""The vendors that the demo server speaks as, by provider name."""

__all__ = ["VENDORS", "DemoVendor"]
