"""Nebius: as in its reference, with the times that its examples add."""

from functools import partial
from typing import Any

from ..batches import Batch
from .files import ResultFiles
from .paging import cursor_page
from .vendor import DemoVendor, batch_object


def _row(batch: Batch, now: int) -> dict[str, Any]:
    row = batch_object(batch, now)
    for absent in ("model", "usage", "cancelling_at", "cancelled_at"):
        row.pop(absent, None)
    overrides = {"model": "large-2", "temperature": 0.2, "top_p": None, "max_tokens": 200}
    return row | {"override_settings": overrides if batch.number % 4 == 1 else None}


NEBIUS = DemoVendor(
    root="/nebius/v1",
    path="/batches",
    row=_row,
    page=partial(cursor_page, _row, default=10),
    results=ResultFiles(_row).routes(),
)
