"""The demo: the pipeline on made-up providers, twice, with two hours between the runs."""

import os
import time
from pathlib import Path
from typing import Any

import dlt
from dlt import Pipeline
from dlt.common.destination import Destination
from rich.console import Console
from rich.table import Table

from ai_batches import PROVIDERS
from ai_batches_demo import VENDORS, DemoProviders, LoopbackServer, make_list

from ..defaults import LOCK_TIMEOUT
from ..inspect.alerts import find_alerts
from ..run.load import load
from ..run.pipeline import connected, open_pipeline
from ..run.report import describe_place
from ..sql.reader import open_reader
from .printing import print_line, print_summary

PIPELINE_NAME = "ai_batches_demo"
DATABASE = "demo.duckdb"
HOURS = 2
SHOWN_CHANGES = 12
SHOWN_FINDINGS = 8

TBatch = tuple[str, str]
"""Provider and id."""


def run_demo(console: Console) -> bool:
    """Loads made-up providers into `demo.duckdb`, lets time pass, loads again, shows the changes.

    Args:
        console (Console): Where to print.

    Returns:
        bool: Whether everything loaded.
    """
    # a proxy that is set for the real providers does not know this machine
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
    # the lists start in the past, so that they have reached the present in the end
    start = int(time.time()) - HOURS * 3600
    providers = DemoProviders({name: make_list(name, start, 2_400, 12) for name in VENDORS})
    destination = demo_destination()
    with (
        open_pipeline(destination, name=PIPELINE_NAME) as pipeline,
        LoopbackServer(providers.app) as server,
    ):
        _forget_earlier_demo(pipeline)
        settings = providers.settings(server)
        console.rule(f"First run: {len(VENDORS)} made-up providers, read whole", align="left")
        first = load(pipeline, list(PROVIDERS), settings)
        print_summary(first, describe_place(pipeline), console)
        before = _statuses(pipeline)
        providers.pass_time(HOURS * 3600)
        console.rule(f"Second run: {HOURS} hours later", align="left")
        second = load(pipeline, list(PROVIDERS), settings)
        print_summary(second, describe_place(pipeline), console)
        _print_changes(before, _statuses(pipeline), console)
        console.rule("Alerts", align="left")
        alerts = find_alerts(pipeline, LOCK_TIMEOUT)
        for alert in alerts[:SHOWN_FINDINGS]:
            print_line(f"- {alert}", console)
        if len(alerts) > SHOWN_FINDINGS:
            console.print(f"... and {len(alerts) - SHOWN_FINDINGS} more")
    return not any(report.error for report in first + second)


def demo_destination() -> Destination[Any, Any]:
    """Where the demo loads to: a file in the working folder."""
    return dlt.destinations.duckdb(str(Path(DATABASE).absolute()))


def _forget_earlier_demo(pipeline: Pipeline) -> None:
    pipeline.drop()
    with connected(pipeline, LOCK_TIMEOUT), pipeline.sql_client() as client:
        if client.has_dataset():
            client.drop_dataset()


def _statuses(pipeline: Pipeline) -> dict[TBatch, str]:
    query = (
        "SELECT provider, id, status FROM batches WHERE status IS NOT NULL ORDER BY created_at DESC"
    )
    with open_reader(pipeline, LOCK_TIMEOUT) as reader:
        return {(row["provider"], row["id"]): row["status"] for row in reader.rows(query)}


def _print_changes(before: dict[TBatch, str], after: dict[TBatch, str], console: Console) -> None:
    changes: list[tuple[str, ...]] = [
        (*batch, before[batch], status)
        for batch, status in after.items()
        if batch in before and before[batch] != status
    ]
    table = Table("provider", "id", "was", "is now", box=None, pad_edge=False)
    for change in changes[:SHOWN_CHANGES]:
        table.add_row(*change)
    console.rule(f"Of these, {len(changes)} batches moved on to another status", align="left")
    console.print(table)
    if len(changes) > SHOWN_CHANGES:
        console.print(f"... and {len(changes) - SHOWN_CHANGES} more")
