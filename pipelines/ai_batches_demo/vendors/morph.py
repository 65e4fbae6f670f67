"""Morph: OpenAI's shape, with a number of rows as the cursor."""

from collections.abc import Mapping
from typing import Any

from ..batches import Batch, BatchList
from .files import ResultFiles
from .vendor import DemoVendor, Reply, batch_object


def _row(batch: Batch, now: int) -> dict[str, Any]:
    row = batch_object(batch, now)
    for name in ("model", "usage"):
        row.pop(name, None)
    return row


def _page(batches: BatchList, query: Mapping[str, str]) -> Reply:
    after = query.get("after", "0")
    if not after.isdecimal():
        return 400, {"error": {"message": "after must be a whole number", "param": "after"}}
    shown = batches.visible()[::-1]
    end = int(after) + min(int(query.get("limit", 20)), 100)
    rows = [_row(batch, batches.clock) for batch in shown[int(after) : end]]
    return 200, {
        "object": "list",
        "data": rows,
        "first_id": rows[0]["id"] if rows else None,
        "last_id": rows[-1]["id"] if rows else None,
        "has_more": end < len(shown),
    }


MORPH = DemoVendor(
    root="/morph/v1",
    path="/batches",
    row=_row,
    page=_page,
    results=ResultFiles(_row).routes(),
)
