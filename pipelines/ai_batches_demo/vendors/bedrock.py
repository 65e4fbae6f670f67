"""Amazon Bedrock: as in the service model of AWS's client; the newest first only if asked to."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from ..batches import DAY, ENDS, MODELS, Batch, BatchList
from ..results import MEAN_TOKENS
from ..serving import Content
from .paging import token_page
from .vendor import FAILURES, DemoVendor, Reply, ResultRoute, iso, latest

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

BUCKET = "batches"
PREFIX = "out/"


def _row(batch: Batch, now: int) -> dict[str, Any]:
    status = batch.status(now)
    words = WORDS[status]
    done, failed = batch.done(now), batch.failed(now)
    account = "arn:aws:bedrock:us-east-1:123456789012"
    row: dict[str, Any] = {
        "jobArn": f"{account}:model-invocation-job/{_job_ids(batch)[0]}",
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
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": f"s3://{BUCKET}/{PREFIX}"}},
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
    if status in ENDS:
        row["endTime"] = _milliseconds(batch.steps[status])
    if status == "failed":
        row["message"] = FAILURES[batch.number % len(FAILURES)][1]
    return row


def _job_ids(batch: Batch) -> tuple[str, ...]:
    return (batch.id[-12:],)


def manifest(batch: Batch, now: int) -> bytes:
    """The object with which a job ends: its totals.

    Args:
        batch (Batch): The batch.
        now (int): The moment, in Unix seconds.

    Returns:
        bytes: JSON.
    """
    done, failed = batch.done(now), batch.failed(now)
    return orjson.dumps(
        {
            "totalRecordCount": batch.requests,
            "processedRecordCount": done + failed,
            "successRecordCount": done,
            "errorRecordCount": failed,
            "inputTokenCount": MEAN_TOKENS.input * done,
            "outputTokenCount": MEAN_TOKENS.output * done,
        }
    )


def _stored(batches: BatchList, request: Request) -> Response:
    # the signature is not checked: the customer's storage knows other keys than the vendor
    batch = batches.find(request.path_params["id"], _job_ids)
    now = batches.clock
    if batch is None or not batch.is_ended(now) or batch.status(now) == "failed":
        body = b"<Error><Code>NoSuchKey</Code><Message>There is no such object.</Message></Error>"
        return Response(body, 404, media_type="application/xml")
    body = manifest(batch, now)
    return Content(lambda: iter([body]), 1, request.url.path).answer(request)


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
    results=(
        ResultRoute(
            f"/bedrock-storage/{BUCKET}/{PREFIX}{{id}}/manifest.json.out",
            _stored,
            is_elsewhere=True,
            needs_key=False,
        ),
    ),
)
