"""Reads the results of batches that have ended, in load packages of bounded size and age."""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import dlt
from dlt import Pipeline
from dlt.common import logger
from dlt.common.runtime import signals

from ai_batches import (
    PROVIDERS,
    AccountWork,
    AiBatchesError,
    ProviderSettings,
    ResultsRun,
    RunRequest,
    ai_batches_results_source,
    provider_settings,
    subject,
)

from ..defaults import LOCK_TIMEOUT, SECONDS_PER_LOAD
from ..destinations.base import SCHEMA_NAME, TableFormat
from ..destinations.merging import fit_to_destination, write_disposition
from ..destinations.registry import adapter_of
from ..errors import UnusableDestinationError, is_interruption
from ..sql.reader import open_reader, table_exists
from .pipeline import connected
from .prices import price_resources, price_settings, remember_prices
from .progress import ProgressListener
from .record import result_tables
from .report import TAccount
from .result_queue import Batch, Shard, TKey, next_batches, wanted_accounts
from .stale_rows import EarlierRows, earlier_rows
from .store import prepare, raise_if_signalled, store

_BATCHES = 1_000
"""Batches that are looked up at a time."""


@dataclass
class ResultsReport:
    """What a run did for the results of one account."""

    provider: str
    account: str
    files: dict[str, int] = field(default_factory=dict)
    """Files by what came of them, as in the column `outcome` of `batch_files`."""
    lines: int = 0
    """Lines of files that were loaded."""
    requests: int = 0
    error: str | None = None
    error_type: str | None = None
    is_partial: bool = False
    """Whether the time was up before all files were read; the next run goes on."""

    @property
    def failure(self) -> str | None:
        """The error, with its provider and account; None if there was none."""
        if not self.error:
            return None
        return f"{subject(self.provider, self.account)}, results: {self.error}"

    def add(self, work: AccountWork) -> None:
        """Adds what was read of some batches."""
        for word, count in work.outcomes.items():
            self.files[word] = self.files.get(word, 0) + count
        self.lines += work.lines
        self.requests += work.requests
        if work.error:
            self.error = f"{work.error.problem}. {work.error.remedy}"
            self.error_type = type(work.error).__name__
        # what the time did not suffice for
        self.is_partial |= bool(work.batches) and not work.is_stopped


def load_results(
    pipeline: Pipeline,
    providers: Sequence[str],
    settings: Mapping[str, ProviderSettings] | None = None,
    deadline: float | None = None,
    wait: float = LOCK_TIMEOUT,
    table_format: TableFormat | None = None,
    listener: ProgressListener | None = None,
    shard: Shard = Shard(),  # noqa: B008
) -> list[ResultsReport]:
    """Reads results that are not loaded yet, as far as the setting `results` wants them.

    What is to be read follows from the tables `batches` and `batch_files`, so that a run goes on
    where an earlier one stopped, on whichever machine.

    Args:
        pipeline (Pipeline): Where to load.
        providers (Sequence[str]): Names of the providers.
        settings (Mapping[str, ProviderSettings] | None): Settings by provider; None takes dlt's
            configuration. Providers whose settings cannot be used are left out.
        deadline (float | None): Moment by `time.monotonic` after which nothing more is asked for.
        wait (float): Seconds to wait, each time, for a DuckDB file that another program has open.
        table_format (TableFormat | None): How a destination of files keeps tables; None: as the
            destination does.
        listener (ProgressListener | None): Is called as the run goes on.
        shard (Shard): Which part of the batches to read, if several processes do.

    Returns:
        list[ResultsReport]: One per account of which anything was to be read.

    Raises:
        UnusableDestinationError: If the destination cannot keep one row per request.
        PipelineStepFailed: If the destination failed. The next call loads what was read.
        KeyboardInterrupt: If Ctrl-C or SIGTERM came. The next call loads what was read.
    """
    chosen = _settings(providers) if settings is None else settings
    accounts = wanted_accounts({name: chosen[name] for name in providers if name in chosen})
    if not accounts:
        return []
    listener = listener or ProgressListener()
    disposition, _ = write_disposition(pipeline, table_format)
    with connected(pipeline, wait):
        pipeline, _ = prepare(pipeline, table_format)
        if not table_exists(pipeline):
            raise UnusableDestinationError(
                f"There is no table {adapter_of(pipeline).table_name}: load the lists first. A"
                " DuckDB file bears the name of the pipeline unless its credentials name it."
            )
        _keep_tables(pipeline, disposition, table_format)
    reports: dict[TAccount, ResultsReport] = {}
    tried: set[TKey] = set()
    with signals.intercepted_signals():
        while True:
            with connected(pipeline, wait), open_reader(pipeline, wait) as reader:
                batches = next_batches(reader, accounts, tried, shard, _BATCHES)
                earlier = earlier_rows(reader, batches) if batches else EarlierRows()
            is_late = deadline is not None and time.monotonic() >= deadline
            if not batches or is_late:
                for batch in batches:
                    _report(reports, (batch["provider"], batch["account"])).is_partial = True
                break
            request = RunRequest(deadline=deadline, seconds_per_load=SECONDS_PER_LOAD)
            run = ResultsRun(request)
            _load(
                pipeline, run, batches, chosen, disposition, wait, table_format, listener, earlier
            )
            for whose, work in run.work.items():
                _report(reports, whose).add(work)
                if work.is_stopped:
                    del accounts[whose]
            tried |= {(each["provider"], each["account"], str(each["id"])) for each in batches}
    if any(report.lines for report in reports.values()):
        _keep_prices(pipeline, wait, table_format)
    return [reports[whose] for whose in sorted(reports)]


def _keep_tables(pipeline: Pipeline, disposition: object, table_format: TableFormat | None) -> None:
    """Has the tables have all columns, which say what is to be read."""
    tables = result_tables(pipeline, disposition, table_format)
    if tables:
        pipeline.extract(dlt.source(lambda: tables, name=SCHEMA_NAME)())
        store(pipeline)


def _keep_prices(pipeline: Pipeline, wait: float, table_format: TableFormat | None) -> None:
    """Has the price tables know the models that results name."""
    try:
        with connected(pipeline, wait):
            prices, wanted = price_resources(pipeline, price_settings(), True, table_format)
            if prices:
                pipeline.extract(dlt.source(lambda: prices, name=SCHEMA_NAME)())
                store(pipeline)
                remember_prices(pipeline, wanted)
    except Exception as ex:
        if is_interruption(ex):
            raise
        with suppress(Exception):
            pipeline.abort_packages()
        # the next run that loads batches tries again
        logger.warning(f"The results are loaded, but prices could not be brought up to date: {ex}")


def _load(
    pipeline: Pipeline,
    run: ResultsRun,
    batches: Sequence[Batch],
    settings: Mapping[str, ProviderSettings],
    disposition: object,
    wait: float,
    table_format: TableFormat | None,
    listener: ProgressListener,
    earlier: EarlierRows,
) -> None:
    """Reads batches and stores what was read, and then that it was."""
    given: Sequence[Batch] = batches
    try:
        while True:
            source = ai_batches_results_source(given, settings, run)
            given = ()
            fit_to_destination(source, pipeline, disposition, table_format)
            pipeline.extract(source)
            raise_if_signalled(run)
            listener.storing_results(sum(work.lines for work in run.work.values()))
            with connected(pipeline, wait):
                store(pipeline)
                earlier.delete(pipeline, run.proofs)
            if run.is_complete:
                return
            raise_if_signalled(run)
    finally:
        run.end()


def _settings(providers: Sequence[str]) -> dict[str, ProviderSettings]:
    found = {}
    for name in providers:
        # reported by the run that reads the lists
        with suppress(AiBatchesError):
            found[name] = provider_settings(PROVIDERS[name])
    return found


def _report(reports: dict[TAccount, ResultsReport], whose: TAccount) -> ResultsReport:
    return reports.setdefault(whose, ResultsReport(*whose))
