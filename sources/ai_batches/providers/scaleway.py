"""Scaleway: OpenAI's shape, with files in the customer's own buckets."""

from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

from ..paginators import CursorPaginator
from .declaration import BATCH_OBJECT_FIELDS, Provider

# Its page: `after` takes the id of the last row, `has_more` says whether others follow; OpenAI's
# client is recommended. Without a project in the address, the key's default project is listed.
# Files are addresses of objects in the customer's storage. The variable may hold a key for any of
# the vendor's products. No reply was seen, and no order is documented. Assumed: OpenAI's words and
# times; 100, the largest page of OpenAI, may be asked for.
SCALEWAY = Provider(
    name="scaleway",
    title="Scaleway",
    docs="https://www.scaleway.com/en/developers/api/generative-apis/batch",
    base_url="https://api.scaleway.ai/v1",
    path="/batches",
    api_key_env="",
    shared_key_env="SCW_SECRET_KEY",
    auth=BearerTokenAuth,
    paginator=CursorPaginator,
    page_size=100,
    fields=BATCH_OBJECT_FIELDS,
)
