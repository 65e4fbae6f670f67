"""Perplexity: as its own client reads it, with usage from the start."""

from functools import partial
from typing import Any

from ..batches import Batch
from .paging import cursor_page
from .vendor import DemoVendor, batch_object


def _row(batch: Batch, now: int) -> dict[str, Any]:
    row = batch_object(batch, now)
    row.pop("model", None)
    for error in row["errors"]["data"] if row["errors"] else ():
        del error["param"]
    row |= {"endpoint": "/v1/responses", "usage": _usage(batch.done(now))}
    # its client takes a field that is not set as null or as absent
    return row if batch.number % 2 else {k: v for k, v in row.items() if v is not None}


def _usage(requests: int) -> dict[str, Any]:
    return {
        "input_tokens": 60 * requests,
        "input_tokens_details": {"cached_tokens": 12 * requests},
        "output_tokens": 210 * requests,
        "output_tokens_details": {"reasoning_tokens": 70 * requests},
        "total_tokens": 270 * requests,
    }


PERPLEXITY = DemoVendor(
    root="/perplexity/v1",
    path="/batches",
    row=_row,
    page=partial(cursor_page, _row),
)
