"""What the tables, the views and their columns mean, for destinations that can hold it."""

from collections.abc import Iterator, Mapping
from typing import Any

from ai_batches import COLUMNS, TABLE_DESCRIPTION, TABLE_NAME

from ..destinations.sql import SqlAdapter
from .prices import (
    PRICE_COLUMNS,
    PRICE_MODEL_COLUMNS,
    PRICE_MODELS_DESCRIPTION,
    PRICE_MODELS_TABLE,
    PRICES_DESCRIPTION,
    PRICES_TABLE,
)
from .runs import DESCRIPTION, RUN_COLUMNS, RUNS_TABLE
from .view_definitions import VIEWS

_TABLES: Mapping[str, tuple[str, Mapping[str, tuple[Any, str]]]] = {
    TABLE_NAME: (TABLE_DESCRIPTION, COLUMNS),
    RUNS_TABLE: (DESCRIPTION, RUN_COLUMNS),
    PRICES_TABLE: (PRICES_DESCRIPTION, PRICE_COLUMNS),
    PRICE_MODELS_TABLE: (PRICE_MODELS_DESCRIPTION, PRICE_MODEL_COLUMNS),
}
"""Tables, with their descriptions and those of their columns."""


def comment_statements(adapter: SqlAdapter) -> Iterator[str]:
    """The statements that write the descriptions into a destination.

    Args:
        adapter (SqlAdapter): Of the destination.

    Yields:
        str: A statement; none for a destination that cannot hold descriptions.
    """
    for statement in _statements(adapter):
        if statement:
            yield statement


def _statements(adapter: SqlAdapter) -> Iterator[str | None]:
    for name, (description, columns) in _TABLES.items():
        table = adapter.qualify(name)
        yield adapter.comment("table", table, description)
        for column, (_, text) in columns.items():
            yield adapter.comment("column", f"{table}.{column}", text)
    for name, view in VIEWS.items():
        whole = adapter.qualify(name)
        yield adapter.comment("view", whole, view.description)
        for column, text in view.columns.items():
            yield adapter.comment("view column", f"{whole}.{column}", text)
