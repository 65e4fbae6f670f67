"""Doubleword: as its open source code answers."""

from collections.abc import Mapping
from typing import Any

from ..batches import DAY, Batch, BatchList
from .files import ResultFiles
from .paging import cursor_page
from .vendor import FAILURES, DemoVendor, Reply, batch_object


def _id(batch: Batch) -> str:
    return f"00000000-0000-4000-8000-{batch.number:012d}"


def _row(batch: Batch, now: int) -> dict[str, Any]:
    status = batch.status(now)
    row = batch_object(batch, now) | {
        "id": _id(batch),
        "status": {"cancelling": "in_progress", "expired": "completed"}.get(status, status),
        # one whose file was deleted
        "input_file_id": f"file-{batch.number}" if batch.number % 5 else "",
        # cancelled at once; completed, if late
        "cancelling_at": batch.reached("cancelled", now),
        "completed_at": batch.reached("completed", now) or batch.reached("expired", now),
        # of any batch whose time is over
        "expired_at": batch.created_at + DAY if now > batch.created_at + DAY else None,
        "errors": _errors(batch) if status == "failed" else None,
        "metadata": {"created_by_email": "someone@example.com", "context_type": "personal"},
        "dwext": {"source": ["api", "frontend"][batch.number % 2]},
    }
    absent = ("model", "usage")
    return {k: v for k, v in row.items() if v is not None and k not in absent}


def _errors(batch: Batch) -> dict[str, Any]:
    code, message = FAILURES[batch.number % len(FAILURES)]
    return {"data": [{"code": code, "line": batch.number, "message": message}]}


def _page(batches: BatchList, query: Mapping[str, str]) -> Reply:
    known = {_id(batch) for batch in batches.visible()}
    status, body = cursor_page(
        _row,
        batches,
        # an unknown cursor is ignored
        {k: v for k, v in query.items() if k != "after" or v in known},
        id_of=_id,
    )
    return status, {k: v for k, v in body.items() if v is not None}


def _headers(lines: int) -> dict[str, str]:
    return {"x-incomplete": "false", "x-last-line": str(lines)}


DOUBLEWORD = DemoVendor(
    root="/doubleword/v1",
    path="/batches",
    row=_row,
    page=_page,
    results=ResultFiles(_row, headers=_headers).routes(),
    read_as={"cancelling": "in_progress", "expired": "completed"},
)
