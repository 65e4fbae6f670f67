"""How a page of a list leads to the next one, as dlt paginators.

A list moves while it is read: rows are added, rows that a position hangs on are deleted. So a
position is a hint: a paginator remembers the rows that it handed on last, and looks for its place
where it does not see one of them again. It hands on what follows that place, and takes the other
rows out of the page. What cannot be followed with confidence raises `UntrustedPageError`: a list is
never cut short in silence. Rows come as dicts that each have an id; `client.py` sees to that.
"""

from abc import abstractmethod
from collections import deque
from collections.abc import Mapping
from math import ceil
from typing import Any

from dlt.sources.helpers.rest_client.paginators import BasePaginator
from requests import Request, Response

from .timestamps import to_microseconds

ROUND_PAGE_SIZES = frozenset({10, 15, 20, 25, 30, 40, 50, 100, 200, 250, 500, 1000})
"""Sizes that servers commonly cut pages to; a reply of such a size may be a part of the list."""

TRAIL_LENGTH = 12
"""Rows that a position remembers; it is lost only when all of them are deleted."""

MAX_RESTARTS = 3
"""Returns to the head of the list in one walk, after which the list is given up."""


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
    """What the paginators share: a trail of the rows handed on last, and returns to the head.

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
        self.restarts = 0
        """How often the walk had to begin again at the head: the rows that follow were seen."""
        self._limit = limit
        self._position_param = position_param
        self._limit_param = limit_param
        self._id_field = id_field
        self._trail: deque[str] = deque(maxlen=TRAIL_LENGTH)

    def resume(self, position: Mapping[str, Any]) -> None:
        """Goes on from a position of an earlier paginator, instead of from the head.

        Args:
            position (Mapping[str, Any]): What `position` was then.
        """
        self._trail.extend(position["trail"])

    @property
    def position(self) -> dict[str, Any]:
        """Where the rows handed on so far end, to be stored as JSON."""
        return {"trail": list(self._trail)}

    def refused(self, status_code: int) -> bool:
        """Takes in that the server answered the last request with an error status.

        Args:
            status_code (int): 400 and 404 are what servers say to a position they do not know.

        Returns:
            bool: Whether to go on, with the next request or, without a next page, at the end.
        """
        return False

    @abstractmethod
    def requests_for(
        self, rows: int, page_size: int, to_end: bool, is_resumed: bool = False
    ) -> int:
        """How many requests it takes to read rows of a list that stays as it is.

        Args:
            rows (int): Rows to hand on.
            page_size (int): Rows that the server puts into a page, at least one.
            to_end (bool): Whether they are the last ones, so that the end has to be seen.
            is_resumed (bool): Whether they are read from a position on, instead of from the head.

        Returns:
            int: The number of requests.
        """

    def init_request(self, request: Request) -> None:
        """Sets the page size and the position to begin at."""
        request.params = dict(request.params or {})
        if self._limit is not None:
            request.params[self._limit_param] = self._limit
        self.update_request(request)

    def _ids(self, rows: list[Any] | None) -> list[str]:
        return [str(row[self._id_field]) for row in rows or ()]

    def _start_over(self) -> None:
        self.restarts += 1
        if self.restarts > MAX_RESTARTS:
            raise UntrustedPageError("the place in the list is lost again and again")
        self._trail.clear()

    def _refuse_part_of_list(self, rows: int) -> None:
        """A page that comes at every position is the whole list, or a part of a common size."""
        if rows in ROUND_PAGE_SIZES | {self._limit}:
            raise UntrustedPageError(
                f"the server ignores `{self._position_param}` and sends {rows} rows each time,"
                " which may be a part of the list only"
            )


class CursorPaginator(BatchListPaginator):
    """Goes on after the id of the last row of each page.

    `last_id` of the reply is not used: some vendors leave it out, and their own clients go by the
    last row as well. An empty page is the end, or the answer to a cursor whose row was deleted:
    some servers send an error instead, some the first page again. Then pages after earlier rows of
    the trail are asked for, until one begins with a row of the trail. Where that row is followed by
    nothing, the end is confirmed.

    Args:
        limit (int | None): Rows to ask for in a page; None sends no limit.
        cursor_param (str): Query parameter for the id to go on after.
        limit_param (str): Query parameter for the page size.
        id_field (str): Field of a row that holds its id.
        has_more_field (str): Field of the reply that tells whether more rows follow; it may be
            absent.
    """

    RUNGS = (2, 3, 5, 8, 12)
    """Rows of the trail to ask behind when the place is lost, counted from its end."""

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
        self._handed_on = 0
        self._pages = 0
        self._taken_back: set[str] = set()
        """Rows that were handed on, and are on the trail no more."""
        self._recent = _RecentIds(1_000)
        self._first_page: list[str] = []
        self._loop = _LoopGuard()
        self._rungs: list[int] | None = None
        """Places on the trail yet to be tried; None while the place is known."""
        self._strays: list[list[str]] = []
        """Pages that did not belong where they were asked for, since the place was known."""
        self._doubted_ends = 0
        self._nothing_behind_last = False
        """Whether the last row was asked behind, without an answer."""
        self._promised_more = False
        """Whether the last page that was handed on said that more rows follow."""
        self._tells_end = False
        """Whether the last page said if more rows follow."""

    def resume(self, position: Mapping[str, Any]) -> None:
        """Goes on from a position; the first page must show the last row of the trail again."""
        super().resume(position)
        self._handed_on = position["handed_on"]
        if self._trail:
            self._look_back()

    @property
    def position(self) -> dict[str, Any]:
        """Where the rows handed on so far end."""
        return {**super().position, "handed_on": self._handed_on}

    def requests_for(
        self, rows: int, page_size: int, to_end: bool, is_resumed: bool = False
    ) -> int:
        """Counts them, by whether the last page that was seen told if more rows follow."""
        # where it goes on, the last row comes again
        shown = rows + is_resumed
        # nothing behind the last row, and once more behind an earlier one
        confirming = 2 if to_end and shown and not self._tells_end else 0
        return max(1, ceil(shown / page_size)) + confirming

    def refused(self, status_code: int) -> bool:
        """Looks back along the trail where the server does not know the cursor."""
        if status_code not in (400, 404) or self._cursor() is None or self.restarts:
            return False
        if self._rungs is None:
            self._nothing_behind_last = True
            self._look_back()
        else:
            self._try_next_rung()
        return True

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:
        """Takes in a page, and leaves in `data` the rows that go on where the last page ended.

        Raises:
            UntrustedPageError: If the page promises rows and brings none, does not say clearly
                whether more rows follow, or if the place in the list cannot be found.
        """
        rows = data if data is not None else []
        ids, more = self._ids(rows), self._has_more(response)
        if not ids and more:
            raise UntrustedPageError("an empty page promises that more rows follow")
        if self._is_in_place(ids):
            was_sought, self._rungs = self._rungs is not None, None
            self._hand_on(rows, ids, more, was_sought)
            return
        rows.clear()
        if self._cursor() is None and self._rungs is None:
            # the head of the list is empty
            self._has_next_page = False
        elif self._rungs is None:
            self._nothing_behind_last = not ids
            self._look_back()
            self._strays.append(ids)
        else:
            self._strays.append(ids)
            self._try_next_rung(more)

    def update_request(self, request: Request) -> None:
        """Asks for the rows after the last one, or after an earlier one of the trail."""
        cursor = self._cursor()
        if cursor is None:
            request.params.pop(self._position_param, None)
        else:
            request.params[self._position_param] = cursor

    def _cursor(self) -> str | None:
        if not self._trail:
            return None
        if self._rungs is None:
            return self._trail[-1]
        rung = self._rungs[0]
        return self._trail[-rung] if rung <= len(self._trail) else None

    def _is_in_place(self, ids: list[str]) -> bool:
        """Whether a page continues the list after the row that was asked for."""
        if not ids:
            return False
        if self._rungs is not None:
            return ids[0] in list(self._trail)[-self._rungs[0] :]
        # a server may repeat the end of the page before; what comes again from further up is lost
        return ids[0] in self._trail or not (
            self._trail and (ids[0] in self._first_page or ids[0] in self._recent)
        )

    def _hand_on(
        self, rows: list[Any], ids: list[str], more: bool | None, was_sought: bool
    ) -> None:
        trail = set(self._trail)
        known = max((i for i, row_id in enumerate(ids) if row_id in trail), default=-1)
        last = self._trail[-1] if self._trail else None
        if known >= 0:
            # rows of the trail that stand no longer behind this one were deleted, or come again
            while self._trail[-1] != ids[known]:
                self._taken_back.add(self._trail.pop())
                self._nothing_behind_last = False
        fresh = ids[known + 1 :]
        del rows[: known + 1]
        self._pages += 1
        if not fresh:
            if not was_sought and ids[known] == last:
                self._nothing_behind_last = True
                if len(ids) > 1:
                    self._refuse_repeated_page(more, len(ids))
            self._end_or_doubt(more)
            return
        self._strays.clear()
        self._nothing_behind_last = False
        self._first_page = self._first_page or fresh
        self._recent.extend(fresh)
        self._trail.extend(fresh)
        if not self._taken_back.isdisjoint(fresh):
            rows[:] = [row for row, i in zip(rows, fresh, strict=True) if i not in self._taken_back]
        self._handed_on += len(rows)
        self._promised_more = bool(more)
        self._has_next_page = more is not False
        if self._has_next_page and self._loop.is_closed_by(self._trail[-1]):
            raise UntrustedPageError(f"the pages repeat themselves around row {self._trail[-1]}")

    def _refuse_repeated_page(self, more: bool | None, rows: int) -> None:
        """More rows than the last one came again, where those behind it were asked for."""
        if more is False and self._promised_more:
            raise UntrustedPageError(
                f"the cursor `{self._position_param}` does not advance: the page promised that more"
                " rows follow, and came again"
            )
        if more is None:
            self._refuse_part_of_list(rows)

    def _end_or_doubt(self, more: bool | None) -> None:
        """Nothing follows the last row: the end, unless the server says otherwise."""
        self._doubted_ends += 1
        if self._doubted_ends > (MAX_RESTARTS if more else TRAIL_LENGTH):
            raise UntrustedPageError(
                f"the cursor `{self._position_param}` does not advance: the page after row"
                f" {self._trail[-1]} is empty or the same, and promises that more follow"
            )
        # a page may hold no more than the row that was sought: then ask behind it
        self._has_next_page = bool(more) or (more is None and not self._nothing_behind_last)

    def _look_back(self) -> None:
        """Asks behind earlier rows of the trail, and at the head where it reaches that far."""
        reach = len(self._trail) + (self._handed_on <= len(self._trail))
        self._rungs = [rung for rung in self.RUNGS if rung < reach]
        if not self._rungs or self._rungs[-1] < min(reach, TRAIL_LENGTH):
            self._rungs.append(reach)
        self._strays = []

    def _try_next_rung(self, more: bool | None = None) -> None:
        assert self._rungs is not None  # noqa: S101
        del self._rungs[0]
        if self._rungs:
            return
        if (
            self._pages == 1
            and self._strays
            and all(page == self._first_page for page in self._strays)
        ):
            self._end_of_ignored_cursor(more)
            return
        self._rungs = None
        self._start_over()
        self._handed_on = self._pages = 0
        self._first_page = []
        self._recent = _RecentIds(1_000)
        self._loop = _LoopGuard()

    def _end_of_ignored_cursor(self, more: bool | None) -> None:
        if more or self._promised_more:
            raise UntrustedPageError(
                f"the cursor `{self._position_param}` does not advance: each page is the first one"
                " and promises that more follow"
            )
        self._refuse_part_of_list(len(self._first_page))
        self._rungs = None
        self._has_next_page = False

    def _has_more(self, response: Response) -> bool | None:
        body = response.json()
        more = body.get(self._has_more_field) if isinstance(body, dict) else None
        self._tells_end = more is not None
        if more is None or isinstance(more, bool):
            return more
        raise UntrustedPageError(f"`{self._has_more_field}` is neither true nor false")


class OffsetPaginator(BatchListPaginator):
    """Skips the rows that were read, but for the last one, which each page must show again.

    Rows that are created meanwhile push the list down; rows that are deleted pull it up. Where a
    page shows no row that is known, the paginator goes forward if the page lies before the last
    row, by its times and the order of the list so far, and back if it does not. Where a page holds
    the last row alone, and nothing stands behind it, the list ends.

    Args:
        limit (int | None): Rows to ask for in a page, at least two so that pages can overlap;
            None sends no limit.
        offset_param (str): Query parameter for the number of rows to skip.
        limit_param (str): Query parameter for the page size.
        id_field (str): Field of a row that holds its id.
        created_field (str): Field of a row that holds the time of its creation.
    """

    MAX_REPEATS = 3
    """Equal replies in a row that rows created meanwhile may explain."""

    MAX_STALE_ROWS = 1_000
    """Known rows in a row, in whatever order, that rows created meanwhile may explain."""

    MAX_STEPS = 40
    """Steps back and forth in search of the place, most of them doubled, before the head."""

    def __init__(
        self,
        limit: int | None = None,
        offset_param: str = "offset",
        limit_param: str = "limit",
        id_field: str = "id",
        created_field: str = "created_at",
    ) -> None:
        super().__init__(limit, offset_param, limit_param, id_field)
        self._created_field = created_field
        self._offset = 0
        self._created: int | None = None
        """When the last row was created, in microseconds."""
        self._is_oldest_first = False
        """What the last page with different times showed."""
        self._first_page: list[str] = []
        self._known = _RecentIds(1_000)
        self._page: list[str] = []
        self._probes_behind_last = False
        self._step = 1
        self._steps = 0
        self._repeats = 0
        self._stale_rows = 0
        """Rows that came again since the last new one."""

    def resume(self, position: Mapping[str, Any]) -> None:
        """Goes on from a position; the first page must show a row of the trail again."""
        super().resume(position)
        self._offset = position["offset"]
        self._created = position["created"]
        self._is_oldest_first = position["is_oldest_first"]
        self._known.extend(position["trail"])

    @property
    def position(self) -> dict[str, Any]:
        """Where the rows handed on so far end."""
        return {
            **super().position,
            "offset": self._offset,
            "created": self._created,
            "is_oldest_first": self._is_oldest_first,
        }

    def requests_for(
        self, rows: int, page_size: int, to_end: bool, is_resumed: bool = False
    ) -> int:
        """Counts them: each page shows the last row of the one before again."""
        if not rows and not is_resumed:
            return 1
        pages = ceil((rows - (not is_resumed)) / max(1, page_size - 1))
        # the last row alone, and then nothing behind it
        return max(not is_resumed, pages) + (2 if to_end else 0)

    def refused(self, status_code: int) -> bool:
        """Takes an error behind the end of the list for an empty page."""
        if status_code not in (400, 404) or self._offset == 0:
            return False
        self._take([], [])
        return True

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:
        """Takes in a page, and leaves in `data` the rows that go on where the last page ended.

        Raises:
            UntrustedPageError: If the server ignores the offset and may have sent a part of the
                list only, or if the place in the list is lost again and again.
        """
        rows = data if data is not None else []
        self._take(rows, self._ids(rows))

    def update_request(self, request: Request) -> None:
        """Asks for the page at the current offset."""
        request.params[self._position_param] = self._offset

    def _take(self, rows: list[Any], ids: list[str]) -> None:
        before, self._page = self._page, ids
        probed, self._probes_behind_last = self._probes_behind_last, False
        last = self._trail[-1] if self._trail else None
        if last is None or (probed and (not ids or ids[-1] != last)):
            self._has_next_page = bool(ids)
            self._hand_on(rows, ids)
        elif ids[-1:] == [last] and (probed or len(ids) == 1):
            # a short page proves nothing, nor does one that a new row pushed down: look behind it
            self._repeats = self._repeats + 1 if probed else 0
            self._has_next_page = self._probes_behind_last = self._repeats < self.MAX_REPEATS
            if not self._has_next_page:
                self._refuse_part_of_list(len(ids))
            self._offset += 1
            rows.clear()
        elif any(row_id in self._known for row_id in ids):
            self._has_next_page = not self._ignores_offset(ids, before)
            self._hand_on(rows, ids)
        else:
            self._search(rows)
            rows.clear()

    def _hand_on(self, rows: list[Any], ids: list[str]) -> None:
        if not ids:
            return
        known = max((i for i, row_id in enumerate(ids) if row_id in self._known), default=-1)
        self._first_page = self._first_page or ids
        first, self._created = self._time(rows[0]), self._time(rows[-1])
        if first is not None and self._created is not None and first != self._created:
            self._is_oldest_first = first < self._created
        del rows[: known + 1]
        self._known.extend(ids)
        self._trail.extend(ids)
        self._offset += len(ids) - 1
        self._step, self._steps = len(ids), 0

    def _search(self, rows: list[Any]) -> None:
        """Moves to where the last row may be now: no row of the page is known."""
        self._steps += 1
        last, sought = self._time(rows[-1]) if rows else None, self._created
        if last and sought and last != sought and (last > sought) != self._is_oldest_first:
            # rows before the place: others were added
            self._offset += max(1, len(rows) - 1)
        elif self._offset > 0:
            self._offset = max(0, self._offset - self._step)
            self._step *= 2
        else:
            self._steps = self.MAX_STEPS + 1
        if self._steps > self.MAX_STEPS:
            self._start_over()
            self._known = _RecentIds(1_000)
            self._offset, self._steps, self._step = 0, 0, 1

    def _time(self, row: Any) -> int | None:
        try:
            return to_microseconds(row.get(self._created_field))
        except ValueError:
            return None

    def _ignores_offset(self, ids: list[str], before: list[str]) -> bool:
        """Whether the server sends its one page, which is the whole list, at every offset."""
        self._repeats = self._repeats + 1 if ids == before else 0
        self._stale_rows = self._stale_rows + len(ids) if ids[-1] in self._known else 0
        if self._repeats <= self.MAX_REPEATS and self._stale_rows <= self.MAX_STALE_ROWS:
            return False
        if ids != self._first_page:
            raise UntrustedPageError(
                f"the server ignores `{self._position_param}`, or rows are added faster than they"
                " are read"
            )
        self._refuse_part_of_list(len(ids))
        return True


class _RecentIds:
    """The ids that were added last: a number of them at least, twice as many at most."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._ids: set[str] = set()
        self._older: set[str] = set()

    def extend(self, ids: list[str]) -> None:
        self._ids.update(ids)
        if len(self._ids) >= self._size:
            self._ids, self._older = set(), self._ids

    def __contains__(self, row_id: str) -> bool:
        return row_id in self._ids or row_id in self._older


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
