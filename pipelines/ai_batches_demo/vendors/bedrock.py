"""Amazon Bedrock: as in the service model of AWS's client; the newest first only if asked to."""

from collections.abc import Mapping
from typing import Any

from ..batches import DAY, MODELS, Batch, BatchList
from .paging import token_page
from .vendor import FAILURES, DemoVendor, Reply, iso, latest

WORDS = {
    "validating": ("Submitted", "Validating", "Scheduled"),
    "in_progress": ("InProgress",),
    "finalizing": ("InProgress",),
    "completed": ("Completed", "Completed", "PartiallyCompleted"),
    "failed": ("Failed",),
    "expired": ("Expired",),
    "cancelling": ("Stopping",),
    "cancelled": ("Stopped",),
}

ENDED = ("completed", "failed", "expired", "cancelled")


def _row(batch: Batch, now: int) -> dict[str, Any]:
    status = batch.status(now)
    words = WORDS[status]
    done, failed = batch.done(now), batch.failed(now)
    account = "arn:aws:bedrock:us-east-1:123456789012"
    row: dict[str, Any] = {
        "jobArn": f"{account}:model-invocation-job/{batch.id[-12:]}",
        "jobName": f"nightly-{batch.number}",
        "modelId": f"arn:aws:bedrock:us-east-1::foundation-model/{MODELS[batch.number % 3]}",
        "clientRequestToken": f"token-{batch.number}",
        "roleArn": "arn:aws:iam::123456789012:role/batches",
        "status": words[batch.number % len(words)],
        "submitTime": _milliseconds(batch.created_at),
        "lastModifiedTime": _milliseconds(latest(batch, now)),
        "inputDataConfig": {
            "s3InputDataConfig": {
                "s3InputFormat": "JSONL",
                "s3Uri": f"s3://batches/in/{batch.id}.jsonl",
            }
        },
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://batches/out/"}},
        "timeoutDurationInHours": 24,
        "jobExpirationTime": _milliseconds(batch.created_at + DAY),
        "modelInvocationType": ["InvokeModel", "Converse"][batch.number % 2],
        "totalRecordCount": batch.requests,
        "processedRecordCount": done + failed,
        "successRecordCount": done,
        "errorRecordCount": failed,
    }
    if batch.number % 2:
        row["vpcConfig"] = {"subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"]}
    if status in ENDED:
        row["endTime"] = _milliseconds(batch.steps[status])
    if status == "failed":
        row["message"] = FAILURES[batch.number % len(FAILURES)][1]
    return row


def _milliseconds(at: int) -> str | None:
    return iso(at, f".{at % 1000:03d}")


def _refusal(key: str) -> Any:
    return {"message": "The security token included in the request is invalid."}


def _page(batches: BatchList, query: Mapping[str, str]) -> Reply:
    is_descending = query.get("sortOrder") == "Descending"
    taken = token_page(
        _row,
        batches,
        query,
        "nextToken",
        "maxResults",
        largest=1_000,
        default=100,
        newest_first=is_descending,
    )
    if taken is None:
        return 400, {"message": "The provided pagination token is invalid."}
    rows, token = taken
    return 200, {"invocationJobSummaries": rows, **({"nextToken": token} if token else {})}


BEDROCK = DemoVendor(
    root="/bedrock",
    path="/model-invocation-jobs",
    row=_row,
    page=_page,
    refusal=_refusal,
    read_as={"finalizing": "in_progress"},
)
