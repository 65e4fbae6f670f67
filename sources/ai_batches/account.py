"""Reads one account's list into Arrow tables, and records what was done and what is odd."""

import time
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import pyarrow as pa
from dlt.common import logger

from .account_feed import AccountFeed
from .display import shown
from .errors import AiBatchesError, TimeUpError, subject
from .http.client import BatchListClient
from .http.time_limit import Pause
from .metrics import new_metrics, record_error
from .providers import Provider
from .scan.evidence import Sighting
from .scan.pages import Page, Row
from .scan.plan import ScanPlan
from .scan.run import Reading, Run
from .scan.scanner import Scanner
from .scan.state import ScanState
from .settings import Account, ProviderSettings
from .table.rows import Record, RowReader

ROWS_PER_YIELD = 5_000
"""Rows per Arrow table; small tables cost dlt time each, large ones memory."""

SHOWN_IDS = 5


class Portion(NamedTuple):
    """Rows to load, with what is to be stored together with them."""

    rows: pa.Table | None
    """In the order of `SCHEMA`, without the load package; None: only the state has changed."""
    state: ScanState
    is_complete: bool
    """Whether the list was read as far as it should be."""


class AccountReader(AccountFeed[Portion, BatchListClient]):
    """Reads one account's list in a worker: it knows nothing of dlt's pipelines.

    Args:
        provider (Provider): Whose list to read.
        settings (ProviderSettings): The user's settings for it.
        account (Account): Whose key to send.
        run (Run): The run that reads.
        stored (Mapping[str, Any] | None): The state that was stored last.
        pause (Pause | None): Shared with readers of the same key at the same address.
    """

    def __init__(
        self,
        provider: Provider,
        settings: ProviderSettings,
        account: Account,
        run: Run,
        stored: Mapping[str, Any] | None,
        pause: Pause | None = None,
    ) -> None:
        super().__init__(provider, settings, account, BatchListClient)
        self.metrics = new_metrics(account.name)
        """What was done for it, as far as it was handed on."""
        self._run = run
        self._stored = stored
        self._pause = pause
        self._key = (provider.name, account.name)
        self._label = subject(provider.name, account.name)
        self._rows = RowReader(self.provider, account.name, settings.exclude)
        scan = account.scan
        # the provider's clock may run behind
        self._settled = run.started - scan.settle_window - scan.lookback
        self._overdue = run.started - scan.max_open_age
        self._stuck: dict[str, None] = {}
        """Ids of batches that are open for longer than `max_open_age`, in their order."""
        self._pages_read = self._rows_read = 0
        self._started = self._ended = 0.0

    def note_time(self) -> None:
        """Brings the metrics up to date with what the worker does."""
        self.metrics["requests"] = self._requests
        if self._started:
            self.metrics["seconds"] = (self._ended or time.monotonic()) - self._started

    def read(self) -> Iterator[Portion | None]:
        """Reads what is due of the list.

        Yields:
            Portion | None: Rows, each key once until a None, after which the next portion has to go
                into another load package.

        Raises:
            Exception: If something went wrong; what was read before was yielded.
        """
        self._started = time.monotonic()
        wait_for_others = partial(self._run.workers.wait_for_others, self)
        deadline = self._run.request.deadline
        try:
            with self._connected(self._report, deadline, wait_for_others, self._pause) as client:
                if client is None:
                    return
                yield from self._packages(client)
        except TimeUpError as ex:
            # as if the time was up between two pages: it stays partial, and the next run resumes
            logger.warning(f"{self._label}: {ex}. The next run resumes.")
        finally:
            self._ended = time.monotonic()
        self._warn()

    def fail(self, error: Exception) -> AiBatchesError:
        """Notes in the metrics why the list could not be read.

        Args:
            error (Exception): What `read` raised; its own text may quote anything.

        Returns:
            AiBatchesError: The error to raise, which says what to do.
        """
        explained = self.explain(error)
        record_error(self.metrics, explained)
        return explained

    def _packages(self, client: BatchListClient) -> Iterator[Portion | None]:
        """Scans for one load package after the other, until the list is complete."""
        rows_per_load = self._run.request.rows_per_load
        portion = min(ROWS_PER_YIELD, rows_per_load or ROWS_PER_YIELD)
        state, pages = self._stored, partial(self._pages, client)
        while True:
            scanner = Scanner(state, self.account.scan, self._run)
            has_rows = False
            for records in scanner.scan(pages, self._read_page, portion):
                has_rows |= bool(records)
                rows = self._rows.to_arrow(records) if records else None
                yield Portion(rows, scanner.state, scanner.is_done)
            if scanner.is_done or self._run.is_over or not has_rows or rows_per_load is None:
                return
            yield None
            state = scanner.state

    def _pages(self, client: BatchListClient, plan: ScanPlan) -> Iterator[Page]:
        logger.info(f"{self._label}: {plan.reason or 'incremental scan'}")
        return client.pages(plan.position)

    def _read_page(self, rows: list[Row]) -> Iterable[tuple[Record, Sighting]]:
        self._pages_read += 1
        self._rows_read += len(rows)
        self._report()
        records, ids, created, are_open, ended = self._rows.read(rows)
        are_held = [
            is_open or (end is not None and end > self._settled)
            for is_open, end in zip(are_open, ended, strict=True)
        ]
        for row_id, moment, is_open in zip(ids, created, are_open, strict=True):
            if is_open and moment is not None and moment < self._overdue:
                self._stuck[row_id] = None
        return zip(records, map(Sighting, ids, created, are_held), strict=True)

    @property
    def _requests(self) -> int:
        return self._client.requests if self._client else 0

    def _report(self, trouble: str | None = None) -> None:
        if self._run.on_progress:
            self._run.on_progress(
                Reading(*self._key, self._pages_read, self._rows_read, self._requests, trouble)
            )

    def _warn(self) -> None:
        """Logs what a person should know of the rows."""
        if self._stuck:
            logger.warning(
                f"{self._label}: {_counted(len(self._stuck), 'batch', 'batches')} open for longer"
                " than `max_open_age`, read only by full scans:"
                f" {_first_few(list(self._stuck))}"
            )
        self._warn_of_unknown_statuses()
        self._warn_of_drift()
        for column, count in self._rows.uncomputable.items():
            logger.warning(
                f"{self._label}: column `{column}`: could not be derived for"
                f" {_counted(count, 'row', 'rows')}; set to NULL."
            )
        for field, count in self._rows.unreadable.items():
            logger.warning(
                f"{self._label}: field `{shown(field)}`: could not be read in"
                f" {_counted(count, 'row', 'rows')}; set to NULL, and kept as sent in `extra`."
            )

    def _warn_of_unknown_statuses(self) -> None:
        words = [
            f"'{shown(word, 43)}' ({_counted(len(ids), 'row', 'rows')})"
            for word, ids in self._rows.unknown_statuses.items()
        ]
        if words:
            logger.warning(
                f"{self._label}: unknown status {_first_few(words)}. It is loaded in lower case."
                " Such a batch counts as ended if the row has an end time, else as open."
            )

    def _warn_of_drift(self) -> None:
        clauses = self._client.drift.missing_fields if self._client else []
        # of a server that users describe, nothing says what it sends beside the rows
        if self._client and not self.provider.has_settable_shape:
            clauses = [*filter(None, [self._client.drift.unknown_fields]), *clauses]
        if clauses:
            found = "; ".join(clauses)
            logger.warning(
                f"{self._label}: the list differs from its documentation: {found}. What can be read"
                " is loaded. Compare with the vendor's page, and report it."
            )


def _counted(count: int, singular: str, plural: str) -> str:
    return f"{count:,} {singular if count == 1 else plural}"


def _first_few(items: list[str]) -> str:
    more = f" and {len(items) - SHOWN_IDS} more" if len(items) > SHOWN_IDS else ""
    return ", ".join(map(shown, items[:SHOWN_IDS])) + more
