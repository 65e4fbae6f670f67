"""DuckLake: DuckDB's SQL, a catalog in a file or a server, and rows in files."""

from pathlib import Path

from dlt.destinations.exceptions import DestinationConnectionError

from .duckdb import DuckDbSqlAdapter
from .paths import refuse_misread, refuse_unwritable_path


class DuckLakeAdapter(DuckDbSqlAdapter):
    """A DuckLake."""

    TYPE = "dlt.destinations.ducklake"
    COMMENTS = ("table", "column", "view")

    @property
    def file(self) -> Path | None:
        """The file of the catalog."""
        catalog = self.client.config.credentials.catalog
        return Path(catalog.database) if catalog.drivername in ("sqlite", "duckdb") else None

    @property
    def _storage(self) -> Path | None:
        """The folder of the rows; None for a bucket."""
        lake = self.client.config.credentials
        return Path(lake.storage_url) if lake.storage.is_local_filesystem else None

    def refuse_misread_paths(self) -> None:
        for path in (self.file, self._storage):
            if path:
                refuse_misread(path, "'?\\", "dlt")

    def exists(self) -> bool:
        if self.file:
            return super().exists()
        sql = self.sql
        sql._attach_statement = f"{sql.attach_statement[:-1]}, CREATE_IF_NOT_EXISTS false)"
        try:
            sql.open_connection()
        except DestinationConnectionError as ex:
            if "creating a new DuckLake is explicitly disabled" in str(ex):
                return False
            raise
        finally:
            sql._attach_statement = None
        sql.close_connection()
        return True

    def try_folders(self) -> str:
        super().try_folders()
        if self._storage is None:
            return "whether its bucket can be written was not tried"
        refuse_unwritable_path(self._storage)
        return ""
