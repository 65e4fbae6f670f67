"""An earlier version of this package, made of today's: its tables lack the newest columns."""

OLDER = """
import sys
import dlt
import ai_batches
from ai_batches import resource, rows, table
gone = ["updated_at", "finalizing_at"]
for name in gone:
    del table.COLUMN_HINTS[name]
resource.SCHEMA = table.pa.schema([field for field in table.SCHEMA if field.name not in gone])
newer = rows.RowReader.to_arrow
rows.RowReader.to_arrow = lambda *given: newer(*given).drop_columns(gone)
ai_batches.VERSION = "0.0.1"
"""
"""The source as an earlier version had it, without some columns."""

OLDER_COMMAND = (
    OLDER
    + """
from ai_batches_runner import cli, load, runs
make = dlt.resource
def older(data, *given, **hints):
    if hints.get("name") == "runs":
        data = [table.drop_columns(["batches_open"]) for table in data]
        hints["columns"] = {k: v for k, v in hints["columns"].items() if k != "batches_open"}
    return make(data, *given, **hints)
dlt.resource = older
runs.VERSION = "0.0.1"
sys.modules["ai_batches_runner.load"].keep_views = lambda *_: None
sys.exit(cli.main(sys.argv[1:]))
"""
)
"""The command of that version, whose table of runs lacks a column, too."""
