"""A server's reply, as paginators see it."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Reply(NamedTuple):
    """A reply whose body was decoded, once."""

    body: Any
    url: str
    """Address that was requested, with its query."""
    headers: Mapping[str, str] = {}
    links: Mapping[str, Mapping[str, str]] = {}
    """The header `Link`, by relation."""
    size: int = 0
    """Bytes of the body, decompressed."""

    def field(self, path: str) -> Any:
        """A field of the body.

        Args:
            path (str): Its name, nested ones with dots.

        Returns:
            Any: The value; None if there is no such field.
        """
        value = self.body
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        return value
