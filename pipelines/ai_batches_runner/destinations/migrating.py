"""New columns in Iceberg, of which dlt's own migration is not enough for an upsert."""

from dlt import Pipeline
from dlt.common.destination.exceptions import DestinationUndefinedEntity

from ai_batches import TABLE_NAME
from ai_batches.table.columns import SCHEMA

from ..sql.stored import client_of_files, speaks_sql


def add_columns(pipeline: Pipeline) -> None:
    """Adds columns that an Iceberg table of an earlier version lacks; elsewhere, dlt does so.

    pyiceberg reads the rows to compare as the newest snapshot has them, without the columns that
    were added since then, and cannot update any. So an empty snapshot that has them comes first.

    Args:
        pipeline (Pipeline): Whose destination to change; nothing may be loading into it.
    """
    if speaks_sql(pipeline):
        return
    try:
        client, table_format = client_of_files(pipeline, TABLE_NAME)
        if table_format != "iceberg":
            return
        table = client.load_open_table(table_format, TABLE_NAME)
    except DestinationUndefinedEntity:
        return
    snapshot = table.current_snapshot()
    schemas = table.schemas()
    schema = schemas.get(snapshot.schema_id) if snapshot else None
    if schema is not None and not set(SCHEMA.names) <= {field.name for field in schema.fields}:
        client.load_open_table(table_format, TABLE_NAME, schema=SCHEMA).append(SCHEMA.empty_table())
