"""Together AI: as in its specification, in the order and with the times of a real listing."""

from collections.abc import Mapping
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ..batches import DAY, ENDS, Batch, BatchList
from .files import ResultFiles
from .storage import Storage
from .vendor import (
    FAILURES,
    DemoVendor,
    Reply,
    ResultRoute,
    batch_object,
    iso,
    json_response,
)


def _row(batch: Batch, now: int) -> dict[str, Any]:
    status = batch.status(now)
    row = batch_object(batch, now)
    shown = {
        "id": str(uuid5(NAMESPACE_OID, batch.id)),
        "user_id": "user-demo",
        "input_file_id": row["input_file_id"],
        "file_size_bytes": 900 * batch.requests,
        "status": {"finalizing": "IN_PROGRESS", "cancelling": "CANCELING"}.get(
            status, status.upper()
        ),
        "job_deadline": _time(batch.created_at + DAY),
        "created_at": _time(batch.created_at),
        "endpoint": row["endpoint"],
        "progress": round(100 * (batch.done(now) + batch.failed(now)) / batch.requests, 2),
        "model_id": row.get("model"),
        "output_file_id": row["output_file_id"],
        "error_file_id": row["error_file_id"],
        "error": FAILURES[batch.number % len(FAILURES)][1] if status == "failed" else None,
        "completed_at": _time(batch.steps[status]) if status in ENDS else None,
    }
    # no field is required: what is not set is absent
    return {key: value for key, value in shown.items() if value is not None}


def _time(at: int) -> str | None:
    return iso(at, f".{at % 1000:03d}264", "Z")


def _page(batches: BatchList, query: Mapping[str, str]) -> Reply:
    rows = [_row(batch, batches.clock) for batch in batches.visible()]
    # nothing is `null`, for which the vendor's samples are ready
    return 200, sorted(rows, key=lambda row: row["id"], reverse=True) or None


def _refusal(key: str) -> Any:
    return {"error": "Unauthorized"}


def _missing(file_id: str) -> Any:
    return {"error": f"There is no file {file_id}."}


FILES = ResultFiles(_row, _missing)
STORAGE = Storage("together-storage", FILES)


def _redirect(batches: BatchList, request: Request) -> Response:
    file_id = request.path_params["file_id"]
    if FILES.content(batches, file_id) is None:
        return json_response(404, _missing(file_id))
    return RedirectResponse(STORAGE.link(request, file_id), 302)


TOGETHER = DemoVendor(
    root="/together/v1",
    path="/batches",
    row=_row,
    page=_page,
    refusal=_refusal,
    read_as={"finalizing": "in_progress"},
    is_newest_first=False,
    results=(
        ResultRoute("/files/{file_id}/content", _redirect),
        STORAGE.route,
    ),
)
