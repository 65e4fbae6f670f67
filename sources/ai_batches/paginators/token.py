"""Lists in which each page gives the token of the next one."""

from collections.abc import Collection, Mapping
from typing import Any

from .base import (
    RECENT_ROWS,
    UNKNOWN_POSITION,
    BatchListPaginator,
    LoopGuard,
    RecentIds,
    UntrustedPageError,
)
from .reply import Reply


class TokenPaginator(BatchListPaginator):
    """Sends the token that each page gives for the next one; a page without one is the last.

    A token does not reveal which row it stands for. So a position is the token of the page that was
    handed on last: to resume, that page is requested again, and must show a row of the trail. If it
    does not, or if the token has expired, the scan restarts at the head. A reply with
    `has_more: false` is the last one, even if it gives a token. Tokens that count rows instead of
    naming one skip a row if one above it is deleted meanwhile; if the list reports its total, that
    is noticed at the end.

    Args:
        limit (int | None): Rows to request per page; None sends no limit.
        position_param (str): Query parameter for the token.
        next_field (str): Field of the reply that holds the next token, nested ones with dots;
            null, empty or absent on the last page.
        total_field (str | None): Field of the reply that holds the number of rows of the list, if
            there is one.
        limit_param (str): Query parameter for the page size.
        id_field (str): Field of a row that holds its id.
        known (Collection[str]): Further fields of the reply that promise nothing.
    """

    MAX_STALE_PAGES = 20
    """Consecutive pages that may hold nothing new and promise more."""

    def __init__(
        self,
        limit: int | None = None,
        position_param: str = "page_token",
        next_field: str = "next_page_token",
        limit_param: str = "page_size",
        id_field: str = "id",
        total_field: str | None = None,
        known: Collection[str] = (),
    ) -> None:
        super().__init__(limit, position_param, limit_param, id_field, {next_field, *known})
        self._total_field = total_field
        self._least_total: int | None = None
        """The lowest total so far: rows are added while the list is read."""
        self._handed_on = 0
        self.next_field = next_field
        """Field of the reply that holds the next token."""
        self._token: str | int | None = None
        """Of the page to request; None for the first one."""
        self._page_token: str | int | None = None
        """Of the page that was handed on last."""
        self._is_resumed = False
        self._loop = LoopGuard()
        self._known = RecentIds(RECENT_ROWS)
        self._stale_pages = 0

    def resume(self, position: Mapping[str, Any]) -> None:
        """Resumes from a position; the first page must show a row of the trail again."""
        super().resume(position)
        self._token = self._page_token = position["token"]
        self._handed_on, self._least_total = position["handed_on"], position["least_total"]
        self._is_resumed = bool(self._trail)

    @property
    def position(self) -> dict[str, Any]:
        """Where the rows handed on so far end."""
        counts = {"handed_on": self._handed_on, "least_total": self._least_total}
        return {**super().position, **counts, "token": self._page_token}

    def refused(self, status_code: int) -> bool:
        """Restarts at the head, once, if the server does not know the token."""
        if status_code not in UNKNOWN_POSITION or self._token is None or self.restarts:
            return False
        self._begin_again()
        return True

    def update_state(self, reply: Reply, rows: list[Any]) -> None:
        """Takes in a page, and leaves in `rows` those that continue where the last page ended.

        Raises:
            UntrustedPageError: If the pages repeat themselves, or promise more and bring nothing,
                or if the reply denies that the last one is the end.
        """
        self._open(reply, rows)
        ids, token = self._ids(rows), self._next_token(reply)
        if self._total_field:
            total = reply.field(self._total_field)
            if type(total) is int:
                least = self._least_total
                self._least_total = total if least is None else min(total, least)
        if self._is_resumed:
            self._is_resumed = False
            known = self._last_known(ids, set(self._trail))
            if known < 0:
                rows.clear()
                self._begin_again()
                return
            self._known.extend(ids)
            del rows[: known + 1], ids[: known + 1]
        is_stale = all(row_id in self._known for row_id in ids)
        if ids:
            self._page_token = self._token
            self._trail.extend(ids)
            self._known.extend(ids)
            self._handed_on += len(ids)
        if token is None:
            self._refuse_early_end(reply)
        elif is_stale:
            self._refuse_loop(token)
        else:
            self._stale_pages = 0
        self._token = token
        self.has_next_page = token is not None

    def _position_params(self) -> dict[str, Any]:
        return {} if self._token is None else {self._position_param: self._token}

    def _next_token(self, reply: Reply) -> str | int | None:
        token = reply.field(self.next_field)
        # also null, empty, zero and false stand for no token
        if not token or reply.field("has_more") is False:
            return None
        if type(token) in (str, int):
            return token  # type: ignore[no-any-return]
        raise UntrustedPageError(f"`{self.next_field}` is not a valid token")

    def _refuse_early_end(self, reply: Reply) -> None:
        if reply.field("has_more") is not False and (promise := self._reply.promise):
            raise UntrustedPageError(
                f"`{promise.path}` in the reply promises more rows, and there is no"
                f" `{self.next_field}` to request them"
            )
        if self._least_total is not None and self._handed_on < self._least_total:
            raise UntrustedPageError(
                f"the list ends after {self._handed_on} rows, but reports a total of"
                f" {self._least_total}"
            )

    def _refuse_loop(self, token: str | int) -> None:
        self._stale_pages += 1
        if self._loop.is_closed_by(str(token)) or self._stale_pages > self.MAX_STALE_PAGES:
            raise UntrustedPageError(
                f"the token `{self.next_field}`, sent as `{self._position_param}`, does not"
                " advance: the pages bring nothing new and promise that more follow"
            )

    def _begin_again(self) -> None:
        self._start_over()
        self._token = self._page_token = None
        self._loop, self._known = LoopGuard(), RecentIds(RECENT_ROWS)
        self._stale_pages = self._handed_on = 0
        self._least_total = None
