"""What Google's JSON leaves out: zeros and empty lists. Its counts are texts."""

from collections.abc import Callable, Mapping
from typing import Any


def count(path: str) -> Callable[[Mapping[str, Any]], int | None]:
    """Makes what reads a count of a row.

    Args:
        path (str): Field of the count, with dots.

    Returns:
        Callable[[Mapping[str, Any]], int | None]: Gives None where the object that holds the count
            is not there, and 0 where only the count is not.
    """
    *parents, field = path.split(".")

    def read(row: Mapping[str, Any]) -> int | None:
        value: Any = row
        for parent in parents:
            value = value.get(parent)
            if value is None:
                return None
        return int(value.get(field, 0))

    return read
