"""Kimi: as on its page, which requires `object` and `data` only."""

from collections.abc import Mapping
from typing import Any

from ..batches import Batch, BatchList
from .files import ResultFiles
from .paging import cursor_page
from .vendor import DemoVendor, Reply, batch_object


def _row(batch: Batch, now: int) -> dict[str, Any]:
    row = batch_object(batch, now)
    for absent in ("errors", "expired_at", "model", "usage"):
        row.pop(absent, None)
    return row | {"completion_window": ["12h", "1d", "7d"][batch.number % 3]}


def _page(batches: BatchList, query: Mapping[str, str]) -> Reply:
    status, body = cursor_page(_row, batches, query)
    if status == 200:
        body = {key: body[key] for key in ("object", "data", "has_more")}
        if not body["has_more"]:
            del body["has_more"]
    return status, body


KIMI = DemoVendor(
    root="/kimi/v1",
    path="/batches",
    row=_row,
    page=_page,
    results=ResultFiles(_row).routes(),
)
