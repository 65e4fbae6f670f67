"""Finds the class for a destination."""

from weakref import WeakKeyDictionary

from dlt import Pipeline
from dlt.destinations.job_client_impl import SqlJobClientBase

from .alchemy import AlchemyAdapter, AlchemyPostgresAdapter, MySqlAdapter, SqliteAdapter
from .base import DestinationAdapter
from .duckdb import DuckDbAdapter
from .ducklake import DuckLakeAdapter
from .files import FilesAdapter
from .postgres import PostgresAdapter
from .sql import SqlAdapter
from .warehouses import (
    BigQueryAdapter,
    ClickHouseAdapter,
    DatabricksAdapter,
    MotherDuckAdapter,
    RedshiftAdapter,
    SnowflakeAdapter,
)

ADAPTERS: tuple[type[DestinationAdapter], ...] = (
    DuckDbAdapter,
    DuckLakeAdapter,
    MotherDuckAdapter,
    FilesAdapter,
    SqliteAdapter,
    MySqlAdapter,
    AlchemyPostgresAdapter,
    AlchemyAdapter,
    PostgresAdapter,
    RedshiftAdapter,
    SnowflakeAdapter,
    BigQueryAdapter,
    DatabricksAdapter,
    ClickHouseAdapter,
)
"""The classes; the first that fits is taken, and `SqlAdapter` for other destinations with SQL."""

_adapters: WeakKeyDictionary[Pipeline, DestinationAdapter] = WeakKeyDictionary()


def adapter_of(pipeline: Pipeline) -> DestinationAdapter:
    """The adapter of a pipeline's destination, the same one each time.

    Args:
        pipeline (Pipeline): A pipeline with a destination.

    Returns:
        DestinationAdapter: Of the first class that fits.
    """
    adapter = _adapters.get(pipeline)
    if adapter is None:
        client = pipeline.destination_client()
        found = find_class(
            pipeline.destination.destination_type, str(client.capabilities.sqlglot_dialect or "")
        )
        is_sql = isinstance(client, SqlJobClientBase)
        kind = found or (SqlAdapter if is_sql else DestinationAdapter)
        adapter = _adapters[pipeline] = kind(pipeline, client)
    return adapter


def find_class(destination_type: str, dialect: str) -> type[DestinationAdapter] | None:
    """The class for a destination.

    Args:
        destination_type (str): dlt's type of it, such as `dlt.destinations.duckdb`.
        dialect (str): Its SQL, by sqlglot's name.

    Returns:
        type[DestinationAdapter] | None: None if there is none of its own.
    """
    for each in ADAPTERS:
        if each.TYPE in ("", destination_type) and each.DIALECT in ("", dialect):
            return each
    return None
