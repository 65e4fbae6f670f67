"""Airflow 3 DAG: loads every provider that has a key, once an hour.

dlt's task group prepares the run as for any pipeline of dlt: settings come from the folder `.dlt`
beside the DAGs, from environment variables and from Airflow's variable `dlt_secrets_toml`; the
working folder is a new one each time. The group's own tasks would call `pipeline.run`; this one
calls `load`, which stores a long first load in packages and goes on from what the destination has.
"""

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from functools import partial
from pathlib import Path

import pendulum
from airflow.configuration import AIRFLOW_HOME
from airflow.sdk import dag, task
from dlt import Pipeline
from dlt.common.known_env import DLT_DATA_DIR, DLT_LOCAL_DIR
from dlt.helpers.airflow_helper import PipelineTasksGroup

from ai_batches import PROVIDERS, providers_with_key
from ai_batches_runner import (
    AccountReport,
    ResultsReport,
    Shard,
    load,
    load_results,
    open_pipeline,
)

DESTINATION = "duckdb"
"""Any destination of dlt that can merge; if tasks run on several machines, a server."""

TABLE_FORMAT = None
"""`"delta"` or `"iceberg"` if the destination is `"filesystem"`."""

PARTS = 1
"""1: results that the setting `results` wants are read after the lists. More: by so many tasks of a
DAG of their own, into a server or a bucket."""


hourly = partial(
    dag,
    start_date=pendulum.datetime(2026, 1, 1),
    catchup=False,
    # one pipeline name, one writer
    max_active_runs=1,
    # after core.default_task_retry_delay, which is five minutes
    default_args={"retries": 2},
)


@hourly(schedule="17 * * * *")
def ai_batches() -> None:
    """Keeps the batch jobs of AI vendors in one table."""
    with _working_folders("batches"):
        load_batches()


@hourly(schedule="47 * * * *")
def ai_batches_results() -> None:
    """Reads results of batches that have ended."""
    with _working_folders("results"):
        read_results.expand(number=list(range(1, PARTS + 1)))


@contextmanager
def _working_folders(name: str) -> Iterator[None]:
    """Prepares the tasks of a block as dlt does."""
    # dlt would ask Airflow for a variable of each setting's own, too: a request each, seconds a run
    os.environ.setdefault("PROVIDERS__AIRFLOW_SECRETS__ONLY_TOML_FRAGMENTS", "true")
    with PipelineTasksGroup(name):
        # a DuckDB file that is not placed otherwise has to outlast the group's folder
        os.environ[DLT_LOCAL_DIR] = AIRFLOW_HOME
        yield


@task
def load_batches() -> None:
    """Loads all providers; fails afterwards if one of them failed."""
    providers = providers_with_key()
    if not providers:
        variables = ", ".join(filter(None, (each.api_key_env for each in PROVIDERS.values())))
        raise ValueError(f"No provider has an API key. Looked for {variables}.")
    with _opened("ai_batches") as pipeline:
        lists = load(pipeline, providers, table_format=TABLE_FORMAT)
        results = []
        if PARTS == 1:
            results = load_results(pipeline, providers, table_format=TABLE_FORMAT)
    _tell([*lists, *results])


@task
def read_results(number: int) -> None:
    """Reads a part of the results that are not loaded; fails if some could not be read."""
    with _opened(f"ai_batches_results_{number}") as pipeline:
        shard = Shard(number, PARTS)
        reports = load_results(
            pipeline, providers_with_key(), table_format=TABLE_FORMAT, shard=shard
        )
    _tell(reports)


@contextmanager
def _opened(name: str) -> Iterator[Pipeline]:
    """Opens a pipeline in a working folder that goes with the task."""
    of_group = Path(os.environ[DLT_DATA_DIR])
    folder = of_group / name
    os.environ[DLT_DATA_DIR] = str(folder)
    try:
        with (
            # dlt asks Airflow for variables with both streams redirected; threads that do so at the
            # same time leave them redirected, and the end of the task's log is lost
            redirect_stdout(sys.stdout),
            redirect_stderr(sys.stderr),
            open_pipeline(DESTINATION, name=name) as pipeline,
        ):
            yield pipeline
    finally:
        os.environ[DLT_DATA_DIR] = str(of_group)
        # what the next run has to know is in the destination
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):
            # other tasks may be at work
            of_group.rmdir()


def _tell(reports: Sequence[AccountReport | ResultsReport]) -> None:
    for report in reports:
        print(report)  # noqa: T201 - this is the task's log
    failures = [report.failure for report in reports if report.failure]
    if failures:
        raise RuntimeError("\n".join(failures))


ai_batches()
if PARTS > 1:
    ai_batches_results()
