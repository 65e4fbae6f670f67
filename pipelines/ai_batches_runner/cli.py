"""Loads the batch jobs of AI vendors into one table; what a schedule runs.

    ai-batches            every provider that has a key
    ai-batches openai     only this one
    ai-batches --demo     made-up providers; no key, no network

Exit codes: 0 all loaded, 1 some provider or the load failed (or --verify found a difference),
2 nothing to do or wrong usage, 3 partial: the time was up, the next run goes on, 4 another run of
the same pipeline is at work, 130 interrupted.
"""

import argparse
import gc
import os
import sys
import time
from collections.abc import Sequence
from math import inf

# before dlt is imported: nothing is reported to anybody, whichever folder this runs in
os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")

from dlt import Pipeline
from dlt.common import logger
from dlt.common.configuration.exceptions import ConfigurationException
from dlt.common.destination.exceptions import DestinationException, UnknownDestinationModule
from dlt.common.exceptions import DltException, MissingDependencyException
from dlt.common.runtime.collector import LogCollector, TqdmCollector
from dlt.common.runtime.collector_base import Collector
from dlt.common.runtime.signals import was_signal_received
from dlt.pipeline.exceptions import PipelineStepFailed
from rich.console import Console

from ai_batches import PROVIDERS, Run, has_key, providers_with_key
from ai_batches.timestamps import to_microseconds

from .destination import (
    DATASET,
    PIPELINE_NAME,
    AnotherRunError,
    UnusableDestinationError,
    explain_lock,
    open_pipeline,
)
from .load import ROWS_PER_PACKAGE, WAIT, load
from .report import print_summary
from .verify import print_verdicts, verify

ALL_LOADED, SOME_FAILED, NOTHING_TO_DO, PARTIAL, ANOTHER_RUN, INTERRUPTED = 0, 1, 2, 3, 4, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    # rows come by the thousand and form no cycles: looking for cycles takes a tenth of a long run
    gc.set_threshold(50_000, 20, 100)
    parser = argparse.ArgumentParser(
        prog="ai-batches",
        description="Loads the batch jobs of AI vendors into one table, `batches`.",
        epilog=(__doc__ or "").split("\n\n")[-1],
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
        "--pipeline",
        default=PIPELINE_NAME,
        metavar="NAME",
        help="what dlt remembers the run under; one writer a name [ai_batches]",
    )
    parser.add_argument(
        "--table-format",
        choices=["delta", "iceberg"],
        help="how a destination of files keeps the table; `filesystem` needs one",
    )
    parser.add_argument(
        "--since",
        type=_moment,
        metavar="DATE",
        help="load batches created since then; what was covered before stays covered",
    )
    parser.add_argument(
        "--full-refresh", action="store_true", help="read everything again and merge it"
    )
    parser.add_argument(
        "--verify",
        action="store_true",
        help="compare the table with the lists, read whole, and change nothing",
    )
    parser.add_argument(
        "--max-time",
        type=_positive,
        metavar="SECONDS",
        help="stop reading then; the next run goes on",
    )
    parser.add_argument(
        "--package-rows",
        type=_count,
        default=ROWS_PER_PACKAGE,
        metavar="ROWS",
        help="rows of an account after which a long walk goes on in another load [100000]",
    )
    parser.add_argument(
        "--wait",
        type=_positive,
        default=WAIT,
        metavar="SECONDS",
        help="how long to wait for a DuckDB file that another program has open [60]",
    )
    parser.add_argument(
        "--demo", action="store_true", help="load made-up providers into demo.duckdb instead"
    )
    options = parser.parse_args(arguments)
    if options.verify and (options.full_refresh or options.max_time is not None):
        parser.error("--verify reads everything and changes nothing: it takes only --since")
    try:
        return _dispatch(options, parser)
    except KeyboardInterrupt:
        return _explain_interruption()
    except MissingDependencyException as ex:
        cause = ex.__context__
        missing = f"{cause.name} is missing.\n" if isinstance(cause, ModuleNotFoundError) else ""
        _complain(f"{missing}{ex}\nOr install this package with the destination's extra.")
        return NOTHING_TO_DO
    except DltException as ex:
        # of the configuration
        _complain(str(ex))
        return NOTHING_TO_DO


def _dispatch(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    unknown = [name for name in options.providers if name not in PROVIDERS]
    if unknown:
        parser.error(f"no such provider: {', '.join(unknown)} (choose from {', '.join(PROVIDERS)})")
    if options.demo:
        return _run_demo()
    providers = list(dict.fromkeys(options.providers)) or providers_with_key()
    without_key = [name for name in providers if not has_key(PROVIDERS[name])]
    if without_key or not providers:
        _explain_keys(without_key)
        return NOTHING_TO_DO
    return _run(options, providers)


def _moment(text: str) -> int:
    try:
        microseconds = to_microseconds(text)
    except ValueError as ex:
        raise argparse.ArgumentTypeError(f"{text} is no date") from ex
    if microseconds is None:
        raise argparse.ArgumentTypeError("no date was given")
    return microseconds


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0
    if not 0 < number < inf:
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds above 0")
    return number


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number of rows above 0")
    return int(text)


def _run(options: argparse.Namespace, providers: Sequence[str]) -> int:
    run = Run(options.since, options.full_refresh, options.package_rows)
    if options.max_time is not None:
        run.deadline = time.monotonic() + options.max_time
    pipeline = None
    try:
        with open_pipeline(
            options.destination, options.dataset, options.pipeline, _progress()
        ) as pipeline:
            if options.verify:
                return _verify(pipeline, providers, options)
            reports = load(pipeline, providers, None, run, options.wait, options.table_format)
    except AnotherRunError as ex:
        _complain(str(ex))
        return ANOTHER_RUN
    except UnusableDestinationError as ex:
        _complain(str(ex))
        return NOTHING_TO_DO
    except UnknownDestinationModule:
        _complain(f"dlt knows no destination `{options.destination}`.")
        return NOTHING_TO_DO
    except (PipelineStepFailed, DestinationException) as ex:
        return _explain_failure(ex, pipeline)
    except DltException:
        raise
    except Exception as ex:
        # of a destination's driver; with a traceback only where somebody looks for one
        logger.info("The run failed.", exc_info=ex)
        code = _explain_failure(ex, pipeline)
        _complain("RUNTIME__LOG_LEVEL=INFO shows where.")
        return code
    print_summary(reports, pipeline, Console())
    if any(report.error for report in reports):
        return SOME_FAILED
    return PARTIAL if any(report.is_partial for report in reports) else ALL_LOADED


def _verify(pipeline: Pipeline, providers: Sequence[str], options: argparse.Namespace) -> int:
    verdicts = verify(pipeline, providers, since=options.since, wait=options.wait)
    print_verdicts(verdicts, Console())
    return ALL_LOADED if all(verdict.is_good for verdict in verdicts.values()) else SOME_FAILED


def _explain_interruption() -> int:
    _complain("Interrupted. What was loaded stays, and the next run goes on.")
    return INTERRUPTED


def _explain_failure(error: Exception, pipeline: Pipeline | None) -> int:
    cause: BaseException = error
    kept = step = ""
    if isinstance(error, PipelineStepFailed):
        cause, step = error.exception or error, f" at dlt's step `{error.step}`"
        if was_signal_received() or isinstance(cause, KeyboardInterrupt):
            return _explain_interruption()
        kept = "The next run reads again."
    if pipeline and pipeline.has_pending_data:
        kept = "Nothing is lost: the next run loads what was read, or reads it again."
    reason = explain_lock(cause) or str(cause)
    if reason == str(cause) and not isinstance(cause, DltException | OSError):
        reason = f"{type(cause).__name__}: {reason}"
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
        " ai-batches --demo"
    )


def _complain(text: str) -> None:
    # soft wrap: a log keeps a sentence on one line
    Console(stderr=True).print(text, markup=False, highlight=False, soft_wrap=True)


def _run_demo() -> int:
    try:
        from .demo import run_demo
    except ModuleNotFoundError as ex:
        _complain(
            f"The demo needs {ex.name}. Install this package with its extra `demo`, or run"
            " `make demo`."
        )
        return NOTHING_TO_DO
    return ALL_LOADED if run_demo(Console()) else SOME_FAILED
