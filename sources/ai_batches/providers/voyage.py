"""Voyage AI: OpenAI's shape with text for times, and an end that is expected instead of set."""

from collections.abc import Mapping

from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

from ..paginators import CursorPaginator
from .declaration import BATCH_OBJECT_FIELDS, Provider
from .result_lines import BATCH_OBJECT_RESULTS


def _address(api_key: str, settings: Mapping[str, str]) -> str | None:
    """The root for keys that MongoDB issued."""
    return "https://ai.mongodb.com/v1" if api_key.startswith("al-") else None


# Its schema has `has_more`, the page's sample has not. No order is documented; the sample is newest
# first. There is no word for expired: what a batch leaves undone after its 12 hours goes into the
# error file, and it is completed. `expected_completion_at` is the end of these hours. A key lists
# the batches of its project.
VOYAGE = Provider(
    name="voyage",
    title="Voyage AI",
    docs="https://docs.voyageai.com/reference/list-batches",
    base_url="https://api.voyageai.com/v1",
    other_base_url=_address,
    own_hosts=("ai.mongodb.com",),
    path="/batches",
    api_key_env="VOYAGE_API_KEY",
    auth=BearerTokenAuth,
    paginator=CursorPaginator,
    page_size=100,
    fields={**BATCH_OBJECT_FIELDS, "expires_at": "expected_completion_at"},
    results=BATCH_OBJECT_RESULTS,
)
