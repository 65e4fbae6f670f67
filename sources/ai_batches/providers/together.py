"""Together AI: the whole list in one reply, which is an array, in no order."""

from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

from ..paginators import SinglePagePaginator
from .declaration import WHOLE_LIST_MAX_MB, Provider
from .result_lines import BATCH_OBJECT_RESULTS

# Its specification has no parameter; a real listing was ordered by its random ids. Rows have a
# progress, but no counts. The address was `api.together.xyz` until April 2026. Its older client
# knows the word CANCELING, which the specification has not. Its samples are ready for `null` if
# there is no batch. Assumed: `completed_at` is the end of a batch whatever came of it, and the
# reply is the whole list: it has no end marker, so truncation cannot be detected.
TOGETHER = Provider(
    name="together",
    title="Together AI",
    docs="https://docs.together.ai/reference/batch-list",
    base_url="https://api.together.ai/v1",
    own_hosts=("api.together.xyz",),
    path="/batches",
    api_key_env="TOGETHER_API_KEY",
    auth=BearerTokenAuth,
    paginator=SinglePagePaginator,
    page_size=None,
    data_selector="$",
    empty_reply=frozenset(),
    fields={
        "id": "id",
        "status_raw": "status",
        "endpoint": "endpoint",
        "model": "model_id",
        "input_file_id": "input_file_id",
        "output_file_id": "output_file_id",
        "error_file_id": "error_file_id",
        "created_at": "created_at",
        "expires_at": "job_deadline",
        "ended_at": "completed_at",
        "errors": "error",
    },
    results=BATCH_OBJECT_RESULTS,
    page_max_mb=WHOLE_LIST_MAX_MB,
)
