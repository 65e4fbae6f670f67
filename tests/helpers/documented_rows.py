"""A row of each vendor as its page shows them, and what has to become of it.

Every documented field is set, each to a value of its own, so that no two can be mixed up. The first
field is the id.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from support import TRow

START = 1_782_097_200
"""2026-06-22T03:00:00Z."""


class Documented(NamedTuple):
    """A row, every column but `id` and `is_open` that it fills, and what `extra` holds."""

    row: TRow
    columns: TRow
    extra: TRow


def at(minute: int) -> int:
    """Unix seconds some minutes after the start."""
    return START + 60 * minute


def iso(minute: int, behind: str = "Z") -> str:
    """The same as text, with whatever stands behind the seconds."""
    return f"{datetime.fromtimestamp(at(minute), UTC):%Y-%m-%dT%H:%M:%S}{behind}"


def without(row: TRow, *names: str) -> TRow:
    """A row that has not these fields."""
    return {key: value for key, value in row.items() if key not in names}


def changed(row: TRow, names: Iterable[str], change: Any) -> TRow:
    """A row with some of its values changed."""
    return row | {name: change(row[name]) for name in names}


SHARED_TIMES = {
    "created_at": at(0),
    "in_progress_at": at(1),
    "finalizing_at": at(2),
    "completed_at": at(3),
    "failed_at": at(4),
    "expired_at": at(5),
    "cancelling_at": at(6),
    "cancelled_at": at(7),
    "expires_at": at(8),
}
SHARED_ERRORS = {
    "object": "list",
    "data": [{"code": "bad_line", "message": "No JSON", "param": None, "line": 3}],
}
SHARED: TRow = {
    "id": "batch_1",
    "object": "batch",
    "endpoint": "/v1/embeddings",
    "model": "large-2",
    "errors": SHARED_ERRORS,
    "input_file_id": "file-1",
    "completion_window": "24h",
    "status": "completed",
    "output_file_id": "file-2",
    "error_file_id": "file-3",
    **SHARED_TIMES,
    "request_counts": {"total": 10, "completed": 7, "failed": 2},
    "usage": {
        "input_tokens": 50,
        "input_tokens_details": {"cached_tokens": 20},
        "output_tokens": 60,
        "output_tokens_details": {"reasoning_tokens": 30},
        "total_tokens": 110,
    },
    "metadata": {"team": "search"},
}
"""The batch object that most vendors share."""

COUNTS = {"requests_total": 10, "requests_completed": 7, "requests_failed": 2}
TOKENS = {
    "input_tokens": 50,
    "cached_input_tokens": 20,
    "output_tokens": 60,
    "reasoning_tokens": 30,
    "total_tokens": 110,
}
SHARED_COLUMNS: TRow = {
    "status": "completed",
    "status_raw": "completed",
    "endpoint": "/v1/embeddings",
    "model": "large-2",
    "completion_window": "24h",
    "input_file_id": "file-1",
    "output_file_id": "file-2",
    "error_file_id": "file-3",
    **COUNTS,
    **TOKENS,
    **SHARED_TIMES,
    "ended_at": at(3),
    "errors": SHARED_ERRORS,
    "metadata": {"team": "search"},
}
SHARED_EXTRA = {"object": "batch"}

BARE = without(SHARED, "model", "usage")
"""The same of vendors that tell neither model nor tokens."""

BARE_COLUMNS = without(SHARED_COLUMNS, "model", *TOKENS)

DOCUMENTED: dict[str, Documented] = {
    "anthropic": Documented(
        {
            "id": "msgbatch_1",
            "type": "message_batch",
            "processing_status": "ended",
            "request_counts": {
                "processing": 0,
                "succeeded": 20,
                "errored": 3,
                "canceled": 4,
                "expired": 5,
            },
            "created_at": iso(0, ".123456+00:00"),
            "cancel_initiated_at": iso(1, ".123456+00:00"),
            "ended_at": iso(2, ".123456+00:00"),
            "expires_at": iso(3, ".123456+00:00"),
            "archived_at": iso(4, ".123456+00:00"),
            "results_url": "https://example.com/results",
        },
        {
            "status": "cancelled",
            "status_raw": "ended",
            "requests_total": 32,
            "requests_completed": 20,
            "requests_failed": 3,
            "created_at": at(0),
            "cancelling_at": at(1),
            "cancelled_at": at(2),
            "ended_at": at(2),
            "expires_at": at(3),
        },
        {
            "type": "message_batch",
            "request_counts": {"processing": 0, "canceled": 4, "expired": 5},
            "archived_at": iso(4, ".123456+00:00"),
            "results_url": "https://example.com/results",
        },
    ),
    "azure_openai": Documented(
        {
            **changed(SHARED, SHARED_TIMES, lambda at: iso((at - START) // 60, ".7654321+00:00")),
            "status": "Completed",
            "input_blob": "https://example.com/in",
            "output_blob": "https://example.com/out",
            "error_blob": "https://example.com/errors",
        },
        SHARED_COLUMNS | {"status_raw": "Completed"},
        {
            **SHARED_EXTRA,
            "input_blob": "https://example.com/in",
            "output_blob": "https://example.com/out",
            "error_blob": "https://example.com/errors",
        },
    ),
    "bedrock": Documented(
        {
            "jobArn": "arn:job/1",
            "jobName": "nightly",
            "modelId": "arn:model/large-2",
            "clientRequestToken": "token-1",
            "roleArn": "arn:role/batches",
            "status": "PartiallyCompleted",
            "message": "One record is no JSON",
            "submitTime": iso(0, ".123Z"),
            "lastModifiedTime": iso(4, ".123Z"),
            "endTime": iso(3, ".123Z"),
            "jobExpirationTime": iso(8, ".123Z"),
            "inputDataConfig": {
                "s3InputDataConfig": {
                    "s3InputFormat": "JSONL",
                    "s3Uri": "s3://in/1.jsonl",
                    "s3BucketOwner": "1",
                }
            },
            "outputDataConfig": {
                "s3OutputDataConfig": {"s3Uri": "s3://out/", "s3BucketOwner": "2"}
            },
            "vpcConfig": {"subnetIds": ["subnet-1"]},
            "timeoutDurationInHours": 72,
            "modelInvocationType": "Converse",
            "totalRecordCount": 10,
            "processedRecordCount": 9,
            "successRecordCount": 7,
            "errorRecordCount": 2,
        },
        {
            **COUNTS,
            "status": "completed",
            "status_raw": "PartiallyCompleted",
            "description": "nightly",
            "endpoint": "Converse",
            "model": "arn:model/large-2",
            "completion_window": "72h",
            "input_file_id": "s3://in/1.jsonl",
            "output_file_id": "s3://out/",
            "created_at": at(0),
            "updated_at": at(4),
            "completed_at": at(3),
            "ended_at": at(3),
            "expires_at": at(8),
            "errors": "One record is no JSON",
        },
        {
            "clientRequestToken": "token-1",
            "roleArn": "arn:role/batches",
            "inputDataConfig": {
                "s3InputDataConfig": {"s3InputFormat": "JSONL", "s3BucketOwner": "1"}
            },
            "outputDataConfig": {"s3OutputDataConfig": {"s3BucketOwner": "2"}},
            "vpcConfig": {"subnetIds": ["subnet-1"]},
            "timeoutDurationInHours": 72,
            "processedRecordCount": 9,
        },
    ),
    "cohere": Documented(
        {
            "id": "batch-1",
            "name": "nightly",
            "creator_id": "user-1",
            "org_id": "org-1",
            "status": "BATCH_STATUS_FAILED",
            "status_reason": "The data set is empty",
            "created_at": iso(0),
            "updated_at": iso(3),
            "input_dataset_id": "dataset-1",
            "output_dataset_id": "dataset-2",
            "input_tokens": "50",
            "output_tokens": "60",
            "model": "large-2",
            "num_records": 10,
            "num_successful_records": 7,
            "num_failed_records": 2,
        },
        {
            **COUNTS,
            "status": "failed",
            "status_raw": "BATCH_STATUS_FAILED",
            "description": "nightly",
            "model": "large-2",
            "input_file_id": "dataset-1",
            "output_file_id": "dataset-2",
            "input_tokens": 50,
            "output_tokens": 60,
            "total_tokens": 110,
            "created_at": at(0),
            "updated_at": at(3),
            "errors": "The data set is empty",
        },
        {"creator_id": "user-1", "org_id": "org-1"},
    ),
    "dashscope": Documented(
        BARE | {"metadata": {"ds_name": "weekly", "ds_description": "short texts"}},
        BARE_COLUMNS
        | {
            "description": "weekly",
            "metadata": {"ds_name": "weekly", "ds_description": "short texts"},
        },
        SHARED_EXTRA,
    ),
    "deepinfra": Documented(SHARED, SHARED_COLUMNS, SHARED_EXTRA),
    "deepinfra, without what may be null": Documented(
        {
            "id": "batch_1",
            "object": "batch",
            "endpoint": "/v1/completions",
            "errors": None,
            "input_file_id": "file-1",
            "completion_window": "24h",
            "status": "expired",
            "output_file_id": None,
            "error_file_id": None,
            "created_at": at(0),
            "expires_at": None,
            "expired_at": at(5),
            "request_counts": None,
            "metadata": None,
            "model": None,
            "usage": None,
        },
        {
            "status": "expired",
            "status_raw": "expired",
            "endpoint": "/v1/completions",
            "completion_window": "24h",
            "input_file_id": "file-1",
            "created_at": at(0),
            "expired_at": at(5),
            "ended_at": at(5),
        },
        SHARED_EXTRA,
    ),
    "doubleword": Documented(
        BARE
        | {
            "analytics": {"total_requests": 9, "total_tokens": 110, "total_cost": "0.75"},
            "dwext": {"source": "api"},
        },
        # of a batch that was late it is the deadline again
        without(BARE_COLUMNS, "expired_at"),
        {
            **SHARED_EXTRA,
            "expired_at": at(5),
            "analytics": {"total_requests": 9, "total_tokens": 110, "total_cost": "0.75"},
            "dwext": {"source": "api"},
        },
    ),
    "doubleword, without a file": Documented(
        without(BARE, "expired_at", *("failed_at", "cancelling_at", "cancelled_at"))
        | {"input_file_id": ""},
        without(
            BARE_COLUMNS,
            *("input_file_id", "expired_at", "failed_at", "cancelling_at", "cancelled_at"),
        ),
        SHARED_EXTRA,
    ),
    "fireworks": Documented(
        {
            "name": "accounts/a/batchInferenceJobs/1",
            "displayName": "nightly",
            "createTime": iso(0, ".123456Z"),
            "updateTime": iso(3, ".123456Z"),
            "createdBy": "someone@example.com",
            "state": "JOB_STATE_FAILED",
            "status": {"code": "INTERNAL", "message": "It broke"},
            "model": "accounts/a/models/large-2",
            "inputDatasetId": "dataset-1",
            "outputDatasetId": "dataset-2",
            "inferenceParameters": {"maxTokens": 100},
            "precision": "FP8",
            "jobProgress": {
                "percent": 90,
                "epoch": 1,
                "totalInputRequests": 10,
                "totalProcessedRequests": 9,
                "successfullyProcessedRequests": 7,
                "failedRequests": 2,
                "outputRows": 8,
                "inputTokens": 50,
                "outputTokens": 60,
                "cachedInputTokenCount": 20,
            },
            "continuedFromJobName": "accounts/a/batchInferenceJobs/0",
        },
        {
            **COUNTS,
            "status": "failed",
            "status_raw": "JOB_STATE_FAILED",
            "description": "nightly",
            "model": "accounts/a/models/large-2",
            "input_file_id": "dataset-1",
            "output_file_id": "dataset-2",
            "input_tokens": 50,
            "cached_input_tokens": 20,
            "output_tokens": 60,
            "total_tokens": 110,
            "created_at": at(0),
            "updated_at": at(3),
            "errors": {"code": "INTERNAL", "message": "It broke"},
        },
        {
            "createdBy": "someone@example.com",
            "status": {"code": "INTERNAL", "message": "It broke"},
            "inferenceParameters": {"maxTokens": 100},
            "precision": "FP8",
            "jobProgress": {
                "percent": 90,
                "epoch": 1,
                "totalProcessedRequests": 9,
                "outputRows": 8,
            },
            "continuedFromJobName": "accounts/a/batchInferenceJobs/0",
        },
    ),
    "gemini": Documented(
        {
            "name": "batches/1",
            "done": True,
            "error": {"code": 1, "message": "Cancelled by hand"},
            "metadata": {
                "@type": "type.googleapis.com/Batch",
                "model": "models/large-2",
                "name": "batches/2",
                "displayName": "nightly",
                "inputConfig": {"fileName": "files/1"},
                "output": {"responsesFile": "files/2"},
                "createTime": iso(0, ".123456789Z"),
                "endTime": iso(3, ".123456789Z"),
                "updateTime": iso(4, ".123456789Z"),
                "batchStats": {
                    "requestCount": "10",
                    "successfulRequestCount": "7",
                    "failedRequestCount": "2",
                    "pendingRequestCount": "1",
                },
                "state": "BATCH_STATE_CANCELLED",
                "priority": "5",
            },
        },
        {
            **COUNTS,
            "status": "cancelled",
            "status_raw": "BATCH_STATE_CANCELLED",
            "description": "nightly",
            "model": "models/large-2",
            "input_file_id": "files/1",
            "output_file_id": "files/2",
            "created_at": at(0),
            "updated_at": at(4),
            "cancelled_at": at(3),
            "ended_at": at(3),
            "errors": {"code": 1, "message": "Cancelled by hand"},
        },
        {
            "done": True,
            "metadata": {
                "@type": "type.googleapis.com/Batch",
                "name": "batches/2",
                "batchStats": {
                    "requestCount": "10",
                    "successfulRequestCount": "7",
                    "failedRequestCount": "2",
                    "pendingRequestCount": "1",
                },
                "priority": "5",
            },
        },
    ),
    "groq": Documented(
        BARE | {"errors": SHARED_ERRORS["data"]},
        BARE_COLUMNS | {"errors": SHARED_ERRORS["data"]},
        SHARED_EXTRA,
    ),
    "mistral": Documented(
        {
            "id": "job-1",
            "object": "batch",
            "input_files": ["file-1"],
            "metadata": {"team": "search"},
            "endpoint": "/v1/embeddings",
            "model": "large-2",
            "agent_id": "agent-1",
            "output_file": "file-2",
            "error_file": "file-3",
            "errors": [{"message": "No JSON", "count": 2}],
            "outputs": [{"text": "yes"}],
            "status": "TIMEOUT_EXCEEDED",
            "created_at": at(0),
            "started_at": at(1),
            "completed_at": at(3),
            "total_requests": 10,
            "completed_requests": 9,
            "succeeded_requests": 7,
            "failed_requests": 2,
        },
        {
            **COUNTS,
            "status": "expired",
            "status_raw": "TIMEOUT_EXCEEDED",
            "endpoint": "/v1/embeddings",
            "model": "large-2",
            "input_file_id": "file-1",
            "output_file_id": "file-2",
            "error_file_id": "file-3",
            "created_at": at(0),
            "in_progress_at": at(1),
            "expired_at": at(3),
            "ended_at": at(3),
            "errors": [{"message": "No JSON", "count": 2}],
            "metadata": {"team": "search"},
        },
        {
            "object": "batch",
            "input_files": ["file-1"],
            "agent_id": "agent-1",
            "outputs": [{"text": "yes"}],
            "completed_requests": 9,
        },
    ),
    "nebius": Documented(
        BARE | {"override_settings": {"model": "large-2", "temperature": 0.5}},
        BARE_COLUMNS | {"model": "large-2"},
        SHARED_EXTRA | {"override_settings": {"temperature": 0.5}},
    ),
    "openai_compatible": Documented(
        SHARED | {"aibrix": {"job": "1"}}, SHARED_COLUMNS, SHARED_EXTRA | {"aibrix": {"job": "1"}}
    ),
    "openrouter": Documented(
        {
            "id": "batch_1",
            "object": "batch",
            "endpoint": "/v1/messages",
            "model": "anthropic/large",
            "provider": "Anthropic",
            "completion_window": "24h",
            "status": "cancelled",
            "created_at": at(0),
            "expires_at": at(8),
            "finalized_at": at(3),
            "request_counts": {"total": 10, "completed": 7, "failed": 2},
            "usage": {
                "prompt_tokens": 50,
                "prompt_tokens_details": {"cached_tokens": 20, "audio_tokens": 0},
                "completion_tokens": 60,
                "completion_tokens_details": {"reasoning_tokens": 30},
                "total_tokens": 110,
                "cost": 0.25,
                "is_byok": False,
            },
            "results": None,
            "error": {"message": "Cancelled by hand"},
        },
        {
            **COUNTS,
            **TOKENS,
            "status": "cancelled",
            "status_raw": "cancelled",
            "endpoint": "/v1/messages",
            "model": "anthropic/large",
            "completion_window": "24h",
            "created_at": at(0),
            "expires_at": at(8),
            "cancelled_at": at(3),
            "ended_at": at(3),
            "errors": {"message": "Cancelled by hand"},
        },
        {
            "object": "batch",
            "provider": "Anthropic",
            "results": None,
            "usage": {
                "prompt_tokens_details": {"audio_tokens": 0},
                "cost": 0.25,
                "is_byok": False,
            },
        },
    ),
    "perplexity": Documented(
        without(SHARED, "model"), without(SHARED_COLUMNS, "model"), SHARED_EXTRA
    ),
    "siliconflow": Documented(
        BARE | {"errors": ["Line 3 is no JSON"], "file_name": "requests.jsonl"},
        BARE_COLUMNS | {"errors": ["Line 3 is no JSON"]},
        SHARED_EXTRA | {"file_name": "requests.jsonl"},
    ),
    "together": Documented(
        {
            "id": "batch-1",
            "user_id": "user-1",
            "input_file_id": "file-1",
            "file_size_bytes": 900,
            "status": "FAILED",
            "job_deadline": iso(8, ".123456Z"),
            "created_at": iso(0, ".123456Z"),
            "completed_at": iso(3, ".123456Z"),
            "endpoint": "/v1/embeddings",
            "progress": 75.5,
            "model_id": "large-2",
            "output_file_id": "file-2",
            "error_file_id": "file-3",
            "error": "It broke",
        },
        {
            "status": "failed",
            "status_raw": "FAILED",
            "endpoint": "/v1/embeddings",
            "model": "large-2",
            "input_file_id": "file-1",
            "output_file_id": "file-2",
            "error_file_id": "file-3",
            "created_at": at(0),
            "expires_at": at(8),
            "failed_at": at(3),
            "ended_at": at(3),
            "errors": "It broke",
        },
        {"user_id": "user-1", "file_size_bytes": 900, "progress": 75.5},
    ),
    "vertex": Documented(
        {
            "name": "projects/1/locations/here/batchPredictionJobs/2",
            "displayName": "nightly",
            "state": "JOB_STATE_PARTIALLY_SUCCEEDED",
            "model": "publishers/google/models/large-2",
            "modelVersionId": "4",
            "inputConfig": {"instancesFormat": "jsonl", "gcsSource": {"uris": ["gs://in/1.jsonl"]}},
            "outputConfig": {"gcsDestination": {"outputUriPrefix": "gs://out"}},
            "outputInfo": {"gcsOutputDirectory": "gs://out/prediction-1"},
            "error": {"code": 3, "message": "One line is no JSON"},
            "partialFailures": [{"code": 5}],
            "completionStats": {
                "successfulCount": "7",
                "failedCount": "2",
                "incompleteCount": "1",
                "successfulForecastPointCount": "6",
            },
            "createTime": iso(0, ".123456Z"),
            "startTime": iso(1, ".123456Z"),
            "endTime": iso(3, ".123456Z"),
            "updateTime": iso(4, ".123456Z"),
            "labels": {"team": "search"},
        },
        {
            **COUNTS,
            "status": "completed",
            "status_raw": "JOB_STATE_PARTIALLY_SUCCEEDED",
            "description": "nightly",
            "model": "publishers/google/models/large-2",
            "input_file_id": "gs://in/1.jsonl",
            "output_file_id": "gs://out/prediction-1",
            "created_at": at(0),
            "in_progress_at": at(1),
            "updated_at": at(4),
            "completed_at": at(3),
            "ended_at": at(3),
            "errors": {"code": 3, "message": "One line is no JSON"},
            "metadata": {"team": "search"},
        },
        {
            "modelVersionId": "4",
            "inputConfig": {"instancesFormat": "jsonl", "gcsSource": {"uris": ["gs://in/1.jsonl"]}},
            "outputConfig": {"gcsDestination": {"outputUriPrefix": "gs://out"}},
            "outputInfo": {"gcsOutputDirectory": "gs://out/prediction-1"},
            "partialFailures": [{"code": 5}],
            "completionStats": {
                "successfulCount": "7",
                "failedCount": "2",
                "incompleteCount": "1",
                "successfulForecastPointCount": "6",
            },
        },
    ),
    "vertex, from table to table": Documented(
        {
            "name": "projects/1/locations/here/batchPredictionJobs/2",
            "state": "JOB_STATE_EXPIRED",
            "inputConfig": {"bigquerySource": {"inputUri": "bq://a.b.in"}},
            "outputInfo": {"bigqueryOutputDataset": "bq://a.b", "bigqueryOutputTable": "out"},
        },
        {
            "status": "expired",
            "status_raw": "JOB_STATE_EXPIRED",
            "input_file_id": "bq://a.b.in",
            "output_file_id": "out",
        },
        {
            "inputConfig": {"bigquerySource": {"inputUri": "bq://a.b.in"}},
            "outputInfo": {"bigqueryOutputDataset": "bq://a.b", "bigqueryOutputTable": "out"},
        },
    ),
    "voyage": Documented(
        {
            **changed(
                without(SHARED, "usage", "expired_at", "expires_at"),
                SHARED_TIMES.keys() - {"expired_at", "expires_at"},
                lambda at: iso((at - START) // 60, ".654321+00:00"),
            ),
            "completion_window": "12h",
            "expected_completion_at": iso(9, ".654321+00:00"),
        },
        without(SHARED_COLUMNS, "expired_at", *TOKENS)
        | {"completion_window": "12h", "expires_at": at(9)},
        SHARED_EXTRA,
    ),
    "xai": Documented(
        {
            "batch_id": "batch_1",
            "name": "nightly",
            "create_time": "2026-06-22",
            "expire_time": "2026-07-22",
            "cancel_time": "2026-06-24",
            "create_api_key_id": "key-1",
            "cancel_by_xai_message": "Line 3 is no JSON",
            "state": {
                "num_requests": 10,
                "num_pending": 0,
                "num_success": 7,
                "num_error": 2,
                "num_cancelled": 1,
            },
            "cost_breakdown": {"total_cost_usd_ticks": 9_000},
            "input_file_id": "file-1",
        },
        {
            **COUNTS,
            "status": "failed",
            "description": "nightly",
            "input_file_id": "file-1",
            "created_at": at(-180),
            "expires_at": at(-180) + 30 * 86_400,
            "failed_at": at(-180) + 2 * 86_400,
            "ended_at": at(-180) + 2 * 86_400,
            "errors": "Line 3 is no JSON",
        },
        {
            "cancel_time": "2026-06-24",
            "create_api_key_id": "key-1",
            "state": {"num_pending": 0, "num_cancelled": 1},
            "cost_breakdown": {"total_cost_usd_ticks": 9_000},
        },
    ),
    "zhipu": Documented(
        changed(BARE, SHARED_TIMES, lambda at: at * 1_000 + 321),
        BARE_COLUMNS,
        SHARED_EXTRA,
    ),
    "zhipu, as its page has the counts": Documented(
        BARE | {"request_counts": 10, "total": 10, "completed": 7, "failed": 2},
        BARE_COLUMNS,
        SHARED_EXTRA,
    ),
}
"""By provider, and by what is odd about further rows of it."""

STATUS_WORDS: dict[str, dict[str, str]] = {
    "azure_openai": {"validating": "Validating"},
    "databricks": {"validating": "PENDING", "finalizing": "FINALIZING"},
    "elevenlabs": {"validating": "pending", "in_progress": "in_progress"},
    "sap": {"validating": "PENDING", "in_progress": "RUNNING", "cancelling": "CANCELLING"},
    "vapi": {
        "validating": "scheduled",
        "in_progress": "in-progress",
        "completed": "ended archived",
        "cancelled": "cancelled",
    },
    "bedrock": {
        "validating": "Submitted Validating Scheduled",
        "in_progress": "InProgress",
        "completed": "Completed PartiallyCompleted",
        "failed": "Failed",
        "expired": "Expired",
        "cancelling": "Stopping",
        "cancelled": "Stopped",
    },
    "cohere": {
        "validating": "BATCH_STATUS_QUEUED",
        "in_progress": "BATCH_STATUS_IN_PROGRESS",
        "completed": "BATCH_STATUS_COMPLETED",
        "failed": "BATCH_STATUS_FAILED",
        "cancelling": "BATCH_STATUS_CANCELING",
        "cancelled": "BATCH_STATUS_CANCELED",
    },
    "fireworks": {
        "validating": "JOB_STATE_CREATING JOB_STATE_CREATING_INPUT_DATASET JOB_STATE_VALIDATING"
        " JOB_STATE_PENDING JOB_STATE_RE_QUEUEING JOB_STATE_IDLE",
        "in_progress": "JOB_STATE_RUNNING JOB_STATE_PAUSED",
        "finalizing": "JOB_STATE_WRITING_RESULTS",
        "completed": "JOB_STATE_COMPLETED JOB_STATE_EARLY_STOPPED",
        "failed": "JOB_STATE_FAILED",
        "expired": "JOB_STATE_EXPIRED",
        "cancelling": "JOB_STATE_CANCELLING JOB_STATE_DELETING JOB_STATE_DELETING_CLEANING_UP",
        "cancelled": "JOB_STATE_CANCELLED JOB_STATE_DELETED",
    },
    "gemini": {
        "validating": "BATCH_STATE_PENDING",
        "in_progress": "BATCH_STATE_RUNNING",
        "completed": "BATCH_STATE_SUCCEEDED",
        "failed": "BATCH_STATE_FAILED",
        "expired": "BATCH_STATE_EXPIRED",
        "cancelling": "BATCH_STATE_CANCELLING",
        "cancelled": "BATCH_STATE_CANCELLED",
        "batch_state_new": "BATCH_STATE_NEW",
    },
    "mistral": {
        "validating": "QUEUED",
        "in_progress": "RUNNING",
        "completed": "SUCCESS",
        "failed": "FAILED",
        "expired": "TIMEOUT_EXCEEDED",
        "cancelling": "CANCELLATION_REQUESTED",
        "cancelled": "CANCELLED",
    },
    "openai_compatible": {
        "validating": "validating scheduling queued in_queue pending",
        "in_progress": "in_progress processing",
        "cancelling": "cancelling canceling",
        "cancelled": "cancelled canceled",
    },
    "siliconflow": {"validating": "in_queue validating", "completed": "completed"},
    "together": {
        "validating": "VALIDATING",
        "in_progress": "IN_PROGRESS",
        "completed": "COMPLETED",
        "failed": "FAILED",
        "expired": "EXPIRED",
        "cancelling": "CANCELING",
        "cancelled": "CANCELLED",
    },
    "vertex": {
        "validating": "JOB_STATE_QUEUED JOB_STATE_PENDING",
        "in_progress": "JOB_STATE_RUNNING JOB_STATE_UPDATING JOB_STATE_PAUSED",
        "completed": "JOB_STATE_SUCCEEDED JOB_STATE_PARTIALLY_SUCCEEDED",
        "failed": "JOB_STATE_FAILED",
        "expired": "JOB_STATE_EXPIRED",
        "cancelling": "JOB_STATE_CANCELLING",
        "cancelled": "JOB_STATE_CANCELLED",
    },
}
"""The words of vendors that have words of their own, by what each is read as."""
