"""The tables that a run makes: what they mean, their columns, and their keys."""

from collections.abc import Mapping
from typing import NamedTuple

import pyarrow as pa

from ai_batches import COLUMNS, TABLE_DESCRIPTION, TABLE_NAME, TABLES

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
    **{
        table.name: KnownTable(table.description, table.columns, table.primary_key)
        for table in TABLES
    },
}
"""By name."""
