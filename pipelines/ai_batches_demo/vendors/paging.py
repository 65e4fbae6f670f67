"""How vendors page their lists."""

from collections.abc import Callable, Mapping

from ..batches import Batch, BatchList
from .vendor import Reply, ShowRow, batch_id


def cursor_page(
    row: ShowRow,
    batches: BatchList,
    query: Mapping[str, str],
    newest_first: bool = True,
    largest: int = 100,
    default: int = 20,
    cursor_param: str = "after",
    id_of: Callable[[Batch], str] = batch_id,
) -> Reply:
    """Answers with the rows after the one whose id is the cursor.

    A cursor that is not in the list is answered with 404, a limit that is too large with 400.
    """
    shown = _shown(batches, newest_first)
    start = 0
    if cursor_param in query:
        ids = [id_of(batch) for batch in shown]
        if query[cursor_param] not in ids:
            return 404, {"error": {"message": "Resource not found.", "param": cursor_param}}
        start = ids.index(query[cursor_param]) + 1
    limit = int(query.get("limit", default))
    if limit > largest:
        message = f"Invalid 'limit': expected a value <= {largest}, but got {limit} instead."
        return 400, {"error": {"message": message, "param": "limit"}}
    rows = [row(batch, batches.clock) for batch in shown[start : start + limit]]
    return 200, {
        "object": "list",
        "data": rows,
        "first_id": id_of(shown[start]) if rows else None,
        "last_id": id_of(shown[start + len(rows) - 1]) if rows else None,
        "has_more": len(shown) > start + limit,
    }


def token_page(
    row: ShowRow,
    batches: BatchList,
    query: Mapping[str, str],
    position_param: str,
    limit_param: str,
    largest: int,
    default: int,
    newest_first: bool = True,
) -> tuple[list[dict[str, object]], str | None] | None:
    """Takes the rows behind an opaque token, and the token of the next page; None: a wrong token.

    A limit that is too large is lowered.
    """
    shown = _shown(batches, newest_first)
    token = query.get(position_param, "")
    start = 0
    if token:
        # the token says how many rows lie below, so that new ones on top do not move it
        below = token.removeprefix("page-")
        if not below.isdecimal() or int(below) > len(shown):
            return None
        start = len(shown) - int(below) if newest_first else int(below)
    limit = min(int(query.get(limit_param, default)), largest)
    rows = [row(batch, batches.clock) for batch in shown[start : start + limit]]
    end = start + limit
    if end >= len(shown):
        return rows, None
    return rows, f"page-{len(shown) - end if newest_first else end}"


def numbered_rows(
    row: ShowRow,
    batches: BatchList,
    query: Mapping[str, str],
    page_param: str,
    limit_param: str,
    default: int,
) -> tuple[list[dict[str, object]], int]:
    """Takes the rows of a page by its number, counted from 0, and how many the list has."""
    shown = _shown(batches)
    limit = int(query.get(limit_param, default))
    start = int(query.get(page_param, 0)) * limit
    return [row(batch, batches.clock) for batch in shown[start : start + limit]], len(shown)


def _shown(batches: BatchList, newest_first: bool = True) -> list[Batch]:
    return batches.visible()[:: -1 if newest_first else 1]
