"""ElevenLabs: batch calls as its own client describes them."""

from collections.abc import Mapping
from typing import Any

from ..batches import Batch, BatchList
from .paging import token_page
from .vendor import DemoVendor, Reply, latest

WORDS = {
    "validating": "pending",
    "finalizing": "in_progress",
    "cancelling": "in_progress",
    "expired": "failed",
}


def _row(batch: Batch, now: int) -> dict[str, Any]:
    status = batch.status(now)
    over = batch.done(now) + batch.failed(now)
    return {
        "id": f"btcal_{batch.id}",
        "phone_number_id": "phnum_1",
        "phone_provider": ["twilio", "sip_trunk"][batch.number % 2],
        "whatsapp_params": None,
        "name": f"Reminders {batch.number}",
        "agent_id": "agent_1",
        "branch_id": None,
        "environment": None,
        "created_at_unix": batch.created_at,
        "scheduled_time_unix": batch.created_at + 60,
        "timezone": "Europe/Berlin",
        "total_calls_dispatched": over,
        "total_calls_scheduled": batch.requests,
        "total_calls_finished": over,
        "last_updated_at_unix": latest(batch, now),
        "status": WORDS.get(status, status),
        "retry_count": 0,
        "telephony_call_config": {"ringing_timeout_secs": 60},
        "target_concurrency_limit": None,
        "agent_name": "Reminder",
        "branch_name": None,
    }


def _page(batches: BatchList, query: Mapping[str, str]) -> Reply:
    found = token_page(_row, batches, query, "last_doc", "limit", largest=100, default=100)
    if found is None:
        detail = [{"loc": ["query", "last_doc"], "msg": "not found", "type": "value_error"}]
        return 422, {"detail": detail}
    rows, token = found
    return 200, {"batch_calls": rows, "next_doc": token, "has_more": token is not None}


def _refusal(key: str) -> Any:
    return {"detail": {"status": "invalid_api_key", "message": "Invalid API key"}}


ELEVENLABS = DemoVendor(
    root="/elevenlabs",
    path="/v1/convai/batch-calling/workspace",
    row=_row,
    page=_page,
    refusal=_refusal,
    key_header="xi-api-key",
    key_value=str,
    read_as={"finalizing": "in_progress", "cancelling": "in_progress", "expired": "failed"},
)
