"""Mistral: as in its specification, which lets an empty list leave `data` out."""

from collections.abc import Mapping
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from ..batches import ENDPOINTS, ENDS, MODELS, Batch, BatchList
from ..results import Outcome
from .files import ResultFiles, openai_line
from .paging import numbered_rows
from .vendor import FAILURES, DemoVendor, Reply, error_lines

WORDS = {
    "validating": "QUEUED",
    "in_progress": "RUNNING",
    "finalizing": "RUNNING",
    "completed": "SUCCESS",
    "failed": "FAILED",
    "expired": "TIMEOUT_EXCEEDED",
    "cancelling": "CANCELLATION_REQUESTED",
    "cancelled": "CANCELLED",
}


def _uuid(batch: Batch, of: str) -> str:
    return str(uuid5(NAMESPACE_OID, f"{of} {batch.id}"))


def _row(batch: Batch, now: int) -> dict[str, Any]:
    status = batch.status(now)
    done, failed = batch.done(now), batch.failed(now)
    message = FAILURES[batch.number % len(FAILURES)][1]
    return {
        "id": _uuid(batch, "job"),
        "object": "batch",
        "input_files": [_uuid(batch, f"input {n}") for n in range(1 + (batch.number % 5 == 0))],
        "metadata": [None, {"team": "search", "run": str(batch.number)}][batch.number % 2],
        "endpoint": ENDPOINTS[batch.number % 2],
        "model": MODELS[batch.number % len(MODELS)],
        "agent_id": None,
        "output_file": _uuid(batch, "output") if done else None,
        "error_file": _uuid(batch, "error") if error_lines(batch, now) else None,
        "errors": [{"message": message, "count": 1}] if status == "failed" else [],
        "outputs": None,
        "status": WORDS[status],
        "created_at": batch.created_at,
        "total_requests": batch.requests,
        "completed_requests": done + failed,
        "succeeded_requests": done,
        "failed_requests": failed,
        "started_at": batch.reached("in_progress", now),
        "completed_at": batch.steps[status] if status in ENDS else None,
    }


def _page(batches: BatchList, query: Mapping[str, str]) -> Reply:
    rows, total = numbered_rows(_row, batches, query, "page", "page_size", default=100)
    return 200, {"object": "list", "total": total} | ({"data": rows} if total else {})


def _refusal(key: str) -> Any:
    return {"detail": "Unauthorized"}


def _file_ids(batch: Batch) -> tuple[str, ...]:
    return _uuid(batch, "output"), _uuid(batch, "error")


def _line(batch: Batch, outcome: Outcome, endpoint: str, model: str) -> dict[str, Any]:
    line = openai_line(batch, outcome, endpoint, model)
    if outcome.failure:
        # assumed: a client declares an error without its fields
        error = {"code": outcome.failure.code, "message": outcome.failure.message}
        line |= {"response": None, "error": error}
    return line


def _missing(file_id: str) -> Any:
    return {"detail": f"There is no file {file_id}."}


MISTRAL = DemoVendor(
    root="/mistral/v1",
    path="/batch/jobs",
    row=_row,
    page=_page,
    refusal=_refusal,
    results=ResultFiles(_row, _missing, _file_ids, _line).routes(),
    read_as={"finalizing": "in_progress"},
)
