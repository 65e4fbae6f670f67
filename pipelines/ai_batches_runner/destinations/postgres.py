"""Postgres."""

from collections.abc import Iterator
from contextlib import contextmanager

from .sql import LOCK_SECONDS, SqlAdapter


class PostgresAdapter(SqlAdapter):
    """A database of Postgres."""

    DIALECT = "postgres"
    TYPES_ARE_KNOWN = True
    UNDOES_DDL = True
    REMAKES_VIEWS = True
    TRUNCATE_WAITS = True
    COMMENTS = ("table", "column", "view", "view column")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with super().transaction():
            self.run([f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'"])
            yield
