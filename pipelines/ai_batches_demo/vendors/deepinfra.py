"""DeepInfra: as in its page's samples, with the older batch first."""

from functools import partial
from typing import Any

from ..batches import Batch
from .files import ResultFiles
from .paging import cursor_page
from .vendor import DemoVendor, batch_object


def _row(batch: Batch, now: int) -> dict[str, Any]:
    row = {"model": None, "usage": None} | batch_object(batch, now)
    row["expires_at"] = None
    if row["status"] == "validating":
        row |= {"request_counts": None, "model": None, "usage": None}
    return row


def _refusal(key: str) -> Any:
    return {"detail": {"error": "Invalid API key"}}


def _missing(file_id: str) -> Any:
    return {"detail": {"error": f"There is no file {file_id}."}}


DEEPINFRA = DemoVendor(
    root="/deepinfra/v1/openai",
    path="/batches",
    row=_row,
    page=partial(cursor_page, _row, newest_first=False),
    refusal=_refusal,
    is_newest_first=False,
    results=ResultFiles(_row, _missing).routes(),
)
