"""Groq: OpenAI's rows, without model and usage, paged by a token that the reply nests."""

from functools import partial

from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

from ..paginators import TokenPaginator
from .declaration import BATCH_OBJECT_FIELDS, Provider
from .result_lines import BATCH_OBJECT_RESULTS

# Its guide gives `paging.next_cursor` in the reply and `cursor` in the request; its own client
# knows neither and reads one page; a public connector pages by them. No page documents the order or
# a parameter for the page size, so none is sent. `errors` is an object in the client and a list in
# the guide. A window may be as long as seven days. Assumed: on the last page `paging` or the token
# is null, empty or absent; `limit`, if a user sets `page_size`.
GROQ = Provider(
    name="groq",
    title="Groq",
    docs="https://console.groq.com/docs/batch#list-batches",
    base_url="https://api.groq.com/openai/v1",
    path="/batches",
    api_key_env="GROQ_API_KEY",
    auth=BearerTokenAuth,
    paginator=partial(
        TokenPaginator,
        position_param="cursor",
        next_field="paging.next_cursor",
        limit_param="limit",
    ),
    page_size=None,
    fields=BATCH_OBJECT_FIELDS,
    results=BATCH_OBJECT_RESULTS,
)
