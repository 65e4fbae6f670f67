"""dlt's own `rest_api` source, configured by its documentation for this endpoint.

    python rest_api.py <base url> <folder> [parquet]

Incremental on `created_at` with a lag of a day, newest first, merged on the id.
"""

import sys
from pathlib import Path

import dlt
from dlt.sources.rest_api import rest_api_source


def main(url: str, folder: str, file_format: str | None = None) -> None:
    """Loads what is newer than the newest stored row, less the lag."""
    source = rest_api_source(
        {
            "client": {
                "base_url": url,
                "auth": {"type": "bearer", "token": "key-of-nobody"},
                "paginator": {
                    "type": "cursor",
                    "cursor_path": "last_id",
                    "cursor_param": "after",
                    "has_more_path": "has_more",
                },
            },
            "resources": [
                {
                    "name": "batches",
                    "primary_key": "id",
                    "write_disposition": "merge",
                    "endpoint": {
                        "path": "batches",
                        "params": {"limit": 100},
                        "data_selector": "data",
                        "incremental": {
                            "cursor_path": "created_at",
                            "initial_value": 0,
                            "row_order": "desc",
                            "lag": 86_400,
                        },
                    },
                }
            ],
        }
    )
    pipeline = dlt.pipeline(
        "rest_api",
        pipelines_dir=str(Path(folder) / "pipelines"),
        destination=dlt.destinations.duckdb(str(Path(folder) / "batches.duckdb")),
        dataset_name="peer",
    )
    pipeline.run(source, loader_file_format=file_format)


if __name__ == "__main__":
    main(*sys.argv[1:])
