"""What a scan reads: the pages of a list."""

from collections.abc import Mapping
from typing import Any, NamedTuple

Row = dict[str, Any]
"""One batch as its provider sends it."""


class Page(NamedTuple):
    """Rows of one reply that continue where the previous page ended."""

    rows: list[Row]
    position: Mapping[str, Any]
    """Where to resume after these rows, as the paginator stores it."""
    restarts: int
    """How often the paginator has lost its position and returned to the head so far."""
