"""How rows are merged, which depends on what the destination can do."""

from typing import Any

from dlt import Pipeline
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.schema.typing import TLoaderMergeStrategy
from dlt.extract import DltSource

from ai_batches import TABLE_NAME, TABLES

from ..errors import UnusableDestinationError
from .base import TableFormat
from .registry import adapter_of

_RESULTS = frozenset(table.name for table in TABLES)
"""Tables whose rows bear the load in which they were last read: others are stale."""


def fit_to_destination(
    source: DltSource, pipeline: Pipeline, disposition: Any, table_format: TableFormat | None
) -> None:
    """Has rows merged in the way that `write_disposition` found for the destination.

    Args:
        source (DltSource): The source; the hints of its selected resources are set.
        pipeline (Pipeline): Whose destination to ask.
        disposition (Any): The write disposition.
        table_format (TableFormat | None): How tables in files are kept; None: as the destination
            does.
    """
    columns = adapter_of(pipeline).column_hints(pipeline.destination.capabilities())
    for resource in source.selected_resources.values():
        resource.apply_hints(
            write_disposition=_rewriting(disposition) if resource.name in _RESULTS else disposition,
            table_format=table_format,
            # an empty dict would take the hints away that are there
            columns=(columns or None) if resource.table_name == TABLE_NAME else None,
        )


def write_disposition(pipeline: Pipeline, table_format: TableFormat | None) -> tuple[Any, bool]:
    """The write disposition for a destination, and whether it leaves unchanged rows alone.

    Raises:
        UnusableDestinationError: If the destination cannot keep one row per batch, or cannot be
            read.
        MissingDependencyException: If a package for the table format is not installed.
    """
    adapter = adapter_of(pipeline)
    capabilities = pipeline.destination.capabilities()
    formats = [str(each) for each in capabilities.supported_table_formats or ()]
    if table_format and table_format not in formats:
        raise UnusableDestinationError(
            f"The destination `{adapter.name}` does not support the table format `{table_format}`."
        )
    if table_format:
        adapter.require_libraries(table_format)
    strategies = merge_strategies(capabilities, table_format)
    if not adapter.READABLE:
        raise UnusableDestinationError(
            f"The destination `{adapter.name}` can be written, but not read back, so that nobody"
            " could see what is in it. Choose another one."
        )
    if "upsert" in strategies:
        compares = adapter.merges_unchanged(table_format)
        upsert = {"disposition": "merge", "strategy": "upsert"}
        return ({**upsert, "skip_unchanged_rows": True} if compares else upsert), compares
    if "delete-insert" in strategies:
        # a key stands once in a package: dlt need not look for doubles
        return {"disposition": "merge", "strategy": "delete-insert", "deduplicated": True}, False
    # dlt would append, with a warning only
    hint = f", or add --table-format {' or '.join(formats)}" if formats else ""
    raise UnusableDestinationError(
        f"The destination `{adapter.name}` cannot merge: each run would add every batch once more."
        f" Choose another one{hint}."
    )


def _rewriting(disposition: Any) -> Any:
    """The same write disposition; rows that are unchanged get the id of the load, too."""
    return {name: each for name, each in disposition.items() if name != "skip_unchanged_rows"}


def merge_strategies(
    capabilities: DestinationCapabilitiesContext, table_format: TableFormat | None
) -> list[TLoaderMergeStrategy]:
    """The merge strategies of dlt that a destination has for the table."""
    strategies = capabilities.supported_merge_strategies or []
    if capabilities.merge_strategies_selector:
        table: Any = {"name": TABLE_NAME, "table_format": table_format}
        strategies = capabilities.merge_strategies_selector(strategies, table_schema=table)
    return list(strategies)
