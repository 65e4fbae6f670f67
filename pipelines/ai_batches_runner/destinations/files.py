"""Tables in files, in a folder or a bucket: Delta and Iceberg, read by Arrow and DuckDB."""

import importlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar
from uuid import uuid4

import duckdb
import pyarrow as pa
import sqlglot
from dlt.common import json
from dlt.common.destination.exceptions import DestinationUndefinedEntity
from dlt.common.schema import Schema
from sqlglot import exp

from ai_batches import TABLE_NAME

from ..errors import UnusableDestinationError
from .base import SCHEMA_NAME, DestinationAdapter, Session, TChosen, TColumns
from .paths import refuse_misread, refuse_unwritable_path


class _Delta:
    """How tables of Delta are read."""

    LIBRARY: ClassVar[str] = "dlt.common.libs.deltalake"
    # elsewhere, dlt has no condition on which to leave a row alone
    MERGES_UNCHANGED: ClassVar[bool] = True

    @staticmethod
    def read(table: Any, columns: Sequence[str]) -> Any:
        """The columns, as an Arrow reader."""
        # no dataset: Arrow knows no filter for the texts that DuckDB would hand down to it
        return table.to_pyarrow_dataset().scanner(columns=list(columns)).to_reader()

    @staticmethod
    def noted_place(table: Any) -> str | None:
        """The address at which the table puts new files; None if it is where the table is."""
        return None

    @staticmethod
    def lacks(table: Any, names: Sequence[str]) -> bool:
        """Whether dlt's own migration leaves columns out."""
        return False

    @staticmethod
    def delete(table: Any, chosen: TChosen) -> None:
        """Deletes rows, as of `delete_rows`."""
        columns = (exp.column(name, quoted=True).isin(*values) for name, values in chosen.items())
        table.delete(exp.and_(*columns).sql(dialect="postgres"))


class _Iceberg(_Delta):
    """How tables of Iceberg are read."""

    LIBRARY = "dlt.common.libs.pyiceberg"
    MERGES_UNCHANGED = False

    @staticmethod
    def read(table: Any, columns: Sequence[str]) -> Any:
        return table.scan(selected_fields=tuple(columns)).to_arrow_batch_reader()

    @staticmethod
    def noted_place(table: Any) -> str | None:
        return str(table.location())

    @staticmethod
    def lacks(table: Any, names: Sequence[str]) -> bool:
        """As of `_Delta`: whether the newest snapshot lacks columns."""
        snapshot = table.current_snapshot()
        schema = table.schemas().get(snapshot.schema_id) if snapshot else None
        return schema is not None and not set(names) <= {field.name for field in schema.fields}

    @staticmethod
    def delete(table: Any, chosen: TChosen) -> None:
        # only with this format is it installed
        made: Any = importlib.import_module("pyiceberg.expressions")
        # its parser of SQL knows no quotes within texts
        table.delete(made.And(*(made.In(name, values) for name, values in chosen.items())))


_FORMATS: dict[str, type[_Delta]] = {"delta": _Delta, "iceberg": _Iceberg}


class FilesSession:
    """Queries on files, by a DuckDB of its own; dlt's would need extensions from the network.

    Args:
        adapter (FilesAdapter): Opens the tables.
        connection (duckdb.DuckDBPyConnection): Of a file for copies.
        only (str | None): A condition on the batches that are copied.
    """

    dialect = "duckdb"

    def __init__(
        self, adapter: "FilesAdapter", connection: duckdb.DuckDBPyConnection, only: str | None
    ) -> None:
        self._adapter = adapter
        self._connection = connection
        self._only = only
        self._copied: dict[str, frozenset[str]] = {}

    def qualify(self, name: str) -> str:
        return name

    @contextmanager
    def execute(self, query: str, reads: TColumns, keeps: bool) -> Iterator[tuple[list[str], Any]]:
        for name, columns in reads.items():
            if not keeps:
                self._register(name, name, columns)
            elif not self._copied.get(name, frozenset()).issuperset(columns):
                # there may be no table yet
                with suppress(DestinationUndefinedEntity):
                    wanted = self._copied.get(name, frozenset()) | set(columns)
                    self._copy(name, sorted(wanted))
                    self._copied[name] = wanted
        try:
            cursor = self._connection.execute(query)
            yield [column[0] for column in cursor.description or ()], cursor
        finally:
            for name in () if keeps else reads:
                self._connection.unregister(name)

    def _register(self, alias: str, name: str, columns: Sequence[str]) -> None:
        """Gives a name to columns of a table, which can be read once."""
        self._connection.register(alias, self._adapter.open_table(name, columns))

    def _copy(self, name: str, columns: Sequence[str]) -> None:
        """Copies a table; of the batches of interest also what other accounts list of them."""
        condition = "TRUE"
        if self._only and name == TABLE_NAME:
            named = {column.name for column in sqlglot.parse_one(self._only).find_all(exp.Column)}
            self._register("files", name, ("id", *sorted(named - {"id"})))
            self._connection.execute(
                f"CREATE OR REPLACE TABLE chosen AS SELECT id FROM files WHERE {self._only}"  # noqa: S608
            )
            condition = "id IN (FROM chosen)"
        self._register("files", name, columns)
        self._connection.execute(f"CREATE OR REPLACE TABLE {name} AS FROM files WHERE {condition}")


class FilesAdapter(DestinationAdapter):
    """A folder or a bucket of tables."""

    TYPE = "dlt.destinations.filesystem"
    READABLE = True

    @property
    def _folder(self) -> Path | None:
        """The folder of the dataset; None for a bucket."""
        client = self.client
        return Path(client.dataset_path) if client.is_local_filesystem else None

    @contextmanager
    def connected(self, wait: float = 0) -> Iterator[Any]:
        yield self._fresh_client()

    def _fresh_client(self) -> Any:
        """A new client: dlt's remembers Iceberg's catalog, which is out of date after a load."""
        self._client = None
        return self.client

    def refuse_misread_paths(self) -> None:
        if self._folder:
            # patterns to fsspec, an escape to Delta
            refuse_misread(self._folder, "%[]*?\\", "dlt")

    def merges_unchanged(self, table_format: str | None) -> bool:
        return table_format is not None and _FORMATS[table_format].MERGES_UNCHANGED

    def require_libraries(self, table_format: str) -> None:
        importlib.import_module(_FORMATS[table_format].LIBRARY)

    # tables

    def kept_format(self) -> str | None:
        """As of `DestinationAdapter`; the destination itself knows."""
        try:
            return self._stored_client(TABLE_NAME)[1]
        except DestinationUndefinedEntity:
            return None

    def open_table(self, name: str, columns: Sequence[str]) -> Any:
        """Reads columns of a table, as Arrow, once.

        Raises:
            DestinationUndefinedEntity: If there is no table.
        """
        _, table, reader = self._stored_table(name)
        return reader.read(table, columns)

    def _stored_table(self, name: str) -> tuple[Any, Any, type[_Delta]]:
        """A table, the client that opened it, and how it is read."""
        client, table_format = self._stored_client(name)
        return client, client.load_open_table(table_format, name), _FORMATS[table_format]

    def _stored_client(self, name: str) -> tuple[Any, str]:
        """A client that knows a table as it is stored; and the table's format.

        The working folder may know none, or another one: that of a fresh machine, or of another
        place.
        """
        client = self._fresh_client()
        stored = client.get_stored_schema(SCHEMA_NAME)
        if stored is None:
            raise DestinationUndefinedEntity(name)
        client.schema = Schema.from_stored_schema(json.loads(stored.schema))
        table = client.schema.tables.get(name)
        if table is None or not table.get("table_format"):
            raise DestinationUndefinedEntity(name)
        return client, table["table_format"]

    def missing_parts(self, schema: Schema, keys: TColumns) -> list[str]:
        """As of `DestinationAdapter`; the schema of files is in the files."""
        return [name for name, key in keys.items() if not self._has_table(name, key)]

    def restore_tables(self, missing: Collection[str]) -> None:
        """Has dlt forget tables: they are made with their first rows."""
        schema = self.pipeline.default_schema
        schema.drop_tables(list(missing))
        self.pipeline.schemas.save_schema(schema)

    def forget_rows(self, table: str) -> None:
        client = self.client_with_schema()
        with suppress(FileNotFoundError):
            client.fs_client.rm(client.get_table_dir(table), recursive=True)
        self.restore_tables([table])

    def delete_rows(self, table: str, chosen: TChosen) -> None:
        _, opened, reader = self._stored_table(table)
        reader.delete(opened, chosen)

    def add_columns(self, table: str, schema: pa.Schema) -> None:
        """As of `DestinationAdapter`, for Iceberg.

        pyiceberg reads the rows to compare as the newest snapshot has them, without the columns
        that were added since then, and cannot update any. So an empty snapshot that has them comes
        first.
        """
        try:
            client, table_format = self._stored_client(table)
            opened = client.load_open_table(table_format, table)
        except DestinationUndefinedEntity:
            return
        if _FORMATS[table_format].lacks(opened, schema.names):
            opened = client.load_open_table(table_format, table, schema=schema)
            opened.append(schema.empty_table())

    def refuse_foreign_files(self, keys: TColumns, table_format: str | None) -> None:
        client = self._fresh_client()
        folder = self._folder
        # dlt would try in vain to make one that it did not make
        if folder and client.fs_client.isdir(str(folder)) and not client.is_storage_initialized():
            raise UnusableDestinationError(
                f"The folder {folder} is not of dlt. Choose another dataset (--dataset), or rename"
                " that folder."
            )
        # if nobody answers, that is the error, and not that a table cannot be read
        client.get_stored_schema(SCHEMA_NAME)
        for name, key in keys.items():
            try:
                known = self._has_table(name, key)
            except UnusableDestinationError:
                raise
            except Exception as ex:
                # of any library
                raise self.in_the_way(name, f"it cannot be read ({type(ex).__name__})") from ex
            if known or not self._has_files(name):
                continue
            # a table that was restored without what dlt knows of it is ours
            if not (table_format and self._is_kept_as(name, key, table_format)):
                raise self.in_the_way(name, "its folder has files of something else")

    def _has_table(self, name: str, key: Sequence[str]) -> bool:
        try:
            client, table, reader = self._stored_table(name)
        except DestinationUndefinedEntity:
            return False
        if self._folder:
            _refuse_moved_table(client, name, reader.noted_place(table))
        reader.read(table, key)
        return True

    def _has_files(self, name: str) -> bool:
        client = self.client_with_schema()
        try:
            is_folder = client.fs_client.isdir(client.get_table_dir(name))
            return bool(is_folder and client.list_table_files(name))
        except FileNotFoundError:
            return False

    def _is_kept_as(self, name: str, key: Sequence[str], table_format: str) -> bool:
        """Whether files are a table of ours in a format, whatever dlt knows of them."""
        table: Any = {"name": name, "columns": {}, "table_format": table_format}
        client = self._fresh_client()
        client.schema = Schema("files")
        client.schema.tables[name] = table
        try:
            schema = client.load_open_table(table_format, name).schema()
        except Exception:
            # of any library
            return False
        fields = schema() if callable(schema) else schema
        return set(key) <= {field.name for field in fields.fields}

    def is_conflict(self, error: BaseException) -> bool:
        # of Delta and of Iceberg; dlt, which tries again at once, hands on the text alone
        return "CommitFailed" in str(error)

    # reading

    @contextmanager
    def session(self, wait: float = 0, only: str | None = None) -> Iterator[Session]:
        with (
            TemporaryDirectory(prefix="ai_batches_") as folder,
            closing(duckdb.connect(str(Path(folder) / "copy.duckdb"))) as connection,
        ):
            yield FilesSession(self, connection, only)

    # check

    def try_to_write(self) -> str:
        if self._folder:
            refuse_unwritable_path(self._folder)
            return ""
        client = self.client
        place = f"{client.dataset_path}ai_batches_check_{uuid4().hex[:12]}"
        try:
            client.fs_client.pipe_file(place, b"")
        except FileNotFoundError:
            # dlt would make it in some regions, which is mostly a slip of the pen
            raise UnusableDestinationError(
                f"There is no bucket for {client.config.bucket_url}. Make it, or correct"
                " `bucket_url`."
            ) from None
        client.fs_client.rm_file(place)
        return ""


def _refuse_moved_table(client: Any, name: str, noted: str | None) -> None:
    """Refuses a table that was copied or moved, if its new rows would go to the old place."""
    if noted is None:
        return
    place, old = Path(client.get_table_dir(name)), Path(client.config.make_local_path(noted))
    if not (old.exists() and old.samefile(place)):
        raise UnusableDestinationError(
            f"The table {place} was copied or moved: Iceberg puts its new files into {old}. Move it"
            " back, or load into another folder (`bucket_url`)."
        )
