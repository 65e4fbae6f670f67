"""Cohere: as on its page, which names no order; so the oldest come first."""

from collections.abc import Mapping
from typing import Any

from ..batches import MODELS, Batch, BatchList
from .paging import token_page
from .vendor import FAILURES, DemoVendor, Reply, batch_id, iso, latest

WORDS = {
    "validating": "QUEUED",
    "in_progress": "IN_PROGRESS",
    "finalizing": "IN_PROGRESS",
    "completed": "COMPLETED",
    "failed": "FAILED",
    "expired": "FAILED",
    "cancelling": "CANCELING",
    "cancelled": "CANCELED",
}


def _row(batch: Batch, now: int) -> dict[str, Any]:
    status = batch.status(now)
    done = batch.done(now)
    row = {
        "id": batch_id(batch),
        "name": f"nightly-{batch.number}",
        "creator_id": f"user-{batch.number % 3}",
        "org_id": "org-1",
        "status": f"BATCH_STATUS_{WORDS[status]}",
        "created_at": iso(batch.created_at),
        "updated_at": iso(latest(batch, now)),
        "input_dataset_id": f"in-{batch.id}",
        "output_dataset_id": f"out-{batch.id}",
        "input_tokens": str(40 * done),
        "output_tokens": str(150 * done),
        "model": MODELS[batch.number % len(MODELS)],
        "num_records": batch.requests,
        "num_successful_records": done,
        "num_failed_records": batch.failed(now),
    }
    if status in ("failed", "expired"):
        row["status_reason"] = FAILURES[batch.number % len(FAILURES)][1]
    return row


def _refusal(key: str) -> Any:
    return {"message": "invalid api token"}


def _page(batches: BatchList, query: Mapping[str, str]) -> Reply:
    taken = token_page(
        _row,
        batches,
        query,
        "page_token",
        "page_size",
        largest=1_000,
        default=50,
        newest_first=False,
    )
    if taken is None:
        return 400, {"message": "invalid page token"}
    rows, token = taken
    return 200, {"batches": rows, **({"next_page_token": token} if token else {})}


COHERE = DemoVendor(
    root="/cohere/v2",
    path="/batches",
    row=_row,
    page=_page,
    refusal=_refusal,
    read_as={"finalizing": "in_progress", "expired": "failed"},
    is_newest_first=False,
)
