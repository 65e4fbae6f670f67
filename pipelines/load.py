"""One run: loads what an earlier run left, reads the lists, merges them, reports the outcome."""

import time
from collections.abc import Mapping, Sequence
from functools import partial

from dlt import Pipeline
from dlt.common import logger

from ai_batches import AccountMetrics, ProviderSettings, Run, ai_batches_source
from destination import (
    fit_to_destination,
    follow_destination,
    patiently,
    remember_destination,
)
from report import (
    AccountReport,
    TAccount,
    account_reports,
    add_metrics,
    last_metrics,
    standings,
)


def load(
    pipeline: Pipeline,
    providers: Sequence[str],
    settings: Mapping[str, ProviderSettings] | None = None,
    run: Run | None = None,
    wait: float = 0,
    max_time: float | None = None,
) -> list[AccountReport]:
    """Reads what is new or open and merges it, in load packages of bounded size.

    What an interrupted run left behind is loaded first.

    Args:
        pipeline (Pipeline): Where to load.
        providers (Sequence[str]): Names of the providers to read.
        settings (Mapping[str, ProviderSettings] | None): Settings by provider; None takes dlt's
            configuration.
        run (Run | None): What to read; None: what is new or open.
        wait (float): Seconds to wait for a DuckDB file that another program has open.
        max_time (float | None): Seconds after which to stop reading.

    Returns:
        list[AccountReport]: What was done, a report a provider and account. A provider that failed
            has its error there.

    Raises:
        UnusableDestinationError: If the destination cannot keep one row a batch.
        PipelineStepFailed: If the destination failed. The next call loads what was read.
    """
    run = run or Run()
    leaves_unchanged_rows = fit_to_destination(ai_batches_source(settings), pipeline)
    pipeline = patiently(partial(follow_destination, pipeline), wait)
    patiently(pipeline.sync_destination, wait)
    if pipeline.has_pending_data:
        # `run` would load the pending packages and return without reading anything
        left = patiently(pipeline.run, wait)
        logger.warning(f"Loaded first what an interrupted run left: package {left.loads_ids}.")
    before = patiently(partial(standings, pipeline), wait)
    deadline = None if max_time is None else time.monotonic() + max_time
    metrics: dict[TAccount, AccountMetrics] = {}
    load_ids: list[str] = []
    goes_on = True
    while goes_on:
        source = ai_batches_source(settings, fail_fast=False, run=run).with_resources(*providers)
        fit_to_destination(source, pipeline)
        if deadline is not None:
            source.add_limit(max_time=max(0.01, deadline - time.monotonic()))
        # where the load had to wait, the second call loads what the first one read
        load_ids += patiently(partial(pipeline.run, source), wait).loads_ids
        remember_destination(pipeline)
        package = last_metrics(pipeline)
        for name, entry in package:
            add_metrics(metrics, name, entry)
        in_time = deadline is None or time.monotonic() < deadline
        # a package that brought no row leaves nothing to go on with
        goes_on = in_time and any(
            entry["is_partial"] and entry["rows"] and not entry["error"] for _, entry in package
        )
    after = standings(pipeline, load_ids)
    return account_reports(metrics, before, after, counts_changes=leaves_unchanged_rows)
