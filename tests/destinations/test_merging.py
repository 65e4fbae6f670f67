"""Destinations that cannot be started here, held against what dlt says that they can do."""

from typing import Any

import pytest
from dlt.common.destination import Destination, DestinationCapabilitiesContext

from ai_batches import COLUMNS, JSON_COLUMNS, TABLE_NAME
from ai_batches_runner.destinations.merging import merge_strategies
from ai_batches_runner.destinations.registry import find_class
from ai_batches_runner.destinations.sql import SqlAdapter

UPSERT = ("bigquery", "databricks", "motherduck", "snowflake")
DELETE_INSERT = ("clickhouse", "redshift")
TIMESTAMPS = {
    "bigquery": "TIMESTAMP",
    "clickhouse": "DateTime64(6,'UTC')",
    "databricks": "TIMESTAMP",
    "motherduck": "TIMESTAMP WITH TIME ZONE",
    "redshift": "timestamp with time zone",
    "snowflake": "TIMESTAMP_LTZ",
}
JSONS = {
    # from Parquet, dlt loads no JSON into BigQuery
    "bigquery": "STRING",
    "clickhouse": "String",
    "databricks": "STRING",
    "motherduck": "JSON",
    "redshift": "super",
    "snowflake": "VARIANT",
}


TABLE: Any = {"name": TABLE_NAME, "columns": {}}


def capabilities_of(name: str) -> DestinationCapabilitiesContext:
    """What dlt says that a destination can do."""
    destination = Destination.from_reference(name)
    assert destination is not None
    return destination.capabilities()


def class_of(name: str) -> type[SqlAdapter]:
    """The class of a destination."""
    destination = Destination.from_reference(name)
    assert destination is not None
    dialect = str(destination.capabilities().sqlglot_dialect)
    found = find_class(destination.destination_type, dialect)
    assert found is not None
    assert issubclass(found, SqlAdapter)
    return found


@pytest.mark.parametrize("name", UPSERT)
def test_rows_can_be_upserted(name: str) -> None:
    capabilities = capabilities_of(name)
    assert "upsert" in merge_strategies(capabilities, None)


@pytest.mark.parametrize("name", DELETE_INSERT)
def test_rows_can_be_deleted_and_inserted(name: str) -> None:
    capabilities = capabilities_of(name)
    strategies = merge_strategies(capabilities, None)
    assert "delete-insert" in strategies
    assert "upsert" not in strategies


@pytest.mark.parametrize("name", TIMESTAMPS)
def test_columns_keep_their_types(name: str) -> None:
    capabilities = capabilities_of(name)
    types = capabilities.get_type_mapper()
    assert capabilities.timestamp_precision >= 6
    assert (
        str(types.to_destination_type({"name": "a", "data_type": "timestamp"}, TABLE))
        == (TIMESTAMPS[name])
    )
    hints = class_of(name).column_hints(capabilities)
    assert set(hints) in (set(), set(JSON_COLUMNS))
    kind = hints.get("extra", {}).get("data_type", "json")
    assert str(types.to_destination_type({"name": "a", "data_type": kind}, TABLE)) == JSONS[name]


@pytest.mark.parametrize("name", [*UPSERT, *DELETE_INSERT])
def test_no_column_has_a_name_of_another(name: str) -> None:
    # where identifiers are folded to one case, `batches` and its columns stay what they are
    capabilities = capabilities_of(name)
    fold = capabilities.casefold_identifier
    folded = {fold(column) for column in COLUMNS}
    assert len(folded) == len(COLUMNS)
    assert max(map(len, COLUMNS)) <= capabilities.max_column_identifier_length


def test_each_has_a_class_of_its_own() -> None:
    names = (*UPSERT, *DELETE_INSERT, "duckdb", "ducklake", "postgres")
    assert len({class_of(name) for name in names}) == len(names)


def test_a_destination_without_a_class_runs_plain_sql() -> None:
    assert find_class("dlt.destinations.mssql", "tsql") is None
