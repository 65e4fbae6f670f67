"""Respan: as in its page's example, with the older batch first."""

from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ..batches import Batch, BatchList
from .files import ResultFiles, missing_file
from .paging import cursor_page
from .vendor import DemoVendor, ResultRoute, batch_ids, batch_object, json_response


def _row(batch: Batch, now: int) -> dict[str, Any]:
    row = batch_object(batch, now)
    shown = ("id", "object", "endpoint", "status", "created_at", "request_counts")
    # what is not reached is not null but absent
    return {key: row[key] for key in shown} | (
        {"completed_at": row["completed_at"]} if row["completed_at"] else {}
    )


def _refusal(key: str) -> Any:
    return {"error": "Authentication credentials were not provided."}


def _batch(batches: BatchList, request: Request) -> Response:
    # the list shows no files; assumed to be at the list's path, in OpenAI's shape
    batch = batches.find(request.path_params["id"], batch_ids)
    if batch is None:
        return json_response(404, missing_file(request.path_params["id"]))
    return json_response(200, batch_object(batch, batches.clock))


RESPAN = DemoVendor(
    root="/respan/api",
    path="/v1/batches/",
    row=_row,
    page=partial(cursor_page, _row, newest_first=False),
    refusal=_refusal,
    is_newest_first=False,
    results=(
        *ResultFiles(batch_object).routes("/files/{file_id}/content/"),
        ResultRoute("/v1/batches/{id}/", _batch),
    ),
)
