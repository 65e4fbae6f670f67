"""OpenAI: as in recorded replies."""

from functools import partial

from ..batches import DAY
from .files import ResultFiles
from .paging import cursor_page
from .vendor import DemoVendor, batch_object

OPENAI = DemoVendor(
    root="/openai/v1",
    path="/batches",
    row=batch_object,
    page=partial(cursor_page, batch_object),
    results=ResultFiles(batch_object, kept=30 * DAY).routes(),
)
