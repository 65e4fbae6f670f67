"""Any server that lists batches as OpenAI does: a gateway or a server of one's own."""

from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

from ..paginators import CursorPaginator
from .declaration import BATCH_OBJECT_FIELDS, Provider
from .result_lines import BATCH_OBJECT_RESULTS

# `base_url` has to be set, up to and with `/v1`; each account may have its own. If a server
# needs no key, any text will do; if it needs more headers, as Portkey does, set `headers`. The
# variable is not OPENAI_API_KEY: its key would go to a server that is not OpenAI's. LiteLLM, ogx,
# aibrix and Portkey were read in their source. A gateway lists batches of other vendors, under its
# own ids or theirs: read them here or there, not in both places. Where a server differs from
# OpenAI, its settings say how.
OPENAI_COMPATIBLE = Provider(
    name="openai_compatible",
    title="OpenAI-compatible server",
    docs="https://developers.openai.com/api/reference/resources/batches/methods/list",
    base_url="",
    path="/batches",
    api_key_env="OPENAI_COMPATIBLE_API_KEY",
    auth=BearerTokenAuth,
    paginator=CursorPaginator,
    page_size=100,
    fields=BATCH_OBJECT_FIELDS,
    has_settable_shape=True,
    results=BATCH_OBJECT_RESULTS,
)
