"""Morph: OpenAI's shape, but `after` is a number of rows to skip."""

from functools import partial

from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

from ..paginators import OffsetPaginator
from .declaration import BATCH_OBJECT_FIELDS, Provider
from .result_lines import BATCH_OBJECT_RESULTS

# Its page: newest first; `after` is a whole number, not an id, to which `limit` is added for each
# page. Its guide calls the rest OpenAI's Batch API, with output and error files. So OpenAI's client
# pages it wrongly. A key lists its own batches. No reply was seen. Assumed: a limit of 100 is
# allowed or lowered, and files are kept for 30 days.
MORPH = Provider(
    name="morph",
    title="Morph",
    docs="https://docs.morphllm.com/api-reference/endpoint/batches-list",
    base_url="https://api.morphllm.com/v1",
    path="/batches",
    api_key_env="MORPH_API_KEY",
    auth=BearerTokenAuth,
    paginator=partial(OffsetPaginator, offset_param="after"),
    page_size=100,
    fields=BATCH_OBJECT_FIELDS,
    results=BATCH_OBJECT_RESULTS,
)
