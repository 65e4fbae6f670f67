"""Base of the paginators: a trail of the rows handed on last, and restarts at the head."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Collection, Container, Mapping
from typing import Any

from .envelope import Envelope
from .reply import Reply

ROUND_PAGE_SIZES = frozenset({10, 15, 20, 25, 30, 40, 50, 100, 200, 250, 500, 1000})
"""Common page sizes of servers; a reply of such a size may be only a part of the list."""

RECENT_ROWS = 1_000
"""How many recent rows a scan recognizes when they come again."""

TRAIL_LENGTH = 12
"""Rows that a position stores; it is lost only if all of them are deleted."""

UNKNOWN_POSITION = frozenset({400, 404, 410, 422})
"""Statuses that servers answer with to an unknown or expired cursor or token."""

MAX_RESTARTS = 3
"""Restarts at the head of the list that one scan may make."""


class UntrustedPageError(Exception):
    """A reply cannot be trusted as the next page of the list; the text says why, as a clause.

    The client raises it again as a `BadPageError`, which names the account and what to do.

    Args:
        problem (str): What is wrong with the page.
        quote (str | None): The server's own message; it may hold a key.
        is_web_page (bool): Whether a web page came, from a login, a proxy or a firewall.
    """

    def __init__(self, problem: str, quote: str | None = None, is_web_page: bool = False) -> None:
        super().__init__(problem)
        self.quote = quote
        self.is_web_page = is_web_page


class BatchListPaginator(ABC):
    """Base of the paginators: a trail of the rows handed on last, and restarts at the head.

    Args:
        limit (int | None): Rows to request per page; None sends no limit.
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
        self.has_next_page = True
        """Whether a page is still to be requested."""
        self.restarts = 0
        """How often the scan had to restart at the head: the rows that follow were seen."""
        self._limit = limit
        self._position_param = position_param
        self._limit_param = limit_param
        self._id_field = id_field
        self._known_fields = frozenset(known)
        self._reply: Envelope
        """Of the page that is being taken in."""
        self._trail: deque[str] = deque(maxlen=TRAIL_LENGTH)
        self._has_number_ids = self._has_digit_ids = False

    @abstractmethod
    def update_state(self, reply: Reply, rows: list[Any]) -> None:
        """Takes in a page, and leaves in `rows` those that continue where the last page ended.

        Args:
            reply (Reply): The reply to the last request.
            rows (list[Any]): The rows in its body, each with an id; the list is changed.

        Raises:
            UntrustedPageError: If the page cannot be trusted to continue the list.
        """

    @abstractmethod
    def _position_params(self) -> dict[str, Any]:
        """Query parameters that say where the next page starts."""

    def params(self) -> dict[str, Any]:
        """Query parameters of the next request: the page size and where the page starts."""
        limit = {} if self._limit is None else {self._limit_param: self._limit}
        return {**limit, **self._position_params()}

    @property
    def known_names(self) -> frozenset[str]:
        """Fields of the reply that it follows or knows, by the name at the top."""
        return frozenset(path.partition(".")[0] for path in self._known_fields)

    def resume(self, position: Mapping[str, Any]) -> None:
        """Resumes from a position of an earlier paginator, instead of from the head.

        Args:
            position (Mapping[str, Any]): What `position` was then.
        """
        self._trail.extend(position["trail"])

    @property
    def position(self) -> dict[str, Any]:
        """Where the rows handed on so far end, to be stored as JSON."""
        return {"trail": list(self._trail)}

    def refused(self, status_code: int) -> bool:
        """Handles an error status in answer to the last request.

        Args:
            status_code (int): The status; servers answer 400 or 404 to an unknown position.

        Returns:
            bool: Whether to continue, with the next request or, without a next page, at the end;
                False: the status is an error.
        """
        return False

    def _ids(self, rows: list[Any]) -> list[str]:
        return [str(row[self._id_field]) for row in rows]

    def _last_known(self, ids: list[str], known: Container[str]) -> int:
        """Index of the last known row of a page; -1 if there is none."""
        return max((i for i, row_id in enumerate(ids) if row_id in known), default=-1)

    def _start_over(self) -> None:
        self.restarts += 1
        if self.restarts > MAX_RESTARTS:
            raise UntrustedPageError(
                f"lost the position in the list more than {MAX_RESTARTS} times"
            )
        self._trail.clear()

    def _open(self, reply: Reply, rows: list[Any]) -> None:
        """Looks at what the reply holds beside its rows, and at the kinds of ids."""
        self._refuse_mixed_ids([row[self._id_field] for row in rows])
        self._reply = Envelope(reply, rows, self._known_fields)

    def _refuse_mixed_ids(self, ids: list[Any]) -> None:
        """Raises if a list has the id 1 as well as "1": both would be taken for one batch."""
        texts = [each for each in ids if type(each) is str]
        self._has_number_ids |= len(texts) < len(ids)
        self._has_digit_ids |= any(map(str.isdecimal, texts))
        if self._has_number_ids and self._has_digit_ids:
            raise UntrustedPageError(
                f"`{self._id_field}` is a number in some rows and a text of digits in others, such"
                f" as {ids[0]}: two batches might be taken for one"
            )

    def _refuse_promise(self) -> None:
        """Raises if the reply promises more rows although its vendor's rules end the list."""
        if promise := self._reply.promise:
            raise UntrustedPageError(
                f"`{promise.path}` in the reply promises more rows, which cannot be requested"
            )

    def _refuse_part_of_list(self, rows: int) -> None:
        """Raises if a page that comes at every position may be only a part of the list."""
        self._refuse_promise()
        self._refuse_missing_rows(rows)
        if rows in ROUND_PAGE_SIZES | {self._limit} or self._reply.names_page_size(rows):
            raise UntrustedPageError(
                f"the server ignores `{self._position_param}` and sends {rows} rows each time,"
                " which may be a part of the list only"
            )

    def _refuse_missing_rows(self, rows: int) -> None:
        """Raises if the list has ended with fewer rows than the reply says there are."""
        if (total := self._reply.total) is not None and total > rows:
            raise UntrustedPageError(
                f"the list ends after {rows} rows, but reports a total of {total}"
            )


class RecentIds:
    """The ids added last: at least `size` of them, at most twice as many."""

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
        """Adds the next value; returns whether it closes a loop."""
        if cursor == self._remembered:
            return True
        self._seen_since += 1
        if self._seen_since == self._patience:
            self._remembered, self._seen_since = cursor, 0
            self._patience *= 2
        return False
