"""xAI: containers of requests, with counts instead of a status, and days instead of times."""

from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from operator import methodcaller
from typing import Any

from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

from ..paginators import TokenPaginator
from ..timestamps import to_microseconds
from .declaration import Provider, ReportedCost
from .result_lines import dollars, facts, table, text
from .results import FileKind, RequestFacts, ResultPages, Results, results_of_batch


def _is_cancelled(row: Mapping[str, Any]) -> bool:
    """Whether it has a time of its cancellation, readable or not."""
    time = row.get("cancel_time")
    try:
        return bool(time) and to_microseconds(time) is not None
    except ValueError:
        return True


def _status(row: Mapping[str, Any]) -> str | None:
    """The status: who cancelled it, if anyone; else whether requests came, and are all done."""
    state = row.get("state")
    is_pending = bool(state and state.get("num_pending"))
    if _is_cancelled(row):
        if is_pending:
            return "cancelling"
        return "failed" if row.get("cancel_by_xai_message") else "cancelled"
    if state is None:
        return None
    if not state.get("num_requests"):
        return "validating"
    return "in_progress" if is_pending else "completed"


def _end(row: Mapping[str, Any]) -> Any:
    """When a batch was cancelled, once none of its requests is pending any more."""
    return None if _status(row) == "cancelling" else row.get("cancel_time")


_TICKS_PER_USD = 10**10
_TICK = 1 / Decimal(_TICKS_PER_USD)
"""Dollars."""

_PAGES = ResultPages(
    "results",
    "pagination_token",
    "pagination_token",
    {"page_size": "100"},
    frozenset({"pagination_token"}),
)


def _read(line: Mapping[str, Any], kind: FileKind) -> RequestFacts:
    """Reads the result of a request: a reply under the name of its endpoint, or an error."""
    result = table(line.get("batch_result"))
    error = result.get("error") or line.get("error_message")
    reply = next(map(table, table(result.get("response")).values()), {})
    found = facts(reply, error, None, bool(error), text(reply.get("id")))
    ticks = table(reply.get("usage")).get("cost_in_usd_ticks")
    return found._replace(reported_cost_usd=dollars(ticks, _TICK))


# Its guide: a batch is filled by further requests, or by a file, which is validated first; xAI
# cancels it, and says why, if the file is bad. So `completed` is: something was in it, and all of
# it is done. It is not final: more requests reopen it, which is seen while it is young or when the
# list is read whole again. In recorded replies times are days; the end of a batch that was not
# cancelled is not reported. `expire_time` is when it leaves the list, some 30 days on. Completed
# are the successes, failed the errors; pending and cancelled ones stay in `extra`. `state` may be
# missing, says the vendor: then the status is unknown. Assumed: days of UTC, no order, that 100,
# the default page size, may be asked for, and that an empty list may be left out.
XAI = Provider(
    name="xai",
    title="xAI",
    docs="https://docs.x.ai/developers/advanced-api-usage/batch-api",
    base_url="https://api.x.ai/v1",
    # of regions
    own_hosts=(".api.x.ai",),
    path="/batches",
    api_key_env="XAI_API_KEY",
    auth=BearerTokenAuth,
    paginator=partial(
        TokenPaginator,
        position_param="pagination_token",
        next_field="pagination_token",
        limit_param="limit",
    ),
    page_size=100,
    data_selector="batches",
    empty_reply=frozenset({"pagination_token"}),
    fields={
        "id": "batch_id",
        "description": "name",
        "input_file_id": "input_file_id",
        "requests_total": "state.num_requests",
        "requests_completed": "state.num_success",
        "requests_failed": "state.num_error",
        "created_at": "create_time",
        "expires_at": "expire_time",
        "errors": "cancel_by_xai_message",
    },
    computed={"status": _status, "ended_at": _end},
    reported_cost=ReportedCost("cost_breakdown.total_cost_usd_ticks", per_usd=_TICKS_PER_USD),
    # as public code reads them: pages of `results`, until there is no token
    results=Results(
        files=results_of_batch("/batches/{}/results"),
        read=_read,
        custom_id=methodcaller("get", "batch_request_id"),
        pages=lambda file: _PAGES,
    ),
)
