"""Lists that are read by page number, and report how many rows they have."""

from collections.abc import Collection, Mapping
from math import ceil
from typing import Any

from .base import (
    MAX_RESTARTS,
    RECENT_ROWS,
    BatchListPaginator,
    RecentIds,
    UntrustedPageError,
)
from .reply import Reply


class PageNumberPaginator(BatchListPaginator):
    """Counts the pages of a list whose new rows come first, and watches its total.

    New rows push the list down, so that rows come again. Deleted rows pull it up, so that rows
    would be skipped: at most as many as the total fell by, and the paginator steps back that far.
    To resume, it requests the last page again. That page must show a row of the trail, or else one
    of the pages that the row may have been pushed to; otherwise the scan restarts at the head. Each
    page is compared with the total of its reply: if it has too few rows, all pages behind it are
    shifted, and the scan restarts as well. The list ends with an empty page, or with a short one
    that reaches the total and does not exceed it.

    Args:
        limit (int | None): Rows to request per page; None sends no limit.
        page_param (str): Query parameter for the number of the page.
        first_page (int): Number of the first page.
        limit_param (str): Query parameter for the page size.
        total_field (str): Field of the reply that holds the number of rows of the list, nested ones
            with dots.
        id_field (str): Field of a row that holds its id.
        known (Collection[str]): Further fields of the reply that promise nothing.
    """

    MAX_STEPS_BACK = 40
    """Consecutive steps back after which the list is given up."""

    def __init__(
        self,
        limit: int | None = None,
        page_param: str = "page",
        first_page: int = 0,
        limit_param: str = "page_size",
        total_field: str = "total",
        id_field: str = "id",
        known: Collection[str] = (),
    ) -> None:
        super().__init__(limit, page_param, limit_param, id_field, {total_field, *known})
        self._total_field = total_field
        self._first_page = first_page
        self._page = 0
        """Pages before the one to request."""
        self._size = 0
        """Rows of a full page, by the server's own limit; 0 before the first page."""
        self._total = 0
        """Total of the last reply."""
        self._known = RecentIds(RECENT_ROWS)
        self._read_page = 0
        """The page that was handed on last."""
        self._steps_back = self._stale_pages = 0
        self._is_resumed = False
        self._last_page_to_try = 0
        """How many pages the trail may have been pushed down since."""

    def resume(self, position: Mapping[str, Any]) -> None:
        """Resumes with the page that was handed on last."""
        if position["limit"] != self._limit:
            # pages of another size have other rows
            self._start_over()
            return
        super().resume(position)
        self._known.extend(position["trail"])
        self._page = self._read_page = position["page"]
        self._size, self._total = position["size"], position["total"]
        self._is_resumed = bool(self._trail)

    @property
    def position(self) -> dict[str, Any]:
        """Where the rows handed on so far end."""
        return {
            **super().position,
            "page": self._read_page,
            "size": self._size,
            "total": self._total,
            "limit": self._limit,
        }

    def refused(self, status_code: int) -> bool:
        """Treats an error behind the end of the list as an empty page."""
        is_behind_end = self._size > 0 and self._page * self._size >= self._total
        if status_code not in (400, 404) or not is_behind_end:
            return False
        self.has_next_page = False
        return True

    def update_state(self, reply: Reply, rows: list[Any]) -> None:
        """Takes in a page, and leaves in `rows` those that were not handed on.

        Raises:
            UntrustedPageError: If the reply has no total, if pages have fewer rows than the total
                promises, if the last one promises more, or if the server sends the same page at
                every number.
        """
        self._open(reply, rows)
        ids, before = self._ids(rows), self._total
        self._total = self._total_of(reply)
        is_place_known = any(row_id in self._known for row_id in ids)
        if not is_place_known and self._page > 0 and self._total < before:
            rows.clear()
            self._step_back(before - self._total)
            return
        if not is_place_known and self._is_resumed:
            rows.clear()
            self._look_further(self._total - before)
            return
        self._is_resumed = False
        self._steps_back = 0
        self._hand_on(rows, ids)

    def _hand_on(self, rows: list[Any], ids: list[str]) -> None:
        """Takes in a page at the right place, unless its number of rows is wrong."""
        if not self._size:
            # a server may cut pages to fewer rows than were asked for
            limit = self._limit or 0
            self._size = limit if len(ids) == self._total < limit else len(ids)
        passed = self._page * self._size
        expected = min(self._size or self._total, self._total - passed)
        if len(ids) < expected or len(ids) > self._size:
            rows.clear()
            self._begin_again(len(ids), expected)
            return
        rows[:] = [row for row, i in zip(rows, ids, strict=True) if i not in self._known]
        is_stale = bool(ids) and not rows
        self._refuse_repeated_pages(is_stale)
        self._known.extend(ids)
        self._trail.extend(ids)
        self._read_page = self._page
        self._page += 1
        is_whole_list = is_stale and self._read_page > 0 and len(ids) == self._total
        is_last = len(ids) < self._size and passed + len(ids) == self._total
        self.has_next_page = bool(ids) and not is_last and not is_whole_list
        if not self.has_next_page:
            self._refuse_promise()

    def _position_params(self) -> dict[str, Any]:
        return {self._position_param: self._first_page + self._page}

    def _total_of(self, reply: Reply) -> int:
        total = reply.field(self._total_field)
        if type(total) is int and total >= 0:
            return total
        raise UntrustedPageError(f"the reply has no valid `{self._total_field}`")

    def _step_back(self, rows: int) -> None:
        self._steps_back += 1
        if self._steps_back > self.MAX_STEPS_BACK:
            raise UntrustedPageError("rows are deleted faster than they are read")
        self._page = self._read_page = max(0, self._page - ceil(rows / max(1, self._size)))

    def _look_further(self, added: int) -> None:
        self._last_page_to_try += ceil(added / max(1, self._size))
        if self._page < self._read_page + self._last_page_to_try:
            self._page += 1
            return
        self._reset()

    def _begin_again(self, rows: int, expected: int) -> None:
        if self.restarts == MAX_RESTARTS:
            number = self._first_page + self._page
            raise UntrustedPageError(
                f"page {number} has {rows} rows instead of {expected} of the {self._total}"
            )
        self._reset()

    def _reset(self) -> None:
        self._start_over()
        self._page = self._read_page = self._size = self._total = 0
        self._known, self._is_resumed = RecentIds(RECENT_ROWS), False

    def _refuse_repeated_pages(self, is_stale: bool) -> None:
        # rows that were created or deleted meanwhile explain as many
        self._stale_pages = self._stale_pages + 1 if is_stale else 0
        if self._stale_pages * self._size > RECENT_ROWS:
            raise UntrustedPageError(
                f"the server ignores `{self._position_param}`: its pages bring nothing new"
            )
