"""One run: loads what an earlier run left, reads the lists, merges them, reports the outcome."""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from dlt import Pipeline
from dlt.common import logger
from dlt.common.runtime import signals

from ai_batches import (
    AccountMetrics,
    ProviderSettings,
    Run,
    ai_batches_source,
    scheduled_since,
)

from ..defaults import LOCK_TIMEOUT, ROWS_PER_LOAD, SECONDS_PER_LOAD
from ..destinations.base import TableFormat
from ..destinations.merging import fit_to_destination, write_disposition
from ..errors import is_interruption
from ..sql.label_settings import read_labels
from ..sql.prices import PRICES_TABLE
from ..sql.runs import RUNS_TABLE
from ..sql.views import forget_views, keep_views
from .pipeline import connected
from .prices import (
    PriceSettings,
    forget_prices,
    price_resources,
    price_settings,
    remember_prices,
)
from .progress import ProgressListener
from .record import extract_runs, result_tables
from .report import AccountReport, TAccount, account_reports, read_metrics, standings
from .store import prepare, raise_if_signalled, store


def load(
    pipeline: Pipeline,
    providers: Sequence[str],
    settings: Mapping[str, ProviderSettings] | None = None,
    run: Run | None = None,
    wait: float = LOCK_TIMEOUT,
    table_format: TableFormat | None = None,
    listener: ProgressListener | None = None,
) -> list[AccountReport]:
    """Reads what is new or open and merges it, in load packages of bounded size and age.

    What an interrupted run left behind is loaded first. A list that is slow keeps no rows of other
    ones waiting: it goes on being read while they are stored.

    Args:
        pipeline (Pipeline): Where to load.
        providers (Sequence[str]): Names of the providers to read.
        settings (Mapping[str, ProviderSettings] | None): Settings by provider; None takes dlt's
            configuration.
        run (Run | None): What to read; None: what is new or open. If it has no `since`, an
            external scheduler's interval sets it; if it has no `rows_per_load` or
            `seconds_per_load`, `ROWS_PER_LOAD` and `SECONDS_PER_LOAD` do.
        wait (float): Seconds to wait, each time, for a DuckDB file that another program has open.
        table_format (TableFormat | None): How a destination of files keeps tables; None: as the
            destination does.
        listener (ProgressListener | None): Is called as the run goes on.

    Returns:
        list[AccountReport]: What was done, one report per provider and account. The
            report of a provider that failed has its error.

    Raises:
        UnusableDestinationError: If the destination cannot keep one row per batch.
        SettingsError: If the user's own price list or labels cannot be used.
        PipelineStepFailed: If the destination failed. The next call loads what was read.
        KeyboardInterrupt: If Ctrl-C or SIGTERM came. The next call loads what was read.
    """
    listener = listener or ProgressListener()
    run = _with_defaults(run or Run(), listener)
    seconds_per_load = run.request.seconds_per_load or SECONDS_PER_LOAD
    disposition, leaves_unchanged_rows = write_disposition(pipeline, table_format)
    prices = price_settings()
    # the views are made at the end, with what is known to be usable
    read_labels()
    with connected(pipeline, wait):
        pipeline, is_restored = prepare(pipeline, table_format)
        before = standings(pipeline)
        if not before:
            forget_views(pipeline)
            forget_prices(pipeline)
    # if a part of the table was taken away, no stored position can be trusted
    run.holding = frozenset() if is_restored else frozenset(before)
    metrics: dict[TAccount, AccountMetrics] = {}
    load_ids: list[str] = []
    try:
        # around all of it: dlt forgets a signal that comes while it stores
        with signals.intercepted_signals():
            while True:
                source = ai_batches_source(settings, fail_fast=False, run=run)
                source = source.with_resources(*providers)
                fit_to_destination(source, pipeline, disposition, table_format)
                rows = _rows(metrics)
                metrics |= read_metrics(pipeline.extract(source))
                # the next run begins with storing what was extracted
                raise_if_signalled(run)
                listener.storing(_rows(metrics) - rows)
                with connected(pipeline, wait):
                    started = time.monotonic()
                    load_ids += store(pipeline)
                    # if storing takes long, the next package collects for as long
                    took = max(seconds_per_load, time.monotonic() - started)
                    run.request = replace(run.request, seconds_per_load=took)
                    if not run.is_complete:
                        raise_if_signalled(run)
                        continue
                    after = standings(pipeline, load_ids)
                    reports = account_reports(metrics, before, after, leaves_unchanged_rows)
                    load_id = max(load_ids, default=None)
                    _record(pipeline, run, reports, load_id, prices, disposition, table_format)
                    keep_views(pipeline, wait)
                    return reports
    finally:
        run.end()


def _rows(metrics: Mapping[TAccount, AccountMetrics]) -> int:
    return sum(entry["rows"] for entry in metrics.values())


def _with_defaults(run: Run, listener: ProgressListener) -> Run:
    request = run.request
    run.request = replace(
        request,
        since=scheduled_since() if request.since is None else request.since,
        rows_per_load=request.rows_per_load or ROWS_PER_LOAD,
        seconds_per_load=request.seconds_per_load or SECONDS_PER_LOAD,
    )
    run.on_progress = run.on_progress or listener.reading
    return run


def _record(
    pipeline: Pipeline,
    run: Run,
    reports: Sequence[AccountReport],
    load_id: str | None,
    prices: PriceSettings,
    disposition: Any,
    table_format: TableFormat | None,
) -> None:
    """Stores what the run did, and prices that changed; if that fails, the batches are loaded."""
    try:
        # a destination that rewrites rows does not know how many changed
        has_news = any(each.new or each.changed != 0 for each in reports)
        priced, wanted = price_resources(pipeline, prices, has_news, table_format)
        others = [*priced, *result_tables(pipeline, disposition, table_format)]
        extract_runs(pipeline, run, reports, load_id, table_format, others)
        store(pipeline)
        if priced:
            remember_prices(pipeline, wanted)
    except Exception as ex:
        if is_interruption(ex):
            raise
        # such as a table of that name that somebody else made
        with suppress(Exception):
            pipeline.abort_packages()
        logger.warning(
            f"The rows are loaded, but what the run did, or prices, could not be written to the"
            f" table `{RUNS_TABLE}` or `{PRICES_TABLE}`: {ex}"
        )
