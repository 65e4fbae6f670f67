"""DigitalOcean: OpenAI's shape with another name for the id, and text for times."""

from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

from ..paginators import CursorPaginator
from .declaration import BATCH_OBJECT_FIELDS, Provider

# Its page and its own client: newest first, `after` takes `last_id`, `limit` up to 100. Times are
# date-times, `errors` is a list, rows name a `provider`, which runs the batch: OpenAI or Anthropic.
# No model and no usage. No reply was seen. Assumed: unset fields are null or absent; `completed`
# counts what succeeded. Results are behind addresses that are signed for a short while, which
# `/batches/{id}/results` gives: this source does not follow them.
DIGITALOCEAN = Provider(
    name="digitalocean",
    title="DigitalOcean",
    docs="https://docs.digitalocean.com/reference/api/reference/batch-inference/",
    base_url="https://inference.do-ai.run/v1",
    path="/batches",
    api_key_env="MODEL_ACCESS_KEY",
    auth=BearerTokenAuth,
    paginator=CursorPaginator,
    page_size=100,
    fields={**BATCH_OBJECT_FIELDS, "id": "batch_id"},
)
