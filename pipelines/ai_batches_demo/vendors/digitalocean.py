"""DigitalOcean: as its own client describes it, with times as text and a list of errors."""

from functools import partial
from typing import Any

from ..batches import DAY, Batch
from .paging import cursor_page
from .vendor import TIMES, DemoVendor, batch_object, iso


def _row(batch: Batch, now: int) -> dict[str, Any]:
    row = batch_object(batch, now)
    for name in ("object", "model", "usage"):
        row.pop(name, None)
    times = {f"{word}_at": batch.reached(word, now) for word in TIMES}
    times |= {"created_at": batch.created_at, "expires_at": batch.created_at + DAY}
    # neither the expiry nor the cancellation that was asked for has a time
    for name in ("expired_at", "cancelling_at"):
        del row[name], times[name]
    errors = row["errors"] and [
        {key: each[key] for key in ("code", "line", "message")} for each in row["errors"]["data"]
    ]
    return {
        "batch_id": row.pop("id"),
        **row,
        **{name: iso(at) for name, at in times.items()},
        "errors": errors,
        "provider": ["openai", "anthropic"][batch.number % 2],
        "request_id": f"request-{batch.number}",
    }


def _refusal(key: str) -> Any:
    return {"id": "unauthorized", "message": "Unable to authenticate you"}


DIGITALOCEAN = DemoVendor(
    root="/digitalocean/v1",
    path="/batches",
    row=_row,
    page=partial(cursor_page, _row),
    refusal=_refusal,
)
