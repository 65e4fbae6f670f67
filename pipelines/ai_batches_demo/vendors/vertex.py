"""Vertex AI: as in its discovery document, which names no order; so the oldest come first."""

from collections.abc import Mapping
from typing import Any

from ..batches import MODELS, Batch, BatchList
from .google import list_reply, refusal
from .paging import token_page
from .vendor import FAILURES, DemoVendor, Reply, iso, latest

PLACE = "projects/123456789012/locations/us-central1"

WORDS = {
    "validating": "PENDING",
    "in_progress": "RUNNING",
    "finalizing": "RUNNING",
    "completed": "SUCCEEDED",
    "failed": "FAILED",
    "expired": "EXPIRED",
    "cancelling": "CANCELLING",
    "cancelled": "CANCELLED",
}


def _row(batch: Batch, now: int) -> dict[str, Any]:
    status = batch.status(now)
    done, failed = batch.done(now), batch.failed(now)
    word = WORDS[status]
    if status == "completed" and failed:
        word = "PARTIALLY_SUCCEEDED"
    elif status == "validating" and batch.number % 2:
        word = "QUEUED"
    row = {
        "name": f"{PLACE}/batchPredictionJobs/{batch.id}",
        "displayName": f"nightly {batch.number}",
        "model": f"publishers/google/models/{MODELS[batch.number % len(MODELS)]}",
        "inputConfig": _input(batch),
        "outputConfig": {
            "predictionsFormat": "jsonl",
            "gcsDestination": {"outputUriPrefix": "gs://batches/out"},
        },
        "state": f"JOB_STATE_{word}",
        "createTime": _microseconds(batch.created_at),
        "updateTime": _microseconds(latest(batch, now)),
        "modelVersionId": "1",
    }
    if batch.number % 2:
        row["labels"] = {"team": "search"}
    started = batch.reached("in_progress", now)
    if started:
        row["startTime"] = _microseconds(started)
        row["completionStats"] = _stats(batch, status, done, failed)
    if status == "completed":
        row["outputInfo"] = {"gcsOutputDirectory": f"gs://batches/out/prediction-{batch.id}"}
    if status in ("completed", "failed", "cancelled"):
        row["endTime"] = _microseconds(batch.steps[status])
    if status in ("failed", "cancelled"):
        message = FAILURES[batch.number % len(FAILURES)][1]
        row["error"] = {"code": 3 if status == "failed" else 1, "message": message}
    return row


def _input(batch: Batch) -> dict[str, Any]:
    if batch.number % 3:
        uris = [f"gs://batches/in/{batch.id}.jsonl"]
        return {"instancesFormat": "jsonl", "gcsSource": {"uris": uris}}
    source = {"inputUri": f"bq://project.batches.in_{batch.id}"}
    return {"instancesFormat": "bigquery", "bigquerySource": source}


def _stats(batch: Batch, status: str, done: int, failed: int) -> dict[str, str]:
    incomplete = {"expired": batch.requests - done - failed, "cancelled": -1}.get(status, 0)
    counts = {"successfulCount": done, "failedCount": failed, "incompleteCount": incomplete}
    # a count of zero is left out
    return {key: str(value) for key, value in counts.items() if value}


def _microseconds(at: int) -> str | None:
    return iso(at, f".{at % 1000:03d}052")


def _page(batches: BatchList, query: Mapping[str, str]) -> Reply:
    taken = token_page(
        _row, batches, query, "pageToken", "pageSize", largest=100, default=50, newest_first=False
    )
    return list_reply("batchPredictionJobs", taken)


VERTEX = DemoVendor(
    root=f"/vertex/v1/{PLACE}",
    path="/batchPredictionJobs",
    row=_row,
    page=_page,
    refusal=refusal,
    read_as={"finalizing": "in_progress"},
    is_newest_first=False,
)
