"""Gemini API: batches as long-running operations; the batch is in their `metadata`."""

from collections.abc import Mapping
from typing import Any

from dlt.sources.helpers.rest_client.auth import APIKeyAuth

from .declaration import Provider
from .google_json import by_page_token, count

_CANCELLED = 1
"""Code of the error of an operation that was cancelled."""


def _status(row: Mapping[str, Any]) -> str | None:
    """The status: what the state says, and without one, what the operation says of its end."""
    state = (row.get("metadata") or {}).get("state")
    if state:
        return str(state)
    if not row.get("done"):
        return None
    # not the response, which `exclude` may have left out
    error = row.get("error")
    if not error:
        return "completed"
    return "cancelled" if error.get("code") == _CANCELLED else "failed"


# Its page: the name is `batches/...`; times have up to nine digits behind the seconds; counts are
# texts, and a count of zero, like an empty list, is left out. Completed are the successful
# requests, failed the failed ones; `extra` has all counts. Google's own notebook shows the newest
# first, and no responses in the list. The word for cancelling is not on the page, but in public
# code. Assumed: that a page of 100 is allowed or lowered, no limit being documented. If
# responses come along all the same, `exclude` leaves out `response`. Google's client takes the key
# of GOOGLE_API_KEY before that of GEMINI_API_KEY; it may be one for Maps or anything else of
# Google's.
GEMINI = Provider(
    name="gemini",
    title="Gemini API",
    docs="https://ai.google.dev/api/batch-api",
    base_url="https://generativelanguage.googleapis.com/v1beta",
    path="/batches",
    api_key_env="GEMINI_API_KEY",
    shared_key_env="GOOGLE_API_KEY",
    auth=lambda api_key: APIKeyAuth(name="x-goog-api-key", api_key=api_key, location="header"),
    paginator=by_page_token,
    page_size=100,
    data_selector="operations",
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
    computed={
        "status": _status,
        "requests_total": count("metadata.batchStats.requestCount"),
        "requests_completed": count("metadata.batchStats.successfulRequestCount"),
        "requests_failed": count("metadata.batchStats.failedRequestCount"),
    },
)
