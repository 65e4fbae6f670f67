"""OpenAI: the batch object and the cursor that most others copied."""

from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

from ..paginators import CursorPaginator
from .declaration import BATCH_OBJECT_FIELDS, Provider
from .result_lines import BATCH_OBJECT_RESULTS

# Seen in recorded replies of 2024 to 2026: newest first, ties in `created_at`; `limit` above 100 is
# refused with 400; `first_id` and `last_id` are optional; `model` and `usage` exist since 2025.
OPENAI = Provider(
    name="openai",
    title="OpenAI",
    docs="https://platform.openai.com/docs/api-reference/batch/list",
    base_url="https://api.openai.com/v1",
    # of regions
    own_hosts=(".api.openai.com",),
    path="/batches",
    api_key_env="OPENAI_API_KEY",
    auth=BearerTokenAuth,
    paginator=CursorPaginator,
    page_size=100,
    fields=BATCH_OBJECT_FIELDS,
    results=BATCH_OBJECT_RESULTS,
)
