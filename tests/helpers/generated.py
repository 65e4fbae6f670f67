"""Made-up batches in any number, written into a DuckDB file by SQL alone."""

from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import psycopg2

from ai_batches import TABLES
from ai_batches.table.columns import BIGINT, BOOL, COLUMNS, ERRORS, JSON, TIMESTAMP
from ai_batches_runner.destinations.duckdb_file import until_unlocked
from ai_batches_runner.sql.runs import RUN_COLUMNS

_TYPES = {
    BIGINT: "BIGINT",
    BOOL: "BOOLEAN",
    ERRORS: "JSON",
    JSON: "JSON",
    TIMESTAMP: "TIMESTAMPTZ",
}
_ARROW_TYPES = {
    "string": "VARCHAR",
    "int64": "BIGINT",
    "double": "DOUBLE",
    "bool": "BOOLEAN",
    "decimal128(18, 9)": "DECIMAL(18,9)",
    "timestamp[us, tz=UTC]": "TIMESTAMPTZ",
}
_POSTGRES_TYPES = {
    "BIGINT": "bigint",
    "BOOLEAN": "boolean",
    "DOUBLE": "double precision",
    "JSON": "jsonb",
    "TIMESTAMP WITH TIME ZONE": "timestamptz",
}
_ERROR = "<script>alert(1)</script> is refused"

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


def writing(file: Path) -> duckdb.DuckDBPyConnection:
    """Opens a DuckDB file as soon as whoever reads it at the moment has closed it."""
    return until_unlocked(lambda: duckdb.connect(str(file)), wait=60)


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
    with writing(file) as connection:
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
                    now() - to_seconds(CAST(n * {days * 86_400.0 / max(rows, 1)} AS BIGINT)) AS c
                FROM generate_series(1, {rows}) AS numbers(n)
            )
        """)


def record_runs(file: Path, schema: str = "ai_batches") -> None:
    """Makes a table `runs`: one account whose last run is good, and one whose last failed."""
    columns = ", ".join(
        f"{name} {_ARROW_TYPES[str(kind)]}" for name, (kind, _) in RUN_COLUMNS.items()
    )
    rows = [
        ("1", "openai", "default", "ok", 10, 2_400, 9, 3, None, None),
        ("2", "openai", "default", "failed", 2, 0, 0, 0, "AuthenticationError", _ERROR),
        ("1", "kimi", "default", "failed", 10, 0, 0, 0, "TimeoutError", "It took too long."),
        ("2", "kimi", "default", "ok", 2, 1_200, 7, None, None, None),
    ]
    with writing(file) as connection:
        connection.execute(f"CREATE TABLE {schema}.runs ({columns})")
        connection.executemany(
            f"INSERT INTO {schema}.runs (run_id, provider, account, result, started_at, ended_at,"
            " seconds, batches_read, batches_new, batches_changed, requests, error_type, error)"
            " SELECT $1, $2, $3, $4, now() - to_hours($5::int), now() - to_hours($5::int)"
            " + INTERVAL 1 MINUTE, 1.5, $6, $7, $8, 3, $9, $10",
            rows,
        )


def add_results(file: Path, schema: str = "ai_batches") -> None:
    """Makes the tables of results: the failed requests of all batches but those of Respan."""
    failed = f"FROM {schema}.batches WHERE requests_failed > 0 AND provider <> 'respan'"
    with writing(file) as connection:
        for table in TABLES:
            columns = ", ".join(
                f"{name} {_ARROW_TYPES[str(kind)]}" for name, (kind, _) in table.columns.items()
            )
            connection.execute(f"CREATE TABLE {schema}.{table.name} ({columns})")
        connection.execute(
            f"INSERT INTO {schema}.batch_files BY NAME SELECT provider, account, id AS batch_id,"
            " 'error' AS kind, 'errors' AS results, 'loaded' AS outcome, requests_failed AS lines,"
            f" 0 AS bad_lines {failed}"
        )
        connection.execute(
            f"INSERT INTO {schema}.batch_requests BY NAME SELECT provider, account,"
            " id AS batch_id, 'request-' || place AS request_key, 'failed' AS outcome,"
            " ['rate_limit', 'server_error', NULL][CAST(hash(id, place) % 3 AS INT) + 1]"
            " AS error_code,"
            " 'slow down' AS error_message FROM (SELECT provider, account, id,"
            f" unnest(range(requests_failed)) AS place {failed})"
        )


def copy_to_postgres(file: Path, url: str, schema: str = "ai_batches") -> None:
    """Copies the tables of a DuckDB file."""
    with (
        duckdb.connect(str(file), read_only=True) as source,
        closing(psycopg2.connect(url)) as target,
        target.cursor() as cursor,
    ):
        cursor.execute(f"CREATE SCHEMA {schema}")
        for (table,) in source.execute(
            "SELECT table_name FROM duckdb_tables() WHERE schema_name = ?", [schema]
        ).fetchall():
            described = source.execute(f"DESCRIBE {schema}.{table}").fetchall()
            columns = ", ".join(
                f"{row[0]} {_POSTGRES_TYPES.get(row[1], 'text')}" for row in described
            )
            cursor.execute(f"CREATE TABLE {schema}.{table} ({columns})")
            with TemporaryDirectory() as folder:
                copy = Path(folder) / "copy.csv"
                source.execute(f"COPY {schema}.{table} TO '{copy}' (HEADER false)")
                with copy.open() as text:
                    cursor.copy_expert(f"COPY {schema}.{table} FROM STDIN (FORMAT csv)", text)
        target.commit()
