"""Respan: as in its page's example, with the older batch first."""

from functools import partial
from typing import Any

from ..batches import Batch
from .paging import cursor_page
from .vendor import DemoVendor, batch_object


def _row(batch: Batch, now: int) -> dict[str, Any]:
    row = batch_object(batch, now)
    shown = ("id", "object", "endpoint", "status", "created_at", "request_counts")
    # what is not reached is not null but absent
    return {key: row[key] for key in shown} | (
        {"completed_at": row["completed_at"]} if row["completed_at"] else {}
    )


def _refusal(key: str) -> Any:
    return {"error": "Authentication credentials were not provided."}


RESPAN = DemoVendor(
    root="/respan/api",
    path="/v1/batches/",
    row=_row,
    page=partial(cursor_page, _row, newest_first=False),
    refusal=_refusal,
    is_newest_first=False,
)
