"""Destinations that run SQL themselves: what they share, and how most of them do it."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar
from uuid import uuid4

from dlt import Pipeline
from dlt.common.destination.exceptions import DestinationUndefinedEntity
from dlt.common.schema import Schema
from dlt.destinations.exceptions import DatabaseUndefinedRelation, DestinationConnectionError
from sqlglot import exp

from ai_batches import TABLE_NAME

from .base import Comment, DestinationAdapter, Session, TChosen, TColumns, TFound

LOCK_SECONDS = 5
"""How long to wait for a view that somebody reads at the moment; the next run tries again."""

_REPLACES = "insert-from-staging"

UNDEFINED = (DatabaseUndefinedRelation, DestinationUndefinedEntity)
"""Errors of a dataset or table that does not exist."""


class SqlAdapter(DestinationAdapter):
    """A destination that runs SQL; the base of all of them, and the class of those without one."""

    READABLE = True
    FAULT = (
        "refuses what a run does",
        "Check that its user may create and alter schemas and tables there, and that nobody keeps"
        " it locked.",
    )
    UNDOES_DDL: ClassVar[bool] = False
    """Whether a transaction takes back schemas and tables, too; dlt says so of Snowflake,
    wrongly."""
    TRUNCATE_WAITS: ClassVar[bool] = False
    """Whether to truncate a table waits until nobody reads it: rows are deleted instead."""
    REMAKES_VIEWS: ClassVar[bool] = False
    """Whether a view with other columns has to be dropped before it is made."""
    VIEW_NAME_PARTS: ClassVar[int | None] = None
    """How many parts, from the last, the name of a table in a view has; None: all."""
    COMMENTS: ClassVar[Collection[Comment]] = ()
    """What `COMMENT ON` can describe. Snowflake, BigQuery and Databricks get descriptions of
    columns from dlt."""

    def __init__(self, pipeline: Pipeline, client: Any) -> None:
        super().__init__(pipeline, client)
        self._depth = 0

    @property
    def sql(self) -> Any:
        """The client of dlt for SQL."""
        return self.client.sql_client

    @property
    def dialect(self) -> str:
        """Its SQL, by sqlglot's name."""
        return str(self.client.capabilities.sqlglot_dialect or "")

    @property
    def dataset_name(self) -> str:
        """The dataset, as the destination calls it."""
        return str(self.sql.dataset_name)

    def qualify(self, name: str) -> str:
        """The full name of a table, quoted."""
        return str(self.sql.make_qualified_table_name(name))

    def qualify_in_view(self, name: str) -> str:
        """The name of a table as a view has it."""
        path = self.sql.make_qualified_table_name_path(name)
        return ".".join(path[-self.VIEW_NAME_PARTS :] if self.VIEW_NAME_PARTS else path)

    def escape(self, statement: str) -> str:
        """SQL as dlt's client takes it."""
        return statement

    def names_of(self, cursor: Any) -> list[str]:
        """Names of a result's columns."""
        return [column[0] for column in cursor.native_cursor.description]

    # opening

    def configure(self, reference: Any, name: str, read_only: bool) -> None:
        """As of `DestinationAdapter`; tables that are replaced are never seen empty, nor dropped.

        The views depend on them.
        """
        if self.TRUNCATE_WAITS:
            reference.caps_params = {**reference.caps_params, "supports_truncate_command": False}
        super().configure(reference, name, read_only)
        reference.config_params["replace_strategy"] = _REPLACES
        self.client.config.replace_strategy = _REPLACES

    # connection

    @contextmanager
    def connected(self, wait: float = 0) -> Iterator[Any]:
        client, sql = self.client, self.sql
        if not self._depth:
            try:
                self.open_connection(sql, wait)
            except Exception as ex:
                # of the driver's own family
                raise DestinationConnectionError(
                    type(sql).__name__,
                    self.dataset_name,
                    # DuckDB quotes the whole address of a DuckLake's catalog
                    self.without_secrets(str(ex).strip()),
                    ex,
                ) from None
        else:
            self.refresh_connection()
        self._depth += 1
        try:
            yield client
        finally:
            self._depth -= 1
            if not self._depth:
                sql.close_connection()

    def open_connection(self, sql: Any, wait: float) -> None:
        """Opens the connection of dlt's client for SQL."""
        sql.open_connection()

    def refresh_connection(self) -> None:
        """Has an open connection see what others made since it was opened."""

    @contextmanager
    def session(self, wait: float = 0, only: str | None = None) -> Iterator[Session]:
        with self.connected(wait):
            yield self

    @contextmanager
    def execute(self, query: str, reads: TColumns, keeps: bool) -> Iterator[tuple[list[str], Any]]:
        """As of `Session`; a result has to be read to its end before the next query."""
        with self.sql.execute_query(self.escape(query)) as cursor:
            # some fold names to upper case
            yield [name.lower() for name in self.names_of(cursor)], cursor

    def merges_unchanged(self, table_format: str | None) -> bool:
        return True

    # tables

    def find_columns(self, names: Sequence[str], are_views: bool = False) -> TFound:
        with self.connected():
            client = self.client_with_schema()
            try:
                return {
                    name: {
                        column.lower(): hints.get("data_type") for column, hints in found.items()
                    }
                    for name, found in client.get_storage_tables(names)
                    if found
                }
            except UNDEFINED:
                # there is no dataset yet
                return {}
            except Exception:
                # a type that dlt does not know, of any driver
                return dict(self._ask_each(names, are_views))

    def _ask_each(
        self, names: Sequence[str], are_views: bool
    ) -> Iterator[tuple[str, dict[str, str | None]]]:
        for name in names:
            query = f"SELECT * FROM {self.qualify(name)} WHERE 1 = 0"  # noqa: S608
            try:
                with self.sql.execute_query(query) as cursor:
                    yield name, {column.lower(): None for column in self.names_of(cursor)}
            except UNDEFINED:
                continue
            except Exception:
                # of any driver: a view whose table was dropped
                if not are_views:
                    raise

    def find_views(self, names: Sequence[str]) -> set[str]:
        if not self.TYPES_ARE_KNOWN:
            return set()
        with self.connected():
            catalog, dataset, found = self.sql._get_information_schema_components(*names)
            marks = ", ".join(["%s"] * len(found))
            query = (
                "SELECT table_name FROM information_schema.tables WHERE table_type = 'VIEW'"  # noqa: S608
                f" AND table_schema = %s AND table_name IN ({marks})"
                + (" AND table_catalog = %s" if catalog else "")
            )
            rows = self.sql.execute_sql(query, dataset, *found, *([catalog] if catalog else []))
            return {row[0] for row in rows or ()}

    def missing_parts(self, schema: Schema, keys: TColumns) -> list[str]:
        found = self.find_columns(list(keys))
        missing = [name for name in keys if name not in found]
        for name in found:
            columns = schema.get_table_columns(name)
            missing += [f"{name}.{each}" for each in columns if each.lower() not in found[name]]
        return missing

    def restore_tables(self, missing: Collection[str]) -> None:
        with self.connected():
            client = self.client_with_schema()
            client.initialize_storage()
            client.update_stored_schema(force=True)

    def forget_rows(self, table: str) -> None:
        with self.connected():
            self.sql.execute_sql(f"DELETE FROM {self.qualify(table)} WHERE 1 = 1")  # noqa: S608

    def delete_rows(self, table: str, chosen: TChosen) -> None:
        condition = " AND ".join(
            f"{column} IN ({', '.join(map(self.quote, values))})"
            for column, values in chosen.items()
        )
        with self.connected():
            statement = f"DELETE FROM {self.qualify(table)} WHERE {condition}"  # noqa: S608
            self.sql.execute_sql(self.escape(statement))

    # views and comments

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, if the destination can; does not wait for readers for long."""
        if not self.client.capabilities.supports_ddl_transactions:
            yield
            return
        with self.sql.begin_transaction():
            yield

    def run(self, statements: Sequence[str]) -> None:
        """Runs statements over the open connection."""
        self.sql.execute_many([self.escape(each) for each in statements])

    def view_statements(self, name: str, query: str) -> list[str]:
        """The statements that make a view, or replace the one that is there."""
        return [f"CREATE OR REPLACE VIEW {self.qualify(name)} AS {query}"]

    def comment(self, on: Comment, name: str, text: str) -> str | None:
        """The statement that writes a description; None if there is none for it here.

        Args:
            on (Comment): What to describe.
            name (str): Its full name, quoted.
            text (str): The description.
        """
        if on not in self.COMMENTS:
            return None
        return f"COMMENT ON {on.upper().split()[-1]} {name} IS {self.quote(text)}"

    def quote(self, text: str) -> str:
        """A text as a literal of the destination's SQL."""
        return exp.Literal.string(text).sql(dialect=self.dialect)

    # check

    def try_to_write(self) -> str:
        name = f"ai_batches_check_{uuid4().hex[:12]}"
        with self.connected():
            has_table = self._has_table()
            if not self.can_be_tried():
                return "its dataset is not there yet, and was not made to try it"
            with self.undone(name):
                self.sql.execute_sql(f"CREATE TABLE {self.qualify(name)} (id INTEGER)")
                if has_table:
                    # no row, but it takes the right to: the table may belong to somebody else
                    table = self.qualify(TABLE_NAME)
                    self.sql.execute_sql(
                        f"INSERT INTO {table} SELECT * FROM {table} WHERE 1 = 0"  # noqa: S608
                    )
        return ""

    def can_be_tried(self) -> bool:
        """Whether the check can write without leaving a dataset behind."""
        return self.UNDOES_DDL or bool(self.sql.has_dataset())

    @contextmanager
    def undone(self, table: str) -> Iterator[None]:
        """Takes back what the check does in a block: here, the table of this name."""
        if not self.UNDOES_DDL:
            try:
                yield
            finally:
                self.sql.execute_sql(f"DROP TABLE IF EXISTS {self.qualify(table)}")
            return
        try:
            with self.sql.begin_transaction():
                self.begin_check()
                yield
                raise _UndoneError
        except _UndoneError:
            pass

    def begin_check(self) -> None:
        """Begins a transaction that is rolled back: makes the datasets that a run would make."""
        list(self.make_datasets())

    def make_datasets(self) -> Iterator[str]:
        """Makes the dataset and its staging dataset; yields each that was not there."""
        for dataset in (self.sql.dataset_name, self.sql.staging_dataset_name):
            with self.sql.with_alternative_dataset_name(dataset):
                if not self.sql.has_dataset():
                    self.sql.create_dataset()
                    yield dataset

    def _has_table(self) -> bool:
        query = f"SELECT COUNT(id) FROM {self.qualify(TABLE_NAME)} WHERE 1 = 0"  # noqa: S608
        try:
            self.sql.execute_sql(query)
        except UNDEFINED:
            return False
        return True


class _UndoneError(Exception):
    """Ends a transaction."""
