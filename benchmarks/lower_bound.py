"""What cannot be avoided: pages over one session, decoded, built into Arrow, upserted into DuckDB.

    python benchmarks/lower_bound.py <base url> <file>

It checks nothing, keeps no state and reads the list whole: a measure, not a connector.
"""

import sys
from typing import Any

import duckdb
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import requests

TEXTS = ("id", "status", "endpoint", "model", "completion_window", "input_file_id")
FILES = ("output_file_id", "error_file_id")
TIMES = (
    "created_at", "in_progress_at", "expires_at", "finalizing_at", "completed_at", "failed_at",
    "expired_at", "cancelling_at", "cancelled_at",
)  # fmt: skip
COUNTS = ("total", "completed", "failed")
TOKENS = ("input_tokens", "output_tokens", "total_tokens")
ROWS_PER_TABLE = 5_000


def main(url: str, file: str) -> None:
    """Loads a list whole, by a temporary table and one MERGE."""
    session = requests.Session()
    session.headers["Authorization"] = "Bearer key-of-nobody"
    database = duckdb.connect(file)
    params = {"limit": "100"}
    rows: list[dict[str, Any]] = []
    has_more, is_first = True, True
    while has_more:
        page = orjson.loads(session.get(f"{url}/batches", params=params).content)
        rows += page["data"]
        has_more = page["has_more"]
        if rows and (len(rows) >= ROWS_PER_TABLE or not has_more):
            params["after"] = rows[-1]["id"]
            arrow = to_arrow(rows)  # noqa: F841
            if is_first:
                database.execute("CREATE TABLE IF NOT EXISTS batches AS FROM arrow LIMIT 0")
                database.execute("CREATE TEMP TABLE staged AS FROM arrow LIMIT 0")
                is_first = False
            database.execute("INSERT INTO staged FROM arrow")
            rows = []
        elif rows:
            params["after"] = rows[-1]["id"]
    database.execute(
        "MERGE INTO batches USING staged ON batches.id = staged.id"
        " WHEN MATCHED THEN UPDATE WHEN NOT MATCHED THEN INSERT"
    )


def to_arrow(rows: list[dict[str, Any]]) -> pa.Table:
    """Builds a typed table of rows."""
    moment = pa.timestamp("us", tz="UTC")
    columns: dict[str, Any] = {
        name: pa.array([row[name] for row in rows], pa.string()) for name in (*TEXTS, *FILES)
    }
    for name in TIMES:
        seconds = pa.array([row[name] for row in rows], pa.int64())
        columns[name] = pc.multiply(seconds, 1_000_000).cast(moment)
    for name in COUNTS:
        columns[f"requests_{name}"] = [row["request_counts"][name] for row in rows]
    for name in TOKENS:
        columns[name] = [row["usage"][name] for row in rows]
    columns["metadata"] = [orjson.dumps(row["metadata"]).decode() for row in rows]
    return pa.table(columns)


if __name__ == "__main__":
    main(*sys.argv[1:])
