"""Asks questions of the table `batches` by Daft on a Ray cluster, and writes the answers.

    python aggregate.py s3://bucket/ai_batches/batches answers.json --address ray://head:10001

Credentials for a bucket are looked up where AWS tools look for them (environment, profile, role).
"""

import argparse
import json
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

# telemetry off, before Daft is imported
os.environ.setdefault("DO_NOT_TRACK", "1")

import daft
import ray
from daft import DataFrame, DataType, col, lit
from daft.functions import date_trunc, month, year

UTC_TIMESTAMP = DataType.timestamp("us", "UTC")
MONDAY = lit(datetime(1970, 1, 5, tzinfo=UTC)).cast(UTC_TIMESTAMP)
"""Of some week; Daft counts weeks from a Thursday otherwise."""
REPORTING = 3
"""Seconds after which the cluster knows of all tasks that have ended."""

TRows = list[list[Any]]
TWork = dict[str, dict[str, float]]


def failures(batches: DataFrame, at: datetime) -> DataFrame:
    """Ended batches and the percentage that failed or expired, by provider and week."""
    week = date_trunc("1 week", col("created_at"), relative_to=MONDAY)
    has_failed = col("status").is_in(["failed", "expired"]).cast(DataType.int64())
    return (
        batches.where(~col("is_open"))
        .groupby("provider", week.cast(DataType.date()).alias("week"))
        .agg(col("id").count().alias("batches"), has_failed.sum().alias("failed"))
        .with_column("failed_percent", col("failed") * 100.0 / col("batches"))
        .sort(["provider", "week"])
    )


def tokens(batches: DataFrame, at: datetime) -> DataFrame:
    """Tokens by model and month."""
    created = col("created_at")
    return (
        batches.groupby("model", year(created).alias("year"), month(created).alias("month"))
        .agg(
            col("id").count().alias("batches"),
            col("input_tokens").sum(),
            col("output_tokens").sum(),
            col("total_tokens").sum(),
        )
        .sort(["model", "year", "month"])
    )


def durations(batches: DataFrame, at: datetime) -> DataFrame:
    """Median and 95th percentile of the seconds that batches took, by provider and model."""
    ended, created = (col(name).cast(DataType.int64()) for name in ("ended_at", "created_at"))
    seconds = (ended - created) / 1_000_000
    return (
        batches.where(col("status") == "completed")
        .groupby("provider", "model")
        .agg(
            col("id").count().alias("batches"),
            seconds.percentile(0.5).alias("median"),
            seconds.percentile(0.95).alias("p95"),
        )
        .sort(["provider", "model"])
    )


def stuck(batches: DataFrame, at: datetime) -> DataFrame:
    """Batches that are open for longer than a day."""
    day_before = lit(at - timedelta(days=1)).cast(UTC_TIMESTAMP)
    return (
        batches.where(col("is_open") & (col("created_at") < day_before))
        .select("provider", "account", "id", col("created_at").cast(DataType.int64()))
        .sort(["provider", "account", "id"])
    )


QUESTIONS: dict[str, Callable[[DataFrame, datetime], DataFrame]] = {
    "failures by provider and week": failures,
    "tokens by model and month": tokens,
    "time to finish by provider and model": durations,
    "stuck": stuck,
}


def ask(table: str, address: str, at: datetime) -> dict[str, Any]:
    """Asks every question.

    Args:
        table (str): URI of the Delta table.
        address (str): Of the cluster.
        at (datetime): Moment to which the answers are.

    Returns:
        dict[str, Any]: The version of the table and the answers, each with the seconds that it took
            and the work of each process.
    """
    ray.init(address=address, log_to_driver=False)
    daft.set_runner_ray(noop_if_initialized=True)
    # a task a file: one worker would do all of a small table otherwise
    daft.set_execution_config(scan_tasks_min_size_bytes=1)
    answers: dict[str, dict[str, Any]] = {}
    spans: list[tuple[float, float]] = []
    for name, question in QUESTIONS.items():
        started = time.time()
        batches = daft.read_deltalake(table)
        rows = question(batches, at).to_pylist()
        spans.append((started, time.time()))
        answers[name] = {
            "seconds": spans[-1][1] - started,
            "rows": [[_plain(value) for value in row.values()] for row in rows],
        }
    time.sleep(REPORTING)
    for answer, work in zip(answers.values(), _work(spans), strict=True):
        answer["work"] = work
    return {"at": at.isoformat(), "answers": answers}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _work(spans: list[tuple[float, float]]) -> Iterator[TWork]:
    """Tasks of Daft that each worker process ended in these spans of time, and their seconds."""
    events = [
        event
        for event in ray.timeline()
        if event["name"] == "run_plan" and "RemoteFlotillaRunner" not in event["cat"]
    ]
    for start, end in spans:
        work: TWork = defaultdict(lambda: {"tasks": 0, "seconds": 0})
        for event in events:
            if start <= event["ts"] / 1e6 < end:
                process = work[f"{event['pid']} {event['tid'][:15]}"]
                process["tasks"] += 1
                process["seconds"] += event["dur"] / 1e6
        yield work


def main() -> None:
    """Writes the answers as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("table", help="URI of the Delta table")
    parser.add_argument("answers", type=Path, help="file to write")
    parser.add_argument("--address", default="auto", help="of the Ray cluster")
    parser.add_argument(
        "--at",
        type=datetime.fromisoformat,
        default=datetime.now(UTC),
        help="moment to which the answers are [now]",
    )
    options = parser.parse_args()
    answers = ask(options.table, options.address, options.at)
    options.answers.write_text(json.dumps(answers, indent=1))


if __name__ == "__main__":
    main()
