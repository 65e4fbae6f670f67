"""The tables in the destination, held against what this package and dlt know of them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
from dlt import Pipeline
from dlt.common import logger
from dlt.common.destination.exceptions import DestinationUndefinedEntity
from dlt.common.schema import Schema
from dlt.common.schema.typing import TTableSchema
from dlt.common.schema.utils import loads_table, pipeline_state_table, version_table
from dlt.destinations.exceptions import DatabaseUndefinedRelation

from ai_batches import COLUMNS, TABLE_NAME

from ..errors import UnusableDestinationError
from ..sql.runs import RUN_COLUMNS, RUNS_TABLE
from ..sql.stored import open_table, speaks_sql
from ..sql.view_definitions import VIEWS

_KEYS = {
    TABLE_NAME: ("provider", "account", "id", "_dlt_load_id"),
    RUNS_TABLE: ("run_id", "provider", "account", "started_at"),
}
"""Columns that our tables had in every version."""

_TYPES: dict[str, dict[str, pa.DataType]] = {
    TABLE_NAME: {name: kind.arrow for name, (kind, _) in COLUMNS.items()},
    RUNS_TABLE: {name: kind for name, (kind, _) in RUN_COLUMNS.items()},
}

_TYPES_ARE_KNOWN = ("duckdb", "postgres", "sqlite", "mysql")
"""SQL of which dlt reads the types of columns back as they were made."""

TFound = dict[str, dict[str, str | None]]
"""Columns of each table that is there, in lower case, with dlt's type, if it is known."""


def refuse_tables_of_others(pipeline: Pipeline, table_format: str | None = None) -> None:
    """Refuses a dataset in which somebody else has tables of the names that a run needs.

    Args:
        pipeline (Pipeline): Whose destination to look at; its state is not used.
        table_format (str | None): How a destination of files is to keep tables.

    Raises:
        UnusableDestinationError: If a table or view is in the way; the text names it.
    """
    if not speaks_sql(pipeline):
        _refuse_folder_of_others(pipeline)
        for name in _KEYS:
            _refuse_files_of_others(pipeline, name, table_format)
        return
    client: Any = pipeline.destination_client()
    of_dlt = {
        client.schema.version_table_name: version_table(),
        client.schema.loads_table_name: loads_table(),
        client.schema.state_table_name: pipeline_state_table(),
    }
    with client:
        found = _find(client, [*of_dlt, *_KEYS])
        if TABLE_NAME not in found:
            # later, somebody's table in the place of a view of ours keeps no run from loading
            found |= _find(client, list(VIEWS))
        views = _views(client) if any(name in found for name in _KEYS) else set()
    for name, table in of_dlt.items():
        _refuse_without(client, name, found, _required(table))
    for name, key in _KEYS.items():
        if name in views:
            raise _in_the_way(client, name, "a view of that name is there", "view")
        _refuse_without(client, name, found, key)
        _refuse_other_types(client, name, found)
    for name in VIEWS:
        if name in found and not set(VIEWS[name].columns) <= found[name].keys():
            raise _in_the_way(client, name, "a run makes a view of that name")


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
        f"Made again, since somebody took it away: {', '.join(missing)}. Lists that were loaded are"
        " read whole."
    )
    if speaks_sql(pipeline):
        client: Any = pipeline.destination_client()
        with client:
            client.initialize_storage()
            client.update_stored_schema(force=True)
    else:
        # it is made with its first rows; without any, the source has to know that it is not there
        schema = pipeline.default_schema
        schema.drop_tables([name for name in _KEYS if name in missing])
        pipeline.schemas.save_schema(schema)
    return any(part.split(".")[0] == TABLE_NAME for part in missing)


def missing_parts(pipeline: Pipeline) -> list[str]:
    """Tables that dlt believes to be in the destination and are not, and columns (`table.column`).

    Args:
        pipeline (Pipeline): The pipeline, which knows what its destination knows.

    Returns:
        list[str]: Names; empty also before the first load.
    """
    schema = pipeline.default_schema if pipeline.default_schema_name else None
    if schema is None:
        return []
    known = schema.data_table_names(seen_data_only=True)
    names = [name for name in _KEYS if name in known]
    if not names:
        return []
    if not speaks_sql(pipeline):
        # the schema of files is in the files
        return [name for name in names if not _has_files(pipeline, name)]
    client: Any = pipeline.destination_client()
    with client:
        found = _find(client, names)
    return [part for name in names for part in _missing(schema, name, found.get(name))]


def _missing(schema: Schema, name: str, found: Mapping[str, Any] | None) -> list[str]:
    if found is None:
        return [name]
    columns = schema.get_table_columns(name)
    return [f"{name}.{column}" for column in columns if column.lower() not in found]


def _find(client: Any, names: Sequence[str]) -> TFound:
    """Tables and views that are there."""
    try:
        return {
            name: {column.lower(): hints.get("data_type") for column, hints in columns.items()}
            for name, columns in client.get_storage_tables(names)
            if columns
        }
    except (DatabaseUndefinedRelation, DestinationUndefinedEntity):
        # there is no dataset yet
        return {}
    except Exception:
        # a type that dlt does not know, of any driver
        return dict(_ask_each(client, names))


def _ask_each(client: Any, names: Sequence[str]) -> Iterator[tuple[str, dict[str, str | None]]]:
    sql = client.sql_client
    for name in names:
        query = f"SELECT * FROM {sql.make_qualified_table_name(name)} WHERE 1 = 0"  # noqa: S608
        try:
            with sql.execute_query(query) as cursor:
                native = getattr(cursor, "native_cursor", cursor)
                columns = native.keys() if hasattr(native, "keys") else None
                found = columns or [column[0] for column in native.description]
                yield name, {str(column).lower(): None for column in found}
        except (DatabaseUndefinedRelation, DestinationUndefinedEntity):
            continue
        except Exception:
            # of any driver: a view of ours whose table was dropped
            if name not in VIEWS:
                raise


def _views(client: Any) -> set[str]:
    """Which of our tables are views; none of a destination that cannot be asked."""
    sql = client.sql_client
    if sql.capabilities.sqlglot_dialect not in _TYPES_ARE_KNOWN:
        return set()
    if hasattr(sql, "reflect_table"):
        # only with this destination is it installed
        from sqlalchemy import inspect

        with sql._ensure_transaction():
            inspected = inspect(sql._current_connection)
            return set(inspected.get_view_names(sql.dataset_name)) & set(_KEYS)
    catalog, dataset, names = sql._get_information_schema_components(*_KEYS)
    marks = ", ".join(["%s"] * len(names))
    query = (
        "SELECT table_name FROM information_schema.tables WHERE table_type = 'VIEW'"  # noqa: S608
        f" AND table_schema = %s AND table_name IN ({marks})"
        + (" AND table_catalog = %s" if catalog else "")
    )
    rows = sql.execute_sql(query, dataset, *names, *([catalog] if catalog else []))
    return {row[0] for row in rows or ()}


def _required(table: TTableSchema) -> list[str]:
    """Columns that a table of dlt had in every version."""
    return [name for name, column in table["columns"].items() if column.get("nullable") is False]


def _refuse_without(client: Any, name: str, found: TFound, key: Collection[str]) -> None:
    missing = [column for column in key if name in found and column not in found[name]]
    if missing:
        raise _in_the_way(client, name, f"it has no column `{missing[0]}`")


def _refuse_other_types(client: Any, name: str, found: TFound) -> None:
    if client.capabilities.sqlglot_dialect not in _TYPES_ARE_KNOWN:
        return
    for column, kind in found.get(name, {}).items():
        expected = _TYPES[name].get(column)
        if kind and expected is not None and kind not in _kinds(expected):
            raise _in_the_way(client, name, f"its column `{column}` is of the type {kind}")


def _kinds(arrow: pa.DataType) -> tuple[str, ...]:
    """Types, as dlt calls them, that a destination may give a column."""
    if pa.types.is_timestamp(arrow):
        return ("timestamp",)
    if pa.types.is_string(arrow):
        return ("text", "json")
    if pa.types.is_boolean(arrow):
        return ("bool", "bigint")
    return ("bigint", "double", "decimal", "wei")


def _in_the_way(
    client: Any, name: str, reason: str, kind: str = "table"
) -> UnusableDestinationError:
    dataset = client.sql_client if hasattr(client, "sql_client") else client
    return UnusableDestinationError(
        f"The {kind} {dataset.dataset_name}.{name} is not of this package: {reason}. Choose another"
        f" dataset (--dataset), or rename that {kind}."
    )


def _has_files(pipeline: Pipeline, name: str) -> bool:
    try:
        open_table(pipeline, name, _KEYS[name])
    except DestinationUndefinedEntity:
        return False
    return True


def _refuse_files_of_others(pipeline: Pipeline, name: str, table_format: str | None) -> None:
    """Looks at a folder of the table's name of which dlt knows nothing."""
    client: Any = pipeline.destination_client()
    if not hasattr(client, "list_table_files"):
        return
    try:
        known = _has_files(pipeline, name)
    except Exception as ex:
        # of any library
        raise _in_the_way(client, name, f"it cannot be read ({type(ex).__name__})") from ex
    if known or not _lists_files(client, name):
        return
    if table_format and _is_kept_as(client, name, table_format):
        # restored without what dlt knows of it
        return
    raise _in_the_way(client, name, "its folder has files of something else")


def _refuse_folder_of_others(pipeline: Pipeline) -> None:
    """Looks for a folder that dlt did not make, and would try in vain to make."""
    client: Any = pipeline.destination_client()
    if not getattr(client, "is_local_filesystem", False):
        return
    if client.fs_client.isdir(client.dataset_path) and not client.is_storage_initialized():
        raise UnusableDestinationError(
            f"The folder {client.dataset_path} is not of dlt. Choose another dataset (--dataset),"
            " or rename that folder."
        )


def _lists_files(client: Any, name: str) -> bool:
    try:
        return bool(client.fs_client.isdir(client.get_table_dir(name))) and bool(
            client.list_table_files(name)
        )
    except FileNotFoundError:
        return False


def _is_kept_as(client: Any, name: str, table_format: str) -> bool:
    """Whether files are a table of ours in a format, whatever dlt knows of them."""
    table: Any = {"name": name, "columns": {}, "table_format": table_format}
    client.schema = Schema("files")
    client.schema.tables[name] = table
    try:
        schema = client.load_open_table(table_format, name).schema()
    except Exception:
        # of any library
        return False
    fields = schema() if callable(schema) else schema
    return set(_KEYS[name]) <= {field.name for field in fields.fields}
