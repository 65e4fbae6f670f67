"""OpenRouter: as in its quickstart, with the fields that its reference has added since."""

from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ..batches import DAY, ENDS, Batch, BatchList
from ..results import Outcome, Results
from .bodies import reply_body
from .paging import cursor_page
from .result_pages import result_page
from .vendor import DemoVendor, ResultRoute, batch_ids, batch_object, json_response, mean_tokens

KEPT = 30 * DAY
LARGEST_PAGE = 1_000
COST = 0.0005
"""US dollars for a request."""


def _row(batch: Batch, now: int) -> dict[str, Any]:
    row = batch_object(batch, now)
    status = batch.status(now)
    tokens = batch.done(now) if status == "completed" else None
    return {
        "id": row["id"],
        "object": "batch",
        "endpoint": row["endpoint"],
        "model": f"openai/small-{batch.number % 2}",
        "provider": None if status == "validating" else "OpenAI",
        "completion_window": "24h",
        # the list has no word for what comes between
        "status": status if status in ("validating", *ENDS) else "in_progress",
        "created_at": batch.created_at,
        "expires_at": [None, batch.created_at + 4 * DAY][batch.number % 2],
        "finalized_at": batch.steps[status] if status in ENDS else None,
        "request_counts": row["request_counts"],
        "usage": None if tokens is None else _usage(tokens, row["endpoint"]),
        "results": None,
        "error": {"message": "The model does not exist."} if status == "failed" else None,
    }


def _usage(requests: int, endpoint: str) -> dict[str, Any]:
    tokens = mean_tokens(endpoint)
    return {
        "prompt_tokens": tokens.input * requests,
        "prompt_tokens_details": {"cached_tokens": tokens.cached * requests},
        "completion_tokens": tokens.output * requests,
        "completion_tokens_details": {"reasoning_tokens": tokens.reasoning * requests},
        "total_tokens": (tokens.input + tokens.output) * requests,
        "cost": COST * requests,
        "is_byok": False,
    }


def _results(batches: BatchList, request: Request) -> Response:
    batch = batches.find(request.path_params["id"], batch_ids)
    now = batches.clock
    if batch is None or not batch.is_ended(now) or batch.steps[batch.status(now)] + KEPT <= now:
        return json_response(404, _error(404, "There are no results of this batch."))
    # assumed: requests that never ran have no results
    page = result_page(
        Results(batch, now), request.query_params, "cursor", ("limit",), LARGEST_PAGE, False
    )
    if page is None:
        return json_response(400, _error(400, "The cursor is not valid."))
    row = _row(batch, now)
    return json_response(
        200,
        {
            "object": "list",
            "data": [_result(batch, outcome, row) for outcome in page.outcomes],
            "has_more": page.token is not None,
            "next_cursor": page.token,
        },
    )


def _result(batch: Batch, outcome: Outcome, row: dict[str, Any]) -> dict[str, Any]:
    request = f"{batch.number:06d}{outcome.number:06d}"
    failure = outcome.failure
    result = {"id": f"result-{request}", "custom_id": outcome.custom_id}
    if failure:
        # assumed: only one of the two is set
        error = {"type": failure.code, "message": failure.message, "param": None}
        return result | {"response": None, "error": error}
    body = reply_body(batch, outcome, row["endpoint"], row["model"])
    body["usage"] |= {"cost": COST, "is_byok": False}
    response = {"status_code": 200, "request_id": f"req-{request}", "body": body}
    return result | {"response": response, "error": None}


def _error(code: int, message: str) -> Any:
    return {"error": {"code": code, "message": message}}


OPENROUTER = DemoVendor(
    root="/openrouter/api/v1",
    path="/batches",
    row=_row,
    page=partial(cursor_page, _row),
    results=(ResultRoute("/batches/{id}/results", _results),),
    read_as=dict.fromkeys(("finalizing", "cancelling"), "in_progress"),
)
