"""Databases that dlt reaches by SQLAlchemy: SQLite, MySQL and MariaDB, and others."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .base import Comment
from .postgres import PostgresAdapter
from .sql import LOCK_SECONDS, SqlAdapter


class AlchemyAdapter(SqlAdapter):
    """A database of any dialect of SQLAlchemy."""

    TYPE = "dlt.destinations.sqlalchemy"

    def configure(self, reference: Any, name: str, read_only: bool) -> None:
        """As of `DestinationAdapter`; JSON that comes as text is stored as it is."""
        super().configure(reference, name, read_only)
        credentials = self.client.config.credentials
        own = credentials.engine_kwargs or credentials.engine_args or {}
        credentials.engine_kwargs = {"json_serializer": _json_as_text, **own}
        credentials.engine_args = None
        reference.config_params["credentials"] = credentials
        self._client = None

    def escape(self, statement: str) -> str:
        """As of `SqlAdapter`: SQLAlchemy looks for parameters, even within texts."""
        return statement.replace(":", r"\:")

    def names_of(self, cursor: Any) -> list[str]:
        return list(cursor.native_cursor.keys())

    def find_views(self, names: Sequence[str]) -> set[str]:
        if not self.TYPES_ARE_KNOWN:
            return set()
        # only with this destination is it installed
        from sqlalchemy import inspect

        with self.connected(), self.sql._ensure_transaction():
            inspected = inspect(self.sql._current_connection)
            return set(inspected.get_view_names(self.sql.dataset_name)) & set(names)


class SqliteAdapter(AlchemyAdapter):
    """SQLite; a dataset is a file beside the one that is named, attached to the connection."""

    DIALECT = "sqlite"
    TYPES_ARE_KNOWN = True
    UNDOES_DDL = True
    # a file that is opened by itself has no schema: views that name one would make it unreadable
    VIEW_NAME_PARTS = 1

    @property
    def file(self) -> Path | None:
        """The file of the dataset."""
        sql = self.sql
        if sql._sqlite_is_memory_db():
            return None
        return Path(sql._sqlite_dataset_filename(sql.dataset_name))

    def refresh_connection(self) -> None:
        """Attaches the dataset if a load has made its file since."""
        sql = self.sql
        if sql.dataset_name not in sql._sqlite_attached_datasets:
            sql._sqlite_reattach_dataset_if_exists(sql.dataset_name)

    def view_statements(self, name: str, query: str) -> list[str]:
        view = self.qualify(name)
        return [f"DROP VIEW IF EXISTS {view}", f"CREATE VIEW {view} AS {query}"]

    def begin_check(self) -> None:
        """Python's driver begins a transaction with the first change of rows only."""
        self.sql.execute_sql("BEGIN")


class MySqlAdapter(AlchemyAdapter):
    """MySQL or MariaDB; a dataset is a database."""

    DIALECT = "mysql"
    TYPES_ARE_KNOWN = True
    TRUNCATE_WAITS = True

    def configure(self, reference: Any, name: str, read_only: bool) -> None:
        """As of `DestinationAdapter`; texts are compared as they are: case, accents, blanks.

        A merge would otherwise take the batch `ABC` away if `abc` is read again.
        """
        reference.caps_params["type_mapper"] = _exact_texts()
        super().configure(reference, name, read_only)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """As of `SqlAdapter`; it would wait for a day."""
        self.run([f"SET SESSION lock_wait_timeout = {LOCK_SECONDS}"])
        try:
            yield
        finally:
            self.run(["SET SESSION lock_wait_timeout = DEFAULT"])

    def comment(self, on: Comment, name: str, text: str) -> str | None:
        """As of `SqlAdapter`; a column's would take its whole definition."""
        return f"ALTER TABLE {name} COMMENT = {self.quote(text)}" if on == "table" else None

    def can_be_tried(self) -> bool:
        return True

    @contextmanager
    def undone(self, table: str) -> Iterator[None]:
        """Makes the datasets that a run would make, and drops them again."""
        made: list[str] = []
        try:
            made.extend(self.make_datasets())
            with super().undone(table):
                yield
        finally:
            for dataset in made:
                self._drop_if_empty(dataset)

    def _drop_if_empty(self, dataset: str) -> None:
        """Drops a dataset that was made here; a run may have begun to use it."""
        with self.sql.with_alternative_dataset_name(dataset):
            tables = self.sql.execute_sql(
                "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = %s", dataset
            )
            if tables and not tables[0][0]:
                self.sql.drop_dataset()


class AlchemyPostgresAdapter(AlchemyAdapter, PostgresAdapter):
    """Postgres by way of SQLAlchemy."""


def _exact_texts() -> type[Any]:
    """The types of MySQL's columns, with a collation that compares code points."""
    # only with this destination is it installed
    from dlt.destinations.impl.sqlalchemy.type_mapper import MysqlVariantTypeMapper

    class ExactTexts(MysqlVariantTypeMapper):
        def db_type_from_text_type(self, column: Any, table: Any) -> Any:
            kind: Any = super().db_type_from_text_type(column, table)
            kind.collation = _exact_collation(self.dialect)
            return kind

    return ExactTexts


def _exact_collation(dialect: Any) -> str:
    # dlt asks for types before it connects, too
    if getattr(dialect, "is_mariadb", False):
        return "utf8mb4_nopad_bin"
    # before, blanks at the end count for nothing, whatever the collation
    has_own = (getattr(dialect, "server_version_info", None) or (0,)) >= (8, 0, 17)
    return "utf8mb4_0900_bin" if has_own else "utf8mb4_bin"


def _json_as_text(value: Any) -> str:
    """For SQLAlchemy, which would make a string within JSON of JSON that comes as text."""
    return value if isinstance(value, str) else json.dumps(value)
