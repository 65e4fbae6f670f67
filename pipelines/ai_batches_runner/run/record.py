"""Records each run in the table `runs`: one row per provider, account and run."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import dlt
import pyarrow as pa
from dlt import Pipeline
from dlt.common.schema.typing import TTableSchemaColumns
from dlt.extract import DltResource

from ai_batches import TABLES, VERSION_HINT, Run, __version__, ai_batches_results_source

from ..destinations.base import SCHEMA_NAME, TableFormat
from ..destinations.merging import fit_to_destination
from ..sql.runs import DESCRIPTION, RUN_COLUMNS, RUN_SCHEMA, RUNS_TABLE
from .report import AccountReport

_HINTS: TTableSchemaColumns = {
    name: {"description": description} for name, (_, description) in RUN_COLUMNS.items()
}


def extract_runs(
    pipeline: Pipeline,
    run: Run,
    reports: Sequence[AccountReport],
    load_id: str | None,
    table_format: TableFormat | None = None,
    others: Sequence[DltResource] = (),
) -> None:
    """Puts what a run did into a load package, which is still to be stored.

    Rows are appended: the pipeline never loads a package twice.

    Args:
        pipeline (Pipeline): Where the run loaded.
        run (Run): The run.
        reports (Sequence[AccountReport]): What it did.
        load_id (str | None): The last load package that it stored.
        table_format (TableFormat | None): How a destination of files keeps tables.
        others (Sequence[DltResource]): Further tables that go into the same package.
    """
    ended = datetime.now(UTC)
    rows = [
        {
            "run_id": run.id,
            "provider": report.provider,
            "account": report.account or "",
            "started_at": run.started,
            "ended_at": ended,
            "load_id": load_id,
            "seconds": report.seconds,
            "result": report.result.lower(),
            "batches_read": report.read,
            "batches_new": report.new,
            "batches_changed": report.changed,
            "batches_open": report.open,
            "requests": report.requests,
            "error_type": report.error_type,
            "error": report.error,
        }
        for report in reports
    ]
    resource = dlt.resource(
        [pa.Table.from_pylist(rows, RUN_SCHEMA)],
        name=RUNS_TABLE,
        columns=_HINTS,
        write_disposition="append",
    )
    resource.apply_hints(
        table_format=table_format,
        additional_table_hints={"description": DESCRIPTION, VERSION_HINT: __version__},
    )
    # of the same schema, so that one dataset has all tables for dlt's own tools, too
    pipeline.extract(dlt.source(lambda: [resource, *others], name=SCHEMA_NAME)())


def result_tables(
    pipeline: Pipeline, disposition: Any, table_format: TableFormat | None
) -> list[DltResource]:
    """Resources that make the tables of results, or add the columns of this version to them.

    Views read them, and BI tools find them from the first run on.

    Args:
        pipeline (Pipeline): Where the run loaded.
        disposition (Any): The write disposition of merged tables.
        table_format (TableFormat | None): How a destination of files keeps tables.

    Returns:
        list[DltResource]: Without rows; none if the destination has them all.
    """
    schema = pipeline.default_schema
    seen = schema.data_table_names(seen_data_only=True)
    if all(
        table.name in seen and table.columns.keys() <= schema.tables[table.name]["columns"].keys()
        for table in TABLES
    ):
        return []
    source = ai_batches_results_source([], {})
    fit_to_destination(source, pipeline, disposition, table_format)
    return list(source.resources.values())
