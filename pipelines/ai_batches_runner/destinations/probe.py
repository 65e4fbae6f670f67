"""Tries whether a run could write into the destination, and leaves nothing there."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from dlt import Pipeline
from dlt.destinations.sql_client import SqlClientBase

from ai_batches import TABLE_NAME

from ..errors import UnusableDestinationError
from ..run.pipeline import file_of_dataset
from ..sql.stored import speaks_sql, table_exists

_UNDOES_DDL = ("duckdb", "postgres", "redshift", "sqlite")
"""SQL whose transactions take back schemas and tables, too; dlt says so of Snowflake, wrongly."""

_DROPS_ONLY_EMPTY = ("mysql",)
"""SQL whose datasets are made here, and dropped where they are still empty."""


def try_to_write(pipeline: Pipeline) -> str:
    """Writes something small where a run would write, and takes it back.

    Args:
        pipeline (Pipeline): A pipeline whose destination is there and can be reached.

    Returns:
        str: What could not be tried, as a clause; mostly empty.

    Raises:
        UnusableDestinationError: If a folder cannot be written, or there is no such bucket.
        Exception: What the driver of the destination raises where it may not write.
    """
    name = f"ai_batches_check_{uuid4().hex[:12]}"
    client: Any = pipeline.destination_client()
    if not speaks_sql(pipeline):
        _try_files(client, name)
        return ""
    if client.capabilities.sqlglot_dialect == "clickhouse":
        return "whether it can be written was not tried"
    has_table = table_exists(pipeline)
    with pipeline.sql_client() as sql:
        dialect = str(sql.capabilities.sqlglot_dialect)
        # as a run does, which puts rows there before it merges them
        datasets = [sql.dataset_name, sql.staging_dataset_name]
        if dialect in _UNDOES_DDL:
            with _undone(sql, dialect):
                # in SQLite, they are files beside the one that is there
                for dataset in datasets if dialect != "sqlite" else ():
                    with sql.with_alternative_dataset_name(dataset):
                        if not sql.has_dataset():
                            sql.create_dataset()
                _write(sql, name, has_table)
            return ""
        if dialect not in _DROPS_ONLY_EMPTY and not sql.has_dataset():
            return "its dataset is not there yet, and was not made to try it"
        made = []
        try:
            for dataset in datasets if dialect in _DROPS_ONLY_EMPTY else ():
                with sql.with_alternative_dataset_name(dataset):
                    if not sql.has_dataset():
                        sql.create_dataset()
                        made.append(dataset)
            try:
                _write(sql, name, has_table)
            finally:
                sql.execute_sql(f"DROP TABLE IF EXISTS {sql.make_qualified_table_name(name)}")
        finally:
            for dataset in made:
                _drop_if_empty(sql, dataset)
    return ""


def try_folders(pipeline: Pipeline) -> str:
    """Tries the folders of this machine that a run would write into, without connecting.

    Args:
        pipeline (Pipeline): A pipeline, whose destination need not be there.

    Returns:
        str: What could not be tried, as a clause; mostly empty.

    Raises:
        UnusableDestinationError: If a folder cannot be written.
    """
    file = file_of_dataset(pipeline)
    if file:
        _try_folder(file.absolute().parent)
    if pipeline.destination.destination_type != "dlt.destinations.ducklake":
        return ""
    client: Any = pipeline.destination_client()
    lake = client.config.credentials
    if not lake.storage.is_local_filesystem:
        return "whether its bucket can be written was not tried"
    _try_folder_to_be(Path(lake.storage_url))
    return ""


def _try_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise UnusableDestinationError(f"There is no folder {folder}. Make it, or choose another.")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as ex:
        raise UnusableDestinationError(
            f"The folder {folder} cannot be written ({ex.strerror}). Choose another one, or let the"
            " user of the runs write there."
        ) from ex


def _try_folder_to_be(folder: Path) -> None:
    """Tries a folder that a run would make, with those above it."""
    whole = folder.absolute()
    _try_folder(next(each for each in (whole, *whole.parents) if each.exists()))


def _write(sql: SqlClientBase[Any], name: str, has_table: bool) -> None:
    sql.execute_sql(f"CREATE TABLE {sql.make_qualified_table_name(name)} (id INTEGER)")
    if has_table:
        # no row, but it takes the right to: the table may belong to somebody else
        table = sql.make_qualified_table_name(TABLE_NAME)
        sql.execute_sql(f"INSERT INTO {table} SELECT * FROM {table} WHERE 1 = 0")  # noqa: S608


@contextmanager
def _undone(sql: SqlClientBase[Any], dialect: str) -> Iterator[None]:
    """A transaction that is rolled back in any case."""
    try:
        with sql.begin_transaction():
            if dialect == "sqlite":
                # Python's driver begins a transaction with the first change of rows only
                sql.execute_sql("BEGIN")
            yield
            raise _UndoneError
    except _UndoneError:
        pass


class _UndoneError(Exception):
    """Ends a transaction."""


def _drop_if_empty(sql: SqlClientBase[Any], dataset: str) -> None:
    """Drops a dataset that was made here; a run may have begun to use it."""
    with sql.with_alternative_dataset_name(dataset):
        tables = sql.execute_sql(
            "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = %s", dataset
        )
        if tables and not tables[0][0]:
            sql.drop_dataset()


def _try_files(client: Any, name: str) -> None:
    if client.is_local_filesystem:
        _try_folder_to_be(Path(client.dataset_path))
        return
    place = f"{client.dataset_path}{name}"
    try:
        client.fs_client.pipe_file(place, b"")
    except FileNotFoundError:
        # dlt would make it in some regions, which is mostly a slip of the pen
        raise UnusableDestinationError(
            f"There is no bucket for {client.config.bucket_url}. Make it, or correct `bucket_url`."
        ) from None
    client.fs_client.rm_file(place)
