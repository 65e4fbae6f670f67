"""Writes the columns of every table and view, from the code: part of `docs/schema.md`."""

from collections.abc import Iterable

import pyarrow as pa

from ai_batches import JSON_COLUMNS, TABLE_NAME
from ai_batches_runner.sql.known_tables import KNOWN_TABLES, KnownTable
from ai_batches_runner.sql.view_definitions import VIEWS

TYPES = {
    pa.string(): "text",
    pa.int64(): "bigint",
    pa.float64(): "double",
    pa.bool_(): "boolean",
    pa.date32(): "date",
    pa.timestamp("us", tz="UTC"): "timestamptz",
    pa.decimal128(18, 9): "decimal(18, 9)",
}
"""Names of the types, as DuckDB's SQL has them."""


def tables_and_views() -> str:
    """Descriptions of all that a run makes.

    Returns:
        str: Markdown, a section for the tables and one for the views.
    """
    tables = "".join(_table(name, table) for name, table in KNOWN_TABLES.items())
    views = "".join(
        f"\n### {name}\n\n{view.description}.\n\n" + _rows(("column", "description"), columns)
        for name, view in sorted(VIEWS.items())
        for columns in [[(f"`{column}`", text) for column, text in view.columns.items()]]
    )
    return f"\n## Columns of the tables\n{tables}\n## Columns of the views\n{views}"


def _table(name: str, table: KnownTable) -> str:
    columns = [
        (f"`{column}`", _type(name, column, kind), text)
        for column, (kind, text) in table.columns.items()
    ]
    heading = ("column", "type", "description")
    return f"\n### {name}\n\n{table.description}.\n\n" + _rows(heading, columns)


def _type(table: str, column: str, kind: pa.DataType) -> str:
    return "json" if table == TABLE_NAME and column in JSON_COLUMNS else TYPES[kind]


def _rows(heading: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [heading, ("---" for _ in heading), *rows]
    cells = (" | ".join(cell.replace("|", "\\|") for cell in line) for line in lines)
    return "".join(f"| {line} |\n" for line in cells)
