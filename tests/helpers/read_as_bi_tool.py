"""Reads a DuckDB file as BI tools do: with an older driver, or through SQLAlchemy.

Runs in the environment `bi`, which has another DuckDB than the tests:

    read_as_bi_tool.py driver FILE              keeps the file open, as a pool of connections does
    read_as_bi_tool.py sqlalchemy FILE          opens it for each question, as Superset does
    read_as_bi_tool.py inspect FILE SCHEMA      tables, views and the columns of `batches`

A question is a line of JSON, SQL and its parameters; the answer is one, too: rows, or an error.
"""

import json
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import duckdb
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import Engine
from sqlalchemy.pool import NullPool

TAsk = Callable[[str, Mapping[str, Any]], list[Any]]


def as_json(value: Any) -> str:
    """Writes rows so that those of two drivers can be compared; moments are in UTC."""
    return json.dumps(value, default=_as_text)


def open_with_driver(file: str) -> TAsk:
    """Connects once."""
    connection = duckdb.connect(file, read_only=True)
    return lambda sql, parameters: connection.execute(sql, parameters).fetchall()


def open_with_sqlalchemy(file: str) -> TAsk:
    """Connects again for each question."""
    engine = _engine(file)

    def ask(sql: str, parameters: Mapping[str, Any]) -> list[Any]:
        with engine.connect() as connection:
            return [list(row) for row in connection.execute(text(sql), parameters)]

    return ask


def describe(file: str, schema: str) -> dict[str, Any]:
    """What SQLAlchemy says is in a schema."""
    inspector = inspect(_engine(file))
    columns = inspector.get_columns("batches", schema=schema)
    return {
        "schemas": inspector.get_schema_names(),
        "tables": inspector.get_table_names(schema=schema),
        "views": inspector.get_view_names(schema=schema),
        "columns": {column["name"]: str(column["type"]) for column in columns},
    }


def main() -> None:
    """Does what the command line says."""
    what, *where = sys.argv[1:]
    if what == "inspect":
        _say(describe(*where))
        return
    ask = {"driver": open_with_driver, "sqlalchemy": open_with_sqlalchemy}[what](*where)
    for line in sys.stdin:
        try:
            _say(ask(*json.loads(line)))
        except Exception as ex:
            # of the driver or of SQLAlchemy
            _say(str(ex))


def _engine(file: str) -> Engine:
    arguments = {"read_only": True}
    return create_engine(f"duckdb:///{file}", connect_args=arguments, poolclass=NullPool)


def _as_text(value: Any) -> str:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)


def _say(answer: Any) -> None:
    sys.stdout.write(as_json(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
