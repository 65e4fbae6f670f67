"""Vapi: campaigns as its own client describes them, with the calls of each."""

from collections.abc import Mapping
from typing import Any

from ..batches import Batch, BatchList
from .paging import numbered_rows
from .vendor import DemoVendor, Reply, iso, latest

WORDS = {
    "validating": "scheduled",
    "in_progress": "in-progress",
    "finalizing": "in-progress",
    "cancelling": "in-progress",
    "cancelled": "cancelled",
}


def _row(batch: Batch, now: int) -> dict[str, Any]:
    status = batch.status(now)
    over = batch.done(now) + batch.failed(now)
    row: dict[str, Any] = {
        "id": f"00000000-0000-4000-8000-{batch.number:012d}",
        "orgId": "11111111-0000-4000-8000-000000000000",
        "name": f"Reminders {batch.number}",
        # a campaign that is over may be put away
        "status": WORDS.get(status, ["ended", "archived"][batch.number % 5 == 0]),
        "assistantId": "22222222-0000-4000-8000-000000000000",
        "phoneNumberId": "33333333-0000-4000-8000-000000000000",
        "schedulePlan": {"earliestAt": _time(batch.created_at)},
        "customers": [{"number": "+15550100"}],
        "createdAt": _time(batch.created_at),
        "updatedAt": _time(latest(batch, now)),
        "calls": {f"call-{batch.number}": {"customer": {"number": "+15550100"}}},
        "callsCounterScheduled": batch.requests - over,
        "callsCounterQueued": 0,
        "callsCounterInProgress": 0,
        "callsCounterEndedVoicemail": 0,
        "callsCounterEnded": over,
    }
    if batch.is_ended(now):
        by_user = status == "cancelled"
        row["endedReason"] = (
            f"campaign.{'in-progress.ended-by-user' if by_user else 'ended.success'}"
        )
        if by_user and batch.number % 2:
            row["status"] = "ended"
    return row


def _time(at: int) -> str | None:
    return iso(at, f".{at % 1000:03d}")


def _page(batches: BatchList, query: Mapping[str, str]) -> Reply:
    number = int(query.get("page", 1))
    from_zero = {**query, "page": str(number - 1)}
    rows, total = numbered_rows(_row, batches, from_zero, "page", "limit", default=100)
    size = int(query.get("limit", 100))
    is_last = number * size >= total
    metadata = {
        "itemsPerPage": size,
        "totalItems": total,
        "currentPage": number,
        "totalPages": -(-total // size),
        "hasNextPage": not is_last,
        "sortOrder": "DESC",
    }
    if not is_last:
        metadata["nextCursor"] = f"cursor-{number}"
    return 200, {"results": rows, "metadata": metadata}


def _refusal(key: str) -> Any:
    return {"message": "Invalid Key.", "error": "Unauthorized", "statusCode": 401}


VAPI = DemoVendor(
    root="/vapi",
    path="/campaign",
    row=_row,
    page=_page,
    refusal=_refusal,
    read_as={
        "finalizing": "in_progress",
        "cancelling": "in_progress",
        "failed": "completed",
        "expired": "completed",
    },
)
