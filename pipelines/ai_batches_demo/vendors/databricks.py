"""Databricks AI Functions: as its page and its own client describe it."""

from collections.abc import Mapping
from typing import Any

from ..batches import Batch, BatchList
from .paging import token_page
from .vendor import DemoVendor, Reply, batch_id, iso

FOLDER = "/Volumes/main/default/batches"
SIGNED = "https://storage.example.com/out"


def _row(batch: Batch, now: int) -> dict[str, Any]:
    status = batch.status(now)
    place = f"{FOLDER}/{batch.id}-out.jsonl"
    if batch.number % 2:
        # if no place was named, the output is kept for the caller
        place = f"{SIGNED}/{batch.id}?signature={now}" if status == "completed" else ""
    row = {
        "name": batch_id(batch),
        "endpoint": "ai_extract",
        "input_ref": f"{FOLDER}/{batch.id}.jsonl",
        "output_ref": place,
        "params": {"schema": {"total": "number"}},
        "status": {"validating": "PENDING"}.get(status, status.upper()),
        "create_time": iso(batch.created_at, f".{batch.created_at % 1000:03d}"),
    }
    return {key: value for key, value in row.items() if value}


def _page(batches: BatchList, query: Mapping[str, str]) -> Reply:
    found = token_page(_row, batches, query, "page_token", "page_size", largest=100, default=20)
    if found is None:
        return 400, {"error_code": "INVALID_PARAMETER_VALUE", "message": "Invalid page token"}
    rows, token = found
    return 200, {"batches": rows, "next_page_token": token or ""} if rows else {}


def _refusal(key: str) -> Any:
    return {"error_code": "UNAUTHENTICATED", "message": "The access token is invalid"}


DATABRICKS = DemoVendor(
    root="/databricks/api/2.0",
    path="/ai-functions/batches",
    row=_row,
    page=_page,
    refusal=_refusal,
)
