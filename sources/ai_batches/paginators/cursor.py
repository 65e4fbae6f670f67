"""Lists that continue after the id of a row."""

from collections.abc import Collection, Mapping
from typing import Any

from .base import (
    MAX_RESTARTS,
    RECENT_ROWS,
    TRAIL_LENGTH,
    UNKNOWN_POSITION,
    BatchListPaginator,
    LoopGuard,
    RecentIds,
    UntrustedPageError,
)
from .envelope import Promise
from .reply import Reply
from .token import TokenPaginator


class CursorPaginator(BatchListPaginator):
    """Continues after the id of the last row of each page.

    `last_id` of the reply is not used: some vendors leave it out, and their own clients use the
    last row as well. An empty page is the end, or the answer to a cursor that refers to a deleted
    row; some servers answer that with an error, others with the first page. Then pages after
    earlier rows of the trail are requested, until one begins with a row of the trail. If nothing
    follows that row, the end is confirmed.

    Some servers of this shape give a cursor of their own, and take no ids. If ids lead nowhere and
    a reply gives such a cursor, it is sent instead, as long as that works.

    Args:
        limit (int | None): Rows to request per page; None sends no limit.
        cursor_param (str): Query parameter for the id to continue after.
        limit_param (str): Query parameter for the page size.
        id_field (str): Field of a row that holds its id.
        has_more_field (str): Field of the reply that says whether more rows follow; it may be
            absent.
        known (Collection[str]): Further fields of the reply that promise nothing, nested ones with
            dots.
    """

    RUNGS = (2, 3, 5, 8, 12)
    """Rows of the trail to try as cursors if the position is lost, counted from its end."""

    def __init__(
        self,
        limit: int | None = None,
        cursor_param: str = "after",
        limit_param: str = "limit",
        id_field: str = "id",
        has_more_field: str = "has_more",
        known: Collection[str] = (),
    ) -> None:
        super().__init__(limit, cursor_param, limit_param, id_field, {has_more_field, *known})
        self._has_more_field = has_more_field
        self._handed_on = 0
        self._pages = 0
        self._taken_back: set[str] = set()
        """Rows that were handed on, and are no longer on the trail."""
        self._recent = RecentIds(RECENT_ROWS)
        self._first_page: list[str] = []
        self._loop = LoopGuard()
        self._rungs: list[int] | None = None
        """Rows of the trail still to be tried; None while the position is known."""
        self._strays: list[list[str]] = []
        """Pages that did not continue the list, since the position was lost."""
        self._doubted_ends = 0
        self._nothing_behind_last = False
        """Whether a request for the rows after the last one brought none."""
        self._promised_more = False
        """Whether the last page that was handed on said that more rows follow."""
        self._tells_end = False
        """Whether the last page said if more rows follow."""
        self._never_continues = True
        """Whether no cursor has ever led to a row."""
        self._own_cursor: Promise | None = None
        """The server's own cursor on the last page, instead of the id of a row."""
        self._by_own_cursor: TokenPaginator | None = None
        """Reads on by the server's own cursors, once ids lead nowhere."""

    def resume(self, position: Mapping[str, Any]) -> None:
        """Resumes from a position; the first page must show the last row of the trail again."""
        if next_field := position.get("next_field"):
            self._by_own_cursor = self._token_paginator(next_field, position)
            return
        super().resume(position)
        self._handed_on = position["handed_on"]
        if self._trail:
            self._look_back()

    @property
    def position(self) -> dict[str, Any]:
        """Where the rows handed on so far end."""
        if self._by_own_cursor:
            return {**self._by_own_cursor.position, "next_field": self._by_own_cursor.next_field}
        return {**super().position, "handed_on": self._handed_on}

    def refused(self, status_code: int) -> bool:
        """Looks back along the trail if the server does not know the cursor."""
        if self._by_own_cursor:
            goes_on = self._by_own_cursor.refused(status_code)
            self.restarts += goes_on
            return goes_on
        if status_code not in UNKNOWN_POSITION or self._cursor() is None:
            return False
        if self._turns_to_own_cursor():
            return True
        if self.restarts:
            return False
        if self._rungs is None:
            self._nothing_behind_last = True
            self._look_back()
        else:
            self._try_next_rung()
        return True

    def update_state(self, reply: Reply, rows: list[Any]) -> None:
        """Takes in a page, and leaves in `rows` those that continue where the last page ended.

        Raises:
            UntrustedPageError: If the page promises rows and brings none, does not say clearly
                whether more rows follow, or if the position in the list cannot be found.
        """
        if self._by_own_cursor:
            before = self._by_own_cursor.restarts
            self._by_own_cursor.update_state(reply, rows)
            self.restarts += self._by_own_cursor.restarts - before
            self.has_next_page = self._by_own_cursor.has_next_page
            return
        self._open(reply, rows)
        ids, more = self._ids(rows), self._has_more(reply)
        if not ids and more is not False and (more or self._reply.promise):
            raise UntrustedPageError("an empty page promises that more rows follow")
        if self._is_in_place(ids):
            was_sought, self._rungs = self._rungs is not None, None
            self._hand_on(rows, ids, more, was_sought)
            return
        rows.clear()
        if self._cursor() is None and self._rungs is None:
            # the head of the list is empty
            self.has_next_page = False
        elif self._rungs is None:
            self._nothing_behind_last = not ids
            self._look_back()
            self._strays.append(ids)
        else:
            self._strays.append(ids)
            self._try_next_rung(more)

    def _position_params(self) -> dict[str, Any]:
        """After the last row, or after an earlier one of the trail."""
        if self._by_own_cursor:
            return self._by_own_cursor._position_params()
        cursor = self._cursor()
        return {} if cursor is None else {self._position_param: cursor}

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
            # what comes behind more than one row does not hang on the row
            is_fixed = self._cursor() is not None and ids in self._strays
            return ids[0] in list(self._trail)[-self._rungs[0] :] and not is_fixed
        if ids[0] in self._trail:
            # a server may repeat the end of the page before, without a gap
            repeated = list(self._trail)[self._trail.index(ids[0]) :]
            return ids[: len(repeated)] == repeated
        # what comes again from further up is lost
        return not (self._trail and (ids[0] in self._first_page or ids[0] in self._recent))

    def _hand_on(
        self, rows: list[Any], ids: list[str], more: bool | None, was_sought: bool
    ) -> None:
        known = self._last_known(ids, set(self._trail))
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
                elif more is None:
                    # the only row there is, or the last one with what follows it
                    self._refuse_promise()
                    if self._handed_on == 1:
                        self._refuse_missing_rows(1)
            self._end_or_doubt(more)
            return
        self._strays.clear()
        self._nothing_behind_last = False
        self._never_continues &= last is None
        self._own_cursor = self._reply.cursor(ids)
        self._first_page = self._first_page or fresh
        self._recent.extend(fresh)
        self._trail.extend(fresh)
        if not self._taken_back.isdisjoint(fresh):
            rows[:] = [row for row, i in zip(rows, fresh, strict=True) if i not in self._taken_back]
        self._handed_on += len(rows)
        self._promised_more = bool(more)
        self.has_next_page = more is not False
        if self.has_next_page and self._loop.is_closed_by(self._trail[-1]):
            raise UntrustedPageError(f"the pages repeat themselves around row {self._trail[-1]}")

    def _refuse_repeated_page(self, more: bool | None, rows: int) -> None:
        """Raises if known rows came again instead of those after the last one."""
        if more is False and self._promised_more:
            raise UntrustedPageError(
                f"the cursor `{self._position_param}` does not advance: the page promised that more"
                " rows follow, and came again"
            )
        if more is None:
            self._refuse_part_of_list(rows)

    def _end_or_doubt(self, more: bool | None) -> None:
        """Ends the list after its last row, unless the server says that more follow."""
        self._doubted_ends += 1
        if self._doubted_ends > (MAX_RESTARTS if more else TRAIL_LENGTH):
            raise UntrustedPageError(
                f"the cursor `{self._position_param}` does not advance: the page after row"
                f" {self._trail[-1]} is empty or the same, and promises that more follow"
            )
        # a page may hold only the row that was sought: then request what follows it
        self.has_next_page = bool(more) or (more is None and not self._nothing_behind_last)

    def _look_back(self) -> None:
        """Plans to try earlier rows of the trail, and the head if the trail reaches that far."""
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
        if self.restarts == MAX_RESTARTS and self._never_continues and not any(self._strays):
            raise UntrustedPageError(
                f"the server's `{self._position_param}` does not work: nothing follows any row that"
                " it has shown, not even the first ones of the list"
            )
        self._rungs = None
        self._start_over()
        self._handed_on = self._pages = 0
        self._first_page = []
        self._recent = RecentIds(RECENT_ROWS)
        self._loop = LoopGuard()

    def _end_of_ignored_cursor(self, more: bool | None) -> None:
        if self._turns_to_own_cursor():
            return
        if more or self._promised_more:
            raise UntrustedPageError(
                f"the cursor `{self._position_param}` does not advance: each page is the first one"
                " and promises that more follow"
            )
        self._refuse_part_of_list(len(self._first_page))
        self._rungs = None
        self.has_next_page = False

    def _has_more(self, reply: Reply) -> bool | None:
        body = reply.body
        more = body.get(self._has_more_field) if isinstance(body, dict) else None
        self._tells_end = more is not None
        if more is None or isinstance(more, bool):
            return more
        raise UntrustedPageError(f"`{self._has_more_field}` is neither true nor false")

    def _turns_to_own_cursor(self) -> bool:
        """Switches to the cursor that the last page gave, if ids never led any further."""
        if self._own_cursor is None or not self._never_continues:
            return False
        # the first page comes again: it has to show the rows that were handed on
        position = {
            "trail": list(self._trail),
            "handed_on": self._handed_on,
            "least_total": None,
            "token": None,
        }
        self._by_own_cursor = self._token_paginator(self._own_cursor.path, position)
        return True

    def _token_paginator(self, next_field: str, position: Mapping[str, Any]) -> TokenPaginator:
        paginator = TokenPaginator(
            self._limit,
            self._position_param,
            next_field,
            self._limit_param,
            self._id_field,
            known=self._known_fields - {self._has_more_field},
        )
        paginator.resume(position)
        return paginator
