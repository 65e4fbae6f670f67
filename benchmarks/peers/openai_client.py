"""A plain script: the official client pages through the list, DuckDB takes the rows as JSON.

    python openai_client.py <base url> <folder>

The second run reads back to a day before the newest row that it has.
"""

import sys
import tempfile
from pathlib import Path

import duckdb
from openai import OpenAI

LAG = 86_400


def main(url: str, folder: str) -> None:
    """Loads what is newer than the newest stored row, less the lag."""
    database = duckdb.connect(str(Path(folder) / "batches.duckdb"))
    tables = [row[0] for row in database.execute("SHOW TABLES").fetchall()]
    bound = 0
    if "batches" in tables:
        newest = database.execute("SELECT max(created_at) FROM batches").fetchone()
        bound = newest[0] - LAG if newest else 0
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        for batch in OpenAI(base_url=url, api_key="key-of-nobody").batches.list(limit=100):
            if batch.created_at < bound:
                break
            file.write(batch.model_dump_json() + "\n")
        file.flush()
        rows = f"read_json('{file.name}', maximum_object_size = 100000000)"
        database.execute(f"CREATE TABLE IF NOT EXISTS batches AS FROM {rows} LIMIT 0")
        database.execute(f"DELETE FROM batches WHERE id IN (SELECT id FROM {rows})")  # noqa: S608
        database.execute(f"INSERT INTO batches BY NAME FROM {rows}")


if __name__ == "__main__":
    main(*sys.argv[1:])
