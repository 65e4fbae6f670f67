"""Perplexity: OpenAI's shape without model, for its agent's requests."""

from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

from ..paginators import CursorPaginator
from .declaration import BATCH_OBJECT_FIELDS, Provider
from .result_lines import BATCH_OBJECT_RESULTS

# By its page and version 0.46.1 of its own client; no reply was seen. Newest first; `after` takes
# the id of the last row; `limit` is 20 if none is sent, and 100 at most; `has_more` and `usage`
# are required; status words are OpenAI's. Assumed, as its guide calls the shape OpenAI's: that
# times, integers in the client, are Unix seconds, and that `completed` counts what succeeded. Not
# known: what `usage` holds before the end, whether unset fields are null or absent, and whether the
# list keeps batches for longer than the thirty days of their files.
PERPLEXITY = Provider(
    name="perplexity",
    title="Perplexity",
    docs="https://docs.perplexity.ai/api-reference/batches-list-get",
    base_url="https://api.perplexity.ai/v1",
    path="/batches",
    api_key_env="PERPLEXITY_API_KEY",
    auth=BearerTokenAuth,
    paginator=CursorPaginator,
    page_size=100,
    fields=BATCH_OBJECT_FIELDS,
    results=BATCH_OBJECT_RESULTS,
)
