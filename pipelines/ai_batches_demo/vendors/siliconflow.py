"""SiliconFlow: as in its page's example, with the status words of its guide."""

from functools import partial
from typing import Any

from ..batches import Batch
from .files import ResultFiles
from .paging import cursor_page
from .vendor import FAILURES, DemoVendor, batch_object


def _row(batch: Batch, now: int) -> dict[str, Any]:
    row = batch_object(batch, now)
    for absent in ("model", "usage"):
        row.pop(absent, None)
    is_queued = row["status"] == "validating"
    failed = row["status"] == "failed"
    return row | {
        "endpoint": "/v1/chat/completions",
        "errors": [FAILURES[batch.number % len(FAILURES)][1]] if failed else None,
        "status": "in_queue" if is_queued else row["status"],
        "request_counts": [None, {}][batch.number % 2] if is_queued else row["request_counts"],
        "metadata": {"name": f"run {batch.number}", "batch_description": ""},
        "file_name": f"requests_{batch.number}.jsonl",
    }


def _refusal(key: str) -> Any:
    return "Invalid token"


def _missing(file_id: str) -> Any:
    return {"code": 20_000, "message": f"There is no file {file_id}.", "data": None}


SILICONFLOW = DemoVendor(
    root="/siliconflow/v1",
    path="/batches",
    row=_row,
    page=partial(cursor_page, _row),
    refusal=_refusal,
    results=ResultFiles(_row, _missing).routes(),
)
