"""OpenRouter: as in its quickstart, with the fields that its reference has added since."""

from functools import partial
from typing import Any

from ..batches import DAY, Batch
from .paging import cursor_page
from .vendor import DemoVendor, batch_object

ENDS = ("completed", "failed", "expired", "cancelled")


def _row(batch: Batch, now: int) -> dict[str, Any]:
    row = batch_object(batch, now)
    status = batch.status(now)
    tokens = batch.done(now) if status == "completed" else None
    return {
        "id": row["id"],
        "object": "batch",
        "endpoint": row["endpoint"],
        "model": f"openai/small-{batch.number % 2}",
        "provider": None if status == "validating" else "OpenAI",
        "completion_window": "24h",
        # the list has no word for what comes between
        "status": status if status in ("validating", *ENDS) else "in_progress",
        "created_at": batch.created_at,
        "expires_at": [None, batch.created_at + 4 * DAY][batch.number % 2],
        "finalized_at": batch.steps[status] if status in ENDS else None,
        "request_counts": row["request_counts"],
        "usage": None if tokens is None else _usage(tokens),
        "results": None,
        "error": {"message": "The model does not exist."} if status == "failed" else None,
    }


def _usage(requests: int) -> dict[str, Any]:
    return {
        "prompt_tokens": 40 * requests,
        "prompt_tokens_details": {"cached_tokens": 8 * requests},
        "completion_tokens": 150 * requests,
        "completion_tokens_details": {"reasoning_tokens": 90 * requests},
        "total_tokens": 190 * requests,
        "cost": 0.0005 * requests,
        "is_byok": False,
    }


OPENROUTER = DemoVendor(
    root="/openrouter/api/v1",
    path="/batches",
    row=_row,
    page=partial(cursor_page, _row),
    read_as=dict.fromkeys(("finalizing", "cancelling"), "in_progress"),
)
