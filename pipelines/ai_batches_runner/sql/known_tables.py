"""The tables that a run makes: what they mean, their columns, and their keys."""

from collections.abc import Mapping
from typing import NamedTuple

import pyarrow as pa

from ai_batches import COLUMNS, TABLE_DESCRIPTION, TABLE_NAME, TABLES

from .prices import (
    PRICE_COLUMNS,
    PRICE_MODEL_COLUMNS,
    PRICE_MODELS_DESCRIPTION,
    PRICE_MODELS_TABLE,
    PRICES_DESCRIPTION,
    PRICES_TABLE,
)
from .runs import DESCRIPTION, RUN_COLUMNS, RUNS_TABLE


class KnownTable(NamedTuple):
    """A table that a run makes."""

    description: str
    columns: Mapping[str, tuple[pa.DataType, str]]
    """Type and description of every column, in order."""
    key: tuple[str, ...]
    """Columns that it had in every version."""


KNOWN_TABLES: Mapping[str, KnownTable] = {
    TABLE_NAME: KnownTable(
        TABLE_DESCRIPTION,
        {name: (kind.arrow, text) for name, (kind, text) in COLUMNS.items()},
        ("provider", "account", "id", "_dlt_load_id"),
    ),
    RUNS_TABLE: KnownTable(
        DESCRIPTION, RUN_COLUMNS, ("run_id", "provider", "account", "started_at")
    ),
    PRICES_TABLE: KnownTable(PRICES_DESCRIPTION, PRICE_COLUMNS, ("provider", "model")),
    PRICE_MODELS_TABLE: KnownTable(
        PRICE_MODELS_DESCRIPTION, PRICE_MODEL_COLUMNS, ("provider", "model")
    ),
    **{
        table.name: KnownTable(table.description, table.columns, table.primary_key)
        for table in TABLES
    },
}
"""By name."""

_IN_SQL = {
    pa.string(): "VARCHAR",
    pa.int64(): "BIGINT",
    pa.bool_(): "BOOLEAN",
    pa.date32(): "DATE",
    pa.timestamp("us", tz="UTC"): "TIMESTAMPTZ",
    pa.decimal128(18, 9): "DECIMAL(18, 9)",
}


def _nothing(columns: Mapping[str, tuple[pa.DataType, str]]) -> str:
    """A query for no rows."""
    empty = ", ".join(
        f"CAST(NULL AS {_IN_SQL[kind]}) AS {name}" for name, (kind, _) in columns.items()
    )
    return f"SELECT {empty} FROM (SELECT 1 AS one) AS none_of WHERE one = 0"  # noqa: S608


LATER_TABLES = {
    name: _nothing(table.columns)
    for name, table in KNOWN_TABLES.items()
    if name not in (TABLE_NAME, RUNS_TABLE)
}
"""Tables that earlier versions did not make, and what to read in their place if they are absent."""
