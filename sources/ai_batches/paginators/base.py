"""What the paginators share: a trail of the rows handed on last, and returns to the head."""

from collections import deque
from collections.abc import Collection, Container, Mapping
from typing import Any

from dlt.sources.helpers.rest_client.paginators import BasePaginator
from requests import Request, Response

from .envelope import Envelope

ROUND_PAGE_SIZES = frozenset({10, 15, 20, 25, 30, 40, 50, 100, 200, 250, 500, 1000})
"""Sizes that servers commonly cut pages to; a reply of such a size may be a part of the list."""

RECENT_ROWS = 1_000
"""Rows that a scan knows again, wherever they come."""

TRAIL_LENGTH = 12
"""Rows that a position remembers; it is lost only when all of them are deleted."""

UNKNOWN_POSITION = frozenset({400, 404, 410, 422})
"""What servers answer to a cursor or token that they do not know, or know no more."""

MAX_RESTARTS = 3
"""Returns to the head of the list in one scan, after which the list is given up."""


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
        known (Collection[str]): Fields of the reply that the paginator follows, or that promise
            nothing whatever they hold; nested ones with dots.
    """

    def __init__(
        self,
        limit: int | None,
        position_param: str,
        limit_param: str,
        id_field: str,
        known: Collection[str] = (),
    ) -> None:
        super().__init__()
        self.restarts = 0
        """How often the scan had to begin again at the head: the rows that follow were seen."""
        self._limit = limit
        self._position_param = position_param
        self._limit_param = limit_param
        self._id_field = id_field
        self._known_fields = frozenset(known)
        self._reply: Envelope
        """Of the page that is being taken in."""
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

    def init_request(self, request: Request) -> None:
        """Sets the page size and the position to begin at."""
        request.params = dict(request.params or {})
        if self._limit is not None:
            request.params[self._limit_param] = self._limit
        self.update_request(request)

    def _ids(self, rows: list[Any] | None) -> list[str]:
        return [str(row[self._id_field]) for row in rows or ()]

    def _last_known(self, ids: list[str], known: Container[str]) -> int:
        """Place of the last row of a page that is known; -1 where none is."""
        return max((i for i, row_id in enumerate(ids) if row_id in known), default=-1)

    def _start_over(self) -> None:
        self.restarts += 1
        if self.restarts > MAX_RESTARTS:
            raise UntrustedPageError("the place in the list is lost again and again")
        self._trail.clear()

    def _field(self, response: Response, path: str) -> Any:
        """A field of the reply, nested ones with dots; None where it has none."""
        value = response.json()
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def _open(self, response: Response, data: list[Any] | None) -> list[Any]:
        """The rows of a reply, to be changed in place."""
        rows = data if data is not None else []
        self._reply = Envelope(response, rows, self._known_fields)
        return rows

    def _refuse_promise(self) -> None:
        """The list ends here by its vendor's rules, unless the reply promises more."""
        if promise := self._reply.promise:
            raise UntrustedPageError(
                f"`{promise.path}` in the reply promises more rows, which cannot be asked for"
            )

    def _refuse_part_of_list(self, rows: int) -> None:
        """A page that comes at every position is the whole list, or a part of a common size."""
        self._refuse_promise()
        self._refuse_missing_rows(rows)
        if rows in ROUND_PAGE_SIZES | {self._limit} or self._reply.names_page_size(rows):
            raise UntrustedPageError(
                f"the server ignores `{self._position_param}` and sends {rows} rows each time,"
                " which may be a part of the list only"
            )

    def _refuse_missing_rows(self, rows: int) -> None:
        """All rows that can be had are fewer than the reply says there are."""
        if (total := self._reply.total) is not None and total > rows:
            raise UntrustedPageError(
                f"the list ends after {rows} rows, and says that it has {total}"
            )


class RecentIds:
    """The ids that were added last: a number of them at least, twice as many at most."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._ids: set[str] = set()
        self._older: set[str] = set()

    def extend(self, ids: list[str]) -> None:
        """Adds ids."""
        self._ids.update(ids)
        if len(self._ids) >= self._size:
            self._ids, self._older = set(), self._ids

    def __contains__(self, row_id: object) -> bool:
        return row_id in self._ids or row_id in self._older


class LoopGuard:
    """Brent's cycle detection: one remembered value finds a loop of any length."""

    def __init__(self) -> None:
        self._remembered: str | None = None
        self._seen_since = 0
        self._patience = 1

    def is_closed_by(self, cursor: str) -> bool:
        """Takes in the next value; tells whether a loop was found."""
        if cursor == self._remembered:
            return True
        self._seen_since += 1
        if self._seen_since == self._patience:
            self._remembered, self._seen_since = cursor, 0
            self._patience *= 2
        return False
