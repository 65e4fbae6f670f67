"""Asks questions of what was loaded, in one SQL for all destinations."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import sqlglot
from dlt import Pipeline
from dlt.common.destination.exceptions import DestinationUndefinedEntity
from dlt.destinations.exceptions import DatabaseUndefinedRelation
from sqlglot import exp

from ai_batches import COLUMNS, TABLE_NAME

from ..errors import UnusableDestinationError
from ..run.pipeline import connected
from .dialects import DIALECTS, Qualify, translate
from .runs import RUN_COLUMNS, RUNS_TABLE
from .stored import as_it_stands, in_utc, open_table, speaks_sql
from .view_definitions import VIEWS, columns_of, with_views

TRow = dict[str, Any]
"""Values by column."""

_VIEWED = tuple(columns_of(VIEWS["batches_unique"].query) & COLUMNS.keys())
"""Columns of the table that the views read."""


class Reader:
    """Answers queries on the table, its views and the runs.

    Args:
        execute (Callable[[str], AbstractContextManager[Any]]): Runs SQL of the destination; gives
            its cursor.
        dialect (str): The destination's SQL, as sqlglot calls it.
        qualify (Qualify | None): Gives a table its full name, quoted; None leaves it alone.
        only (str | None): A condition on the batches that the views are to have.
    """

    def __init__(
        self,
        execute: Callable[[str], AbstractContextManager[Any]],
        dialect: str,
        qualify: Qualify | None,
        only: str | None,
    ) -> None:
        self._execute = execute
        self._dialect = dialect
        self._qualify = qualify
        self._only = only

    def rows(self, query: str) -> list[TRow]:
        """Asks the destination.

        Args:
            query (str): In DuckDB's SQL, with the functions of `sql.dialects`. It may name the
                views, which need not be there.

        Returns:
            list[TRow]: Rows of the same types wherever they come from: moments with their time zone
                UTC (columns that end in `_at`), days (`_on`), truth values (`is_`) and whole
                numbers. None where the table does not exist.
        """
        try:
            sql = translate(with_views(query, self._only), self._dialect, self._qualify)
            with self._execute(sql) as cursor:
                names = _column_names(cursor)
                return [
                    {name: _plain(name, value) for name, value in zip(names, row, strict=True)}
                    for row in cursor.fetchall()
                ]
        except (DatabaseUndefinedRelation, DestinationUndefinedEntity, duckdb.CatalogException):
            return []


def _column_names(cursor: Any) -> list[str]:
    native = getattr(cursor, "native_cursor", cursor)
    # SQLAlchemy's result has keys where a DB-API cursor has a description
    return list(native.keys()) if hasattr(native, "keys") else [c[0] for c in native.description]


@contextmanager
def open_reader(pipeline: Pipeline, wait: float = 0, only: str | None = None) -> Iterator[Reader]:
    """Connects to the destination for as long as a block runs.

    Tables in files are copied into a DuckDB file first, so that many queries read them once.

    Args:
        pipeline (Pipeline): Whose destination to read.
        wait (float): Seconds to wait for a DuckDB file that another program has open.
        only (str | None): A condition on the batches that are of interest, on columns of the
            table; the views have no other ones, which saves time where there are many.

    Yields:
        Reader: Answers queries.

    Raises:
        DestinationConnectionError: If nobody answers there, or refuses.
        UnusableDestinationError: If the destination's SQL is none of `DIALECTS`.
    """
    if not speaks_sql(pipeline):
        with (
            TemporaryDirectory(prefix="ai_batches_") as folder,
            closing(duckdb.connect(str(Path(folder) / "copy.duckdb"))) as connection,
        ):
            # there may be no table yet
            with suppress(DestinationUndefinedEntity):
                _copy_batches(pipeline, connection, only)
            with suppress(DestinationUndefinedEntity):
                connection.register("files", open_table(pipeline, RUNS_TABLE, tuple(RUN_COLUMNS)))
                connection.execute(f"CREATE TABLE {RUNS_TABLE} AS FROM files")
            yield Reader(partial(_execute_in_duckdb, connection), "duckdb", None, only)
        return
    with connected(pipeline, wait), pipeline.sql_client() as client:
        dialect = str(client.capabilities.sqlglot_dialect)
        if dialect not in DIALECTS:
            raise UnusableDestinationError(
                f"What is in {pipeline.destination.destination_name} can be looked at only by its"
                " own tools: its SQL is not known here."
            )

        def execute(query: str) -> AbstractContextManager[Any]:
            return client.execute_query(as_it_stands(pipeline, query))

        yield Reader(execute, dialect, client.make_qualified_table_name, only)


def _copy_batches(
    pipeline: Pipeline, connection: duckdb.DuckDBPyConnection, only: str | None
) -> None:
    """Copies the table from its files; of chosen batches also what other accounts list of them."""
    condition = "TRUE"
    if only:
        columns = {column.name for column in sqlglot.parse_one(only).find_all(exp.Column)}
        connection.register("files", open_table(pipeline, TABLE_NAME, tuple({"id", *columns})))
        connection.execute(f"CREATE TABLE chosen AS SELECT id FROM files WHERE {only}")  # noqa: S608
        condition = "id IN (FROM chosen)"
    connection.register("files", open_table(pipeline, TABLE_NAME, _VIEWED))
    connection.execute(f"CREATE TABLE {TABLE_NAME} AS FROM files WHERE {condition}")


def literal(value: str | date | datetime) -> str:
    """Writes a value into a query of `Reader`, quoted."""
    return exp.Literal.string(str(value)).sql(dialect="duckdb")


@contextmanager
def _execute_in_duckdb(connection: duckdb.DuckDBPyConnection, query: str) -> Iterator[Any]:
    yield connection.execute(query)


def _plain(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name.endswith("_at"):
        return in_utc(value)
    if name.endswith("_on"):
        return date.fromisoformat(value) if isinstance(value, str) else value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return bool(value) if name.startswith("is_") else value
