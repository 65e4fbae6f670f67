"""What the table, the views and their columns mean, for destinations that can hold it.

Snowflake, BigQuery and Databricks get the columns' descriptions from dlt, which reads them in the
schema when it makes the table.
"""

from collections.abc import Iterator

from sqlglot import exp

from ai_batches import COLUMNS, TABLE_DESCRIPTION, TABLE_NAME

from .marts import MARTS
from .portable_sql import Qualify


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

    table = qualify(TABLE_NAME)
    if dialect == "mysql":
        # a column's comment would take its whole definition
        yield f"ALTER TABLE {table} COMMENT = {quote(TABLE_DESCRIPTION)}"
    if dialect not in ("duckdb", "postgres"):
        return
    yield f"COMMENT ON TABLE {table} IS {quote(TABLE_DESCRIPTION)}"
    for column, (_, text) in COLUMNS.items():
        yield f"COMMENT ON COLUMN {table}.{column} IS {quote(text)}"
    for name, mart in MARTS.items():
        yield f"COMMENT ON VIEW {qualify(name)} IS {quote(mart.description)}"
        for column, text in mart.columns.items() if on_columns_of_views else ():
            yield f"COMMENT ON COLUMN {qualify(name)}.{column} IS {quote(text)}"
