"""The subcommands of `ai-batches` and their options.

dlt is imported when a subcommand runs, so that help and completion answer at once.
"""

import gc
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import click

from ..defaults import ROWS_PER_LOAD, SHORT_LOCK_TIMEOUT
from .exit_codes import INTERRUPTED
from .options import (
    Options,
    allow_host_option,
    providers_argument,
    seconds,
    shard,
    shared_options,
    since_option,
)
from .private_files import private_files
from .streams import unfailing_streams

_DESTINATION = ("destination", "dataset", "pipeline_name", "lock_timeout", "debug")
_OUTPUT = ("log_format", "quiet")

_USUAL = {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    # its other ones keep what is freed: some thirty megabytes of a run that reads results
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}
"""Variables of the environment that a user may set otherwise."""

EXIT_CODES = """\b
Exit codes:
  0    success
  1    a provider, the load, a check or a comparison failed; or there are alerts
  2    nothing to do, or wrong usage or settings
  3    partial: the time limit was reached, the next run continues
  4    another run of the same pipeline is in progress
  130  interrupted
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        arguments (Sequence[str] | None): Without the program's name; None takes `sys.argv`.

    Returns:
        int: The exit code.
    """
    with (
        _usual_environment(),
        _few_collections(),
        _heeding_sigterm(),
        unfailing_streams(),
        private_files(),
    ):
        try:
            code: object = cli.main(
                list(sys.argv[1:] if arguments is None else arguments),
                prog_name="ai-batches",
                standalone_mode=False,
            )
        except click.ClickException as ex:
            ex.show()
            return ex.exit_code
        except (click.Abort, KeyboardInterrupt):
            return INTERRUPTED
        return code if isinstance(code, int) else 0


@contextmanager
def _usual_environment() -> Iterator[None]:
    """Sets those variables of `_USUAL` that the user did not, while the command runs."""
    chosen = {name: value for name, value in _USUAL.items() if name not in os.environ}
    os.environ.update(chosen)
    try:
        yield
    finally:
        for name in chosen:
            del os.environ[name]


@contextmanager
def _few_collections() -> Iterator[None]:
    """Looks for cycles less often: rows form none, and looking takes a tenth of a long run."""
    before = gc.get_threshold()
    gc.set_threshold(50_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def _heeding_sigterm() -> Iterator[None]:
    """Ends the command at SIGTERM as at Ctrl-C, also as the first process of a container."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    no_args_is_help=True,
    epilog=EXIT_CODES,
)
@click.version_option(package_name="dlt-ai-batches", prog_name="ai-batches")
@shared_options()
def cli() -> None:
    """Keep the batch jobs of AI vendors in one table, `batches`.

    Options that a subcommand takes may stand before or after it.
    """


@cli.command()
@providers_argument
@since_option
@click.option("--full-refresh", is_flag=True, help="Read every list again and merge it.")
@click.option(
    "--time-limit",
    type=seconds,
    metavar="SECONDS",
    help="Stop reading after this long; the next run continues.",
)
@click.option(
    "--rows-per-load",
    type=click.IntRange(min=1),
    metavar="ROWS",
    help="Rows per account after which a long scan continues in another load."
    f"  [default: {ROWS_PER_LOAD}]",
)
@click.option(
    "--results", "only_results", is_flag=True, help="Read no lists, only results of ended batches."
)
@click.option(
    "--shard",
    type=shard,
    metavar="K/N",
    help="With --results: only the K-th of N parts, each for a process with a pipeline name of its"
    " own.",
)
@click.option(
    "--metrics-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="PATH",
    help="Write figures about each account there after the run, as Prometheus reads them.",
)
@shared_options(*_DESTINATION, "table_format", *_OUTPUT)
def load(
    options: Options,
    providers: tuple[str, ...],
    since: int | None,
    full_refresh: bool,
    time_limit: float | None,
    rows_per_load: int | None,
    only_results: bool,
    shard: tuple[int, int] | None,
    metrics_file: Path | None,
) -> int:
    """Load new and open batches, and the results of ended ones.

    Without a PROVIDER, every provider that has a key is loaded. Results are read as far as the
    setting `results` wants them.
    """
    if only_results:
        if since or full_refresh or rows_per_load:
            raise click.UsageError("--results goes with none of the options on lists")
        return _run(
            "result_actions.load_results", options, providers, time_limit, shard, metrics_file
        )
    if shard:
        raise click.UsageError("--shard goes with --results: lists are read by one process")
    return _run(
        "actions.load",
        options,
        providers,
        since,
        full_refresh,
        time_limit,
        rows_per_load,
        metrics_file,
    )


@cli.command()
@click.argument("batch_id")
@shared_options("destination", "dataset", "pipeline_name", "lock_timeout", "debug")
def failed(options: Options, batch_id: str) -> int:
    """Print the failed requests of a batch as JSON lines."""
    return _run("result_actions.failed", options, batch_id)


@cli.command()
@providers_argument
@shared_options(*_DESTINATION, "table_format", *_OUTPUT)
def check(options: Options, providers: tuple[str, ...]) -> int:
    """Check keys and destination; loads nothing."""
    return _run("actions.check", options, providers)


@cli.command()
@providers_argument
@since_option
@shared_options(*_DESTINATION, "table_format", *_OUTPUT)
def verify(options: Options, providers: tuple[str, ...], since: int | None) -> int:
    """Compare the table with the complete lists; changes nothing.

    Batches that changed since the last load also count as stale: run `load` right before.
    """
    return _run("actions.verify", options, providers, since)


@cli.command()
@shared_options(*_DESTINATION, "table_format", *_OUTPUT)
def alerts(options: Options) -> int:
    """List what a person should look at in what was loaded."""
    return _run("actions.alerts", options)


@cli.command()
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on. There is no password: anyone who can reach it can read it.",
)
@allow_host_option
@click.option("--port", type=int, default=8321, show_default=True, help="Port; 0 for a free one.")
@click.option("--no-browser", is_flag=True, help="Only print the address.")
@click.option("--demo", is_flag=True, help="Show what `ai-batches demo` loaded.")
@shared_options(*_DESTINATION, lock_timeout=SHORT_LOCK_TIMEOUT)
def dashboard(
    options: Options,
    host: str,
    allowed_hosts: tuple[str, ...],
    port: int,
    no_browser: bool,
    demo: bool,
) -> int:
    """Show the table in a browser, until Ctrl-C."""
    return _run("actions.dashboard", options, host, allowed_hosts, port, not no_browser, demo)


@cli.command()
@shared_options("debug")
def demo(options: Options) -> int:
    """Load made-up providers; needs no key."""
    return _run("actions.demo", options)


def _run(action: str, options: Options, *arguments: object) -> int:
    """Imports what a subcommand needs, a function of a module here, and runs it."""
    from .failures import run_guarded

    module, name = action.split(".")
    function = getattr(import_module(f".{module}", __package__), name)
    return run_guarded(function, options, *arguments)
