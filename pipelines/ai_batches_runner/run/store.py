"""Brings pipeline and destination to one state, and what was extracted into the destination."""

from dlt import Pipeline
from dlt.common import logger

from ai_batches import TABLE_NAME, TABLES, Run
from ai_batches.load_package import heed_signals
from ai_batches.table.columns import SCHEMA

from ..destinations.base import TableFormat
from ..destinations.registry import adapter_of
from ..sql.views import forget_views
from .conflicts import retrying
from .prices import forget_prices
from .report import standings
from .state_sync import (
    adopt_schema,
    follow_destination,
    has_lost_rows,
    refuse_other_format,
    remember_destination,
)
from .tables import refuse_tables_of_others, restore_tables


def prepare(pipeline: Pipeline, table_format: TableFormat | None) -> tuple[Pipeline, bool]:
    """Brings pipeline and destination to one state, and loads what an interrupted run left.

    Args:
        pipeline (Pipeline): The pipeline, connected to its destination.
        table_format (TableFormat | None): How a destination of files keeps tables.

    Returns:
        tuple[Pipeline, bool]: The pipeline; and whether a part of the table had to be made again.

    Raises:
        UnusableDestinationError: If the destination has tables of somebody else, or of another
            format.
    """
    refuse_tables_of_others(pipeline, table_format)
    pipeline, is_restored = _catch_up(pipeline)
    refuse_other_format(pipeline, table_format)
    if is_restored:
        forget_views(pipeline)
        forget_prices(pipeline)
    remember_destination(pipeline)
    return pipeline, is_restored


def _catch_up(pipeline: Pipeline) -> tuple[Pipeline, bool]:
    """Loads what an interrupted run left, if it goes with the table, and knows the destination.

    Returns:
        tuple[Pipeline, bool]: The pipeline; and whether a part of the table had to be made again.
    """
    pipeline = follow_destination(pipeline)
    for name, schema in ((TABLE_NAME, SCHEMA), *((table.name, table.schema) for table in TABLES)):
        adapter_of(pipeline).add_columns(name, schema)
    is_restored = False
    if pipeline.has_pending_data:
        is_restored = restore_tables(pipeline)
        if is_restored or has_lost_rows(pipeline, standings(pipeline)):
            # with its few rows, an account would count as one that is still there
            logger.warning(
                "Dropped what an interrupted run left, to read it again: rows that were loaded"
                " before are no longer in the table."
            )
            pipeline = pipeline.drop()
        else:
            left = store(pipeline)
            logger.warning(f"Loaded first what an interrupted run left: package {left}.")
    pipeline.sync_destination()
    adopt_schema(pipeline)
    return pipeline, restore_tables(pipeline) or is_restored


def store(pipeline: Pipeline) -> list[str]:
    """Brings what was extracted into the destination.

    Args:
        pipeline (Pipeline): The pipeline, connected to its destination.

    Returns:
        list[str]: The load ids.

    Raises:
        PipelineStepFailed: If the destination failed.
    """
    pipeline.normalize()
    # dlt's setting of the same name would let a part pass as success
    info = retrying(pipeline)(pipeline.load, raise_on_failed_jobs=True)
    remember_destination(pipeline)
    return info.loads_ids if info else []


def raise_if_signalled(run: Run) -> None:
    """Ends a run at Ctrl-C or SIGTERM; what was extracted is stored by the next one.

    Raises:
        KeyboardInterrupt: If one came.
    """
    heed_signals(run)
    if run.is_interrupted:
        raise KeyboardInterrupt
