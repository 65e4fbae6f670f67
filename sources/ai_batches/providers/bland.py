"""Bland AI: batches of phone calls, listed without a status."""

from functools import partial

from dlt.sources.helpers.rest_client.auth import APIKeyAuth

from ..paginators import OffsetPaginator
from .declaration import WHOLE_LIST_MAX_MB, Provider

# Its page: the raw key in the header `authorization`, `take` and `skip`, neither a cursor nor a
# total. `base_prompt` and `call_objects` have no column and can hold phone numbers; the setting
# `exclude` leaves them out. The page size is the one that public clients use.
BLAND = Provider(
    name="bland",
    title="Bland AI",
    docs="https://docs.bland.ai/api-v2/get/batches",
    base_url="https://api.bland.ai",
    path="/v2/batches/list",
    api_key_env="BLAND_API_KEY",
    auth=lambda api_key: APIKeyAuth(name="authorization", api_key=api_key, location="header"),
    paginator=partial(OffsetPaginator, offset_param="skip", limit_param="take"),
    page_size=100,
    envelope=frozenset({"errors"}),
    fields={"id": "id", "created_at": "created_at", "description": "description"},
    page_max_mb=WHOLE_LIST_MAX_MB,
)
