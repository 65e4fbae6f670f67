"""Anthropic's Message Batches: one status for the end; the outcome follows from the counts."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from dlt.sources.helpers.rest_client.auth import APIKeyAuth

from ..paginators import CursorPaginator
from .declaration import Provider


def _requests(row: Mapping[str, Any]) -> int:
    """All requests of a batch: each is counted under one of five words."""
    return sum(row["request_counts"].values())


def _status(row: Mapping[str, Any]) -> str:
    """The status; of one that ended, what kept requests from being run, if anything did."""
    word, counts = row["processing_status"], row["request_counts"]
    if word.lower() != "ended":
        return str(word)
    if counts["canceled"] > 0:
        return "cancelled"
    return "expired" if counts["expired"] > 0 else "completed"


# Its page: newest first, `after_id` is the cursor, the key goes into `x-api-key`, a page has up to
# 1,000 rows. In recorded replies times have microseconds and `+00:00`. Until a batch ends, all its
# requests count as `processing`, so that none is completed or failed; failed are the errored ones.
# No model, no tokens, no files. A batch that ended can be deleted; 29 days after its creation it
# gets `archived_at` and loses `results_url`. Assumed: a cursor of a deleted row is refused, or
# loses its position.
ANTHROPIC = Provider(
    name="anthropic",
    title="Anthropic",
    docs="https://platform.claude.com/docs/en/api/messages/batches/list",
    base_url="https://api.anthropic.com",
    path="/v1/messages/batches",
    api_key_env="ANTHROPIC_API_KEY",
    auth=lambda api_key: APIKeyAuth(name="x-api-key", api_key=api_key, location="header"),
    headers={"anthropic-version": "2023-06-01"},
    paginator=partial(CursorPaginator, cursor_param="after_id"),
    page_size=1000,
    fields={
        "id": "id",
        "status_raw": "processing_status",
        "requests_completed": "request_counts.succeeded",
        "requests_failed": "request_counts.errored",
        "created_at": "created_at",
        "cancelling_at": "cancel_initiated_at",
        "expires_at": "expires_at",
        "ended_at": "ended_at",
    },
    computed={"requests_total": _requests, "status": _status},
)
