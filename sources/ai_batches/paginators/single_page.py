"""Lists that come in one reply."""

from collections.abc import Collection, Mapping
from typing import Any

from .base import BatchListPaginator, UntrustedPageError
from .reply import Reply


class SinglePagePaginator(BatchListPaginator):
    """Reads a list that comes in one reply; a promise of more rows is an error behind them.

    Args:
        limit (int | None): Rows to request; not sent without `limit_param`: it would cut the list.
        limit_param (str): Query parameter for the number of rows, if the vendor limits it: a reply
            that is full then has to say that the list ends.
        id_field (str): Field of a row that holds its id.
        known (Collection[str]): Fields of the reply that promise nothing, nested ones with dots.
    """

    def __init__(
        self,
        limit: int | None = None,
        limit_param: str = "",
        id_field: str = "id",
        known: Collection[str] = (),
    ) -> None:
        super().__init__(limit if limit_param else None, "", limit_param, id_field, known)
        self._doubt: UntrustedPageError | None = None
        """Why the rows that were handed on are not the whole list."""

    def resume(self, position: Mapping[str, Any]) -> None:
        """Reads the list again."""
        self._start_over()

    def params(self) -> dict[str, Any]:
        """Query parameters of the one request.

        Raises:
            UntrustedPageError: If the reply was not the whole list.
        """
        if self._doubt:
            raise self._doubt
        return super().params()

    def update_state(self, reply: Reply, rows: list[Any]) -> None:
        """Leaves all rows in `rows`; if the list has more of them, `params` raises that next."""
        self._open(reply, rows)
        try:
            self._refuse_promise()
            self._refuse_missing_rows(len(rows))
            self._refuse_full_reply(reply, len(rows))
        except UntrustedPageError as ex:
            self._doubt = ex
        self.has_next_page = self._doubt is not None

    def _refuse_full_reply(self, reply: Reply, rows: int) -> None:
        is_full = self._limit is not None and rows >= self._limit
        if is_full and reply.field("has_more") is not False:
            raise UntrustedPageError(
                f"the reply has the {rows} rows that one may have, and there is no second one"
            )

    def _position_params(self) -> dict[str, Any]:
        return {}
