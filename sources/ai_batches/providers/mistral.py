"""Mistral: numbered pages with a total, counts at the top of a row, and words of its own."""

from collections.abc import Mapping
from typing import Any

from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

from ..paginators import PageNumberPaginator
from .declaration import WHOLE_LIST_MAX_MB, Provider
from .result_lines import BATCH_OBJECT_RESULTS


def _input_file(row: Mapping[str, Any]) -> str | None:
    """The file that a batch was made of, if it is one; a batch may have several, or none."""
    files = row.get("input_files") or []
    return str(files[0]) if len(files) == 1 else None


# Its specification: pages from 0 on, 100 rows per page without a maximum, newest first without
# being asked, `data` left out if there is none. The list is that of the workspace. Completed are
# the succeeded requests: `completed_requests` also counts the failed ones, and stays in `extra`, as
# does `outputs`, which holds the results of a batch that was sent inline; the setting `exclude`
# leaves it out. Jobs can be deleted. Assumed: `completed_at` is the end of a job whatever came of
# it.
MISTRAL = Provider(
    name="mistral",
    title="Mistral AI",
    docs="https://docs.mistral.ai/api/endpoint/batch",
    base_url="https://api.mistral.ai/v1",
    own_hosts=(".mistral.ai",),
    path="/batch/jobs",
    api_key_env="MISTRAL_API_KEY",
    auth=BearerTokenAuth,
    paginator=PageNumberPaginator,
    page_size=100,
    fields={
        "id": "id",
        "status_raw": "status",
        "endpoint": "endpoint",
        "model": "model",
        "output_file_id": "output_file",
        "error_file_id": "error_file",
        "requests_total": "total_requests",
        "requests_completed": "succeeded_requests",
        "requests_failed": "failed_requests",
        "created_at": "created_at",
        "in_progress_at": "started_at",
        "ended_at": "completed_at",
        "errors": "errors",
        "metadata": "metadata",
    },
    computed={"input_file_id": _input_file},
    empty_reply=frozenset({"object", "total"}),
    results=BATCH_OBJECT_RESULTS,
    page_max_mb=WHOLE_LIST_MAX_MB,
)
