"""DuckDB: its SQL, which DuckLake and MotherDuck share, and a file of its own."""

from collections.abc import Collection
from pathlib import Path
from typing import Any, ClassVar

import duckdb
from dlt.common import logger

from ..errors import UnusableDestinationError
from .base import Comment
from .duckdb_file import (
    catalog_name,
    explain_damage,
    explain_lock,
    make_file,
    refuse_unwritable,
    schemas_with_table,
    until_unlocked,
)
from .paths import refuse_misread
from .sql import SqlAdapter


class DuckDbSqlAdapter(SqlAdapter):
    """A destination that runs DuckDB's SQL."""

    DIALECT = "duckdb"
    TYPES_ARE_KNOWN = True
    UNDOES_DDL = True
    # a file that is renamed or attached is another catalog
    VIEW_NAME_PARTS = 2
    COMMENTS: ClassVar[Collection[Comment]] = ("table", "column", "view", "view column")

    def open_connection(self, sql: Any, wait: float) -> None:
        """Opens a connection, and keeps further ones of this process from waiting for the file."""
        until_unlocked(sql.open_connection, wait)

    def explain(self, error: BaseException) -> str | None:
        locked = explain_lock(error)
        if locked:
            return (
                f"{locked} If that is a run at work, all may be well: the file could not be looked"
                " at."
            )
        return explain_damage(error)


class DuckDbAdapter(DuckDbSqlAdapter):
    """A DuckDB file, or a database in memory."""

    TYPE = "dlt.destinations.duckdb"

    @property
    def file(self) -> Path | None:
        database = str(self.client.config.credentials.database)
        # a connection that was given, or one in memory
        return None if database in (":external:", ":memory:") else Path(database)

    def configure(self, reference: Any, name: str, read_only: bool) -> None:
        super().configure(reference, name, read_only)
        if read_only and self.file:
            credentials = self.client.config.credentials
            credentials.read_only = True
            reference.config_params["credentials"] = credentials

    def refuse_misread_paths(self) -> None:
        if self.file:
            refuse_misread(self.file, "?\\", "DuckDB")

    def choose_dataset(
        self, named: str | None, usual: str, other: str, wait: float, tolerates_lock: bool
    ) -> str:
        """As of `DestinationAdapter`; a file that was renamed keeps its dataset."""
        file = self.file
        if file is None:
            return named or usual
        try:
            holding = schemas_with_table(file, wait)
        except duckdb.IOException:
            if not tolerates_lock:
                raise
            holding = []
        if named is None:
            return _dataset_of(file, holding, usual, other)
        if catalog_name(file) == self.dataset_name.lower():
            raise UnusableDestinationError(
                f"DuckDB cannot tell the dataset {named} from the file {file}, which has the same"
                " name. Choose another dataset or another file."
            )
        return named

    def make_storage(self, working_folder: Path) -> None:
        """As of `DestinationAdapter`; older drivers can open the file that is made."""
        if self.file:
            _refuse_file_in(working_folder, self.file)
            make_file(self.file)

    def refuse_storage(self, *working_folders: Path) -> None:
        if self.file:
            for folder in working_folders:
                _refuse_file_in(folder, self.file)
            if self.file.exists():
                refuse_unwritable(self.file)

    def refuse_absence(self) -> None:
        if not self.exists():
            raise UnusableDestinationError(
                f"There is no DuckDB file {self.file}: nothing was loaded yet."
            )


def _dataset_of(file: Path, holding: list[str], usual: str, other: str) -> str:
    # in a file x.duckdb, DuckDB takes x.batches for a table of the file and of a schema x
    is_ambiguous = catalog_name(file) == usual
    if is_ambiguous:
        usual, other = other, usual
    if other not in holding:
        return usual
    if usual in holding:
        logger.warning(
            f"{file} has the table `batches` in the datasets {usual} and {other}. This command"
            f" uses {usual}; choose with --dataset, and drop the one that is out of date."
        )
        return usual
    if is_ambiguous:
        raise UnusableDestinationError(
            f"The file {file} has the table in its dataset {other}, which DuckDB cannot tell from"
            " the file, which has the same name. Give the file another name, such as"
            " warehouse.duckdb."
        )
    return other


def _refuse_file_in(folder: Path, file: Path) -> None:
    if file.absolute().is_relative_to(folder):
        raise UnusableDestinationError(
            f"The database {file} lies in dlt's working folder, which may be deleted at any time."
            " Choose a place outside of it."
        )
