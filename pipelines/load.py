"""One run: loads what an earlier run left, reads the lists, merges them, reports the outcome."""

from collections.abc import Mapping, Sequence
from functools import partial

from dlt import Pipeline
from dlt.common import logger

from ai_batches import ProviderSettings, ai_batches_source
from destination import fit_to_destination, patiently
from report import AccountReport, account_reports, last_metrics, standings


def load(
    pipeline: Pipeline,
    providers: Sequence[str],
    settings: Mapping[str, ProviderSettings] | None = None,
    wait: float = 0,
) -> list[AccountReport]:
    """Reads the providers' lists and merges them into the destination.

    What an interrupted run left behind is loaded first.

    Args:
        pipeline (Pipeline): Where to load.
        providers (Sequence[str]): Names of the providers to read.
        settings (Mapping[str, ProviderSettings] | None): Settings by provider; None takes dlt's
            configuration.
        wait (float): Seconds to wait for a DuckDB file that another program has open.

    Returns:
        list[AccountReport]: What was done, a report a provider and account. A provider that failed
            has its error there.

    Raises:
        UnusableDestinationError: If the destination cannot keep one row a batch.
        PipelineStepFailed: If the destination failed. The next call loads what was read.
    """
    source = ai_batches_source(settings, fail_fast=False).with_resources(*providers)
    leaves_unchanged_rows = fit_to_destination(source, pipeline)
    patiently(pipeline.sync_destination, wait)
    if pipeline.has_pending_data:
        # `run` would load the pending packages and return without reading anything
        left = patiently(pipeline.run, wait)
        logger.warning(f"Loaded first what an interrupted run left: package {left.loads_ids}.")
    before = patiently(partial(standings, pipeline), wait)
    # where the load had to wait, the second call loads what the first one read
    info = patiently(partial(pipeline.run, source), wait)
    return account_reports(
        last_metrics(pipeline),
        before,
        standings(pipeline, info.loads_ids),
        counts_changes=leaves_unchanged_rows,
    )
