"""What the tables, the views and their columns mean, for destinations that can hold it."""

from collections.abc import Iterator, Mapping

from ..destinations.sql import SqlAdapter
from .known_tables import KNOWN_TABLES
from .view_definitions import View


def comment_statements(adapter: SqlAdapter, views: Mapping[str, View]) -> Iterator[str]:
    """The statements that write the descriptions into a destination.

    Args:
        adapter (SqlAdapter): Of the destination.
        views (Mapping[str, View]): The views that it has.

    Yields:
        str: A statement; none for a destination that cannot hold descriptions.
    """
    for statement in _statements(adapter, views):
        if statement:
            yield statement


def _statements(adapter: SqlAdapter, views: Mapping[str, View]) -> Iterator[str | None]:
    for name, known in KNOWN_TABLES.items():
        table = adapter.qualify(name)
        yield adapter.comment("table", table, known.description)
        for column, (_, text) in known.columns.items():
            yield adapter.comment("column", f"{table}.{column}", text)
    for name, view in views.items():
        whole = adapter.qualify(name)
        yield adapter.comment("view", whole, view.description)
        for column, text in view.columns.items():
            yield adapter.comment("view column", f"{whole}.{column}", text)
