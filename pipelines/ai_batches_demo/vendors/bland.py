"""Bland: as in its page's example."""

from collections.abc import Mapping
from typing import Any

from ..batches import Batch, BatchList
from .vendor import TIMES, DemoVendor, Reply, iso


def _row(batch: Batch, now: int) -> dict[str, Any]:
    return {
        "id": f"00000000-0000-4000-8000-{batch.number:012d}",
        "user_id": "11111111-0000-4000-8000-000000000000",
        "base_prompt": '{"record":true,"task":"Ask for the order number"}',
        "created_at": iso(batch.created_at, f".{batch.created_at % 1000:03d}"),
        "call_objects": [{"task": "Ask for the order number", "phone_number": "+15550100"}],
        "description": "Untitled Batch" if batch.number % 3 else f"Orders {batch.number}",
    }


def _page(batches: BatchList, query: Mapping[str, str]) -> Reply:
    shown = batches.visible()[::-1]
    start = int(query.get("skip", 0))
    rows = shown[start : start + int(query.get("take", 50))]
    return 200, {"data": [_row(batch, batches.clock) for batch in rows], "errors": None}


def _refusal(key: str) -> Any:
    return {"data": None, "errors": [{"error": "UNAUTHORIZED", "message": f"Bad key {key}"}]}


BLAND = DemoVendor(
    root="/bland",
    path="/v2/batches/list",
    row=_row,
    page=_page,
    refusal=_refusal,
    key_value=str,
    read_as=dict.fromkeys(("validating", *TIMES)),
)
