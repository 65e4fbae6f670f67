"""Fireworks AI: as in its specification, the newest first only if asked to."""

from collections.abc import Mapping
from typing import Any

from ..batches import MODELS, Batch, BatchList
from .paging import token_page
from .vendor import FAILURES, DemoVendor, Reply, iso, latest

WORDS = {
    "validating": ("VALIDATING", "PENDING", "CREATING"),
    "in_progress": ("RUNNING",),
    "finalizing": ("WRITING_RESULTS",),
    "completed": ("COMPLETED", "COMPLETED", "EARLY_STOPPED"),
    "failed": ("FAILED",),
    "expired": ("EXPIRED",),
    "cancelling": ("CANCELLING",),
    "cancelled": ("CANCELLED",),
}


def _row(batch: Batch, now: int) -> dict[str, Any]:
    status = batch.status(now)
    words = WORDS[status]
    done, failed = batch.done(now), batch.failed(now)
    problem = FAILURES[batch.number % len(FAILURES)][1]
    return {
        "name": f"accounts/demo/batchInferenceJobs/{batch.id}",
        "displayName": f"nightly {batch.number}",
        "createTime": iso(batch.created_at, f".{batch.created_at % 1000:03d}052"),
        "createdBy": "someone@example.com",
        "state": f"JOB_STATE_{words[batch.number % len(words)]}",
        "status": {
            "code": "INVALID_ARGUMENT" if status == "failed" else "OK",
            "message": problem if status == "failed" else "",
        },
        "model": f"accounts/fireworks/models/{MODELS[batch.number % len(MODELS)]}",
        "inputDatasetId": f"accounts/demo/datasets/in-{batch.id}",
        "outputDatasetId": f"accounts/demo/datasets/out-{batch.id}",
        "inferenceParameters": {
            "maxTokens": 512,
            "temperature": 0.7,
            "topP": 1.0,
            "n": 1,
            "extraBody": '{"stop": ["\\n"]}',
            "topK": 40,
        },
        "updateTime": iso(latest(batch, now)),
        "precision": "PRECISION_UNSPECIFIED",
        "jobProgress": {
            "percent": 100 * (done + failed) // batch.requests,
            "epoch": 0,
            "totalInputRequests": batch.requests,
            "totalProcessedRequests": done + failed,
            "successfullyProcessedRequests": done,
            "failedRequests": failed,
            "outputRows": done,
            "inputTokens": 40 * done,
            "outputTokens": 150 * done,
            "cachedInputTokenCount": 8 * done,
        },
        "continuedFromJobName": "",
    }


def _refusal(key: str) -> Any:
    return {"code": 16, "message": "The API key is invalid.", "details": []}


def _page(batches: BatchList, query: Mapping[str, str]) -> Reply:
    newest_first = query.get("orderBy") == "created_time desc"
    taken = token_page(
        _row, batches, query, "pageToken", "pageSize", 200, 50, newest_first=newest_first
    )
    if taken is None:
        return 400, {"code": 3, "message": "The page token is invalid.", "details": []}
    rows, token = taken
    size = len(batches.visible())
    return 200, {"batchInferenceJobs": rows, "nextPageToken": token or "", "totalSize": size}


FIREWORKS = DemoVendor(
    root="/fireworks/v1/accounts/demo",
    path="/batchInferenceJobs",
    row=_row,
    page=_page,
    refusal=_refusal,
)
