"""Reading a list: which rows of its pages are handed on, and in what portions."""

from collections.abc import Callable, Iterable, Iterator

from .table import Row


def walk(
    pages: Iterable[list[Row]], row_id: Callable[[Row], str], portion: int
) -> Iterator[list[Row]]:
    """Reads a list from its head to its end.

    Pages overlap, and rows move while they are read; the first sight of a row is handed on, since a
    key may stand in a load package only once.

    Args:
        pages (Iterable[List[Row]]): Pages of the list, in order.
        row_id (Callable[[Row], str]): The identifier of a row.
        portion (int): Rows to hand on at a time.

    Yields:
        List[Row]: At least `portion` rows, but for the last time; each row once. What was read
            before an error is handed on before it is raised.
    """
    seen: set[str] = set()
    rows: list[Row] = []
    try:
        for page in pages:
            for row in page:
                if row_id(row) not in seen:
                    seen.add(row_id(row))
                    rows.append(row)
            if len(rows) >= portion:
                yield rows
                rows = []
    except Exception:
        if rows:
            yield rows
        raise
    if rows:
        yield rows
