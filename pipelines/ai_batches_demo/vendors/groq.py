"""Groq: as in its guide, which pages by a nested token, and names neither order nor page size."""

from collections.abc import Mapping
from typing import Any

from ..batches import DAY, Batch, BatchList
from .files import ResultFiles
from .paging import token_page
from .vendor import DemoVendor, Reply, batch_object


def _row(batch: Batch, now: int) -> dict[str, Any]:
    row = batch_object(batch, now)
    for absent in ("model", "usage"):
        row.pop(absent, None)
    if row["errors"]:
        # in the guide a list, in the vendor's client an object
        row["errors"] = row["errors"]["data"]
    # null even on the guide's completed batch
    return row | {"completion_window": ["24h", "7d"][batch.number % 2], "finalizing_at": None}


def _page(batches: BatchList, query: Mapping[str, str]) -> Reply:
    found = token_page(_row, batches, query, "cursor", "limit", largest=20, default=20)
    if found is None:
        return 400, {"error": {"message": "invalid cursor", "type": "invalid_request_error"}}
    rows, token = found
    paging = {"paging": {"next_cursor": token}} if token else {}
    return 200, {"object": "list", "data": rows, **paging}


GROQ = DemoVendor(
    root="/groq/openai/v1",
    path="/batches",
    row=_row,
    page=_page,
    results=ResultFiles(_row, kept=30 * DAY).routes(),
)
