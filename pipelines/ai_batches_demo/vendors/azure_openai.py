"""Azure OpenAI: as in its reference, and in samples of its guide if these differ."""

from functools import partial
from typing import Any

from ..batches import Batch
from .files import ResultFiles
from .paging import cursor_page
from .vendor import TIMES, DemoVendor, batch_object, iso


def _row(batch: Batch, now: int) -> dict[str, Any]:
    row = batch_object(batch, now)
    row["endpoint"] = row["endpoint"].removeprefix("/v1")
    if row["status"] == "validating":
        # as the guide shows a new batch
        row["status"] = "Validating"
        row["request_counts"] = dict.fromkeys(("total", "completed", "failed"))
        for name in ("created_at", "expires_at", *(f"{word}_at" for word in TIMES)):
            row[name] = iso(row[name], ".2491382", "+00:00")
    return row


def _refusal(key: str) -> Any:
    return {"error": {"code": "401", "message": "Access denied due to invalid subscription key."}}


def _missing(file_id: str) -> Any:
    return {"error": {"code": "404", "message": f"There is no file {file_id}."}}


AZURE_OPENAI = DemoVendor(
    root="/azure_openai/openai/v1",
    path="/batches",
    row=_row,
    page=partial(cursor_page, _row),
    refusal=_refusal,
    key_header="api-key",
    key_value=str,
    results=ResultFiles(_row, _missing).routes(),
)
