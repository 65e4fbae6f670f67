"""Databricks AI Functions (beta): the caller's batches in a workspace."""

from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

from ..paginators import TokenPaginator
from .declaration import Provider

# Its page and its own client: tokens, which are empty on the last page; the caller's own batches
# only. Counts and progress come when a single batch is read, not in the list. `output_ref` is a
# path on a volume or, if none was named, an address that is signed for a short while: the setting
# `exclude` leaves it out. The variable may hold a token for anything else of the vendor's. No reply
# was seen, and neither order nor largest page is documented. Assumed: a page of 100 is allowed or
# lowered; an empty list may be left out.
DATABRICKS = Provider(
    name="databricks",
    title="Databricks AI Functions",
    docs="https://docs.databricks.com/api/ai-functions/v1/list-batches",
    base_url="{host}/api/2.0",
    url_settings={"host": "DATABRICKS_HOST"},
    own_hosts=(".cloud.databricks.com", ".azuredatabricks.net", ".gcp.databricks.com"),
    path="/ai-functions/batches",
    api_key_env="",
    shared_key_env="DATABRICKS_TOKEN",
    auth=BearerTokenAuth,
    paginator=TokenPaginator,
    page_size=100,
    data_selector="batches",
    empty_reply=frozenset({"next_page_token"}),
    fields={
        "id": "name",
        "status_raw": "status",
        "endpoint": "endpoint",
        "input_file_id": "input_ref",
        "output_file_id": "output_ref",
        "created_at": "create_time",
    },
)
