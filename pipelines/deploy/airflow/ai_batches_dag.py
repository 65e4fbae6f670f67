"""Airflow 3 DAG: loads every provider that has a key, once an hour.

dlt's task group prepares the run as for any pipeline of dlt: settings come from the folder `.dlt`
beside the DAGs, from environment variables and from Airflow's variable `dlt_secrets_toml`; the
working folder is a new one each time. The group's own tasks would call `pipeline.run`; this one
calls `load`, which stores a long first load in packages and goes on from what the destination has.
"""

import os
import shutil
import sys
from contextlib import redirect_stderr, redirect_stdout

import pendulum
from airflow.configuration import AIRFLOW_HOME
from airflow.sdk import dag, task
from dlt.common.known_env import DLT_DATA_DIR, DLT_LOCAL_DIR
from dlt.helpers.airflow_helper import PipelineTasksGroup

from ai_batches import PROVIDERS, providers_with_key
from ai_batches_runner import load, open_pipeline

DESTINATION = "duckdb"
"""Any destination of dlt that can merge; where tasks run on several machines, a server."""

TABLE_FORMAT = None
"""`"delta"` or `"iceberg"` where the destination is `"filesystem"`."""


@dag(
    schedule="17 * * * *",
    start_date=pendulum.datetime(2026, 1, 1),
    catchup=False,
    # one pipeline name, one writer
    max_active_runs=1,
    # after core.default_task_retry_delay, which is five minutes
    default_args={"retries": 2},
)
def ai_batches() -> None:
    """Keeps the batch jobs of AI vendors in one table."""
    # dlt would ask Airflow for a variable of each setting's own, too: a request each, seconds a run
    os.environ.setdefault("PROVIDERS__AIRFLOW_SECRETS__ONLY_TOML_FRAGMENTS", "true")
    with PipelineTasksGroup("batches"):
        # a DuckDB file that is not placed otherwise has to outlast the group's folder
        os.environ[DLT_LOCAL_DIR] = AIRFLOW_HOME
        load_batches()


@task
def load_batches() -> None:
    """Loads all providers; fails afterwards where one of them failed."""
    providers = providers_with_key()
    if not providers:
        variables = ", ".join(provider.api_key_env for provider in PROVIDERS.values())
        raise ValueError(f"No provider has an API key. Looked for {variables}.")
    try:
        with (
            # dlt asks Airflow for variables with both streams redirected; threads that do so at the
            # same time leave them redirected, and the end of the task's log is lost
            redirect_stdout(sys.stdout),
            redirect_stderr(sys.stderr),
            open_pipeline(DESTINATION) as pipeline,
        ):
            reports = load(pipeline, providers, table_format=TABLE_FORMAT)
    finally:
        # what the next run has to know is in the destination
        shutil.rmtree(os.environ[DLT_DATA_DIR], ignore_errors=True)
    for report in reports:
        print(report)  # noqa: T201 - this is the task's log
    failures = [report.failure for report in reports if report.failure]
    if failures:
        raise RuntimeError("\n".join(failures))


ai_batches()
