"""Gemini API: batches as long-running operations, whose `metadata` is the batch."""

from dlt.sources.helpers.rest_client.auth import APIKeyAuth

from .declaration import Provider
from .google_json import by_page_token, count

# Its page: the name is `batches/...`; times have up to nine digits behind the seconds; counts are
# texts, and a count of zero, like an empty list, is left out. Completed are the successful
# requests, failed the failed ones; `extra` has all counts. Google's own notebook shows the newest
# first, and no responses in the list. Assumed: that a page of 100 is allowed or lowered, no limit
# being documented. Where responses come along all the same, `exclude` leaves out `response`.
GEMINI = Provider(
    name="gemini",
    title="Gemini API",
    docs="https://ai.google.dev/api/batch-api",
    base_url="https://generativelanguage.googleapis.com/v1beta",
    path="/batches",
    api_key_env="GEMINI_API_KEY",
    auth=lambda api_key: APIKeyAuth(name="x-goog-api-key", api_key=api_key, location="header"),
    paginator=by_page_token,
    page_size=100,
    rows_field="operations",
    empty_reply=frozenset({"nextPageToken"}),
    fields={
        "id": "name",
        "status_raw": "metadata.state",
        "description": "metadata.displayName",
        "model": "metadata.model",
        "input_file_id": "metadata.inputConfig.fileName",
        "output_file_id": "metadata.output.responsesFile",
        "created_at": "metadata.createTime",
        "updated_at": "metadata.updateTime",
        "ended_at": "metadata.endTime",
        "errors": "error",
    },
    derived={
        "requests_total": count("metadata.batchStats.requestCount"),
        "requests_completed": count("metadata.batchStats.successfulRequestCount"),
        "requests_failed": count("metadata.batchStats.failedRequestCount"),
    },
    statuses={
        "batch_state_pending": "validating",
        "batch_state_running": "in_progress",
        "batch_state_succeeded": "completed",
        "batch_state_failed": "failed",
        "batch_state_cancelled": "cancelled",
        "batch_state_expired": "expired",
    },
)
