"""Destinations that tests load into for real, each read back by its own client, not by dlt."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit
from urllib.request import Request, urlopen
from uuid import uuid4

import duckdb
import psycopg2
import pymysql
import pytest
from deltalake import DeltaTable
from pyiceberg.table import StaticTable

from environments import binary
from servers import PASSWORD
from support import TRow

TServers = Callable[[str], str]
"""Starts the server of a kind, once, and tells its URL."""


class TRead(Protocol):
    """Reads types of the columns, as the destination calls them, and all rows."""

    def __call__(
        self, dataset: str, table: str = "batches", zone: str = "UTC"
    ) -> tuple[dict[str, str], list[TRow]]:
        """Reads a table or a view of a dataset, in a session that has a time zone."""


ZONE, OFFSET = "Pacific/Tongatapu", "+13:00"
"""A time zone in which a day begins long before UTC."""

READER = Path(__file__).with_name("read_ducklake.py")


class Target(NamedTuple):
    """A place of a test's own in a destination."""

    arguments: tuple[str, ...]
    """Of the command line."""
    variables: Mapping[str, str]
    read: TRead
    python: str = sys.executable
    """Of the environment in which the pipeline runs."""


def duckdb_file(folder: Path, server: TServers) -> Target:
    """The default; what the others are compared with."""
    file = folder / "batches.duckdb"

    def read(
        dataset: str, table: str = "batches", zone: str = "UTC"
    ) -> tuple[dict[str, str], list[TRow]]:
        with duckdb.connect(str(file), read_only=True) as connection:
            connection.execute(f"SET TimeZone = '{zone}'")
            cursor = connection.execute(f"SELECT * FROM {dataset}.{table}")  # noqa: S608
            types = {column[0]: str(column[1]) for column in cursor.description}
            return types, [dict(zip(types, row, strict=True)) for row in cursor.fetchall()]

    return Target((), {"DESTINATION__DUCKDB__CREDENTIALS": str(file)}, read)


def postgres(folder: Path, server: TServers) -> Target:
    """A real server."""
    url = server("postgres")

    def read(
        dataset: str, table: str = "batches", zone: str = "UTC"
    ) -> tuple[dict[str, str], list[TRow]]:
        with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
            cursor.execute("SET timezone = %s", (zone,))
            cursor.execute(
                "SELECT column_name, data_type FROM information_schema.columns"
                " WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position",
                (dataset, table),
            )
            types = dict(cursor.fetchall())
            cursor.execute(f"SELECT * FROM {dataset}.{table}")  # noqa: S608
            return types, [dict(zip(types, row, strict=True)) for row in cursor.fetchall()]

    variables = {"DESTINATION__POSTGRES__CREDENTIALS": url}
    return Target(("--destination", "postgres"), variables, read)


def sqlite(folder: Path, server: TServers) -> Target:
    """Dlt keeps a dataset in a file of its own, beside the one that is named."""
    file = folder / "batches.db"

    def read(
        dataset: str, table: str = "batches", zone: str = "UTC"
    ) -> tuple[dict[str, str], list[TRow]]:
        with closing(sqlite3.connect(folder / f"batches__{dataset}.db")) as connection:
            types = {row[1]: row[2] for row in connection.execute(f"PRAGMA table_info({table})")}
            rows = connection.execute(f"SELECT * FROM {table}")  # noqa: S608
            return types, [dict(zip(types, row, strict=True)) for row in rows]

    variables = {"DESTINATION__SQLALCHEMY__CREDENTIALS": f"sqlite:///{file}"}
    return Target(("--destination", "sqlalchemy"), variables, read)


def mariadb(folder: Path, server: TServers) -> Target:
    """A real server; a dataset is a database there."""
    url = server("mariadb")

    def read(
        dataset: str, table: str = "batches", zone: str = "UTC"
    ) -> tuple[dict[str, str], list[TRow]]:
        parts = urlsplit(url)
        with (
            closing(
                pymysql.connect(
                    host=parts.hostname,
                    port=parts.port or 0,
                    user=parts.username,
                    password=PASSWORD,
                    database=dataset,
                )
            ) as connection,
            connection.cursor() as cursor,
        ):
            # it knows no names of time zones unless somebody loads them
            offset = "+00:00" if zone == "UTC" else OFFSET
            cursor.execute("SET time_zone = %s", (offset,))
            cursor.execute(f"DESCRIBE {table}")
            types = {row[0]: row[1] for row in cursor.fetchall()}
            cursor.execute(f"SELECT * FROM {table}")  # noqa: S608
            return types, [dict(zip(types, row, strict=True)) for row in cursor.fetchall()]

    variables = {"DESTINATION__SQLALCHEMY__CREDENTIALS": f"{url}/mysql"}
    return Target(("--destination", "sqlalchemy"), variables, read)


def delta(folder: Path, server: TServers) -> Target:
    """Delta tables in a folder."""
    return _files("delta", str(folder / "lake"), {}, partial(_read_delta, folder / "lake", None))


def iceberg(folder: Path, server: TServers) -> Target:
    """Iceberg tables in a folder."""

    def read(
        dataset: str, table: str = "batches", zone: str = "UTC"
    ) -> tuple[dict[str, str], list[TRow]]:
        place = folder / "lake" / dataset / table / "metadata"
        return _read_iceberg(str(max(place.glob("*.metadata.json"))), {})

    return _files("iceberg", str(folder / "lake"), {}, read)


def delta_on_s3(folder: Path, server: TServers) -> Target:
    """Delta tables in a bucket."""
    url = _bucket(server)
    options = {
        "endpoint_url": url,
        "access_key_id": "key",
        "secret_access_key": PASSWORD,
        "region": "us-east-1",
        "allow_http": "true",
    }
    read = partial(_read_delta, "s3://lake", options)
    return _files("delta", "s3://lake", _s3_variables(url), read)


def iceberg_on_s3(folder: Path, server: TServers) -> Target:
    """Iceberg tables in a bucket."""
    url = _bucket(server)

    def read(
        dataset: str, table: str = "batches", zone: str = "UTC"
    ) -> tuple[dict[str, str], list[TRow]]:
        with urlopen(f"{url}/lake?list-type=2&prefix={dataset}/{table}/metadata/") as reply:  # noqa: S310
            names = [part.split("</Key>")[0] for part in reply.read().decode().split("<Key>")[1:]]
        newest = max(name for name in names if name.endswith(".metadata.json"))
        options = {
            "s3.endpoint": url,
            "s3.access-key-id": "key",
            "s3.secret-access-key": PASSWORD,
            "s3.region": "us-east-1",
        }
        return _read_iceberg(f"s3://lake/{newest}", options)

    return _files("iceberg", "s3://lake", _s3_variables(url), read)


def ducklake_in_sqlite(folder: Path, server: TServers) -> Target:
    """DuckLake whose catalog is a file."""
    return _ducklake(folder, f"sqlite:///{folder / 'catalog.sqlite'}")


def ducklake_in_postgres(folder: Path, server: TServers) -> Target:
    """DuckLake whose catalog is a real server."""
    return _ducklake(folder, server("postgres"))


def _files(table_format: str, bucket_url: str, variables: Mapping[str, str], read: TRead) -> Target:
    arguments = ("--destination", "filesystem", "--table-format", table_format)
    return Target(arguments, {"DESTINATION__FILESYSTEM__BUCKET_URL": bucket_url, **variables}, read)


def _read_delta(
    lake: Path | str,
    options: dict[str, str] | None,
    dataset: str,
    table: str = "batches",
    zone: str = "UTC",
) -> tuple[dict[str, str], list[TRow]]:
    found = DeltaTable(f"{lake}/{dataset}/{table}", storage_options=options)
    types = {field.name: str(field.type.type) for field in found.schema().fields}
    return types, found.to_pyarrow_table().to_pylist()


def _read_iceberg(metadata: str, options: dict[str, str]) -> tuple[dict[str, str], list[TRow]]:
    table = StaticTable.from_metadata(metadata, options)
    types = {field.name: str(field.field_type) for field in table.schema().fields}
    return types, table.scan().to_arrow().to_pylist()


def _bucket(server: TServers) -> str:
    url = server("s3")
    with urlopen(Request(f"{url}/lake", method="PUT")):  # noqa: S310
        return url


def _s3_variables(url: str) -> dict[str, str]:
    prefix = "DESTINATION__FILESYSTEM__CREDENTIALS__"
    return {
        f"{prefix}ENDPOINT_URL": url,
        f"{prefix}AWS_ACCESS_KEY_ID": "key",
        f"{prefix}AWS_SECRET_ACCESS_KEY": PASSWORD,
        f"{prefix}REGION_NAME": "us-east-1",
    }


def _ducklake(folder: Path, catalog: str) -> Target:
    python = binary("ducklake")
    # of its own in a catalog that others use
    lake = f"lake_{uuid4().hex[:8]}"
    # where DuckDB looks for extensions
    variables = {"HOME": str(folder)}

    def ask(*arguments: str) -> str:
        done = subprocess.run(  # noqa: S603
            [python, str(READER), *arguments],
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def read(
        dataset: str, table: str = "batches", zone: str = "UTC"
    ) -> tuple[dict[str, str], list[TRow]]:
        types, rows = json.loads(ask("read", catalog, lake, dataset, table, zone))
        return types, rows

    ask("install")
    prefix = "DESTINATION__DUCKLAKE__CREDENTIALS__"
    places = {
        f"{prefix}CATALOG": catalog,
        f"{prefix}STORAGE__BUCKET_URL": str(folder / "files"),
        f"{prefix}METADATA_SCHEMA": lake,
    }
    return Target(("--destination", "ducklake"), {**variables, **places}, read, python)


TARGETS = {
    made.__name__: made
    for made in (
        duckdb_file,
        postgres,
        delta,
        sqlite,
        mariadb,
        iceberg,
        delta_on_s3,
        iceberg_on_s3,
        ducklake_in_sqlite,
        ducklake_in_postgres,
    )
}
QUICK = ("postgres",)
"""Those that `make test` runs."""

FAMILIES = ("duckdb_file", *QUICK, "mariadb", "delta")
"""One of each kind, which `make test-integration` runs; DuckLake is an interpreter of its own, and
takes as long as all others."""


def each_family(
    names: Iterable[str], quick: Collection[str] = QUICK, everywhere: bool = False
) -> list[Any]:
    """Destinations as parameters, by the command that runs them.

    Args:
        names (Iterable[str]): Which ones.
        quick (Collection[str]): Of these, those that `make test` runs.
        everywhere (bool): Whether `make test-integration` runs all of them; otherwise, only
            `make test-long` runs those outside `FAMILIES`.
    """

    def marks(name: str) -> Any:
        if name in quick:
            return ()
        return pytest.mark.integration if everywhere or name in FAMILIES else pytest.mark.long

    return [pytest.param(name, marks=marks(name)) for name in names]
