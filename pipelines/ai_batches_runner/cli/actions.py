"""What each subcommand does."""

import time
from collections.abc import Sequence
from pathlib import Path

from dlt import Pipeline
from dlt.common.destination.exceptions import DestinationException
from dlt.pipeline.exceptions import PipelineStepFailed

from ai_batches import (
    Run,
    RunRequest,
)

from ..defaults import SHORT_LOCK_TIMEOUT
from ..destinations.duckdb_file import explain_lock
from ..destinations.registry import adapter_of
from ..errors import UnusableDestinationError
from ..inspect.alerts import find_alerts
from ..inspect.budgets import read_budgets
from ..inspect.check import check as check_all
from ..inspect.delivery import PRINT, SLACK, AlertDelivery
from ..inspect.slack import send_to_slack, slack_hook
from ..inspect.thresholds import read_thresholds
from ..inspect.verify import verify as verify_all
from ..run.load import load as load_all
from ..run.pipeline import DATASET, connected, open_pipeline, open_to_check, open_to_read
from ..run.prices import price_settings
from ..run.report import AccountReport, TAccount, describe_place
from ..run.results import ResultsReport
from ..run.results import load_results as load_all_results
from ..run.tables import refuse_tables_of_others
from ..sql.reader import table_exists
from .exit_codes import ALL_GOOD, FAILED, NOTHING_TO_DO
from .failures import explain_failure
from .metrics_file import writing_metrics
from .options import Options
from .output import Output
from .steps import exit_code, keeps_data, note_other_addresses, with_keys
from .streams import is_printed


def load(
    output: Output,
    options: Options,
    providers: Sequence[str],
    since: int | None,
    full_refresh: bool,
    time_limit: float | None,
    rows_per_load: int | None,
    metrics_file: Path | None,
) -> int:
    """Loads new and open batches.

    Args:
        output (Output): Where to print.
        options (Options): Where to load.
        providers (Sequence[str]): Names; empty for all that have a key.
        since (int | None): Unix microseconds from which on batches are loaded.
        full_refresh (bool): Whether every list is read again.
        time_limit (float | None): Seconds after which reading stops.
        rows_per_load (int | None): Rows per account and load package.
        metrics_file (Path | None): Where to write metrics afterwards.

    Returns:
        int: The exit code.
    """
    chosen = with_keys(providers, output)
    if not chosen:
        return NOTHING_TO_DO
    # before anything is read
    read_budgets()
    deadline = None if time_limit is None else time.monotonic() + time_limit
    run = Run(RunRequest(since, full_refresh, rows_per_load, deadline))
    with open_pipeline(*options.place) as pipeline:
        note_other_addresses(chosen, output)
        with writing_metrics(pipeline, metrics_file, output):
            return _load(pipeline, chosen, run, options, output)


def _load(
    pipeline: Pipeline, providers: Sequence[str], run: Run, options: Options, output: Output
) -> int:
    hook = slack_hook()
    delivery = AlertDelivery(pipeline, [PRINT, SLACK] if hook else [PRINT], options.lock_timeout)
    try:
        with output:
            reports = load_all(
                pipeline,
                providers,
                None,
                run,
                options.lock_timeout,
                options.table_format,
                output,
            )
    except (PipelineStepFailed, DestinationException) as ex:
        return explain_failure(ex, output, keeps_data=keeps_data(pipeline))
    results: list[ResultsReport] = []
    failure: Exception | None = None
    try:
        with output:
            results = load_all_results(
                pipeline,
                providers,
                None,
                run.request.deadline,
                options.lock_timeout,
                options.table_format,
                output,
            )
    except (PipelineStepFailed, DestinationException, UnusableDestinationError) as ex:
        # what came of the lists is reported all the same
        failure = ex
    except KeyboardInterrupt:
        output.summary(reports, describe_place(pipeline))
        raise
    is_found = _look_up_alerts(delivery, reports, output)
    if is_found and hook:
        _send_alerts(delivery, hook)
    output.summary(reports, describe_place(pipeline))
    output.results(results)
    if is_found:
        output.alerts(delivery.alerts(PRINT), {_whose(each) for each in reports if each.error})
        if is_printed():
            delivery.note(PRINT)
    if isinstance(failure, UnusableDestinationError):
        raise failure
    if failure:
        return explain_failure(failure, output, keeps_data=keeps_data(pipeline))
    return exit_code([*reports, *results])


def _look_up_alerts(
    delivery: AlertDelivery, reports: Sequence[AccountReport], output: Output
) -> bool:
    """Looks up alerts to report after a load; a failure does not change the outcome."""
    try:
        delivery.look_up([_whose(report) for report in reports], SHORT_LOCK_TIMEOUT)
    except UnusableDestinationError:
        # documented for such a destination
        return False
    except Exception as ex:
        reason = explain_lock(ex) or f"{type(ex).__name__}: {ex}"
        output.complain(
            f"The rows are loaded, but alerts could not be looked up: {reason}\nThe next run"
            " reports them."
        )
        return False
    return True


def _send_alerts(delivery: AlertDelivery, hook: str) -> None:
    alerts = delivery.alerts(SLACK)
    if not delivery.is_due(SLACK, alerts) or send_to_slack(hook, alerts):
        delivery.note(SLACK)


def _whose(report: AccountReport) -> TAccount:
    return report.provider, report.account or ""


def check(output: Output, options: Options, providers: Sequence[str]) -> int:
    """Checks keys and destination.

    Args:
        output (Output): Where to print.
        options (Options): Which destination.
        providers (Sequence[str]): Names; empty for all that have a key.

    Returns:
        int: The exit code.
    """
    chosen = with_keys(providers, output)
    if not chosen:
        return NOTHING_TO_DO
    # what cannot be used would keep a run from loading
    price_settings()
    read_budgets()
    read_thresholds()
    with open_to_check(*options.place) as pipeline:
        note_other_addresses(chosen, output)
        with output:
            found = check_all(pipeline, chosen, options.lock_timeout, options.table_format)
        output.checked(found)
    return ALL_GOOD if found.is_good else FAILED


def verify(output: Output, options: Options, providers: Sequence[str], since: int | None) -> int:
    """Compares the table with the complete lists.

    Args:
        output (Output): Where to print.
        options (Options): Which destination.
        providers (Sequence[str]): Names; empty for all that have a key.
        since (int | None): Unix microseconds from which on batches are compared.

    Returns:
        int: The exit code.
    """
    chosen = with_keys(providers, output)
    if not chosen:
        return NOTHING_TO_DO
    with (
        open_pipeline(*options.place) as pipeline,
        output,
    ):
        with connected(pipeline, options.lock_timeout):
            refuse_tables_of_others(pipeline, options.table_format)
        note_other_addresses(chosen, output)
        verdicts = verify_all(pipeline, chosen, None, since, options.lock_timeout, output)
    output.verdicts(verdicts)
    return ALL_GOOD if all(verdict.is_good for verdict in verdicts.values()) else FAILED


def alerts(output: Output, options: Options) -> int:
    """Lists what a person should look at.

    Args:
        output (Output): Where to print.
        options (Options): Which destination.

    Returns:
        int: The exit code.
    """
    thresholds = read_thresholds()
    with (
        open_to_read(*options.place) as pipeline,
        output,
    ):
        with connected(pipeline, options.lock_timeout):
            refuse_tables_of_others(pipeline, options.table_format)
            if not table_exists(pipeline):
                name = adapter_of(pipeline).table_name
                raise UnusableDestinationError(
                    f"There is no table {name}: nothing was loaded there yet."
                )
        found = find_alerts(pipeline, thresholds, options.lock_timeout)
    output.alerts(found)
    return FAILED if found else ALL_GOOD


def dashboard(
    output: Output,
    options: Options,
    host: str,
    allowed_hosts: Sequence[str],
    port: int,
    opens_browser: bool,
    is_demo: bool,
) -> int:
    """Serves the dashboard until Ctrl-C.

    Args:
        output (Output): Where to print.
        options (Options): Which destination.
        host (str): Address to listen on.
        allowed_hosts (Sequence[str]): Further names by which browsers find it.
        port (int): 0 for a free one.
        opens_browser (bool): Whether to open it.
        is_demo (bool): Whether to show what the demo loaded.

    Returns:
        int: The exit code.
    """
    try:
        from ..dashboard import serve
        from .demo import demo_destination
    except ModuleNotFoundError as ex:
        output.complain(
            f"The dashboard needs {ex.name}. Install this package with its extra `dashboard`,"
            " or run `make dashboard`."
        )
        return NOTHING_TO_DO
    # each viewer's page reads it again
    read_budgets()
    try:
        serve(
            demo_destination() if is_demo else options.destination,
            DATASET if is_demo else options.dataset,
            host,
            port,
            opens_browser,
            options.lock_timeout,
            options.pipeline_name,
            allowed_hosts,
        )
    except KeyboardInterrupt:
        # the usual way to end it
        pass
    except OSError as ex:
        output.complain(f"Cannot listen on {host}:{port}: {ex.strerror}.")
        return NOTHING_TO_DO
    return ALL_GOOD


def demo(output: Output, options: Options) -> int:
    """Loads made-up providers into demo.duckdb, twice.

    Args:
        output (Output): Where to print.
        options (Options): Nothing of them matters here.

    Returns:
        int: The exit code.
    """
    try:
        from .demo import run_demo
    except ModuleNotFoundError as ex:
        output.complain(
            f"The demo needs {ex.name}. Install this package with its extra `demo`, or run"
            " `make demo`."
        )
        return NOTHING_TO_DO
    return ALL_GOOD if run_demo(output.console) else FAILED
