"""Loads the batch jobs of AI vendors into the table `batches`; `dlt init` copies this script.

Put a key into `.dlt/secrets.toml`, or set OPENAI_API_KEY or one of its like, and run it.
"""

import dlt

from ai_batches import ai_batches_source


def load_batches() -> None:
    """Loads every provider that has a key: all of its list once, then what is new or open."""
    pipeline = dlt.pipeline("ai_batches", destination="duckdb", dataset_name="ai_batches_data")
    print(pipeline.run(ai_batches_source()))


if __name__ == "__main__":
    load_batches()
