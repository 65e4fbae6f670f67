"""Gemini API: batches as long-running operations; the batch is in their `metadata`."""

from collections.abc import Mapping
from typing import Any

from dlt.sources.helpers.rest_client.auth import APIKeyAuth

from .declaration import WHOLE_LIST_MAX_MB, Provider
from .google_json import by_page_token, count
from .result_lines import number, table, text
from .results import Batch, FileKind, RequestFacts, ResultFile, ResultPages, Results, path_part

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


# an operation of which nothing was run has no response, or one without replies
_INLINE = ResultPages(
    "response.inlinedResponses.inlinedResponses",
    empty_reply=frozenset({"name", "metadata", "done", "error", "response"}),
)
_DOWNLOAD = ":download?alt=media"


def _files(batch: Batch) -> list[ResultFile]:
    """A file, or the batch itself, which holds the replies to requests that were sent inline."""
    ref = batch["output_file_id"]
    if ref:
        return [ResultFile("results", ref, f"/{_name(ref)}{_DOWNLOAD}")]
    return [ResultFile("results", batch["id"], f"/{_name(batch['id'])}")]


def _name(ref: str) -> str:
    """A resource name such as `files/...`, as a path."""
    return "/".join(map(path_part, ref.split("/")))


def _address(root: str, path: str) -> str:
    """Files have a root of their own: `/download` before the version."""
    if not path.endswith(_DOWNLOAD):
        return root + path
    head, _, version = root.rpartition("/")
    return f"{head}/download/{version}{path}"


def _read(line: Mapping[str, Any], kind: FileKind) -> RequestFacts:
    """Reads a reply; its prompt tokens include cached ones, its candidates no thoughts."""
    reply, error = table(line.get("response")), table(line.get("error") or line.get("status"))
    usage = table(reply.get("usageMetadata"))
    counts = {
        name: number(usage.get(f"{name}TokenCount"))
        for name in ("prompt", "toolUsePrompt", "candidates", "thoughts")
    }
    sent, made = counts["prompt"], counts["candidates"]
    choices = reply.get("candidates")
    first = table(choices[0]) if isinstance(choices, list) and choices else {}
    return RequestFacts(
        outcome="failed" if error else "succeeded" if reply else "unknown",
        error_type=text(error.get("status")),
        error_code=text(error.get("code")),
        error_message=text(error.get("message")),
        request_id=text(reply.get("responseId")),
        model=text(reply.get("modelVersion")),
        finish_reason=text(first.get("finishReason")),
        service_tier=text(usage.get("serviceTier")),
        has_output=bool(choices or reply.get("embedding")),
        input_tokens=None if sent is None else sent + (counts["toolUsePrompt"] or 0),
        cached_input_tokens=number(usage.get("cachedContentTokenCount")),
        output_tokens=None if not usage else (made or 0) + (counts["thoughts"] or 0),
        reasoning_tokens=counts["thoughts"],
    )


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
    results=Results(
        files=_files,
        read=_read,
        custom_id=lambda line: line.get("key") or table(line.get("metadata")).get("key"),
        address=_address,
        pages=lambda file: None if file.path.endswith(_DOWNLOAD) else _INLINE,
    ),
    page_max_mb=WHOLE_LIST_MAX_MB,
)
