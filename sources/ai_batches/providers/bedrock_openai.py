"""Amazon Bedrock's second list: jobs that were made with OpenAI's Batch API."""

from functools import partial

from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

from ..paginators import CursorPaginator
from .authentication import EnvironmentAuth
from .bedrock import find_signer
from .declaration import BATCH_OBJECT_FIELDS, Provider

# Its guide: OpenAI's operations at the endpoint of the runtime, for which it refers to OpenAI's
# pages; keys and credentials are those of the first list. Whether the jobs of one list stand in the
# other, too, is not stated: their ids differ, so that they would stand in the table twice. So a key
# does not select this provider, it has to be named. Files are in the customer's buckets. No reply
# was seen. Assumed: OpenAI's paging, words and times.
BEDROCK_OPENAI = Provider(
    name="bedrock_openai",
    title="Amazon Bedrock, OpenAI's Batch API",
    docs="https://docs.aws.amazon.com/bedrock/latest/userguide/inference-openai-batch.html",
    base_url="https://bedrock-runtime.{region}.amazonaws.com/openai/v1",
    path="/batches",
    api_key_env="",
    shared_key_env="AWS_BEARER_TOKEN_BEDROCK",
    url_settings={"region": "AWS_REGION"},
    auth=BearerTokenAuth,
    environment_auth=partial(EnvironmentAuth, "bedrock", find_signer),
    paginator=CursorPaginator,
    page_size=100,
    fields=BATCH_OBJECT_FIELDS,
)
