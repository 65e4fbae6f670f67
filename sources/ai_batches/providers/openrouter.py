"""OpenRouter: batches without files, run by another vendor, with tokens named as in chats."""

from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

from ..paginators import CursorPaginator
from .declaration import BATCH_OBJECT_FIELDS, Provider

# Newest first, by its page. Rows have no files and no metadata; `results` is null in the list. All
# keys of a workspace see the same list. `expires_at` is that of the vendor behind it, up to four
# days after creation, or null. `created_after` would save no request where a walk stops by itself,
# and compares parts of seconds that no row shows. Assumed: that `finalized_at` is the end of a
# batch whatever the outcome, as no row has another time for it.
OPENROUTER = Provider(
    name="openrouter",
    title="OpenRouter",
    docs="https://openrouter.ai/docs/api/api-reference/batch/list-batches",
    base_url="https://openrouter.ai/api/v1",
    path="/batches",
    api_key_env="OPENROUTER_API_KEY",
    auth=BearerTokenAuth,
    paginator=CursorPaginator,
    page_size=100,
    fields={
        "id": "id",
        "status_raw": "status",
        "endpoint": "endpoint",
        "model": "model",
        "completion_window": "completion_window",
        **{k: v for k, v in BATCH_OBJECT_FIELDS.items() if k.startswith("requests_")},
        "input_tokens": "usage.prompt_tokens",
        "cached_input_tokens": "usage.prompt_tokens_details.cached_tokens",
        "output_tokens": "usage.completion_tokens",
        "reasoning_tokens": "usage.completion_tokens_details.reasoning_tokens",
        "total_tokens": "usage.total_tokens",
        "created_at": "created_at",
        "expires_at": "expires_at",
        "ended_at": "finalized_at",
        "errors": "error",
    },
)
