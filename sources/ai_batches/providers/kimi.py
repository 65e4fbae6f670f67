"""Kimi, by Moonshot AI: OpenAI's shape with fewer fields."""

from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

from ..paginators import CursorPaginator
from .declaration import BATCH_OBJECT_FIELDS, Provider
from .result_lines import BATCH_OBJECT_RESULTS

# The schema on its page has no `first_id` or `last_id`, and `has_more` is not required. Assumed:
# Unix seconds ("Unix" is all it says), and that `limit`, without a documented maximum, takes 100 as
# everywhere else; `page_size` lowers it. Accounts of the Chinese site set `base_url` to
# https://api.moonshot.cn/v1; its keys and batches are apart.
KIMI = Provider(
    name="kimi",
    title="Kimi (Moonshot AI)",
    docs="https://platform.kimi.ai/docs/api/batch-list",
    base_url="https://api.moonshot.ai/v1",
    own_hosts=("api.moonshot.cn",),
    path="/batches",
    api_key_env="MOONSHOT_API_KEY",
    auth=BearerTokenAuth,
    paginator=CursorPaginator,
    page_size=100,
    fields=BATCH_OBJECT_FIELDS,
    results=BATCH_OBJECT_RESULTS,
)
