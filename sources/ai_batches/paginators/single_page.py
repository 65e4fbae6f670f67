"""Lists that come in one reply."""

from collections.abc import Collection, Mapping
from typing import Any

from requests import Request, Response

from .base import BatchListPaginator


class SinglePagePaginator(BatchListPaginator):
    """Takes the one reply for the whole list, unless it promises more.

    Args:
        limit (int | None): Is not sent: a limit would cut the list.
        known (Collection[str]): Fields of the reply that promise nothing, nested ones with dots.
    """

    def __init__(self, limit: int | None = None, known: Collection[str] = ()) -> None:
        super().__init__(None, "", "limit", "id", known)

    def resume(self, position: Mapping[str, Any]) -> None:
        """Reads the list again."""
        self._start_over()

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:
        """Leaves all rows in `data`.

        Raises:
            UntrustedPageError: If the reply says that the list has more rows.
        """
        rows = self._open(response, data)
        self._refuse_promise()
        self._refuse_missing_rows(len(rows))
        self._has_next_page = False

    def update_request(self, request: Request) -> None:
        """Asks for nothing in particular."""
