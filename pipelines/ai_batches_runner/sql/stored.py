"""Reads the table `batches` back from its destination, whatever that is."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import duckdb
from dlt import Pipeline
from dlt.common import json
from dlt.common.destination.client import SupportsOpenTables
from dlt.common.destination.exceptions import DestinationUndefinedEntity
from dlt.common.schema import Schema
from dlt.destinations.exceptions import DatabaseUndefinedRelation
from dlt.destinations.job_client_impl import SqlJobClientBase

from ai_batches import TABLE_NAME

SCHEMA_NAME = "ai_batches"
"""Of the source; dlt stores it with the data, whichever pipeline loads it."""

_ROWS = 10_000


def speaks_sql(pipeline: Pipeline) -> bool:
    """Whether the destination runs SQL itself; open tables in files are read by DuckDB instead."""
    return isinstance(pipeline.destination_client(), SqlJobClientBase)


def can_be_read(pipeline: Pipeline) -> bool:
    """Whether `select` knows how to read from the destination."""
    return speaks_sql(pipeline) or isinstance(pipeline.destination_client(), SupportsOpenTables)


def select(pipeline: Pipeline, columns: Sequence[str], query: str) -> Iterator[tuple[Any, ...]]:
    """Runs a query on the table.

    Args:
        pipeline (Pipeline): Whose destination to ask.
        columns (Sequence[str]): The columns that the query names; only these are read from files.
        query (str): SQL that every destination understands, with `{table}` for the table.

    Yields:
        tuple[Any, ...]: Rows; none where the table does not exist.
    """
    try:
        if speaks_sql(pipeline):
            yield from _select_in_destination(pipeline, query)
        else:
            yield from _select_in_files(pipeline, columns, query)
    except (DatabaseUndefinedRelation, DestinationUndefinedEntity):
        return


def as_it_stands(pipeline: Pipeline, statement: str) -> str:
    """SQL as a client of dlt takes it: SQLAlchemy looks for parameters, even within texts."""
    is_alchemy = pipeline.destination.destination_type == "dlt.destinations.sqlalchemy"
    return statement.replace(":", r"\:") if is_alchemy else statement


def table_exists(pipeline: Pipeline) -> bool:
    """Whether the destination has the table."""
    counts = list(select(pipeline, ["id"], "SELECT COUNT(id) FROM {table} WHERE 1 = 0"))
    return bool(counts)


def table_name(pipeline: Pipeline) -> str:
    """The table with its dataset, for messages."""
    client: Any = pipeline.destination_client()
    dataset = client.sql_client if speaks_sql(pipeline) else client
    return f"{dataset.dataset_name}.{TABLE_NAME}"


def _select_in_destination(pipeline: Pipeline, query: str) -> Iterator[tuple[Any, ...]]:
    with (
        pipeline.sql_client() as client,
        client.execute_query(
            query.format(table=client.make_qualified_table_name(TABLE_NAME))
        ) as cursor,
    ):
        while rows := cursor.fetchmany(_ROWS):
            yield from map(tuple, rows)


def _select_in_files(
    pipeline: Pipeline, columns: Sequence[str], query: str
) -> Iterator[tuple[Any, ...]]:
    """Dlt would read the files by extensions of DuckDB, which come from the network."""
    with closing(duckdb.connect()) as connection:
        connection.register(TABLE_NAME, open_table(pipeline, TABLE_NAME, columns))
        cursor = connection.execute(query.format(table=TABLE_NAME))
        while rows := cursor.fetchmany(_ROWS):
            yield from rows


def in_utc(moment: Any) -> datetime:
    """A moment, as whichever type a destination gives back, in UTC; without a zone it is UTC."""
    read = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    known: datetime = read if read.tzinfo else read.replace(tzinfo=UTC)
    return known.astimezone(UTC)


def kept_format(pipeline: Pipeline) -> str | None:
    """The format in which files hold the table, as the destination itself knows it.

    Returns:
        str | None: None where there is no table, or where it is not in files.
    """
    if speaks_sql(pipeline):
        return None
    try:
        return client_of_files(pipeline, TABLE_NAME)[1]
    except DestinationUndefinedEntity:
        return None


def open_table(pipeline: Pipeline, name: str, columns: Sequence[str]) -> Any:
    """Reads columns of a table in files, as Arrow, once.

    Raises:
        DestinationUndefinedEntity: If there is no table.
    """
    client, table_format = client_of_files(pipeline, name)
    table = client.load_open_table(table_format, name)
    if table_format == "delta":
        # a reader: Arrow knows no filter for the texts that DuckDB would hand down to a dataset
        return table.to_pyarrow_dataset().scanner(columns=list(columns)).to_reader()
    return table.scan(selected_fields=tuple(columns)).to_arrow_batch_reader()


def client_of_files(pipeline: Pipeline, name: str) -> tuple[Any, str]:
    """A client that knows a table as it is stored; and its format.

    The working folder may know none, or another one: that of a fresh machine, or of another place.
    """
    client: Any = pipeline.destination_client()
    stored = client.get_stored_schema(SCHEMA_NAME)
    if stored is None:
        raise DestinationUndefinedEntity(name)
    client.schema = Schema.from_stored_schema(json.loads(stored.schema))
    table = client.schema.tables.get(name)
    if table is None or not table.get("table_format"):
        raise DestinationUndefinedEntity(name)
    return client, table["table_format"]
