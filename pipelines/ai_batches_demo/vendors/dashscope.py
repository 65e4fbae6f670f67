"""DashScope: as on its page, which lists the last 30 days."""

from collections.abc import Mapping
from typing import Any

from ..batches import DAY, Batch, BatchList
from .files import ResultFiles
from .paging import cursor_page
from .vendor import DemoVendor, Reply, batch_object


def _row(batch: Batch, now: int) -> dict[str, Any]:
    row = batch_object(batch, now)
    for absent in ("model", "usage"):
        row.pop(absent, None)
    ended = row["completed_at"] or row["cancelled_at"] or row["failed_at"]
    return row | {
        "completion_window": ["24h", "7d", "336h"][batch.number % 3],
        # of a batch that ended it was seen as null
        "expires_at": None if ended else row["expires_at"],
        "metadata": _METADATA[batch.number % len(_METADATA)],
    }


_METADATA: tuple[dict[str, str] | None, ...] = (
    None,
    {},
    {"ds_name": "catalogue, weekly", "ds_description": "short texts for new goods"},
)


def _page(batches: BatchList, query: Mapping[str, str]) -> Reply:
    recent = [batch for batch in batches.plan if batch.created_at > batches.clock - 30 * DAY]
    return cursor_page(_row, BatchList(batches.clock, recent), query)


DASHSCOPE = DemoVendor(
    root="/dashscope/compatible-mode/v1",
    path="/batches",
    row=_row,
    page=_page,
    results=ResultFiles(_row).routes(),
)
