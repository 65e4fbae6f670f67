"""Installs extensions of DuckDB that came as Python packages, and reads a DuckLake with them.

Runs in the environment `ducklake`, which has another DuckDB than the tests:

    read_ducklake.py install
    read_ducklake.py read CATALOG LAKE DATASET TABLE ZONE    types and rows, as JSON
    read_ducklake.py comments CATALOG LAKE DATASET           what is said of what, as JSON
    read_ducklake.py watch CATALOG LAKE DATASET              stays connected; a count a line
"""

import importlib
import json
import sys
from pathlib import Path
from urllib.parse import urlsplit

import duckdb

EXTENSIONS = ("ducklake", "postgres_scanner", "sqlite_scanner")


def install() -> None:
    """Copies the extensions to where DuckDB looks for them."""
    for name in EXTENSIONS:
        package = importlib.import_module(f"duckdb_extension_{name}")
        folder = Path(next(iter(package.__path__))) / "extensions" / f"v{duckdb.__version__}"
        duckdb.execute(f"INSTALL '{folder / name}.duckdb_extension'")


def attach(catalog: str, lake: str) -> duckdb.DuckDBPyConnection:
    """Opens the lake to read it."""
    parts = urlsplit(catalog)
    options = ["READ_ONLY"]
    if parts.scheme == "sqlite":
        where = f"sqlite:{parts.path[1:]}"
    else:
        where = (
            f"postgres:host={parts.hostname} port={parts.port} user={parts.username}"
            f" password={parts.password} dbname={parts.path[1:]}"
        )
        options.append(f"METADATA_SCHEMA '{lake}'")
    connection = duckdb.connect()
    connection.execute(f"ATTACH 'ducklake:{where}' AS lake ({', '.join(options)})")
    return connection


def main() -> None:
    """Does what the command line says."""
    what, *rest = sys.argv[1:]
    if what == "install":
        install()
        return
    catalog, lake, dataset, *which = rest
    connection = attach(catalog, lake)
    if what == "watch":
        for _ in sys.stdin:
            counted = connection.execute(f"SELECT count(*) FROM lake.{dataset}.batches")  # noqa: S608
            count = counted.fetchall()[0][0]
            sys.stdout.write(f"{count}\n")
            sys.stdout.flush()
        return
    if what == "comments":
        cursor = connection.execute(
            "WITH said AS (SELECT schema_name, table_name, column_name, comment"
            " FROM duckdb_columns() UNION ALL SELECT schema_name, table_name, NULL, comment"
            " FROM duckdb_tables() UNION ALL SELECT schema_name, view_name, NULL, comment"
            " FROM duckdb_views())"
            " SELECT table_name, column_name, comment FROM said WHERE schema_name = $1",
            [dataset],
        )
        sys.stdout.write(json.dumps(cursor.fetchall()))
        return
    table, zone = which
    connection.execute(f"SET TimeZone = '{zone}'")
    cursor = connection.execute(f"SELECT * FROM lake.{dataset}.{table}")  # noqa: S608
    types = {column[0]: str(column[1]) for column in cursor.description}
    rows = [dict(zip(types, row, strict=True)) for row in cursor.fetchall()]
    sys.stdout.write(json.dumps([types, rows], default=str))


if __name__ == "__main__":
    main()
