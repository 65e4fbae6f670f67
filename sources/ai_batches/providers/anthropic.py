"""Anthropic's Message Batches: one status for the end; the outcome follows from the counts."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from dlt.sources.helpers.rest_client.auth import APIKeyAuth

from ..paginators import CursorPaginator
from .declaration import Provider
from .result_lines import number, table, text
from .results import FileKind, RequestFacts, Results, results_of_batch


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


_OUTCOMES = {
    "succeeded": "succeeded",
    "errored": "failed",
    "canceled": "cancelled",
    "expired": "expired",
}


def read_message(line: Mapping[str, Any], kind: FileKind) -> RequestFacts:
    """Reads the result of a request; its input tokens leave cached ones out.

    Args:
        line (Mapping[str, Any]): A line of results.
        kind (FileKind): What file it stands in.

    Returns:
        RequestFacts: What is kept of it.
    """
    result = table(line.get("result"))
    reply, error = table(result.get("message")), table(result.get("error"))
    usage, said = table(reply.get("usage")), table(error.get("error"))
    cached = number(usage.get("cache_read_input_tokens"))
    written = number(usage.get("cache_creation_input_tokens"))
    sent = number(usage.get("input_tokens"))
    return RequestFacts(
        outcome=_OUTCOMES.get(str(result.get("type")), "unknown"),
        error_type=text(said.get("type")),
        error_message=text(said.get("message")),
        request_id=text(error.get("request_id")) or text(reply.get("id")),
        model=text(reply.get("model")),
        finish_reason=text(reply.get("stop_reason")),
        service_tier=text(usage.get("service_tier")),
        has_output=bool(reply.get("content")),
        input_tokens=None if sent is None else sent + (cached or 0) + (written or 0),
        cached_input_tokens=cached,
        cache_write_tokens=written,
        output_tokens=number(usage.get("output_tokens")),
        web_searches=number(table(usage.get("server_tool_use")).get("web_search_requests")),
    )


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
    # the page of results: kept for 29 days after the creation of the batch
    results=Results(
        files=results_of_batch("/v1/messages/batches/{}/results"),
        read=read_message,
        days=29,
        kept_from="created_at",
    ),
)
