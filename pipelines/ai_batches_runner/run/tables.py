"""Compares the tables in the destination with what this package and dlt know of them."""

from collections.abc import Collection

import pyarrow as pa
from dlt import Pipeline
from dlt.common import logger
from dlt.common.schema.typing import TTableSchema
from dlt.common.schema.utils import loads_table, pipeline_state_table, version_table

from ai_batches import FILES, REQUESTS, TABLE_NAME, USAGE

from ..destinations.base import DestinationAdapter, TFound
from ..destinations.registry import adapter_of
from ..sql.known_tables import KNOWN_TABLES
from ..sql.prices import PRICE_MODELS_TABLE, PRICES_TABLE
from ..sql.view_definitions import VIEWS
from .prices import forget_prices

_KEYS = {name: table.key for name, table in KNOWN_TABLES.items()}
"""Columns that our tables had in every version."""


def refuse_tables_of_others(pipeline: Pipeline, table_format: str | None = None) -> None:
    """Refuses a dataset in which somebody else has tables of the names that a run needs.

    Args:
        pipeline (Pipeline): Whose destination to look at; its state is not used.
        table_format (str | None): How a destination of files is to keep tables.

    Raises:
        UnusableDestinationError: If a table or view is in the way; the text names it.
    """
    adapter = adapter_of(pipeline)
    adapter.refuse_foreign_files(_KEYS, table_format)
    with adapter.connected() as client:
        of_dlt = {
            client.schema.version_table_name: version_table(),
            client.schema.loads_table_name: loads_table(),
            client.schema.state_table_name: pipeline_state_table(),
        }
        found = adapter.find_columns([*of_dlt, *_KEYS])
        if TABLE_NAME not in found:
            # later, somebody's table in the place of a view of ours keeps no run from loading
            found |= adapter.find_columns(list(VIEWS), are_views=True)
        ours = [name for name in _KEYS if name in found]
        views = adapter.find_views(ours) if ours else set()
    for name, table in of_dlt.items():
        _refuse_without(adapter, name, found, _required(table))
    for name, key in _KEYS.items():
        if name in views:
            raise adapter.in_the_way(name, "a view of that name is there", "view")
        _refuse_without(adapter, name, found, key)
        _refuse_other_types(adapter, name, found)
    for name in VIEWS:
        if name in found and not set(VIEWS[name].columns) <= found[name].keys():
            raise adapter.in_the_way(name, "a run makes a view of that name")


def restore_tables(pipeline: Pipeline) -> bool:
    """Makes tables and columns again that somebody took away and dlt believes to be there.

    Args:
        pipeline (Pipeline): The pipeline, which knows what its destination knows.

    Returns:
        bool: Whether rows of the batches are not, or not any more, what was loaded.
    """
    missing = missing_parts(pipeline)
    if not missing:
        return False
    logger.warning(
        f"Made again, since somebody took it away: {', '.join(missing)}. Lists and results that"
        " were loaded into it are read whole."
    )
    adapter = adapter_of(pipeline)
    adapter.restore_tables(missing)
    tables = {part.split(".")[0] for part in missing}
    if tables & {REQUESTS.name, USAGE.name} and FILES.name not in tables:
        # without what says that files were loaded, they are read again
        adapter.forget_rows(FILES.name)
    if tables & {PRICES_TABLE, PRICE_MODELS_TABLE}:
        forget_prices(pipeline)
    return TABLE_NAME in tables


def missing_parts(pipeline: Pipeline) -> list[str]:
    """Tables that dlt believes to be in the destination and are not, and columns (`table.column`).

    Args:
        pipeline (Pipeline): The pipeline, which knows what its destination knows.

    Returns:
        list[str]: Names; empty also before the first load.
    """
    if not pipeline.default_schema_name:
        return []
    schema = pipeline.default_schema
    known = schema.data_table_names(seen_data_only=True)
    keys = {name: key for name, key in _KEYS.items() if name in known}
    return adapter_of(pipeline).missing_parts(schema, keys) if keys else []


def _required(table: TTableSchema) -> list[str]:
    """Columns that a table of dlt had in every version."""
    return [name for name, column in table["columns"].items() if column.get("nullable") is False]


def _refuse_without(
    adapter: DestinationAdapter, name: str, found: TFound, key: Collection[str]
) -> None:
    missing = [column for column in key if name in found and column not in found[name]]
    if missing:
        raise adapter.in_the_way(name, f"it has no column `{missing[0]}`")


def _refuse_other_types(adapter: DestinationAdapter, name: str, found: TFound) -> None:
    if not adapter.TYPES_ARE_KNOWN:
        return
    for column, kind in found.get(name, {}).items():
        known = KNOWN_TABLES[name].columns.get(column)
        if kind and known and kind not in _kinds(known[0]):
            raise adapter.in_the_way(name, f"its column `{column}` is of the type {kind}")


def _kinds(arrow: pa.DataType) -> tuple[str, ...]:
    """Types, as dlt calls them, that a destination may give a column."""
    if pa.types.is_timestamp(arrow):
        return ("timestamp",)
    if pa.types.is_string(arrow):
        return ("text", "json")
    if pa.types.is_date(arrow):
        return ("date",)
    if pa.types.is_boolean(arrow):
        return ("bool", "bigint")
    return ("bigint", "double", "decimal", "wei")
