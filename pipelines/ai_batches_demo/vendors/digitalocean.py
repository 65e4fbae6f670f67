"""DigitalOcean: as its own client describes it, with times as text and a list of errors."""

from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ..batches import DAY, Batch, BatchList
from ..results import Outcome
from .anthropic import message_line
from .files import ResultFiles, openai_line
from .paging import cursor_page
from .storage import Storage
from .vendor import TIMES, DemoVendor, ResultRoute, batch_ids, batch_object, iso, json_response


def _row(batch: Batch, now: int) -> dict[str, Any]:
    row = batch_object(batch, now)
    for name in ("object", "model", "usage"):
        row.pop(name, None)
    times = {f"{word}_at": batch.reached(word, now) for word in TIMES}
    times |= {"created_at": batch.created_at, "expires_at": batch.created_at + DAY}
    # neither the expiry nor the cancellation that was asked for has a time
    for name in ("expired_at", "cancelling_at"):
        del row[name], times[name]
    errors = row["errors"] and [
        {key: each[key] for key in ("code", "line", "message")} for each in row["errors"]["data"]
    ]
    return {
        "batch_id": row.pop("id"),
        **row,
        **{name: iso(at) for name, at in times.items()},
        "errors": errors,
        "provider": ["openai", "anthropic"][batch.number % 2],
        "request_id": f"request-{batch.number}",
    }


def _line(batch: Batch, outcome: Outcome, endpoint: str, model: str) -> dict[str, Any]:
    """A line in the shape of the vendor that runs the batch."""
    if batch.number % 2:
        return message_line(batch, outcome)
    return openai_line(batch, outcome, endpoint, model)


STORAGE = Storage("digitalocean-storage", ResultFiles(_row, line=_line, kept=30 * DAY))


def _results(batches: BatchList, request: Request) -> Response:
    batch = batches.find(request.path_params["id"], batch_ids)
    if batch is None:
        return json_response(404, {"id": "not_found", "message": "Batch not found."})
    if not batch.is_ended(batches.clock):
        message = "The batch has not ended."
        return json_response(412, {"id": "precondition_failed", "message": message})
    row = _row(batch, batches.clock)
    links = {
        f"{kind}_file_url": STORAGE.link(request, row[f"{kind}_file_id"])
        for kind in ("output", "error")
        if row[f"{kind}_file_id"]
    }
    body = {"batch_id": row["batch_id"], "result_available": bool(links), **links}
    return json_response(200, body)


def _refusal(key: str) -> Any:
    return {"id": "unauthorized", "message": "Unable to authenticate you"}


DIGITALOCEAN = DemoVendor(
    root="/digitalocean/v1",
    path="/batches",
    row=_row,
    page=partial(cursor_page, _row),
    refusal=_refusal,
    results=(ResultRoute("/batches/{id}/results", _results), STORAGE.route),
)
