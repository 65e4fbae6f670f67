"""How a page of a list leads to the next one, as dlt paginators.

A page that cannot be followed with confidence raises `UntrustedPageError`: a list is never cut
short in silence. Rows reach a paginator as dicts that each have an id; `client.py` sees to that.
"""

from typing import Any

from dlt.sources.helpers.rest_client.paginators import BasePaginator
from requests import Request, Response

ROUND_PAGE_SIZES = frozenset({10, 20, 50, 100})
"""Sizes that servers commonly cut pages to; a reply of such a size may be a part of the list."""


class UntrustedPageError(Exception):
    """A reply cannot be trusted as the next page of the list; the text says why, as a clause.

    Args:
        problem (str): What is wrong with the page.
        quote (str | None): What the server said instead; it may hold a key.
    """

    def __init__(self, problem: str, quote: str | None = None) -> None:
        super().__init__(problem)
        self.quote = quote


class BatchListPaginator(BasePaginator):
    """What the paginators share: the names of parameters and the id of a row.

    Args:
        limit (int | None): Rows to ask for in a page; None sends no limit.
        position_param (str): Query parameter that says where a page starts.
        limit_param (str): Query parameter for the page size.
        id_field (str): Field of a row that holds its id.
    """

    def __init__(
        self, limit: int | None, position_param: str, limit_param: str, id_field: str
    ) -> None:
        super().__init__()
        self._position_param = position_param
        self._limit_param = limit_param
        self._limit = limit
        self._id_field = id_field
        self._page: list[str] = []
        """Ids of the page that was taken in last."""

    def init_request(self, request: Request) -> None:
        """Sets the page size and asks for the first page."""
        request.params = dict(request.params or {})
        if self._limit is not None:
            request.params[self._limit_param] = self._limit

    def is_end(self, status_code: int) -> bool:
        """Whether an error status is the server's way to say that the list ends here."""
        return False

    def _ids(self, rows: list[Any] | None) -> list[str]:
        return [str(row[self._id_field]) for row in rows or ()]

    def _refuse_part_of_list(self) -> None:
        """A page that comes at every position is the whole list, or a part of a common size."""
        if len(self._page) in ROUND_PAGE_SIZES | {self._limit}:
            raise UntrustedPageError(
                f"the server ignores `{self._position_param}` and sends {len(self._page)} rows each"
                " time, which may be a part of the list only"
            )


class CursorPaginator(BatchListPaginator):
    """Goes on after the id of the last row of each page.

    `last_id` of the reply is not used: some vendors leave it out, and their own clients go by the
    last row as well. Where `has_more` is absent, the list ends with an empty page; a short page
    proves nothing.

    Args:
        limit (int | None): Rows to ask for in a page; None sends no limit.
        cursor_param (str): Query parameter for the id to go on after.
        limit_param (str): Query parameter for the page size.
        id_field (str): Field of a row that holds its id.
        has_more_field (str): Field of the reply that tells whether more rows follow.
    """

    def __init__(
        self,
        limit: int | None = None,
        cursor_param: str = "after",
        limit_param: str = "limit",
        id_field: str = "id",
        has_more_field: str = "has_more",
    ) -> None:
        super().__init__(limit, cursor_param, limit_param, id_field)
        self._has_more_field = has_more_field
        self._cursor: str | None = None
        self._first_id: str | None = None
        self._loop = _LoopGuard()

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:
        """Takes in a page.

        Raises:
            UntrustedPageError: If the page promises rows and brings none, repeats rows, starts the
                list over, or does not say clearly whether more rows follow.
        """
        before, self._page = self._page, self._ids(data)
        more = self._has_more(response)
        if not self._page:
            if more:
                raise UntrustedPageError("an empty page promises that more rows follow")
            self._has_next_page = False
        elif before and set(self._page) <= set(before):
            self._has_next_page = self._ends_with_repeated_rows(before, more)
        elif self._first_id in self._page and self._page[0] != self._cursor:
            raise UntrustedPageError(
                f"the page after row {self._cursor} starts the list over, so that the rows behind"
                " it cannot be reached"
            )
        else:
            self._first_id = self._first_id or self._page[0]
            self._cursor = self._page[-1]
            self._has_next_page = more is not False
            if self._has_next_page and self._loop.is_closed_by(self._cursor):
                raise UntrustedPageError(f"the pages repeat themselves around row {self._cursor}")

    def update_request(self, request: Request) -> None:
        """Asks for the rows after the last one that was read."""
        request.params[self._position_param] = self._cursor

    def _has_more(self, response: Response) -> bool | None:
        body = response.json()
        more = body.get(self._has_more_field) if isinstance(body, dict) else None
        if more is None or isinstance(more, bool):
            return more
        raise UntrustedPageError(f"`{self._has_more_field}` is neither true nor false")

    def _ends_with_repeated_rows(self, before: list[str], more: bool | None) -> bool:
        """Whether to read on after a page whose rows all stood on the page before."""
        if more:
            raise UntrustedPageError(
                "the page repeats rows of the page before and promises that more follow: the"
                f" cursor `{self._position_param}` does not advance"
            )
        if more is None and self._page == before:
            self._refuse_part_of_list()
        return False


class OffsetPaginator(BatchListPaginator):
    """Skips the rows that were read, but for the last one, which each page must show again.

    Rows that are created meanwhile push the list down and only come twice; rows that are deleted
    pull it up, and then the row that should overlap is not there: the paginator steps back until it
    sees a row that it knows. A page that holds the last row alone is the end.

    Args:
        limit (int | None): Rows to ask for in a page, at least two so that pages can overlap;
            None sends no limit.
        offset_param (str): Query parameter for the number of rows to skip.
        limit_param (str): Query parameter for the page size.
        id_field (str): Field of a row that holds its id.
    """

    MAX_REPEATS = 3
    """Equal replies in a row, or returns to the head, that new rows may explain."""

    def __init__(
        self,
        limit: int | None = None,
        offset_param: str = "offset",
        limit_param: str = "limit",
        id_field: str = "id",
    ) -> None:
        super().__init__(limit, offset_param, limit_param, id_field)
        self._offset = 0
        self._last: str | None = None
        self._known = _RecentIds(1_000)
        self._longest = 0
        self._probes_behind_last = False
        self._step_back = 1
        self._repeats = 0
        self._returns = 0

    def init_request(self, request: Request) -> None:
        """Sets the page size and asks for the head of the list."""
        super().init_request(request)
        self.update_request(request)

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:
        """Takes in a page.

        Raises:
            UntrustedPageError: If the server ignores the offset and may have sent a part of the
                list only, or if the list never holds still.
        """
        before, self._page = self._page, self._ids(data)
        self._longest = max(self._longest, len(self._page))
        probed, self._probes_behind_last = self._probes_behind_last, False
        if self._last is None or (probed and self._page != [self._last]):
            self._has_next_page = bool(self._page)
            self._accept_page()
        elif self._page == [self._last] and not probed:
            # where every page holds one row, this one proves nothing: look behind it
            self._probes_behind_last = self._has_next_page = self._longest == 1
            self._offset += 1
        elif not self._known.isdisjoint(self._page):
            self._has_next_page = not self._ignores_offset(before)
            self._accept_page()
        elif self._offset > 0:
            self._offset = max(0, self._offset - self._step_back)
            self._step_back *= 2
        else:
            self._refuse_endless_returns()
            self._accept_page()

    def update_request(self, request: Request) -> None:
        """Asks for the page at the current offset."""
        request.params[self._position_param] = self._offset

    def is_end(self, status_code: int) -> bool:
        """Whether the server answers 404 behind the last row; some do not send an empty page."""
        return status_code == 404 and self._probes_behind_last

    def _accept_page(self) -> None:
        if self._page:
            self._known.extend(self._page)
            self._last = self._page[-1]
            self._offset += len(self._page) - 1
            self._step_back = len(self._page)

    def _ignores_offset(self, before: list[str]) -> bool:
        """Whether the server sends its one page, which is the whole list, at every offset."""
        self._repeats = self._repeats + 1 if self._page == before else 0
        if self._repeats > self.MAX_REPEATS:
            self._refuse_part_of_list()
            return True
        return False

    def _refuse_endless_returns(self) -> None:
        # not one row at the head is known any more
        self._returns += 1
        if self._returns > self.MAX_REPEATS:
            raise UntrustedPageError("the list changes faster than it can be read")


class _RecentIds:
    """The ids that were added last, up to a number of them."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._ids: dict[str, None] = {}

    def extend(self, ids: list[str]) -> None:
        for row_id in ids:
            self._ids.pop(row_id, None)
            self._ids[row_id] = None
        while len(self._ids) > self._size:
            del self._ids[next(iter(self._ids))]

    def isdisjoint(self, ids: list[str]) -> bool:
        return self._ids.keys().isdisjoint(ids)


class _LoopGuard:
    """Brent's cycle detection: one remembered value finds a loop of any length."""

    def __init__(self) -> None:
        self._remembered: str | None = None
        self._seen_since = 0
        self._patience = 1

    def is_closed_by(self, cursor: str) -> bool:
        if cursor == self._remembered:
            return True
        self._seen_since += 1
        if self._seen_since == self._patience:
            self._remembered, self._seen_since = cursor, 0
            self._patience *= 2
        return False
