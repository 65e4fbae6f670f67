"""IBM watsonx.ai: as its own clients describe it, which differ; a list without a second page."""

from collections.abc import Mapping
from typing import Any

from ..batches import Batch, BatchList
from .files import ResultFiles
from .paging import cursor_page
from .vendor import DemoVendor, Reply, batch_object


def _row(batch: Batch, now: int) -> dict[str, Any]:
    row = batch_object(batch, now)
    for name in ("model", "usage"):
        row.pop(name, None)
    if batch.number % 2:
        return row
    errors = row["errors"] and [each["message"] for each in row["errors"]["data"]]
    times = {name: at * 1_000 for name, at in row.items() if name.endswith("_at") and at}
    return row | times | {"errors": errors}


def _page(batches: BatchList, query: Mapping[str, str]) -> Reply:
    return cursor_page(_row, batches, {k: v for k, v in query.items() if k != "after"})


def _refusal(key: str) -> Any:
    errors = [{"code": "authentication_token_not_valid", "message": "The token is not valid"}]
    return {"errors": errors, "trace": "trace-1", "status_code": 401}


WATSONX = DemoVendor(
    root="/watsonx/ml/v1",
    path="/batches",
    row=_row,
    page=_page,
    refusal=_refusal,
    further_headers={"X-IBM-PROJECT-ID": "demo"},
    largest_list=80,
    results=ResultFiles(_row).routes(),
)
