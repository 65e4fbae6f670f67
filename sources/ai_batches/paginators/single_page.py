"""Lists that come in one reply."""

from collections.abc import Mapping
from typing import Any

from requests import Request, Response

from .base import BatchListPaginator


class SinglePagePaginator(BatchListPaginator):
    """Takes the one reply for the whole list: nothing in it could tell that there is more.

    Args:
        limit (int | None): Is not sent: a limit would cut the list.
    """

    def __init__(self, limit: int | None = None) -> None:
        super().__init__(None, "", "limit", "id")

    def resume(self, position: Mapping[str, Any]) -> None:
        """Reads the list again."""
        self._start_over()

    def requests_for(
        self, rows: int, page_size: int, to_end: bool, is_resumed: bool = False
    ) -> int:
        """It is one, always."""
        return 1

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:
        """Leaves all rows in `data`."""
        self._has_next_page = False

    def update_request(self, request: Request) -> None:
        """Asks for nothing in particular."""
