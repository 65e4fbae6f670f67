"""Novita AI: OpenAI's shape with text for times and `""` for nothing."""

from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

from ..paginators import CursorPaginator
from .declaration import BATCH_OBJECT_FIELDS, Provider
from .result_lines import BATCH_OBJECT_RESULTS

# Its page documents `first_id`, `last_id` and `has_more` but no parameter, so no limit is sent; the
# guide calls the API compatible with OpenAI's clients, which send `after`. Statuses are upper case
# on the page and lower case in the guide's reply. Times have nanoseconds and an offset.
NOVITA = Provider(
    name="novita",
    title="Novita AI",
    docs="https://novita.ai/docs/api-reference/model-apis-llm-list-batches",
    base_url="https://api.novita.ai/openai/v1",
    path="/batches",
    api_key_env="NOVITA_API_KEY",
    auth=BearerTokenAuth,
    paginator=CursorPaginator,
    page_size=None,
    fields={**BATCH_OBJECT_FIELDS, "updated_at": "updated_at"},
    results=BATCH_OBJECT_RESULTS,
)
