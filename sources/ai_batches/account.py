"""Reads one account's list into Arrow tables, and records what was done and what is odd."""

import time
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path

import dlt
import pyarrow as pa
from dlt.common import logger
from dlt.common.storages.exceptions import CurrentLoadPackageStateNotAvailable

from .display import shown
from .errors import AiBatchesError, TimeUpError, UnexpectedError, subject
from .http.client import BatchListClient
from .http.read_ahead import read_ahead
from .metrics import new_metrics, record_error
from .providers import Provider
from .scan.evidence import Sighting
from .scan.pages import Page, Row
from .scan.plan import ScanPlan
from .scan.run import Reading, Run
from .scan.scanner import Scanner
from .settings import Account, ProviderSettings
from .table.rows import Record, RowReader

ROWS_PER_YIELD = 5_000
"""Rows per Arrow table; small tables cost dlt time each, large ones memory."""

SHOWN_IDS = 5


class AccountReader:
    """Reads one account's list for one load package; used inside a dlt resource.

    Args:
        provider (Provider): Whose list to read.
        settings (ProviderSettings): The user's settings for it.
        account (Account): Whose key to send.
        run (Run): The run that reads.
    """

    def __init__(
        self, provider: Provider, settings: ProviderSettings, account: Account, run: Run
    ) -> None:
        self._provider = provider
        self._account = account
        self._run = run
        self._key = (provider.name, account.name)
        self._label = subject(provider.name, account.name)
        self._metrics = new_metrics(account.name)
        self._client = BatchListClient(
            provider, settings, account, self._report, run.request.deadline
        )
        self._rows = RowReader(provider, account.name, settings.exclude)
        self._states = dlt.current.resource_state()
        self._scanner = Scanner(self._states.get(account.name), account.scan, run)
        scan = account.scan
        # the provider's clock may run behind
        self._settled = run.started - scan.settle_window - scan.lookback
        self._overdue = run.started - scan.max_open_age
        self._stuck: dict[str, None] = {}
        """Ids of batches that are open for longer than `max_open_age`, in their order."""
        self._pages_read = self._rows_read = 0

    def read(self, fail_fast: bool) -> Iterator[pa.Table]:
        """Reads what is due of the list.

        Args:
            fail_fast (bool): Whether an error is raised; else it is recorded in the metrics.

        Yields:
            pa.Table: Batches, in tables of `SCHEMA`.

        Raises:
            AiBatchesError: If something went wrong and `fail_fast` is set.
        """
        started = time.monotonic()
        try:
            yield from self._tables()
        except TimeUpError as ex:
            # as if the time was up between two pages: it stays partial, and the next run resumes
            self._run.finished.add(self._key)
            logger.warning(f"{self._label}: {ex}. The next run resumes.")
        except Exception as ex:
            error = explained(self._provider, self._account, ex)
            if fail_fast:
                raise error from None
            self._run.finished.add(self._key)
            record_error(self._metrics, error)
        finally:
            self._client.close()
            self._metrics["requests"] = self._client.requests
            self._metrics["seconds"] = time.monotonic() - started
        self._warn()

    def _tables(self) -> Iterator[pa.Table]:
        portion = min(ROWS_PER_YIELD, self._run.request.rows_per_load or ROWS_PER_YIELD)
        for records in self._scanner.scan(self._pages, self._read_page, portion):
            # set before the yield whose rows it stands for: dlt stores both or neither
            self._states[self._account.name] = self._scanner.state
            if self._scanner.is_done:
                self._run.finished.add(self._key)
                self._metrics["is_partial"] = False
            if records:
                self._metrics["rows"] += len(records)
                yield self._rows.to_arrow(records, load_id())

    def _pages(self, plan: ScanPlan) -> Iterator[Page]:
        logger.info(f"{self._label}: {plan.reason or 'incremental scan'}")
        pages = self._client.pages(plan.position)
        # an incremental scan may end with any page: the next one would be requested in vain
        return read_ahead(pages, lambda: not self._run.is_over) if plan.is_full_scan else pages

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

    def _report(self, trouble: str | None = None) -> None:
        if self._run.on_progress:
            self._run.on_progress(
                Reading(
                    *self._key, self._pages_read, self._rows_read, self._client.requests, trouble
                )
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
        """Logs unknown status words, once per run, which may take several load packages."""
        run = self._run
        met = run.unknown_statuses.setdefault(self._key, {})
        for word, ids in self._rows.unknown_statuses.items():
            met.setdefault(word, set()).update(ids)
        is_split = run.request.rows_per_load is not None
        if not met or (is_split and self._key not in run.finished and not run.is_over):
            return
        words = [
            f"'{shown(word, 43)}' ({_counted(len(ids), 'row', 'rows')})"
            for word, ids in met.items()
        ]
        # a run that is used again says it again
        del run.unknown_statuses[self._key]
        logger.warning(
            f"{self._label}: unknown status {_first_few(words)}. It is loaded in lower case. Such a"
            " batch counts as ended if the row has an end time, else as open."
        )


def read_first_page(provider: Provider, settings: ProviderSettings, account: Account) -> None:
    """Requests the first page of an account's list, to check that address and key work.

    Args:
        provider (Provider): Whose list to request.
        settings (ProviderSettings): The user's settings for it.
        account (Account): Whose key to send.

    Raises:
        AiBatchesError: If the first page could not be read; the text says what to do.
    """
    client = BatchListClient(provider, settings, account)
    try:
        next(client.pages())
    except Exception as ex:
        raise explained(provider, account, ex) from None
    finally:
        client.close()


def explained(provider: Provider, account: Account, error: Exception) -> AiBatchesError:
    """Turns any error into one of this source, since its own text may quote anything.

    Args:
        provider (Provider): Whose list was read.
        account (Account): Whose key was sent.
        error (Exception): What was raised.

    Returns:
        AiBatchesError: The same error if it is one; else an `UnexpectedError` that says where.
    """
    if isinstance(error, AiBatchesError):
        return error
    place = traceback.extract_tb(error.__traceback__)[-1]
    return UnexpectedError(
        provider.name,
        account.name,
        f"{type(error).__name__} in {place.name}, line {place.lineno} of"
        f" {Path(place.filename).name}",
        "Please report it as a bug; what was read before is kept.",
    )


def load_id() -> str:
    """Id of the load package that is being extracted; empty if a resource runs without one."""
    try:
        return dlt.current.load_package_state()["load_id"]
    except CurrentLoadPackageStateNotAvailable:
        # somebody looks at the resource without a pipeline
        return ""


def _counted(count: int, singular: str, plural: str) -> str:
    return f"{count:,} {singular if count == 1 else plural}"


def _first_few(items: list[str]) -> str:
    more = f" and {len(items) - SHOWN_IDS} more" if len(items) > SHOWN_IDS else ""
    return ", ".join(map(shown, items[:SHOWN_IDS])) + more
