"""Defaults of the command and of the Python API; importing them imports nothing else."""

PIPELINE_NAME = "ai_batches"

LOCK_TIMEOUT = 60.0
"""Seconds to wait for a DuckDB file that another program has open."""

SHORT_LOCK_TIMEOUT = 5.0
"""The same if a person waits, or if the rows are loaded already."""

ROWS_PER_LOAD = 100_000
"""Rows per account after which a long scan continues in another load."""

SECONDS_PER_LOAD = 10.0
"""Seconds after its first rows after which a load package is stored, although lists are still being
read; longer if storing takes longer."""
