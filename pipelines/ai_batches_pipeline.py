"""Loads the batch jobs of AI vendors into one table; what a schedule runs.

    python pipelines/ai_batches_pipeline.py            every provider that has a key
    python pipelines/ai_batches_pipeline.py openai     only this one
    python pipelines/ai_batches_pipeline.py --demo     made-up providers; no key, no network

Exit codes: 0 all loaded, 1 some provider or the load failed, 2 nothing to do or wrong usage,
4 another run of the same pipeline is at work.
"""

import argparse
import os
import sys
from collections.abc import Sequence

# before dlt is imported: nothing is reported to anybody, whichever folder this runs in
os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")

import duckdb
from dlt.common.configuration.exceptions import ConfigurationException
from dlt.common.configuration.providers.toml import TomlProviderReadException
from dlt.common.destination.exceptions import DestinationException, UnknownDestinationModule
from dlt.common.runtime.collector import LogCollector, TqdmCollector
from dlt.common.runtime.collector_base import Collector
from dlt.pipeline.exceptions import PipelineStepFailed
from filelock import FileLock, Timeout
from rich.console import Console

from ai_batches import PROVIDERS, has_key
from destination import (
    DATASET,
    UnusableDestinationError,
    explain_lock,
    make_pipeline,
    pipelines_folder,
)
from load import load
from report import print_summary

PIPELINE_NAME = "ai_batches"
ALL_LOADED, SOME_FAILED, NOTHING_TO_DO, ANOTHER_RUN = 0, 1, 2, 4


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    parser = argparse.ArgumentParser(
        description="Loads the batch jobs of AI vendors into one table, `batches`.",
        epilog="Exit codes: 0 all loaded, 1 some provider or the load failed, 2 nothing to do or"
        " wrong usage, 4 another run of the same pipeline is at work.",
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
        "--wait",
        type=float,
        default=60,
        metavar="SECONDS",
        help="how long to wait for a DuckDB file that another program has open [60]",
    )
    parser.add_argument(
        "--demo", action="store_true", help="load made-up providers into demo.duckdb instead"
    )
    options = parser.parse_args(arguments)
    try:
        return _dispatch(options, parser)
    except TomlProviderReadException as ex:
        _complain(str(ex))
        return NOTHING_TO_DO


def _dispatch(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
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
    return _run(options.destination, options.dataset, providers, options.wait)


def _run(destination: str, dataset: str | None, providers: Sequence[str], wait: float) -> int:
    folder = pipelines_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f"{PIPELINE_NAME}.lock", timeout=0):
            pipeline = make_pipeline(PIPELINE_NAME, destination, dataset, _progress())
            reports = load(pipeline, providers, wait=wait)
    except Timeout:
        _complain(f"Another run of this pipeline is at work in {folder}; nothing was done.")
        return ANOTHER_RUN
    except (UnusableDestinationError, UnknownDestinationModule, ConfigurationException) as ex:
        _complain(str(ex))
        return NOTHING_TO_DO
    except (PipelineStepFailed, DestinationException, duckdb.Error, OSError) as ex:
        return _explain_failure(ex)
    print_summary(reports, pipeline, Console())
    return SOME_FAILED if any(report.error for report in reports) else ALL_LOADED


def _explain_failure(error: Exception) -> int:
    cause: BaseException = error
    kept = step = ""
    if isinstance(error, PipelineStepFailed):
        cause, step = error.exception or error, f" at dlt's step `{error.step}`"
        kept = (
            f"What was read is kept in {error.pipeline.working_dir}; the next run loads it."
            if error.pipeline.has_pending_data
            else "The next run reads again."
        )
    reason = explain_lock(cause) or str(cause) or type(cause).__name__
    _complain(f"FAILED{step}: {reason}\n{kept}".rstrip())
    return NOTHING_TO_DO if isinstance(cause, ConfigurationException) else SOME_FAILED


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
        f" {sys.executable} {sys.argv[0]} --demo"
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
    return ALL_LOADED if run_demo(Console()) else SOME_FAILED


if __name__ == "__main__":
    sys.exit(main())
