"""What APIs of Google's design share: pages by token, and a JSON without zeros and empty lists."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ..paginators import TokenPaginator

by_page_token = partial(
    TokenPaginator,
    position_param="pageToken",
    next_field="nextPageToken",
    limit_param="pageSize",
)
"""Makes the paginator of a list of Google's design."""


def count(path: str) -> Callable[[Mapping[str, Any]], int | None]:
    """Makes a function that reads a count of a row.

    Args:
        path (str): Field of the count, with dots.

    Returns:
        Callable[[Mapping[str, Any]], int | None]: Returns None if the object that holds the
            count is absent, and 0 if only the count is.
    """
    *parents, field = path.split(".")

    def read(row: Mapping[str, Any]) -> int | None:
        value: Any = row
        for parent in parents:
            value = value.get(parent)
            if value is None:
                return None
        return int(value.get(field) or 0)

    return read
