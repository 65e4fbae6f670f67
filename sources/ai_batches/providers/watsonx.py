"""IBM watsonx.ai: OpenAI's shape in one reply, for a project or a deployment space."""

from functools import partial

from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

from ..paginators import SinglePagePaginator
from .declaration import BATCH_OBJECT_FIELDS, WHOLE_LIST_MAX_MB, Provider
from .result_lines import BATCH_OBJECT_RESULTS

# Two clients of the vendor: `limit` is 20 unless set, and 100 at most; no parameter asks for a
# second page, though `has_more` and `last_id` are declared, so that more batches are an error. One
# declares texts as `errors` and sends an API key as it is, the other OpenAI's object and a token;
# one says seconds, the other milliseconds. Each request needs a project or a space. No reply was
# seen, and no order is documented. Assumed: this date of the API, the one of the clients' samples,
# knows batches; files are kept for 30 days.
WATSONX = Provider(
    name="watsonx",
    title="IBM watsonx.ai",
    docs="https://ibm.github.io/watsonx-ai-node-sdk/interfaces/1_7_x.batch_inference.ListAllBatchesParams.html",
    base_url="{endpoint}/ml/v1?version=2024-05-31",
    url_settings={"endpoint": "WATSONX_AI_SERVICE_URL"},
    own_hosts=(".ml.cloud.ibm.com",),
    path="/batches",
    api_key_env="WATSONX_AI_APIKEY",
    header_settings={
        "X-IBM-PROJECT-ID": ("project_id", "WATSONX_AI_PROJECT_ID"),
        "X-IBM-SPACE-ID": ("space_id", "WATSONX_AI_SPACE_ID"),
    },
    auth=BearerTokenAuth,
    paginator=partial(SinglePagePaginator, limit_param="limit"),
    page_size=100,
    fields=BATCH_OBJECT_FIELDS,
    results=BATCH_OBJECT_RESULTS,
    page_max_mb=WHOLE_LIST_MAX_MB,
)
