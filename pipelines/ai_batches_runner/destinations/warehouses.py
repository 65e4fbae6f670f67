"""Warehouses that no test here loads into: checked against what dlt says of them."""

from collections.abc import Mapping
from typing import ClassVar

from .duckdb import DuckDbSqlAdapter
from .sql import SqlAdapter


class MotherDuckAdapter(DuckDbSqlAdapter):
    """DuckDB as a service."""

    TYPE = "dlt.destinations.motherduck"


class RedshiftAdapter(SqlAdapter):
    """Redshift."""

    DIALECT = "redshift"
    UNDOES_DDL = True
    REMAKES_VIEWS = True


class SnowflakeAdapter(SqlAdapter):
    """Snowflake."""

    DIALECT = "snowflake"


class BigQueryAdapter(SqlAdapter):
    """BigQuery."""

    DIALECT = "bigquery"


class DatabricksAdapter(SqlAdapter):
    """Databricks."""

    DIALECT = "databricks"
    # dlt sets it by default and looks for it
    TABLE_HINTS: ClassVar[Mapping[str, str]] = {"x-insert-api": "copy_into"}


class ClickHouseAdapter(SqlAdapter):
    """ClickHouse."""

    DIALECT = "clickhouse"

    def try_to_write(self) -> str:
        return "whether it can be written was not tried"
