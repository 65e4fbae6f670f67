"""OpenAI: as in recorded replies."""

from functools import partial

from .paging import cursor_page
from .vendor import DemoVendor, batch_object

OPENAI = DemoVendor(
    root="/openai/v1",
    path="/batches",
    row=batch_object,
    page=partial(cursor_page, batch_object),
)
