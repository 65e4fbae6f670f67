"""Anthropic: as on its page, with the times of recorded replies."""

from collections.abc import Mapping
from typing import Any

from ..batches import DAY, Batch, BatchList
from .paging import cursor_page
from .vendor import DemoVendor, Reply, iso

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
        # where the whole batch fails elsewhere, each of its requests does here
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
        "results_url": f"https://api.anthropic.com/v1/messages/batches/{_id(batch)}/results"
        if word == "ended" and not is_archived
        else None,
    }


def _time(at: int | None) -> str | None:
    return None if at is None else iso(at, f".{at % 1000:03d}571", "+00:00")


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
)
