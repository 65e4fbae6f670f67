"""The demo: the pipeline on made-up providers, twice, with two hours between the runs."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dlt
from dlt import Pipeline
from dlt.common.destination import Destination
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ai_batches import PROVIDERS, ProviderSettings, ResultSettings, shown
from ai_batches_demo import VENDORS, DemoProviders, LoopbackServer, make_list

from ..defaults import LOCK_TIMEOUT
from ..inspect.alerts import find_alerts
from ..inspect.thresholds import Thresholds
from ..run.load import load
from ..run.pipeline import connected, open_pipeline
from ..run.report import AccountReport, describe_place
from ..run.result_queue import Shard
from ..run.results import ResultsReport, load_results
from ..sql.reader import open_reader
from .printing import print_line, print_results, print_summary

PIPELINE_NAME = "ai_batches_demo"
DATABASE = "demo.duckdb"
HOURS = 2
SHOWN_CHANGES = 12
SHOWN_FINDINGS = 8
SHOWN_ERRORS = 6

RESULTS = {
    "openai": ResultSettings(mode="errors"),
    "mistral": ResultSettings(mode="errors"),
}
SHARD = Shard(1, 12)
"""Of which providers and batches results are loaded: all requests of all of them are millions."""

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
    providers = DemoProviders(
        {
            name: make_list(name, start, min(2_400, vendor.largest_list), 12)
            for name, vendor in VENDORS.items()
        }
    )
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
        console.rule("Failed requests, from a twelfth of two providers' error files", align="left")
        chosen = _with_results(settings)
        results = load_results(pipeline, list(RESULTS), chosen, shard=SHARD)
        print_results(results, console)
        _print_errors(pipeline, console)
        console.rule("Alerts", align="left")
        alerts = find_alerts(pipeline, Thresholds(), LOCK_TIMEOUT)
        for alert in alerts[:SHOWN_FINDINGS]:
            print_line(f"- {alert}", console)
        if len(alerts) > SHOWN_FINDINGS:
            console.print(f"... and {len(alerts) - SHOWN_FINDINGS} more")
    reports: list[AccountReport | ResultsReport] = [*first, *second, *results]
    return not any(report.error for report in reports)


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


def _with_results(settings: Mapping[str, ProviderSettings]) -> dict[str, ProviderSettings]:
    return {
        name: settings[name]._replace(
            accounts=tuple(account._replace(results=chosen) for account in settings[name].accounts),
        )
        for name, chosen in RESULTS.items()
    }


def _print_errors(pipeline: Pipeline, console: Console) -> None:
    query = """
        SELECT provider, error_code, SUM(requests) AS requests,
            COUNT(DISTINCT batch_id) AS batches, MIN(error_message) AS example
        FROM batch_errors GROUP BY provider, error_code
        ORDER BY SUM(requests) DESC, provider, error_code
    """
    with open_reader(pipeline, LOCK_TIMEOUT) as reader:
        rows = reader.rows(query)
    table = Table(box=None, pad_edge=False)
    for heading in ("provider", "error"):
        table.add_column(heading)
    for heading in ("requests", "batches"):
        table.add_column(heading, justify="right")
    table.add_column("message, such as")
    for row in rows[:SHOWN_ERRORS]:
        numbers = (f"{row[name]:,}" for name in ("requests", "batches"))
        code, example = (Text(shown(row[name] or "?")) for name in ("error_code", "example"))
        table.add_row(row["provider"], code, *numbers, example)
    console.print(table)
    if len(rows) > SHOWN_ERRORS:
        console.print(f"... and {len(rows) - SHOWN_ERRORS} more")


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
