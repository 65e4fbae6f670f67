"""Loads the batch jobs of AI vendors into one table; what a schedule runs.

    python pipelines/ai_batches_pipeline.py            every provider that has a key
    python pipelines/ai_batches_pipeline.py openai     only this one
    python pipelines/ai_batches_pipeline.py --demo     made-up providers; no key, no network

Exit codes: 0 all loaded, 1 some provider or the load failed, 2 nothing to do or wrong usage.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import dlt
import duckdb
from dlt import Pipeline
from dlt.common.configuration.exceptions import ConfigurationException
from dlt.common.destination import TDestinationReferenceArg
from dlt.common.destination.exceptions import DestinationException, UnknownDestinationModule
from dlt.common.runtime.collector import NULL_COLLECTOR, LogCollector, TqdmCollector
from dlt.common.runtime.collector_base import Collector
from dlt.extract import DltSource
from dlt.pipeline.exceptions import PipelineStepFailed
from rich.console import Console

from ai_batches import PROVIDERS, TABLE_NAME, ProviderSettings, ai_batches_source, has_key
from report import AccountReport, account_reports, last_metrics, print_summary, standings

PIPELINE_NAME = "ai_batches"
DATASET = "ai_batches"
ALL_LOADED, SOME_FAILED, NOTHING_TO_DO = 0, 1, 2

DUCKDB_STORAGE_VERSION = "v1.2.0"
"""The file format in which a new DuckDB file is made; drivers of BI tools lag behind DuckDB."""


class UnusableDestinationError(Exception):
    """The destination cannot hold the table; nothing was read."""


def make_pipeline(
    name: str,
    destination: TDestinationReferenceArg,
    dataset: str | None = None,
    progress: Collector = NULL_COLLECTOR,
) -> Pipeline:
    """Makes a pipeline, and its DuckDB file where that does not exist, for older drivers, too.

    Args:
        name (str): Name of the pipeline.
        destination (TDestinationReferenceArg): Any destination of dlt.
        dataset (str | None): Dataset; None means `ai_batches`, or `ai_batches_dataset` in a
            DuckDB file that is called `ai_batches` itself.
        progress (Collector): How to show progress; by default not at all.

    Returns:
        Pipeline: The pipeline.

    Raises:
        UnusableDestinationError: If DuckDB could not tell the dataset from the file.
    """
    pipeline = dlt.pipeline(
        name, destination=destination, dataset_name=dataset or DATASET, progress=progress
    )
    if pipeline.get_local_state_val("initial_cwd") != str(Path.cwd()):
        # dlt would go on with the file of the folder in which the pipeline ran first; what it holds
        # besides is in that folder's destination
        pipeline.drop()
        return make_pipeline(name, destination, dataset, progress)
    if pipeline.destination.destination_type != "dlt.destinations.duckdb":
        return pipeline
    credentials: Any = pipeline.destination_client().config.credentials
    file = Path(credentials.database)
    if file.stem.lower() == pipeline.dataset_name.lower():
        # in a file x.duckdb DuckDB takes x.batches for a table of the file as well as of schema x
        if dataset:
            raise UnusableDestinationError(
                f"DuckDB cannot tell the dataset {dataset} from the file {file}, which has the same"
                " name. Choose another dataset or another file."
            )
        return make_pipeline(name, destination, f"{DATASET}_dataset", progress)
    if not file.exists():
        duckdb.connect(
            str(file), config={"storage_compatibility_version": DUCKDB_STORAGE_VERSION}
        ).close()
    return pipeline


def load(
    pipeline: Pipeline,
    providers: Sequence[str],
    settings: Mapping[str, ProviderSettings] | None = None,
) -> list[AccountReport]:
    """Reads the providers' lists and merges them into the destination.

    What an interrupted run left behind is loaded first.

    Args:
        pipeline (Pipeline): Where to load.
        providers (Sequence[str]): Names of the providers to read.
        settings (Mapping[str, ProviderSettings] | None): Settings by provider; None takes dlt's
            configuration.

    Returns:
        List[AccountReport]: What was done, a report a provider and account. A provider that failed
            has its error there.

    Raises:
        UnusableDestinationError: If the destination cannot keep one row a batch.
        PipelineStepFailed: If the destination failed. The next call loads what was read.
    """
    source = ai_batches_source(settings, fail_fast=False).with_resources(*providers)
    leaves_unchanged_rows = _fit_to_destination(source, pipeline)
    pipeline.sync_destination()
    if pipeline.has_pending_data:
        # `run` would load the pending packages and return without reading anything
        pipeline.run()
    before = standings(pipeline)
    info = pipeline.run(source)
    return account_reports(
        last_metrics(pipeline),
        before,
        standings(pipeline, info.loads_ids),
        counts_changes=leaves_unchanged_rows,
    )


def _fit_to_destination(source: DltSource, pipeline: Pipeline) -> bool:
    """Has rows merged in the best way there is; returns whether unchanged rows are left alone."""
    capabilities = pipeline.destination.capabilities()
    strategies = capabilities.supported_merge_strategies or []
    if capabilities.merge_strategies_selector:
        strategies = capabilities.merge_strategies_selector(
            strategies, table_schema={"name": TABLE_NAME}
        )
    if "upsert" in strategies:
        return True
    if "delete-insert" not in strategies:
        # dlt would append, with a warning only
        raise UnusableDestinationError(
            f"The destination `{pipeline.destination.destination_name}` cannot merge: each run"
            " would add every batch once more. Choose another one."
        )
    for resource in source.resources.values():
        resource.apply_hints(write_disposition="merge")
    return False


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    parser = argparse.ArgumentParser(
        description="Loads the batch jobs of AI vendors into one table, `batches`.",
        epilog="Exit codes: 0 all loaded, 1 some provider or the load failed, 2 nothing to do or"
        " wrong usage.",
    )
    parser.add_argument(
        "providers",
        nargs="*",
        metavar="PROVIDER",
        help=f"what to load: {', '.join(PROVIDERS)}; without any, all that have a key",
    )
    parser.add_argument("--destination", default="duckdb", help="any that dlt knows [duckdb]")
    parser.add_argument(
        "--dataset",
        help=f"dataset or schema [{DATASET}, or {DATASET}_dataset in a file {DATASET}.duckdb]",
    )
    parser.add_argument(
        "--demo", action="store_true", help="load made-up providers into demo.duckdb instead"
    )
    options = parser.parse_args(arguments)
    unknown = [name for name in options.providers if name not in PROVIDERS]
    if unknown:
        parser.error(f"no such provider: {', '.join(unknown)} (choose from {', '.join(PROVIDERS)})")
    if options.demo:
        return _run_demo()
    providers = options.providers or [name for name in PROVIDERS if has_key(PROVIDERS[name])]
    without_key = [name for name in providers if not has_key(PROVIDERS[name])]
    if without_key or not providers:
        _explain_keys(without_key)
        return NOTHING_TO_DO
    return _run(options.destination, options.dataset, providers)


def _run(destination: str, dataset: str | None, providers: Sequence[str]) -> int:
    try:
        pipeline = make_pipeline(PIPELINE_NAME, destination, dataset, _progress())
        reports = load(pipeline, providers)
    except (UnusableDestinationError, UnknownDestinationModule, ConfigurationException) as ex:
        _complain(str(ex))
        return NOTHING_TO_DO
    except PipelineStepFailed as ex:
        kept = (
            f"What was read is kept in {ex.pipeline.working_dir}; the next run loads it."
            if ex.pipeline.has_pending_data
            else "The next run reads again."
        )
        _complain(f"FAILED at dlt's step `{ex.step}`: {ex.exception}\n{kept}")
        return SOME_FAILED
    except (duckdb.Error, DestinationException) as ex:
        _complain(f"FAILED, the destination {destination} cannot be used: {ex}")
        return SOME_FAILED
    print_summary(reports, pipeline, Console())
    return SOME_FAILED if any(report.error for report in reports) else ALL_LOADED


def _progress() -> Collector:
    """Bars on a terminal, lines elsewhere."""
    if sys.stderr.isatty():
        return TqdmCollector()
    return LogCollector(log_period=10, logger=sys.stderr, dump_system_stats=False)


def _explain_keys(without_key: Sequence[str]) -> None:
    names = without_key or list(PROVIDERS)
    asked = f"No API key for {', '.join(names)}." if without_key else "No provider has an API key."
    variables = ", ".join(PROVIDERS[name].api_key_env for name in names)
    _complain(
        f"{asked}\nLooked for the environment variables {variables}, and for `api_key` or"
        f" `accounts` in [sources.ai_batches.{names[0] if len(names) == 1 else '<provider>'}] of"
        " .dlt/secrets.toml; .dlt/example.secrets.toml shows how.\nTo see it work without a key:"
        " python pipelines/ai_batches_pipeline.py --demo"
    )


def _complain(text: str) -> None:
    # soft wrap: a log keeps a sentence on one line
    Console(stderr=True).print(text, markup=False, highlight=False, soft_wrap=True)


def _run_demo() -> int:
    try:
        from demo import run_demo
    except ModuleNotFoundError as ex:
        _complain(f"The demo needs {ex.name}: pip install -e '.[demo]'")
        return NOTHING_TO_DO
    run_demo(Console())
    return ALL_LOADED


if __name__ == "__main__":
    sys.exit(main())
