"""Rows in the tables of results, stored without any file that was read."""

from collections.abc import Mapping, Sequence
from typing import Any

import dlt
import pyarrow as pa

from ai_batches import TABLES, ResultTable
from ai_batches_runner.destinations.base import SCHEMA_NAME, TableFormat
from ai_batches_runner.destinations.merging import fit_to_destination, write_disposition
from ai_batches_runner.run.pipeline import connected, open_pipeline
from ai_batches_runner.run.store import prepare, store
from support import TRow

Rows = Mapping[str, Sequence[TRow]]
"""By the name of the table; columns that are left out are null."""


def store_results(
    destination: Any, dataset: str | None, rows: Rows, table_format: TableFormat | None = None
) -> None:
    """Merges rows into the tables of results of a dataset.

    Args:
        destination (Any): Any dlt destination.
        dataset (str | None): As of `open_pipeline`.
        rows (Rows): The rows.
        table_format (TableFormat | None): How a destination of files keeps tables.
    """
    with open_pipeline(destination, dataset) as pipeline:
        disposition, _ = write_disposition(pipeline, table_format)
        source = dlt.source(
            lambda: [_resource(table, rows[table.name]) for table in TABLES if table.name in rows],
            name=SCHEMA_NAME,
        )()
        with connected(pipeline, 60):
            pipeline, _ = prepare(pipeline, table_format)
            fit_to_destination(source, pipeline, disposition, table_format)
            pipeline.extract(source)
            store(pipeline)
    pipeline.deactivate()


def _resource(table: ResultTable, rows: Sequence[TRow]) -> Any:
    given = [{"_dlt_load_id": "1700000000.1", **row} for row in rows]
    return dlt.resource(
        [pa.Table.from_pylist(given, table.schema)],
        name=table.name,
        primary_key=table.primary_key,
        columns=table.hints,
    )
