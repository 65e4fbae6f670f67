"""An earlier version of this package, made of today's: its tables lack the newest columns."""

OLDER = """
import sys
import dlt
import pyarrow as pa
import ai_batches
from ai_batches import resource
from ai_batches.table import columns, rows
gone = ["updated_at", "finalizing_at"]
for name in gone:
    del columns.COLUMN_HINTS[name]
resource.SCHEMA = pa.schema([field for field in columns.SCHEMA if field.name not in gone])
newer = rows.RowReader.to_arrow
rows.RowReader.to_arrow = lambda *given: newer(*given).drop_columns(gone)
ai_batches.__version__ = "0.0.1"
"""
"""The source as an earlier version had it, without some columns."""

OLDER_COMMAND = (
    OLDER
    + """
from ai_batches_runner.cli import main
from ai_batches_runner.run import load, record
make = dlt.resource
def older(data, *given, **hints):
    if hints.get("name") == "runs":
        data = [table.drop_columns(["batches_open"]) for table in data]
        hints["columns"] = {k: v for k, v in hints["columns"].items() if k != "batches_open"}
    return make(data, *given, **hints)
dlt.resource = older
del ai_batches.FILES.columns["not_found"]
record.__version__ = "0.0.1"
load.keep_views = lambda *_: None
sys.exit(main(sys.argv[1:]))
"""
)
"""The command of that version, whose tables of runs and files lack a column, too."""
