"""Asks DuckDB the same questions of the same table, and compares the answers of the cluster.

    python compare.py s3://bucket/ai_batches/batches answers.json

The exit code is 1 if any answer differs.
"""

import argparse
import json
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
from deltalake import DeltaTable
from rich.console import Console
from rich.table import Table

COLUMNS = [
    "provider", "account", "id", "status", "is_open", "model", "created_at", "ended_at",
    "input_tokens", "output_tokens", "total_tokens",
]  # fmt: skip

# as plain UTC: for time zones, DuckDB would load an extension from the network
BATCHES = """
    WITH batches AS (
        SELECT * REPLACE (make_timestamp(epoch_us(created_at)) AS created_at,
                          make_timestamp(epoch_us(ended_at)) AS ended_at)
        FROM stored
    )
"""
QUESTIONS = {
    "failures by provider and week": """
        SELECT provider, date_trunc('week', created_at)::DATE AS week, count(*) AS ended,
               sum((status IN ('failed', 'expired'))::BIGINT)::BIGINT AS failed,
               failed * 100.0::DOUBLE / ended AS failed_percent
        FROM batches WHERE NOT is_open GROUP BY ALL ORDER BY provider, week
    """,
    "tokens by model and month": """
        SELECT model, year(created_at), month(created_at), count(*),
               sum(input_tokens)::BIGINT, sum(output_tokens)::BIGINT, sum(total_tokens)::BIGINT
        FROM batches GROUP BY ALL ORDER BY 1, 2, 3
    """,
    "time to finish by provider and model": """
        SELECT provider, model, count(*),
               quantile_cont((epoch_us(ended_at) - epoch_us(created_at)) / 1e6, 0.5),
               quantile_cont((epoch_us(ended_at) - epoch_us(created_at)) / 1e6, 0.95)
        FROM batches WHERE status = 'completed' GROUP BY ALL ORDER BY provider, model
    """,
    "stuck": """
        SELECT provider, account, id, epoch_us(created_at)
        FROM batches
        WHERE is_open AND created_at < $at - INTERVAL 1 DAY
        ORDER BY provider, account, id
    """,
}


def compare(table: str, answers: dict[str, Any]) -> bool:
    """Prints a line a question, and what each process of the cluster did.

    Args:
        table (str): URI of the Delta table.
        answers (dict[str, Any]): What `aggregate.py` found.

    Returns:
        bool: Whether every answer is the same.
    """
    shown = Table(box=None, pad_edge=False)
    shown.add_column("question", no_wrap=True)
    for heading in ("rows", "Daft on Ray", "DuckDB", "answers"):
        shown.add_column(heading, justify="right", no_wrap=True)
    all_same = True
    for name, query in QUESTIONS.items():
        answer = answers["answers"][name]
        started = time.monotonic()
        rows = ask(table, query, datetime.fromisoformat(answers["at"]))
        seconds = time.monotonic() - started
        is_same = bool(rows) and rows == [
            [_plain(value) for value in row] for row in answer["rows"]
        ]
        all_same = all_same and is_same
        verdict = "same" if is_same else "DIFFER"
        shown.add_row(
            name, f"{len(rows):,}", f"{answer['seconds']:.1f} s", f"{seconds:.1f} s", verdict
        )
    console = Console(width=100)
    console.print(shown)
    for process, work in _by_process(answers).items():
        console.print(f"worker at {process}: {work['tasks']:.0f} tasks, {work['seconds']:.1f} s")
    return all_same


def ask(table: str, query: str, at: datetime) -> list[list[Any]]:
    """Asks DuckDB a question.

    Args:
        table (str): URI of the Delta table.
        query (str): The question; may hold `$at`.
        at (datetime): Moment to which the answer is.

    Returns:
        list[list[Any]]: Rows.
    """
    database = duckdb.connect(config={"autoinstall_known_extensions": False})
    # a reader, since Arrow fails over the filters of DuckDB if a file has texts as views
    dataset = DeltaTable(table).to_pyarrow_dataset()
    database.register("stored", dataset.scanner(columns=COLUMNS).to_reader())
    moment = at.astimezone(UTC).replace(tzinfo=None)
    parameters = {"at": moment} if "$at" in query else None
    rows = database.execute(BATCHES + query, parameters).fetchall()
    return [[_plain(value) for value in row] for row in rows]


def _by_process(answers: dict[str, Any]) -> dict[str, dict[str, float]]:
    total: dict[str, dict[str, float]] = {}
    for answer in answers["answers"].values():
        for process, work in answer["work"].items():
            sums = total.setdefault(process, {"tasks": 0, "seconds": 0})
            for key in sums:
                sums[key] += work[key]
    return dict(sorted(total.items()))


def _plain(value: Any) -> Any:
    """Whole numbers, texts and dates exactly; the last bits of a quotient are the engine's own."""
    if isinstance(value, float):
        return round(value, 9)
    return value.isoformat() if isinstance(value, date) else value


def main() -> int:
    """Compares; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("table", help="URI of the Delta table")
    parser.add_argument("answers", type=Path, help="file that aggregate.py wrote")
    options = parser.parse_args()
    return 0 if compare(options.table, json.loads(options.answers.read_text())) else 1


if __name__ == "__main__":
    sys.exit(main())
