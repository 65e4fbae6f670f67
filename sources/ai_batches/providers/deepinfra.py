"""DeepInfra: OpenAI's list and batch object."""

from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

from ..paginators import CursorPaginator
from .declaration import BATCH_OBJECT_FIELDS, Provider
from .result_lines import BATCH_OBJECT_RESULTS

# By its page, `request_counts`, `usage` and `model` may be null, and `expires_at` is null in each
# sample. No order is documented and none can be asked for; the sample is oldest first.
DEEPINFRA = Provider(
    name="deepinfra",
    title="DeepInfra",
    docs="https://docs.deepinfra.com/batch/batch-endpoints",
    base_url="https://api.deepinfra.com/v1/openai",
    path="/batches",
    api_key_env="DEEPINFRA_TOKEN",
    auth=BearerTokenAuth,
    paginator=CursorPaginator,
    page_size=100,
    fields=BATCH_OBJECT_FIELDS,
    results=BATCH_OBJECT_RESULTS,
)
