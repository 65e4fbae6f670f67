"""Loads the batch jobs of AI vendors into one table; what a schedule runs.

    ai-batches              load every provider that has a key
    ai-batches openai       only this one
    ai-batches check        do keys and destination work? nothing is loaded
    ai-batches dashboard    look at what was loaded, in the browser
    ai-batches --demo       load made-up providers; no key, no network

Exit codes: 0 all is well, 1 some provider or the load failed (or --verify or check found something
wrong, or --attention something to look at), 2 nothing to do or wrong usage, 3 partial: the time was
up, the next run goes on, 4 another run of the same pipeline is at work, 130 interrupted.
"""

import argparse
import gc
import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from math import inf
from pathlib import Path

# before dlt is imported: nothing is reported to anybody, whichever folder this runs in
os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")

from dlt import Pipeline
from dlt.common.configuration.exceptions import ConfigurationException
from dlt.common.configuration.providers.toml import TomlProviderReadException
from dlt.common.destination.exceptions import DestinationException, UnknownDestinationModule
from dlt.common.exceptions import DltException, MissingDependencyException
from dlt.pipeline.exceptions import PipelineStepFailed

from ai_batches import PROVIDERS, Run, RunRequest, has_key, providers_with_key

from ..destinations.duckdb_file import explain_damage, explain_lock
from ..errors import AnotherRunError, UnusableDestinationError
from ..inspect.alerts import ENDS, find_alerts
from ..inspect.check import check
from ..inspect.slack import send_to_slack
from ..inspect.verify import verify
from ..run.load import ROWS_PER_PACKAGE, WAIT, load
from ..run.pipeline import (
    DATASET,
    PIPELINE_NAME,
    connected,
    open_pipeline,
    open_to_check,
    open_to_read,
)
from ..run.report import AccountReport, describe_place
from ..run.tables import refuse_tables_of_others
from ..sql.stored import table_exists, table_name
from .output import JsonLines, Lines, Output, Terminal
from .settings_files import (
    UnreadableSettingsError,
    refuse_unreadable_settings,
    settings_paths,
)
from .since import parse_since
from .streams import unfailing_streams

ALL_LOADED, SOME_FAILED, NOTHING_TO_DO, PARTIAL, ANOTHER_RUN, INTERRUPTED = 0, 1, 2, 3, 4, 130

SHORT_WAIT = 5.0
"""Seconds to wait for a DuckDB file where a person waits, or where all is loaded already."""

Command = Callable[[argparse.Namespace, Output], int]
"""Does what was asked for; returns the exit code."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    # rows come by the thousand and form no cycles: looking for cycles takes a tenth of a long run
    gc.set_threshold(50_000, 20, 100)
    with unfailing_streams():
        return _main(sys.argv[1:] if arguments is None else list(arguments))


def _main(given: list[str]) -> int:
    name = given.pop(0) if given and given[0] in _COMMANDS else ""
    parse, command = _COMMANDS.get(name, (_parse_load, _load))
    options = parse(given)
    output = _output(options)
    try:
        return _guarded(command, options, output)
    except KeyboardInterrupt:
        return _explain_interruption(output)


def _guarded(command: Command, options: argparse.Namespace, output: Output) -> int:
    """Runs a command; says in a sentence what went wrong."""
    try:
        refuse_unreadable_settings(settings_paths())
        return command(options, output)
    except UnreadableSettingsError as ex:
        output.complain(str(ex))
        return NOTHING_TO_DO
    except TomlProviderReadException as ex:
        return _explain_settings(ex, output)
    except AnotherRunError as ex:
        output.complain(str(ex), ex)
        return ANOTHER_RUN
    except UnusableDestinationError as ex:
        output.complain(str(ex), ex)
        return NOTHING_TO_DO
    except UnknownDestinationModule as ex:
        output.complain(f"dlt knows no destination `{options.destination}`.", ex)
        return NOTHING_TO_DO
    except MissingDependencyException as ex:
        cause = ex.__context__
        missing = f"{cause.name} is missing.\n" if isinstance(cause, ModuleNotFoundError) else ""
        output.complain(f"{missing}{ex}\nOr install this package with the destination's extra.", ex)
        return NOTHING_TO_DO
    except (PipelineStepFailed, DestinationException) as ex:
        return _explain_failure(ex, output)
    except DltException as ex:
        # of the configuration
        output.complain(str(ex), ex)
        return NOTHING_TO_DO
    except Exception as ex:
        # of a destination's driver
        return _explain_failure(ex, output)


def _parser(
    name: str, description: str, epilog: str = "", wait: float = WAIT
) -> argparse.ArgumentParser:
    """What all commands take."""
    parser = argparse.ArgumentParser(
        prog=f"ai-batches {name}".strip(),
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
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
        "--wait",
        type=_positive,
        default=wait,
        metavar="SECONDS",
        help=f"how long to wait for a DuckDB file that another program has open [{wait:g}]",
    )
    parser.add_argument(
        "--debug",
        action="store_true",
        help="print the stack trace of an error that ends the command",
    )
    parser.set_defaults(log_format="text", quiet=False)
    return parser


def _add_run(parser: argparse.ArgumentParser) -> None:
    """What is asked of providers, and how that is told."""
    parser.add_argument(
        "--log-format",
        choices=["text", "json"],
        help="`json`: a line of JSON an event, on standard output [text]",
    )
    parser.add_argument(
        "--quiet", action="store_true", help="print only what failed or needs attention"
    )
    parser.add_argument(
        "providers",
        nargs="*",
        metavar="PROVIDER",
        help=f"which: {', '.join(PROVIDERS)}; without any, all that have a key",
    )
    parser.add_argument(
        "--table-format",
        choices=["delta", "iceberg"],
        help="how a destination of files keeps the table; `filesystem` needs one",
    )


def _parse_load(arguments: Sequence[str]) -> argparse.Namespace:
    usage, codes = (__doc__ or "").split("\n\n")[1:]
    parser = _parser(
        "", "Loads the batch jobs of AI vendors into one table, `batches`.", f"{usage}\n\n{codes}"
    )
    _add_run(parser)
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
        help="rows of an account after which a long scan goes on in another load [100000]",
    )
    other = parser.add_mutually_exclusive_group()
    other.add_argument(
        "--verify",
        action="store_true",
        help="compare the table with the lists, read whole, and change nothing",
    )
    other.add_argument(
        "--attention",
        action="store_true",
        help="only list what a person should look at in what was loaded",
    )
    other.add_argument(
        "--demo", action="store_true", help="load made-up providers into demo.duckdb instead"
    )
    options = parser.parse_args(arguments)
    if options.verify and (options.full_refresh or options.max_time is not None):
        parser.error("--verify reads everything and changes nothing: it takes only --since")
    if options.demo and (options.quiet or options.log_format == "json"):
        parser.error("--demo shows tables: it takes neither --quiet nor --log-format json")
    _refuse_unknown(options.providers, parser)
    return options


def _parse_check(arguments: Sequence[str]) -> argparse.Namespace:
    parser = _parser(
        "check",
        "Tells whether keys and destination work, and how many requests the next run needs. Nothing"
        " is loaded or left behind.",
    )
    _add_run(parser)
    options = parser.parse_args(arguments)
    _refuse_unknown(options.providers, parser)
    return options


def _refuse_unknown(providers: Sequence[str], parser: argparse.ArgumentParser) -> None:
    unknown = [name for name in providers if name not in PROVIDERS]
    if unknown:
        parser.error(
            f"no such provider: {', '.join(unknown)} (choose from {', '.join(PROVIDERS)}; or a"
            f" command first: {', '.join(_COMMANDS)})"
        )


def _output(options: argparse.Namespace) -> Output:
    if options.log_format == "json":
        return JsonLines(options.debug, logging.WARNING if options.quiet else logging.INFO)
    if options.quiet:
        return Output(options.debug)
    return Terminal(options.debug) if sys.stderr.isatty() else Lines(options.debug)


def _load(options: argparse.Namespace, output: Output) -> int:
    if options.demo:
        return _run_demo(output)
    if options.attention:
        return _show_alerts(options, output)
    providers = _chosen(options, output)
    return _run(options, providers, output) if providers else NOTHING_TO_DO


def _check(options: argparse.Namespace, output: Output) -> int:
    providers = _chosen(options, output)
    if not providers:
        return NOTHING_TO_DO
    with open_to_check(
        options.destination, options.dataset, options.pipeline, options.wait
    ) as pipeline:
        with output:
            found = check(pipeline, providers, options.wait, options.table_format)
        output.checked(found)
    return ALL_LOADED if found.is_good else SOME_FAILED


def _chosen(options: argparse.Namespace, output: Output) -> list[str]:
    """The providers that were named, or that have a key; none where a key is missing."""
    providers = list(dict.fromkeys(options.providers)) or providers_with_key()
    without_key = [name for name in providers if not has_key(PROVIDERS[name])]
    if without_key or not providers:
        _explain_keys(without_key, output)
        return []
    return providers


def _moment(text: str) -> int:
    try:
        return parse_since(text)
    except ValueError as ex:
        raise argparse.ArgumentTypeError(str(ex)) from ex


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


def _run(options: argparse.Namespace, providers: Sequence[str], output: Output) -> int:
    deadline = None if options.max_time is None else time.monotonic() + options.max_time
    run = Run(RunRequest(options.since, options.full_refresh, options.package_rows, deadline))
    with open_pipeline(
        options.destination, options.dataset, options.pipeline, options.wait
    ) as pipeline:
        if options.verify:
            return _verify(options, pipeline, providers, output)
        try:
            with output:
                reports = load(
                    pipeline, providers, None, run, options.wait, options.table_format, output
                )
        except (PipelineStepFailed, DestinationException) as ex:
            return _explain_failure(ex, output, keeps_data=pipeline.has_pending_data)
        output.summary(reports, describe_place(pipeline))
        _send_alerts(pipeline, reports, output)
    if any(report.error for report in reports):
        return SOME_FAILED
    return PARTIAL if any(report.is_partial for report in reports) else ALL_LOADED


def _send_alerts(pipeline: Pipeline, reports: Sequence[AccountReport], output: Output) -> None:
    """Tells what a person should look at; what fails here takes nothing back."""
    try:
        alerts = find_alerts(pipeline, SHORT_WAIT)
    except UnusableDestinationError:
        # whoever reads its documentation knows
        return
    except Exception as ex:
        reason = explain_lock(ex) or f"{type(ex).__name__}: {ex}"
        output.complain(f"The rows are loaded; what needs attention could not be seen: {reason}")
        return
    send_to_slack(pipeline, alerts)
    asked = {(report.provider, report.account or ""): report for report in reports}
    # a run tells of ends that it saw itself; --attention knows those of all last runs
    output.attention(
        [
            alert
            for alert in alerts
            if alert.kind not in ENDS or (alert.provider, alert.account) in asked
        ],
        {whose for whose, report in asked.items() if report.error},
    )


def _verify(
    options: argparse.Namespace, pipeline: Pipeline, providers: Sequence[str], output: Output
) -> int:
    with output:
        with connected(pipeline, options.wait):
            refuse_tables_of_others(pipeline, options.table_format)
        verdicts = verify(pipeline, providers, None, options.since, options.wait, output)
    output.verdicts(verdicts)
    return ALL_LOADED if all(verdict.is_good for verdict in verdicts.values()) else SOME_FAILED


def _show_alerts(options: argparse.Namespace, output: Output) -> int:
    with (
        open_to_read(
            options.destination, options.dataset, options.pipeline, options.wait
        ) as pipeline,
        output,
    ):
        with connected(pipeline, options.wait):
            refuse_tables_of_others(pipeline, options.table_format)
            if not table_exists(pipeline):
                raise UnusableDestinationError(
                    f"There is no table {table_name(pipeline)}: nothing was loaded there yet."
                )
        alerts = find_alerts(pipeline, options.wait)
    output.attention(alerts)
    return SOME_FAILED if alerts else ALL_LOADED


def _explain_interruption(output: Output) -> int:
    output.complain("Interrupted. What was loaded stays, and the next run goes on.")
    return INTERRUPTED


def _explain_failure(error: Exception, output: Output, keeps_data: bool = False) -> int:
    cause: BaseException = error
    kept = step = ""
    if isinstance(error, PipelineStepFailed):
        cause, step = error.exception or error, f" at dlt's step `{error.step}`"
        if _was_interrupted(error):
            return _explain_interruption(output)
        kept = "The next run reads again."
    if keeps_data:
        kept = "Nothing is lost: the next run loads what was read, or reads it again."
    reason = explain_lock(cause) or explain_damage(cause) or str(cause)
    if reason == str(cause) and not isinstance(cause, DltException | OSError):
        reason = f"{type(cause).__name__}: {reason}"
    output.complain(f"FAILED{step}: {reason}\n{kept}".rstrip(), error)
    return NOTHING_TO_DO if isinstance(cause, ConfigurationException) else SOME_FAILED


def _explain_settings(error: TomlProviderReadException, output: Output) -> int:
    """Says which file it is, of those in other folders, too; dlt's text may quote a key."""
    try:
        refuse_unreadable_settings(Path(path) for path in error.full_paths)
        output.complain(f"dlt cannot read {error.file_name}. Correct it.")
    except UnreadableSettingsError as ex:
        output.complain(str(ex))
    return NOTHING_TO_DO


def _was_interrupted(error: BaseException | None) -> bool:
    """Whether Ctrl-C is behind an error; a generator that dlt cannot close then hides it."""
    while error:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False


def _explain_keys(without_key: Sequence[str], output: Output) -> None:
    names = without_key or list(PROVIDERS)
    asked = f"No API key for {', '.join(names)}." if without_key else "No provider has an API key."
    # one that products share is looked at for providers that are asked for
    looked_at = [
        PROVIDERS[name].key_variables if without_key else (PROVIDERS[name].api_key_env,)
        for name in names
    ]
    variables = ", ".join(variable for each in looked_at for variable in each)
    output.complain(
        f"{asked}\nLooked for the environment variables {variables}, and for `api_key` or"
        f" `accounts` in [sources.ai_batches.{names[0] if len(names) == 1 else '<provider>'}] of"
        " .dlt/secrets.toml; .dlt/example.secrets.toml shows how.\nTo see it work without a key:"
        " ai-batches --demo"
    )


def _run_demo(output: Output) -> int:
    try:
        from ai_batches_demo.demo import run_demo
    except ModuleNotFoundError as ex:
        output.complain(
            f"The demo needs {ex.name}. Install this package with its extra `demo`, or run"
            " `make demo`."
        )
        return NOTHING_TO_DO
    return ALL_LOADED if run_demo(output.console) else SOME_FAILED


def _parse_dashboard(arguments: Sequence[str]) -> argparse.Namespace:
    parser = _parser(
        "dashboard", "Shows what was loaded, in the browser, until Ctrl-C.", wait=SHORT_WAIT
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on; it asks for no password, whoever can reach it [127.0.0.1]",
    )
    parser.add_argument("--port", type=int, default=8321, help="port; 0 for a free one [8321]")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    parser.add_argument("--demo", action="store_true", help="show what the demo loaded")
    return parser.parse_args(arguments)


def _dashboard(options: argparse.Namespace, output: Output) -> int:
    try:
        from ai_batches_demo.demo import demo_destination

        from ..dashboard import serve
    except ModuleNotFoundError as ex:
        output.complain(
            f"The dashboard needs {ex.name}. Install this package with its extra `dashboard`, or"
            " run `make dashboard`."
        )
        return NOTHING_TO_DO
    destination = demo_destination() if options.demo else options.destination
    try:
        serve(
            destination,
            DATASET if options.demo else options.dataset,
            options.host,
            options.port,
            not options.no_browser,
            options.wait,
            options.pipeline,
        )
    except KeyboardInterrupt:
        # how one leaves it
        pass
    except OSError as ex:
        output.complain(f"Nothing can be served on {options.host}:{options.port}: {ex.strerror}.")
        return NOTHING_TO_DO
    return ALL_LOADED


_COMMANDS: dict[str, tuple[Callable[[Sequence[str]], argparse.Namespace], Command]] = {
    "check": (_parse_check, _check),
    "dashboard": (_parse_dashboard, _dashboard),
}
