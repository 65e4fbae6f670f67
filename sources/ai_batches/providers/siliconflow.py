"""SiliconFlow: OpenAI's shape with a queue in front."""

from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

from ..paginators import CursorPaginator
from .declaration import BATCH_OBJECT_FIELDS, Provider
from .result_lines import BATCH_OBJECT_RESULTS

# Its page has `after`, `limit` without a maximum, and `has_more`; its guide says that lists cannot
# be paged yet. If `after` is ignored, a list that promises more is an error. `request_counts` is
# null or empty at first, `errors` a list of texts. Statuses are the guide's, which has no word for
# a batch that failed although there is a `failed_at`. Assumed: `failed` is the word, `limit` takes
# 100, and the variable of the key, which is the one that public code reads. The order is not
# documented.
SILICONFLOW = Provider(
    name="siliconflow",
    title="SiliconFlow",
    docs="https://api-docs.siliconflow.cn/docs/api/batches-get",
    base_url="https://api.siliconflow.cn/v1",
    path="/batches",
    api_key_env="SILICONFLOW_API_KEY",
    auth=BearerTokenAuth,
    paginator=CursorPaginator,
    page_size=100,
    fields=BATCH_OBJECT_FIELDS,
    results=BATCH_OBJECT_RESULTS,
)
