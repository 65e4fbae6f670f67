"""Fireworks AI: batch inference jobs of an account, oldest first unless asked otherwise."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

from .declaration import Provider
from .google_json import by_page_token


def _errors(row: Mapping[str, Any]) -> Any:
    """The job's status message, unless it says that all is well."""
    status = row.get("status") or {}
    return status if status.get("code", "OK") != "OK" else None


def _tokens(row: Mapping[str, Any]) -> int | None:
    """Tokens in and out."""
    progress = row.get("jobProgress") or {}
    sent = progress.get("inputTokens")
    return None if sent is None else int(sent) + int(progress.get("outputTokens") or 0)


# Its client and specification: pages of up to 200, ordered by `created_time`, ascending; `orderBy`
# takes the name of a field, and ` desc` behind it; another page of its client calls `created_time
# desc` the default. Assumed: that this name, while the field is `createTime`, can be sent as
# documented; `base_url = "...?orderBy="` takes it back. The output dataset holds the errors, too.
# Times of the end are not reported. Completed are the requests that were processed successfully,
# failed the failed ones. `createdBy` is an e-mail address; the setting `exclude` leaves it out. A
# job that was stopped early counts as completed, one that waits for whatever it needs as
# validating, one that is paused as in progress. One that is deleted, whatever came of it before,
# counts as cancelled: it changes no more, and no word of the column is nearer. Assumed: that an
# empty list may be left out, as the client allows.
FIREWORKS = Provider(
    name="fireworks",
    title="Fireworks AI",
    docs="https://docs.fireworks.ai/api-reference/list-batch-inference-jobs",
    base_url="https://api.fireworks.ai/v1/accounts/{account_id}",
    path="/batchInferenceJobs",
    api_key_env="FIREWORKS_API_KEY",
    url_settings={"account_id": "FIREWORKS_ACCOUNT_ID"},
    auth=BearerTokenAuth,
    paginator=partial(by_page_token, total_field="totalSize"),
    page_size=200,
    params={"orderBy": "created_time desc"},
    data_selector="batchInferenceJobs",
    empty_reply=frozenset({"nextPageToken", "totalSize"}),
    fields={
        "id": "name",
        "status_raw": "state",
        "description": "displayName",
        "model": "model",
        "input_file_id": "inputDatasetId",
        "output_file_id": "outputDatasetId",
        "requests_total": "jobProgress.totalInputRequests",
        "requests_completed": "jobProgress.successfullyProcessedRequests",
        "requests_failed": "jobProgress.failedRequests",
        "input_tokens": "jobProgress.inputTokens",
        "cached_input_tokens": "jobProgress.cachedInputTokenCount",
        "output_tokens": "jobProgress.outputTokens",
        "created_at": "createTime",
        "updated_at": "updateTime",
    },
    computed={"errors": _errors, "total_tokens": _tokens},
    statuses={
        "creating_input_dataset": "validating",
        "re_queueing": "validating",
        "idle": "validating",
        "writing_results": "finalizing",
        "early_stopped": "completed",
        "deleting": "cancelling",
        "deleting_cleaning_up": "cancelling",
        "deleted": "cancelled",
    },
)
