"""ElevenLabs: batches of phone calls, with a status and tokens for pages."""

from functools import partial

from dlt.sources.helpers.rest_client.auth import APIKeyAuth

from ..paginators import TokenPaginator
from .declaration import Provider

# Its own client: `last_doc` takes `next_doc`, `has_more` says whether others follow; a key lists
# its workspace. `total_calls_finished` counts calls that are over, whatever came of them, so that
# it stays in `extra`. No field has the end of a batch, nor its real start. A retry opens an ended
# one again; a deleted one leaves the list. The variable may hold a key for speech. No reply was
# seen, and no order is documented. Assumed: a page of 100 is allowed or lowered; a batch is
# scheduled whole, so that the calls scheduled are all of them.
ELEVENLABS = Provider(
    name="elevenlabs",
    title="ElevenLabs batch calls",
    docs="https://elevenlabs.io/docs/api-reference/batch-calling/list",
    base_url="https://api.elevenlabs.io",
    own_hosts=(".elevenlabs.io",),
    path="/v1/convai/batch-calling/workspace",
    api_key_env="",
    shared_key_env="ELEVENLABS_API_KEY",
    auth=lambda api_key: APIKeyAuth(name="xi-api-key", api_key=api_key, location="header"),
    paginator=partial(
        TokenPaginator,
        position_param="last_doc",
        next_field="next_doc",
        limit_param="limit",
    ),
    page_size=100,
    data_selector="batch_calls",
    fields={
        "id": "id",
        "status_raw": "status",
        "description": "name",
        "requests_total": "total_calls_scheduled",
        "created_at": "created_at_unix",
        "updated_at": "last_updated_at_unix",
    },
)
