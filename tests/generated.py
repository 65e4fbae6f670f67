"""Made-up batches in any number, written into a DuckDB file by SQL alone."""

from pathlib import Path

import duckdb

from ai_batches.table import BIGINT, BOOL, COLUMNS, JSON, TIMESTAMP

_TYPES = {BIGINT: "BIGINT", BOOL: "BOOLEAN", JSON: "JSON", TIMESTAMP: "TIMESTAMPTZ"}

_VALUES = {
    "provider": "p",
    "account": "CASE WHEN n % 10 = 0 THEN 'it''s 50% \\ a:b' ELSE 'default' END",
    "id": "CASE WHEN is_again THEN 'batch_' || (n - 1) ELSE 'batch_' || n END",
    "status": "s",
    "status_raw": "s",
    "is_open": "s IN ('validating', 'in_progress')",
    "description": "'about somebody ' || n",
    "endpoint": "CASE n % 3 WHEN 0 THEN '/v1/embeddings' ELSE '/v1/chat/completions' END",
    "model": "CASE WHEN n % 5 > 0 THEN 'model-' || (n % 11) END",
    "completion_window": "'24h'",
    "output_file_id": "CASE WHEN s IN ('completed', 'expired') THEN 'file-' || n END",
    "requests_total": "n % 1000 + 1",
    "requests_completed": "CASE WHEN s = 'completed' THEN n % 1000 + 1 - n % 3 ELSE 0 END",
    "requests_failed": "CASE WHEN s = 'completed' THEN n % 3 ELSE 0 END",
    "input_tokens": "n % 1000 * 40",
    "output_tokens": "n % 1000 * 150",
    "total_tokens": "CASE WHEN p <> 'kimi' THEN n % 1000 * 190 END",
    "created_at": "c",
    "in_progress_at": "CASE WHEN s <> 'validating' THEN c + INTERVAL 1 MINUTE END",
    "ended_at": "CASE WHEN s NOT IN ('validating', 'in_progress')"
    " THEN c + to_seconds(300 + n * 7919 % 80000) END",
    "expires_at": "c + INTERVAL 1 DAY",
    "errors": """CASE WHEN s = 'failed' THEN '{"data": [{"code": "bad_line", "message": "Line '
        || n || ' <b>is</b> no JSON."}]}' END""",
    "metadata": """'{"person": "somebody"}'""",
    "_dlt_load_id": "'1700000000.1'",
}


def fill(file: Path, rows: int, days: int = 365, schema: str = "ai_batches") -> None:
    """Makes a table `batches` of the right columns.

    Every 50th batch is listed by a gateway, too, and 1 in 2,003 is still open.

    Args:
        file (Path): The DuckDB file, which is made.
        rows (int): How many rows.
        days (int): Over how many days, up to now, they were created.
        schema (str): The dataset.
    """
    columns = ", ".join(
        f"CAST({_VALUES.get(name, 'NULL')} AS {_TYPES.get(kind, 'VARCHAR')}) AS {name}"
        for name, (kind, _) in COLUMNS.items()
    )
    with duckdb.connect(str(file)) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        connection.execute(f"""
            CREATE TABLE {schema}.batches AS SELECT {columns} FROM (
                SELECT n, n % 50 = 2 AS is_again,
                    CASE WHEN n % 50 = 1 THEN 'openai' WHEN n % 50 = 2 THEN 'respan'
                        WHEN n % 4 = 0 THEN 'openai' WHEN n % 4 = 1 THEN 'kimi'
                        WHEN n % 4 = 2 THEN 'novita' ELSE 'respan' END AS p,
                    CASE WHEN n % 2003 = 0 THEN 'in_progress' WHEN n % 23 = 3 THEN 'failed'
                        WHEN n % 29 = 5 THEN 'expired' WHEN n % 31 = 9 THEN 'cancelled'
                        ELSE 'completed' END AS s,
                    now() - to_seconds(CAST(n * {days * 86_400.0 / rows} AS BIGINT)) AS c
                FROM generate_series(1, {rows}) AS numbers(n)
            )
        """)  # noqa: S608
