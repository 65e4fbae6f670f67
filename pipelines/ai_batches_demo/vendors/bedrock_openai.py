"""Amazon Bedrock's second list: OpenAI's, with files in the customer's buckets."""

from functools import partial
from typing import Any

from ..batches import Batch
from .paging import cursor_page
from .vendor import DemoVendor, batch_object


def _row(batch: Batch, now: int) -> dict[str, Any]:
    row = batch_object(batch, now)
    for name in ("model", "usage", "output_file_id", "error_file_id"):
        row.pop(name, None)
    return row | {"input_file_id": f"s3://batches/in/{batch.id}.jsonl"}


def _refusal(key: str) -> Any:
    return {"message": "The security token included in the request is invalid."}


BEDROCK_OPENAI = DemoVendor(
    root="/bedrock_openai/openai/v1",
    path="/batches",
    row=_row,
    page=partial(cursor_page, _row),
    refusal=_refusal,
)
