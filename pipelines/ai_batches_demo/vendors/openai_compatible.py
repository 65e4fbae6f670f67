"""An OpenAI-compatible server: as LiteLLM's proxy lists the batches that it manages."""

from base64 import urlsafe_b64encode
from functools import partial
from typing import Any

from ..batches import MODELS, Batch
from .files import ResultFiles
from .paging import cursor_page
from .vendor import DemoVendor, batch_id, batch_object


def _id(batch: Batch) -> str:
    model = MODELS[batch.number % len(MODELS)]
    text = f"litellm_proxy;model_id:{model};llm_batch_id:{batch_id(batch)}"
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _row(batch: Batch, now: int) -> dict[str, Any]:
    return batch_object(batch, now) | {"id": _id(batch)}


OPENAI_COMPATIBLE = DemoVendor(
    root="/openai_compatible/v1",
    path="/batches",
    row=_row,
    page=partial(cursor_page, _row, id_of=_id),
    results=ResultFiles(_row).routes(),
)
