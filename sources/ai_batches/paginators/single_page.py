"""Lists that come in one reply."""

from collections.abc import Collection, Mapping
from typing import Any

from .base import BatchListPaginator
from .reply import Reply


class SinglePagePaginator(BatchListPaginator):
    """Reads a list that comes in one reply, unless the reply promises more rows.

    Args:
        limit (int | None): Not sent: a limit would cut the list.
        id_field (str): Field of a row that holds its id.
        known (Collection[str]): Fields of the reply that promise nothing, nested ones with dots.
    """

    def __init__(
        self, limit: int | None = None, id_field: str = "id", known: Collection[str] = ()
    ) -> None:
        super().__init__(None, "", "limit", id_field, known)

    def resume(self, position: Mapping[str, Any]) -> None:
        """Reads the list again."""
        self._start_over()

    def update_state(self, reply: Reply, rows: list[Any]) -> None:
        """Leaves all rows in `rows`.

        Raises:
            UntrustedPageError: If the reply says that the list has more rows.
        """
        self._open(reply, rows)
        self._refuse_promise()
        self._refuse_missing_rows(len(rows))
        self.has_next_page = False

    def _position_params(self) -> dict[str, Any]:
        return {}
