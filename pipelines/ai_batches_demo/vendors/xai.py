"""xAI: as in its guide and protocol, with the days of recorded replies in place of times."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ..batches import DAY, ENDPOINTS, ENDS, Batch, BatchList
from ..results import Outcome, Results
from .bodies import chat_completion
from .google import CODES
from .paging import token_page
from .result_pages import result_page
from .vendor import (
    FAILURES,
    DemoVendor,
    Reply,
    ResultRoute,
    batch_id,
    batch_ids,
    iso,
    json_response,
    latest,
)

TICKS = 12_000_000
"""Cost of a request, in ten-billionths of a dollar."""
LARGEST_PAGE = 100


def _row(batch: Batch, now: int) -> dict[str, Any]:
    status = batch.status(now)
    is_over = status in ENDS
    # a file that is bad, or not checked yet, counts nothing
    requests = 0 if status in ("validating", "failed") else batch.requests
    done = batch.done(now) if requests else 0
    rest = requests - done - batch.failed(now)
    ticks = TICKS * done
    return {
        "batch_id": batch_id(batch),
        "name": f"run {batch.number}",
        "create_time": _day(batch.created_at),
        "expire_time": _day(batch.created_at + 30 * DAY),
        "create_api_key_id": f"key-{batch.number % 3}",
        "cancel_time": _day(batch.steps[status]) if status in ("cancelled", "failed") else None,
        "cancel_by_xai_message": FAILURES[batch.number % len(FAILURES)][1]
        if status == "failed"
        else None,
        "state": {
            "num_requests": requests,
            "num_pending": 0 if is_over else rest,
            "num_success": done,
            # what is not done in time elsewhere, ends in errors here
            "num_error": batch.failed(now) + (rest if status == "expired" else 0),
            "num_cancelled": rest if status == "cancelled" else 0,
        },
        "cost_breakdown": {
            "total_cost_usd_ticks": ticks,
            "endpoint_costs": [
                {"endpoint": ENDPOINTS[0], "cost_usd_ticks": ticks, "request_count": done}
            ],
            "calculation_time": _day(latest(batch, now)),
        }
        if done
        else None,
        "input_file_id": f"file_{batch.id}" if batch.number % 2 else None,
    }


def _day(at: int) -> str:
    return str(iso(at))[:10]


def _page(batches: BatchList, query: Mapping[str, str]) -> Reply:
    found = token_page(_row, batches, query, "pagination_token", "limit", largest=100, default=100)
    if found is None:
        return 400, {"code": "invalid-argument", "error": "The pagination token is not known."}
    return 200, {"batches": found[0], "pagination_token": found[1]}


def _refusal(key: str) -> Any:
    return {"code": "unauthenticated:bad-credentials", "error": f"Incorrect API key: {key}."}


def _results(batches: BatchList, request: Request) -> Response:
    batch = batches.find(request.path_params["id"], batch_ids)
    if batch is None or not batch.is_ended(batches.clock):
        return json_response(404, {"code": "not-found", "error": "There are no results."})
    page = result_page(
        Results(batch, batches.clock),
        request.query_params,
        "pagination_token",
        ("limit", "page_size"),
        LARGEST_PAGE,
        # assumed: requests that were cancelled have no results
        with_cut=batch.status(batches.clock) == "expired",
    )
    if page is None:
        error = "The pagination token is not known."
        return json_response(400, {"code": "invalid-argument", "error": error})
    results = [_result(batch, outcome) for outcome in page.outcomes]
    return json_response(200, {"results": results, "pagination_token": page.token})


def _result(batch: Batch, outcome: Outcome) -> dict[str, Any]:
    result: dict[str, Any]
    if outcome.failure:
        code = CODES[outcome.failure.status][0]
        result = {"error": {"code": code, "message": outcome.failure.message}}
    else:
        body = chat_completion(batch, outcome, "large-2")
        body["usage"]["cost_in_usd_ticks"] = TICKS
        result = {"response": {"chat_get_completion": body}}
    return {"batch_request_id": outcome.custom_id, "batch_result": result}


XAI = DemoVendor(
    root="/xai/v1",
    path="/batches",
    row=_row,
    page=_page,
    refusal=_refusal,
    read_as={
        "finalizing": "in_progress",
        "expired": "completed",
        "cancelling": "in_progress",
    },
    clock=DAY,
    results=(ResultRoute("/batches/{id}/results", _results),),
)
