"""Cohere: the batches of the key's user."""

from collections.abc import Mapping
from typing import Any

from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

from ..paginators import TokenPaginator
from .declaration import Provider


def _tokens(row: Mapping[str, Any]) -> int | None:
    """Tokens in and out, which come as texts."""
    sent, received = row.get("input_tokens"), row.get("output_tokens")
    return int(sent) + int(received) if sent and received else None


# Its page and client: pages of up to 1000, which may hold fewer rows before the end; tokens are
# texts; neither the list nor the token of the next page is required in a reply. Whether `order_by`
# means ascending, and what comes without it, is not documented, so it is not sent. Completed are
# the successful records, failed the failed ones. `errors` is what `status_reason` says, which may
# explain other statuses as well.
COHERE = Provider(
    name="cohere",
    title="Cohere",
    docs="https://docs.cohere.com/reference/list-batches",
    base_url="https://api.cohere.com/v2",
    path="/batches",
    api_key_env="CO_API_KEY",
    auth=BearerTokenAuth,
    paginator=TokenPaginator,
    page_size=1_000,
    data_selector="batches",
    empty_reply=frozenset({"next_page_token"}),
    fields={
        "id": "id",
        "status_raw": "status",
        "description": "name",
        "model": "model",
        "input_file_id": "input_dataset_id",
        "output_file_id": "output_dataset_id",
        "requests_total": "num_records",
        "requests_completed": "num_successful_records",
        "requests_failed": "num_failed_records",
        "input_tokens": "input_tokens",
        "output_tokens": "output_tokens",
        "created_at": "created_at",
        "updated_at": "updated_at",
        "errors": "status_reason",
    },
    computed={"total_tokens": _tokens},
)
