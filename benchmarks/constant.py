"""What a run of dlt costs by itself: one constant row, merged by the same strategy.

python benchmarks/constant.py <folder>
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import dlt
import pyarrow as pa


@dlt.resource(primary_key="id", write_disposition={"disposition": "merge", "strategy": "upsert"})
def batches() -> Iterator[pa.Table]:
    """The row."""
    yield pa.table({"id": ["batch_00000001"], "status": ["completed"]})


def main(folder: str) -> None:
    """Loads it."""
    pipeline = dlt.pipeline(
        "constant",
        pipelines_dir=str(Path(folder) / "pipelines"),
        destination=dlt.destinations.duckdb(str(Path(folder) / "batches.duckdb")),
        dataset_name="constant",
    )
    pipeline.run(batches())


if __name__ == "__main__":
    main(*sys.argv[1:])
