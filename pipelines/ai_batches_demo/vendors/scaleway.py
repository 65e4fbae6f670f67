"""Scaleway: OpenAI's shape, as its page says, with addresses of objects as files."""

from functools import partial
from typing import Any

from ..batches import Batch
from .paging import cursor_page
from .vendor import DemoVendor, batch_object

BUCKET = "https://batches.s3.fr-par.scw.cloud"


def _row(batch: Batch, now: int) -> dict[str, Any]:
    row = batch_object(batch, now)
    for name in ("model", "usage"):
        row.pop(name, None)
    for kind in ("input", "output", "error"):
        name = f"{kind}_file_id"
        row[name] = f"{BUCKET}/{batch.id}_{kind}.jsonl" if row[name] else None
    return row


def _refusal(key: str) -> Any:
    return {"message": "authentication is denied", "method": "api_key", "reason": "not_found"}


SCALEWAY = DemoVendor(
    root="/scaleway/v1",
    path="/batches",
    row=_row,
    page=partial(cursor_page, _row),
    refusal=_refusal,
)
