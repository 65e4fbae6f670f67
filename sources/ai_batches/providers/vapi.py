"""Vapi: campaigns of phone calls, on numbered pages."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

from ..paginators import PageNumberPaginator
from .declaration import WHOLE_LIST_MAX_MB, Provider


def _status(row: Mapping[str, Any]) -> Any:
    """The status, or cancelled if a user ended the campaign."""
    ended_by_user = str(row.get("endedReason") or "").endswith("ended-by-user")
    return "cancelled" if ended_by_user else row.get("status")


# Its own client: pages from 1 on, 100 rows unless fewer are asked for, the newest first unless
# asked otherwise, the total in `metadata`. Rows hold every customer and every call, with phone
# numbers, so that pages are kept small. The counters of calls do not say what succeeded, and stay
# in `extra`. `archived` is what a user does to a campaign that is over. No field has its end. No
# reply was seen. Another list, `/v2/campaign`, has rows without calls; whether it shows the same
# campaigns is not documented.
VAPI = Provider(
    name="vapi",
    title="Vapi campaigns",
    docs="https://docs.vapi.ai/api-reference/campaigns/campaign-controller-find-all",
    base_url="https://api.vapi.ai",
    path="/campaign",
    api_key_env="VAPI_API_KEY",
    auth=BearerTokenAuth,
    paginator=partial(
        PageNumberPaginator,
        first_page=1,
        limit_param="limit",
        total_field="metadata.totalItems",
    ),
    page_size=25,
    params={"sortBy": "createdAt", "sortOrder": "DESC"},
    data_selector="results",
    fields={
        "id": "id",
        "status_raw": "status",
        "description": "name",
        "created_at": "createdAt",
        "updated_at": "updatedAt",
    },
    computed={"status": _status},
    statuses={"archived": "completed"},
    page_max_mb=WHOLE_LIST_MAX_MB,
)
