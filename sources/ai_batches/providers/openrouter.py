"""OpenRouter: batches without files, run by another vendor, with tokens named as in chats."""

from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

from ..paginators import CursorPaginator
from .declaration import BATCH_OBJECT_FIELDS, Provider, ReportedCost
from .result_lines import read_line
from .results import ResultPages, Results, results_of_batch

SHARED = (
    *("id", "status_raw", "endpoint", "model", "completion_window", "created_at", "expires_at"),
    *(column for column in BATCH_OBJECT_FIELDS if column.startswith("requests_")),
    *(column for column in BATCH_OBJECT_FIELDS if column.endswith("_tokens")),
)

_PAGES = ResultPages("data", "cursor", "next_cursor")

# Newest first, by its page. Rows have no files and no metadata; `results` is null in the list. All
# keys of a workspace see the same list. `expires_at` is that of the vendor behind it, up to four
# days after creation, or null. `created_after` would save no request if a scan stops by itself,
# and compares parts of seconds that no row shows. Assumed: that `finalized_at` is the end of a
# batch whatever the outcome, as no row has another time for it. Jobs that finalize or are being
# cancelled are shown as in progress. `provider` names the vendor behind it.
OPENROUTER = Provider(
    name="openrouter",
    title="OpenRouter",
    docs="https://openrouter.ai/docs/api/api-reference/batch/list-batches",
    base_url="https://openrouter.ai/api/v1",
    # of regions
    own_hosts=(".openrouter.ai",),
    path="/batches",
    api_key_env="OPENROUTER_API_KEY",
    auth=BearerTokenAuth,
    paginator=CursorPaginator,
    page_size=100,
    fields={
        **{column: BATCH_OBJECT_FIELDS[column] for column in SHARED},
        "ended_at": "finalized_at",
        "errors": "error",
    },
    reported_cost=ReportedCost("usage.cost"),
    # its page: lines of OpenAI's shape in pages, kept for 30 days
    results=Results(
        files=results_of_batch("/batches/{}/results"), read=read_line, pages=lambda file: _PAGES
    ),
)
