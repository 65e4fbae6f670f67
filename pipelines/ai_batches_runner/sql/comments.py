"""What the tables, the views and their columns mean, for destinations that can hold it.

Snowflake, BigQuery and Databricks get the columns' descriptions from dlt, which reads them in the
schema when it makes the table.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlglot import exp

from ai_batches import COLUMNS, TABLE_DESCRIPTION, TABLE_NAME

from .dialects import Qualify
from .runs import DESCRIPTION, RUN_COLUMNS, RUNS_TABLE
from .view_definitions import VIEWS

_TABLES: Mapping[str, tuple[str, Mapping[str, tuple[Any, str]]]] = {
    TABLE_NAME: (TABLE_DESCRIPTION, COLUMNS),
    RUNS_TABLE: (DESCRIPTION, RUN_COLUMNS),
}
"""Tables, with what is said of them and of their columns."""


def comment_statements(
    dialect: str, qualify: Qualify, on_columns_of_views: bool = True
) -> Iterator[str]:
    """The statements that write the descriptions into a destination.

    Args:
        dialect (str): The destination's SQL, as sqlglot calls it.
        qualify (Qualify): Gives a table or view its full name, quoted.
        on_columns_of_views (bool): Whether columns of views can have one there.

    Yields:
        str: A statement; none where there is no way, or none that was tried.
    """

    def quote(text: str) -> str:
        return exp.Literal.string(text).sql(dialect=dialect)

    if dialect == "mysql":
        # a column's comment would take its whole definition
        for name, (description, _) in _TABLES.items():
            yield f"ALTER TABLE {qualify(name)} COMMENT = {quote(description)}"
    if dialect not in ("duckdb", "postgres"):
        return
    for name, (description, columns) in _TABLES.items():
        yield f"COMMENT ON TABLE {qualify(name)} IS {quote(description)}"
        for column, (_, text) in columns.items():
            yield f"COMMENT ON COLUMN {qualify(name)}.{column} IS {quote(text)}"
    for name, view in VIEWS.items():
        yield f"COMMENT ON VIEW {qualify(name)} IS {quote(view.description)}"
        for column, text in view.columns.items() if on_columns_of_views else ():
            yield f"COMMENT ON COLUMN {qualify(name)}.{column} IS {quote(text)}"
