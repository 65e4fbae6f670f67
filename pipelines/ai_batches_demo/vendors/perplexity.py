"""Perplexity: as its own client reads it, with usage from the start."""

from functools import partial
from typing import Any

from ..batches import DAY, Batch
from ..results import Tokens
from .files import ResultFiles
from .paging import cursor_page
from .vendor import DemoVendor, batch_object

TOKENS = Tokens(input=60, cached=12, output=210, reasoning=70)


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
        "input_tokens": TOKENS.input * requests,
        "input_tokens_details": {"cached_tokens": TOKENS.cached * requests},
        "output_tokens": TOKENS.output * requests,
        "output_tokens_details": {"reasoning_tokens": TOKENS.reasoning * requests},
        "total_tokens": (TOKENS.input + TOKENS.output) * requests,
    }


PERPLEXITY = DemoVendor(
    root="/perplexity/v1",
    path="/batches",
    row=_row,
    page=partial(cursor_page, _row),
    results=ResultFiles(_row, mean=TOKENS, kept=30 * DAY).routes(),
)
