"""Novita: as on its page and in a masked reply of its guide."""

from collections.abc import Mapping
from typing import Any

from ..batches import Batch, BatchList
from .files import ResultFiles
from .paging import cursor_page
from .vendor import (
    FAILURES,
    TIMES,
    DemoVendor,
    Reply,
    batch_object,
    iso,
    latest,
)


def _row(batch: Batch, now: int) -> dict[str, Any]:
    row = batch_object(batch, now)
    status = batch.status(now)
    words = {"validating": "validating", "in_progress": "PROGRESS", "finalizing": "PROGRESS"}
    changed = latest(batch, now)
    return {
        "id": row["id"],
        "object": "batch",
        "endpoint": row["endpoint"],
        "input_file_id": row["input_file_id"],
        "output_file_id": row["output_file_id"] or "",
        "error_file_id": row["error_file_id"] or "",
        "completion_window": "48h",
        "in_progress_at": _nanoseconds(row["in_progress_at"]),
        "expires_at": None,
        **{f"{word}_at": _nanoseconds(row[f"{word}_at"]) for word in TIMES[1:]},
        "status": words.get(status, status.upper()),
        "errors": FAILURES[batch.number % len(FAILURES)][1] if status == "failed" else "",
        "version": len(batch.steps),
        "created_at": _nanoseconds(batch.created_at),
        "updated_at": None if changed == batch.created_at else _nanoseconds(changed),
        "created_by": f"user-{batch.number % 3}",
        "created_by_key_id": f"key_{batch.number % 3}",
        "remark": "",
        **row["request_counts"],
        "metadata": None,
        "request_counts": row["request_counts"],
    }


def _nanoseconds(at: int | None) -> str | None:
    return None if at is None else iso(at, f".{at % 1000:03d}816948", "+08:00", hours_ahead=8)


def _page(batches: BatchList, query: Mapping[str, str]) -> Reply:
    # no parameter is documented; official clients of OpenAI send `after`
    return cursor_page(_row, batches, {"after": query["after"]} if "after" in query else {})


NOVITA = DemoVendor(
    root="/novita/openai/v1",
    path="/batches",
    row=_row,
    page=_page,
    results=ResultFiles(_row).routes(),
    read_as={"finalizing": "in_progress"},
)
