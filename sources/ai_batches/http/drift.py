"""What is not as a provider declares it, though its list can be read: a new field, a lost one."""

from typing import Any

from ..display import shown_names
from ..paginators import BatchListPaginator, Reply
from ..providers import Provider

_SHARED = frozenset({"object", "first_id", "last_id", "has_more"})
"""Fields of a reply that any server of OpenAI's shape may send."""
_ALWAYS = ("status_raw", "created_at")
"""Columns whose fields are in each row, if a provider has them at all."""
_MOSTLY = "requests_total"
"""A column whose field open batches may lack."""
_ENOUGH_ROWS = 20
"""Rows of which one at least should have it."""


class Drift:
    """Compares the replies of a list with the declaration.

    Args:
        provider (Provider): Whose list it is.
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._known = {
            *_SHARED,
            *provider.envelope,
            *(provider.empty_reply or ()),
            provider.data_selector,
        }
        self._unknown: dict[str, None] = {}
        """New fields beside the rows, in their order."""
        self._rows = 0
        # small servers of OpenAI's shape may not count at all
        columns = _ALWAYS if provider.has_settable_shape else (*_ALWAYS, _MOSTLY)
        self._missing = {name: provider.fields[name] for name in columns if name in provider.fields}
        """Columns whose field no row had so far, with the field."""

    def look(self, reply: Reply, rows: list[Any], paginator: BatchListPaginator) -> None:
        """Takes in a page.

        Args:
            reply (Reply): The reply.
            rows (list[Any]): All of its rows, each an object.
            paginator (BatchListPaginator): Knows the fields that it follows.
        """
        if isinstance(reply.body, dict):
            known = self._known | paginator.known_names
            self._unknown.update(dict.fromkeys(reply.body.keys() - known))
        self._rows += len(rows)
        for column, field in list(self._missing.items()):
            if any(_has(row, field.split(".")) for row in rows):
                del self._missing[column]

    @property
    def unknown_fields(self) -> str:
        """A clause on new fields beside the rows; empty if there are none."""
        if not self._unknown:
            return ""
        return f"the reply has {shown_names(sorted(self._unknown))} beside its rows"

    @property
    def missing_fields(self) -> list[str]:
        """A clause for each field that rows should have, and none has."""
        return [
            f"no row has `{field}`, which fills the column `{column}`"
            for column, field in self._missing.items()
            if self._rows >= (_ENOUGH_ROWS if column == _MOSTLY else 1)
        ]


def _has(row: Any, path: list[str]) -> bool:
    for key in path:
        if not isinstance(row, dict) or key not in row:
            return False
        row = row[key]
    return True
