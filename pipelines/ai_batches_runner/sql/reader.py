"""Reads what was loaded, in one SQL for all destinations."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import duckdb
from dlt import Pipeline
from dlt.common.destination.exceptions import DestinationUndefinedEntity
from dlt.destinations.exceptions import DatabaseUndefinedRelation
from sqlglot import exp

from ai_batches import TABLE_NAME

from ..destinations.base import Session
from ..destinations.registry import adapter_of
from ..errors import UnusableDestinationError
from .dialects import DIALECTS, translate
from .known_tables import KNOWN_TABLES, LATER_TABLES
from .label_settings import read_labels
from .labels import Labels
from .runs import RUNS_TABLE
from .view_definitions import columns_needed, columns_of, tables_needed, with_views

TRow = dict[str, Any]
"""Values by column."""

_ROWS = 10_000

_UNDEFINED = (DatabaseUndefinedRelation, DestinationUndefinedEntity, duckdb.CatalogException)
"""Errors of a table that does not exist."""


class Reader:
    """Answers queries on the table, its views and the runs.

    Args:
        session (Session): Queries of the destination.
        only (str | None): A condition on the batches that the views are to have.
        labels (Labels): Columns that the user adds to the views.
    """

    def __init__(self, session: Session, only: str | None, labels: Labels) -> None:
        self._session = session
        self._only = only
        self._labels = labels
        self._found: dict[str, bool] = {}

    def rows(self, query: str) -> list[TRow]:
        """Runs a query.

        Args:
            query (str): In DuckDB's SQL, with the functions of `functions.sql`. It may name the
                views, whether or not the destination has them.

        Returns:
            list[TRow]: Rows of the same types wherever they come from: moments with their time zone
                UTC (columns that end in `_at`), days (`_on`, `month`), truth values (`is_`) and
                whole numbers. No rows if the table does not exist; tables of results that do not
                exist count as empty.

        Raises:
            UnusableDestinationError: If the query needs more SQL than is known of the destination.
        """
        return list(self.stream(query))

    def stream(self, query: str) -> Iterator[TRow]:
        """Runs a query whose result may be large; another query has to wait for its end.

        Args:
            query (str): As of `rows`. One that names the table `batches` once, and nothing else, is
                not copied from files first.

        Yields:
            TRow: As of `rows`, some thousands in memory at a time.

        Raises:
            UnusableDestinationError: As of `rows`.
        """
        names = tables_needed(query)
        is_simple = names == {TABLE_NAME}
        if not is_simple and self._session.dialect not in DIALECTS:
            raise UnusableDestinationError(
                f"The views can be read only with the destination's own tools: its SQL"
                f" (`{self._session.dialect}`) is not supported here."
            )
        later = names & LATER_TABLES.keys()
        try:
            yield from self._stream(query, names)
            return
        except _UNDEFINED:
            # an earlier version made only some of the tables, or none
            absent = frozenset(name for name in later if not self._has(name))
        if absent:
            with suppress(*_UNDEFINED):
                yield from self._stream(query, names, absent)

    def _stream(
        self, query: str, names: Collection[str], absent: frozenset[str] = frozenset()
    ) -> Iterator[TRow]:
        """Runs a query on tables of which some are absent, and count as empty."""
        mentioned = columns_needed(query) | (columns_of(self._only) if self._only else frozenset())
        reads = {
            name: tuple(known.columns if name == RUNS_TABLE else mentioned & known.columns.keys())
            # to count rows takes a column, too
            or known.key[:1]
            for name, known in KNOWN_TABLES.items()
            if name in names and name not in absent
        }
        empty = tuple((name, LATER_TABLES[name]) for name in absent)
        whole = with_views(query, self._only, empty, self._labels)
        sql = translate(whole, self._session.dialect, self._session.qualify)
        keeps = set(names) != {TABLE_NAME}
        with self._session.execute(sql, reads, keeps) as (columns, cursor):
            while rows := cursor.fetchmany(_ROWS):
                for row in rows:
                    yield {
                        name: _plain(name, each) for name, each in zip(columns, row, strict=True)
                    }

    def _has(self, name: str) -> bool:
        """Whether the destination has one of our tables."""
        if name not in self._found:
            sql = translate(
                f"SELECT COUNT(*) AS found FROM {name} WHERE 1 = 0",  # noqa: S608
                self._session.dialect,
                self._session.qualify,
            )
            reads = {name: tuple(KNOWN_TABLES[name].columns)}
            try:
                with self._session.execute(sql, reads, keeps=True) as (_, cursor):
                    self._found[name] = bool(cursor.fetchall())
            except _UNDEFINED:
                self._found[name] = False
        return self._found[name]

    def table_exists(self) -> bool:
        """Whether the destination has the table `batches`."""
        return bool(self.rows(f"SELECT COUNT(id) AS found FROM {TABLE_NAME} WHERE 1 = 0"))  # noqa: S608


@contextmanager
def open_reader(pipeline: Pipeline, wait: float = 0, only: str | None = None) -> Iterator[Reader]:
    """Connects to the destination for as long as a block runs.

    Tables in files are copied into a DuckDB file first if a query reads a view, so that many
    queries read them once.

    Args:
        pipeline (Pipeline): Whose destination to read.
        wait (float): Seconds to wait for a DuckDB file that another program has open.
        only (str | None): A condition on the batches that are of interest, on columns of the
            table; the views have no other ones, which saves time if there are many.

    Yields:
        Reader: Answers queries.

    Raises:
        DestinationConnectionError: If no server answers, or it refuses.
        UnusableDestinationError: If the destination cannot be read back.
        SettingsError: If the user's labels cannot be used.
    """
    labels = read_labels()
    with adapter_of(pipeline).session(wait, only) as session:
        yield Reader(session, only, labels)


def table_exists(pipeline: Pipeline) -> bool:
    """Whether the destination of a pipeline has the table `batches`."""
    with open_reader(pipeline) as reader:
        return reader.table_exists()


def literal(value: str | date | datetime) -> str:
    """Writes a value into a query of `Reader`, quoted."""
    return exp.Literal.string(str(value)).sql(dialect="duckdb")


def _plain(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name.endswith("_at"):
        # without a zone, it is UTC
        read = datetime.fromisoformat(value) if isinstance(value, str) else value
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    if name.endswith("_on") or name == "month":
        return date.fromisoformat(value) if isinstance(value, str) else value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return bool(value) if name.startswith("is_") else value
