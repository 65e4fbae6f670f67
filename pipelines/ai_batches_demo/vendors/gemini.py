"""Gemini API: as on its page, with the times of a recorded reply."""

from collections.abc import Mapping
from typing import Any

from ..batches import MODELS, Batch, BatchList
from .google import list_reply, refusal
from .paging import token_page
from .vendor import FAILURES, DemoVendor, Reply, iso, latest

WORDS = {
    "validating": "PENDING",
    "in_progress": "RUNNING",
    "finalizing": "RUNNING",
    "cancelling": "RUNNING",
    "completed": "SUCCEEDED",
    "failed": "FAILED",
    "expired": "EXPIRED",
    "cancelled": "CANCELLED",
}


def _row(batch: Batch, now: int) -> dict[str, Any]:
    name = f"batches/{batch.id}"
    status = batch.status(now)
    done, failed = batch.done(now), batch.failed(now)
    counts = {
        "requestCount": batch.requests,
        "successfulRequestCount": done,
        "failedRequestCount": failed,
        "pendingRequestCount": batch.requests - done - failed,
    }
    metadata = {
        "@type": "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch",
        "model": f"models/{MODELS[batch.number % len(MODELS)]}",
        "displayName": f"nightly {batch.number}",
        "inputConfig": {"fileName": f"files/in{batch.id}"},
        "createTime": _nanoseconds(batch.created_at),
        "updateTime": _nanoseconds(latest(batch, now)),
        # a count of zero is left out
        "batchStats": {key: str(value) for key, value in counts.items() if value},
        "state": f"BATCH_STATE_{WORDS[status]}",
        "name": name,
    }
    row: dict[str, Any] = {"name": name, "metadata": metadata}
    if status not in ("completed", "failed", "expired", "cancelled"):
        return row
    metadata["endTime"] = _nanoseconds(batch.steps[status])
    row["done"] = True
    if status == "completed":
        file = f"files/batch-out{batch.id}"
        metadata["output"] = {"responsesFile": file}
        row["response"] = {
            "@type": f"{metadata['@type']}Output",
            "responsesFile": file,
        }
    else:
        code = {"failed": 3, "expired": 4, "cancelled": 1}[status]
        row["error"] = {"code": code, "message": FAILURES[batch.number % len(FAILURES)][1]}
    return row


def _nanoseconds(at: int) -> str | None:
    return iso(at, f".{at % 1000:03d}870162")


def _page(batches: BatchList, query: Mapping[str, str]) -> Reply:
    taken = token_page(_row, batches, query, "pageToken", "pageSize", largest=100, default=50)
    return list_reply("operations", taken)


GEMINI = DemoVendor(
    root="/gemini/v1beta",
    path="/batches",
    row=_row,
    page=_page,
    refusal=refusal,
    key_header="x-goog-api-key",
    key_value=str,
    read_as={"finalizing": "in_progress", "cancelling": "in_progress"},
)
