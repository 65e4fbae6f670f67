"""Zhipu AI, or Z.ai: OpenAI's shape in milliseconds."""

from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

from ..paginators import CursorPaginator
from .declaration import BATCH_OBJECT_ALTERNATIVES, BATCH_OBJECT_FIELDS, Provider
from .result_lines import BATCH_OBJECT_RESULTS

# Its page says Unix seconds; replies that the tests of its SDK print have milliseconds, cut to the
# second when a batch is read again, and `""` for no file. The page shows `request_counts` as a
# number with the counts beside it; the SDK and its replies have them inside, null at first. Both
# are read. Assumed: `limit` takes 100, which the SDK says and the page does not. The order is not
# documented. The SDK also knows the site https://api.z.ai/api/paas/v4; its pages have no batches.
ZHIPU = Provider(
    name="zhipu",
    title="Zhipu AI (Z.ai)",
    docs="https://docs.bigmodel.cn/api-reference/批处理-api/列出批处理任务",
    base_url="https://open.bigmodel.cn/api/paas/v4",
    own_hosts=("api.z.ai",),
    path="/batches",
    api_key_env="ZAI_API_KEY",
    auth=BearerTokenAuth,
    paginator=CursorPaginator,
    page_size=100,
    fields=BATCH_OBJECT_FIELDS,
    alternatives=(*BATCH_OBJECT_ALTERNATIVES, {"requests_total": "request_counts"}),
    results=BATCH_OBJECT_RESULTS,
)
