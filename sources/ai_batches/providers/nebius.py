"""Nebius Token Factory: OpenAI's shape without usage."""

from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

from ..paginators import CursorPaginator
from .declaration import BATCH_OBJECT_FIELDS, Provider
from .result_lines import BATCH_OBJECT_RESULTS

# Read on the pages of its earlier name, Nebius AI Studio: `limit` is 10 if none is sent, without
# a stated maximum, and no order is documented. Its guide has OpenAI's status words, its own
# notebook `done` for a batch that completed; `request_counts` may be empty. Assumed, with a public
# client: that `limit` takes 100. A batch has a model of its own only if it overrides that of its
# requests. `base_url = "https://api.tokenfactory.nebius.com/v1?ai_project_id=..."` lists a project.
NEBIUS = Provider(
    name="nebius",
    title="Nebius Token Factory",
    docs="https://docs.tokenfactory.nebius.com/ai-models-inference/batch-inference",
    base_url="https://api.tokenfactory.nebius.com/v1",
    path="/batches",
    api_key_env="NEBIUS_API_KEY",
    auth=BearerTokenAuth,
    paginator=CursorPaginator,
    page_size=100,
    fields={**BATCH_OBJECT_FIELDS, "model": "override_settings.model"},
    results=BATCH_OBJECT_RESULTS,
)
