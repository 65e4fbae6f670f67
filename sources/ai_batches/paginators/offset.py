"""Lists that skip a number of rows."""

from collections.abc import Collection, Mapping
from typing import Any

from ..timestamps import to_microseconds
from .base import (
    RECENT_ROWS,
    BatchListPaginator,
    RecentIds,
    UntrustedPageError,
)
from .reply import Reply


class OffsetPaginator(BatchListPaginator):
    """Skips the rows that were read, except for the last one, which each page must show again.

    Rows that are created meanwhile push the list down; rows that are deleted pull it up. If a page
    shows no known row, the paginator steps forward if the page lies before the last row, judged by
    its times and the order of the list so far. Otherwise, or if the times are in no order, it steps
    back, which never skips a row. The list ends if a page holds the last row alone and nothing
    follows it.

    Args:
        limit (int | None): Rows to request per page, at least two so that pages can overlap;
            None sends no limit.
        offset_param (str): Query parameter for the number of rows to skip.
        limit_param (str): Query parameter for the page size.
        id_field (str): Field of a row that holds its id.
        created_field (str): Field of a row that holds the time of its creation.
        known (Collection[str]): Fields of the reply that promise nothing, nested ones with dots.
    """

    MAX_REPEATS = 3
    """Consecutive equal replies that rows created meanwhile may explain."""

    MAX_STALE_ROWS = 1_000
    """Consecutive known rows, in whatever order, that rows created meanwhile may explain."""

    MAX_STEPS = 40
    """Steps in search of the position, most of them doubled, before the scan restarts."""

    def __init__(
        self,
        limit: int | None = None,
        offset_param: str = "offset",
        limit_param: str = "limit",
        id_field: str = "id",
        created_field: str = "created_at",
        known: Collection[str] = (),
    ) -> None:
        super().__init__(limit, offset_param, limit_param, id_field, known)
        self._created_field = created_field
        self._offset = 0
        self._created: int | None = None
        """When the last row was created, in microseconds."""
        self._is_oldest_first = False
        """What the last page with different times showed."""
        self._is_sorted = True
        """Whether all pages so far, from row to row, showed the same order."""
        self._first_page: list[str] = []
        self._known = RecentIds(RECENT_ROWS)
        self._page: list[str] = []
        self._probes_behind_last = False
        self._has_handed_on = False
        """Whether this paginator did, not only the one whose position it resumed from."""
        self._step = 1
        self._steps = 0
        self._repeats = 0
        self._stale_rows = 0
        """Rows that came again since the last new one."""

    def resume(self, position: Mapping[str, Any]) -> None:
        """Resumes from a position; the first page must show a row of the trail again."""
        super().resume(position)
        self._offset = position["offset"]
        self._created = position["created"]
        self._is_oldest_first = position["is_oldest_first"]
        self._is_sorted = position.get("is_sorted", False)
        self._known.extend(position["trail"])

    @property
    def position(self) -> dict[str, Any]:
        """Where the rows handed on so far end."""
        return {
            **super().position,
            "offset": self._offset,
            "created": self._created,
            "is_oldest_first": self._is_oldest_first,
            "is_sorted": self._is_sorted,
        }

    def refused(self, status_code: int) -> bool:
        """Treats an error behind the end of the list as an empty page."""
        if status_code not in (400, 404) or self._offset == 0:
            return False
        self._take([], [])
        return True

    def update_state(self, reply: Reply, rows: list[Any]) -> None:
        """Takes in a page, and leaves in `rows` those that continue where the last page ended.

        Raises:
            UntrustedPageError: If the server ignores the offset and may have sent a part of the
                list only, if the last page promises more, or if the position in the list is lost
                too often.
        """
        self._open(reply, rows)
        self._take(rows, self._ids(rows))
        if not self.has_next_page:
            self._refuse_promise()

    def _position_params(self) -> dict[str, Any]:
        return {self._position_param: self._offset}

    def _take(self, rows: list[Any], ids: list[str]) -> None:
        before, self._page = self._page, ids
        probed, self._probes_behind_last = self._probes_behind_last, False
        last = self._trail[-1] if self._trail else None
        if last is None or (probed and (not ids or ids[-1] != last)):
            self.has_next_page = bool(ids)
            self._hand_on(rows, ids)
        elif ids[-1:] == [last] and (probed or len(ids) == 1):
            # a short page proves nothing, nor does one that a new row pushed down: look behind it
            self._repeats = self._repeats + 1 if probed else 0
            self.has_next_page = self._probes_behind_last = self._repeats < self.MAX_REPEATS
            if not self.has_next_page:
                self._refuse_part_of_list(len(ids))
            self._offset += 1
            rows.clear()
        elif any(row_id in self._known for row_id in ids):
            self.has_next_page = not self._ignores_offset(ids, before)
            self._hand_on(rows, ids)
        else:
            self._search(rows)

    def _hand_on(self, rows: list[Any], ids: list[str]) -> None:
        if not ids:
            return
        known = self._last_known(ids, self._known)
        self._first_page = self._first_page or ids
        times = [self._time(row) for row in rows]
        first, self._created = times[0], times[-1]
        if first is not None and self._created is not None and first != self._created:
            is_oldest_first = first < self._created
            is_turned = bool(self._trail) and is_oldest_first != self._is_oldest_first
            self._is_sorted &= not is_turned
            self._is_oldest_first = is_oldest_first
        self._is_sorted &= _is_sorted(times, self._is_oldest_first)
        if self._has_handed_on:
            # a known row may have moved down to rows that nobody saw yet
            rows[:] = [row for row, i in zip(rows, ids, strict=True) if i not in self._known]
        else:
            del rows[: known + 1]
        self._has_handed_on |= bool(rows)
        self._known.extend(ids)
        self._trail.extend(ids)
        self._offset += len(ids) - 1
        self._step, self._steps = len(ids), 0

    def _search(self, rows: list[Any]) -> None:
        """Moves to where the last row may be now, after a page without a known row.

        Rows passed on the way down are handed on: nobody has seen them yet. While resuming an
        earlier scan they are dropped: they are new, and the incremental scan after it reads them.
        """
        self._steps += 1
        last, sought = self._time(rows[-1]) if rows else None, self._created
        is_sorted = self._is_sorted and _is_sorted(
            [self._time(row) for row in rows], self._is_oldest_first
        )
        is_before = last and sought and last != sought and (last > sought) != self._is_oldest_first
        if is_sorted and is_before:
            # rows before the place: others were added
            self._offset += max(1, len(rows) - 1)
            if not self._has_handed_on:
                rows.clear()
        elif self._offset > 0:
            self._offset = max(0, self._offset - self._step)
            self._step *= 2
            rows.clear()
        else:
            self._steps = self.MAX_STEPS + 1
        if self._steps > self.MAX_STEPS:
            rows.clear()
            self._start_over()
            self._known = RecentIds(RECENT_ROWS)
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


def _is_sorted(times: list[int | None], is_oldest_first: bool) -> bool:
    """Whether times are all known, and none stands before one that belongs before it."""
    known = [time for time in times if time is not None]
    return len(known) == len(times) and known == sorted(known, reverse=not is_oldest_first)
