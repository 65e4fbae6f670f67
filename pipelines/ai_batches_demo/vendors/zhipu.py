"""Zhipu: as its SDK declares it, in milliseconds as in replies that the SDK's tests print."""

from functools import partial
from typing import Any

from ..batches import Batch
from .files import ResultFiles
from .paging import cursor_page
from .vendor import TIMES, DemoVendor, batch_object


def _row(batch: Batch, now: int) -> dict[str, Any]:
    row = batch_object(batch, now)
    for absent in ("model", "usage"):
        row.pop(absent, None)
    is_counted = row["status"] != "validating"
    return row | {
        "id": _id(batch),
        "endpoint": "/v4/chat/completions",
        "output_file_id": row["output_file_id"] or "",
        "error_file_id": row["error_file_id"] or "",
        "created_at": batch.created_at * 1_000,
        "expires_at": row["expires_at"] * 1_000,
        **{f"{word}_at": _milliseconds(row[f"{word}_at"]) for word in TIMES},
        "request_counts": {
            name: count if is_counted else None for name, count in row["request_counts"].items()
        },
        "metadata": {"description": f"run {batch.number}"},
    }


def _id(batch: Batch) -> str:
    return f"batch_{1_900_000_000_000_000_000 + 7_919 * batch.number}"


def _milliseconds(at: int | None) -> int | None:
    return None if at is None else at * 1_000 + at % 1_000


def _refusal(key: str) -> Any:
    return {"error": {"code": "1000", "message": f"The token {key} is not known."}}


def _missing(file_id: str) -> Any:
    return {"error": {"code": "1222", "message": f"There is no file {file_id}."}}


ZHIPU = DemoVendor(
    root="/zhipu/api/paas/v4",
    path="/batches",
    row=_row,
    page=partial(cursor_page, _row, id_of=_id),
    refusal=_refusal,
    results=ResultFiles(_row, _missing).routes(),
)
