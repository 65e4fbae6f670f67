"""Anthropic: as on its page, with the times of recorded replies."""

from collections.abc import Iterator, Mapping
from math import gcd
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from ..batches import DAY, MODELS, Batch, BatchList
from ..results import Outcome, Results
from ..serving import Content
from .paging import cursor_page
from .vendor import DemoVendor, Reply, ResultRoute, iso, json_response

ORIGIN = "https://api.anthropic.com"

ERROR_TYPES = {
    400: "invalid_request_error",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
}

WORDS = {
    "validating": "in_progress",
    "in_progress": "in_progress",
    "finalizing": "in_progress",
    "cancelling": "canceling",
}


def _id(batch: Batch) -> str:
    return f"msgbatch_{batch.id}"


def _row(batch: Batch, now: int) -> dict[str, Any]:
    status = batch.status(now)
    word = WORDS.get(status, "ended")
    counts = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
    if word == "ended":
        counts["succeeded"], counts["errored"] = batch.done(now), batch.failed(now)
        rest = batch.requests - batch.done(now) - batch.failed(now)
        # if the whole batch fails elsewhere, each of its requests does here
        counts[{"cancelled": "canceled", "expired": "expired"}.get(status, "errored")] += rest
    else:
        counts["processing"] = batch.requests
    # results are kept for 29 days
    archived_at = batch.created_at + 29 * DAY
    is_archived = word == "ended" and archived_at <= now
    return {
        "id": _id(batch),
        "type": "message_batch",
        "processing_status": word,
        "request_counts": counts,
        "ended_at": _time(batch.steps[status]) if word == "ended" else None,
        "created_at": _time(batch.created_at),
        "expires_at": _time(batch.created_at + DAY),
        "archived_at": _time(archived_at) if is_archived else None,
        "cancel_initiated_at": _time(batch.reached("cancelling", now)),
        "results_url": f"{ORIGIN}/v1/messages/batches/{_id(batch)}/results"
        if word == "ended" and not is_archived
        else None,
    }


def _time(at: int | None) -> str | None:
    return None if at is None else iso(at, f".{at % 1000:03d}571", "+00:00")


def _ids(batch: Batch) -> tuple[str, ...]:
    return (_id(batch),)


def _batch(batches: BatchList, request: Request) -> Response:
    batch = batches.find(request.path_params["id"], _ids)
    if batch is None:
        return json_response(404, _missing("batch"))
    return json_response(200, _row(batch, batches.clock))


def _results(batches: BatchList, request: Request) -> Response:
    batch = batches.find(request.path_params["id"], _ids)
    if batch is None or _row(batch, batches.clock)["results_url"] is None:
        return json_response(404, _missing("result"))
    results = Results(batch, batches.clock)

    def lines() -> Iterator[bytes]:
        for outcome in results.of(_shuffled(batch.requests)):
            yield orjson.dumps(message_line(batch, outcome), option=orjson.OPT_APPEND_NEWLINE)

    return Content(lines, batch.requests, _id(batch), "application/x-jsonl").answer(request)


def _shuffled(count: int) -> Iterator[int]:
    # the lines come in any order; each number once, as the step shares no factor with the count
    step = next(step for step in (7_919, 7_907, 1) if gcd(step, count) == 1)
    return ((count // 3 + place * step) % count for place in range(count))


def message_line(batch: Batch, outcome: Outcome) -> dict[str, Any]:
    """A line of results."""
    return {"custom_id": outcome.custom_id, "result": _result(batch, outcome)}


def _result(batch: Batch, outcome: Outcome) -> dict[str, Any]:
    if outcome.kind == "expired":
        return {"type": "expired"}
    if outcome.kind == "cancelled":
        return {"type": "canceled"}
    if outcome.failure:
        kind = ERROR_TYPES[outcome.failure.status]
        error = {"type": kind, "message": outcome.failure.message}
        request_id = [None, f"req_{outcome.number}"][outcome.number % 2]
        return {
            "type": "errored",
            "error": {"type": "error", "error": error, "request_id": request_id},
        }
    tokens = outcome.tokens
    written = outcome.number % 4
    return {
        "type": "succeeded",
        "message": {
            "id": f"msg_{outcome.number}",
            "type": "message",
            "role": "assistant",
            "model": MODELS[batch.number % len(MODELS)],
            "content": [{"type": "text", "text": outcome.text}],
            "stop_reason": "end_turn" if outcome.number % 20 else "max_tokens",
            "stop_sequence": None,
            "usage": {
                # what was read from the cache or written to it is not among them
                "input_tokens": tokens.input - tokens.cached - written,
                "cache_creation_input_tokens": written,
                "cache_read_input_tokens": tokens.cached,
                "output_tokens": tokens.output,
                "service_tier": "batch",
            },
        },
    }


def _missing(what: str) -> Any:
    error = {"type": "not_found_error", "message": f"There is no such {what}."}
    return {"type": "error", "error": error}


def _page(batches: BatchList, query: Mapping[str, str]) -> Reply:
    status, body = cursor_page(
        _row, batches, query, largest=1000, cursor_param="after_id", id_of=_id
    )
    if status == 200:
        del body["object"]
    return status, body


def _refusal(key: str) -> Any:
    return {"type": "error", "error": {"type": "authentication_error", "message": "invalid key"}}


ANTHROPIC = DemoVendor(
    root="/anthropic",
    path="/v1/messages/batches",
    row=_row,
    page=_page,
    refusal=_refusal,
    key_header="x-api-key",
    key_value=str,
    further_headers={"anthropic-version": "2023-06-01"},
    read_as={"validating": "in_progress", "finalizing": "in_progress", "failed": "completed"},
    results=(
        ResultRoute("/v1/messages/batches/{id}", _batch),
        ResultRoute("/v1/messages/batches/{id}/results", _results),
    ),
    origin=ORIGIN,
)
