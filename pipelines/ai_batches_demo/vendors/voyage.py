"""Voyage: as in its reference, whose sample does not say whether more rows follow."""

from collections.abc import Mapping
from typing import Any

from ..batches import HOUR, Batch, BatchList
from ..results import Outcome
from .files import ResultFiles, openai_line
from .paging import cursor_page
from .vendor import TIMES, DemoVendor, Reply, batch_object, iso

NOT_SHOWN = ("usage", "expired_at", "expires_at")


def _row(batch: Batch, now: int) -> dict[str, Any]:
    row = batch_object(batch, now)
    for name in NOT_SHOWN:
        row.pop(name, None)
    if row["status"] == "expired":
        row |= {"status": "completed", "completed_at": batch.steps["expired"]}
    row |= {
        "completion_window": "12h",
        "model": "embedding-large",
        "expected_completion_at": batch.created_at + 12 * HOUR,
    }
    for name in ("created_at", "expected_completion_at", *(f"{word}_at" for word in TIMES)):
        if name in row:
            row[name] = iso(row[name], f".{batch.number % 1000:03d}607", "+00:00")
    return row


def _page(batches: BatchList, query: Mapping[str, str]) -> Reply:
    status, body = cursor_page(_row, batches, query)
    if status == 200 and not body["has_more"]:
        body = {key: body[key] for key in ("object", "data")}
    return status, body


def _refusal(key: str) -> Any:
    return {"detail": f"Provided API key is invalid: {key}"}


def _missing(file_id: str) -> Any:
    return {"detail": f"There is no file {file_id}."}


def _line(batch: Batch, outcome: Outcome, endpoint: str, model: str) -> dict[str, Any]:
    line = openai_line(batch, outcome, "/v1/embeddings", model)
    failure = outcome.failure
    if failure is None:
        return line
    # two shapes were seen in code that reads these files
    if failure.status and outcome.number % 2:
        error = {"status_code": failure.status, "message": failure.message}
        return line | {"response": error, "error": None}
    error = {"code": failure.code, "message": failure.message}
    return line | {"response": None, "error": error}


VOYAGE = DemoVendor(
    root="/voyage/v1",
    path="/batches",
    row=_row,
    page=_page,
    refusal=_refusal,
    results=ResultFiles(_row, _missing, line=_line).routes(),
    read_as={"expired": "completed"},
)
