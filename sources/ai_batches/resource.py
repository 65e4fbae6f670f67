"""What a provider's resource does when dlt runs it: reads each account's list into Arrow tables."""

import time
import traceback
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypedDict

import dlt
import pyarrow as pa
from dlt.common import logger
from dlt.common.storages.exceptions import CurrentLoadPackageStateNotAvailable

from .errors import AiBatchesError, SettingsError, TimeUpError, UnexpectedError
from .http.client import BatchListClient
from .providers import Provider
from .scan.evidence import Sighting
from .scan.pages import Page, Row
from .scan.plan import ScanPlan
from .scan.run import Reading, Run
from .scan.scanner import Scanner
from .scan.state import is_interrupted
from .settings import Account, ProviderSettings, missing_key, provider_settings
from .stored_table import disbelieve, table_is_known
from .table.columns import SCHEMA
from .table.hints import refuse_hints
from .table.rows import Record, RowReader

ROWS_PER_YIELD = 5_000
"""Rows in an Arrow table; small tables cost dlt time each, large ones memory."""

WORTH_ASKING_AHEAD = 0.01
"""Seconds that a page takes; where the server is nearer, the thread costs more than it saves."""

_METRICS = "accounts"


class AccountMetrics(TypedDict):
    """What one run did for one account."""

    account: str | None
    """Name of the account; None where the provider's settings could not be used."""
    rows: int
    """Batches read."""
    requests: int
    """Requests made, retries included."""
    seconds: float
    """From the first request to the last row."""
    error: str | None
    """What went wrong and what to do, or None."""
    error_type: str | None
    """Name of the error's class, such as `AuthenticationError`."""
    is_partial: bool
    """Whether the scan was cut; the next package or run goes on."""


def account_metrics(resource_metrics: Mapping[str, Any]) -> list[AccountMetrics]:
    """What a resource recorded of the accounts that it read.

    Args:
        resource_metrics (Mapping[str, Any]): The custom metrics of the resource, as the extract
            step of `pipeline.last_trace` has them.

    Returns:
        List[AccountMetrics]: An entry an account, in the order of reading.
    """
    return list(resource_metrics.get(_METRICS, ()))


def read_provider(
    provider: Provider,
    settings: ProviderSettings | None,
    fail_fast: bool,
    run: Run,
) -> Iterator[pa.Table]:
    """Reads the lists of a provider's accounts, one after the other; runs inside a dlt resource.

    Args:
        provider (Provider): Whose lists to read.
        settings (ProviderSettings | None): How to; None looks them up in dlt's configuration.
        fail_fast (bool): Whether an error is raised, or recorded so that the next account is read.
        run (Run): What was asked for.

    Yields:
        pa.Table: Batches, in tables of `SCHEMA`.

    Raises:
        AiBatchesError: If something went wrong and `fail_fast` is set.
    """
    if _load_id():
        refuse_hints(provider)
        disbelieve(run)
    try:
        settings = settings or provider_settings(provider)
        if not settings.accounts:
            raise missing_key(provider)
    except SettingsError as ex:
        if fail_fast:
            raise
        _note_error(_new_metrics(None), ex)
        return
    rows = 0
    # under a limit of time, a long scan must not keep the other accounts waiting for ever
    state = dlt.current.resource_state()
    for account in sorted(settings.accounts, key=lambda each: is_interrupted(state.get(each.name))):
        if (provider.name, account.name) in run.finished:
            continue
        for table in _read_account(provider, settings, account, fail_fast, run):
            rows += table.num_rows
            yield table
    if not rows and not table_is_known():
        # BI tools find the table from the first run on, even where every list is empty
        yield SCHEMA.empty_table()


def _read_account(
    provider: Provider,
    settings: ProviderSettings,
    account: Account,
    fail_fast: bool,
    run: Run,
) -> Iterator[pa.Table]:
    metrics = _new_metrics(account.name)
    started = time.monotonic()
    pages_read = rows_read = 0

    def tell(trouble: str | None = None) -> None:
        if run.on_progress:
            run.on_progress(
                Reading(
                    provider.name, account.name, pages_read, rows_read, client.requests, trouble
                )
            )

    client = BatchListClient(provider, settings, account, tell, run.request.deadline)
    reader = RowReader(provider, account.name, settings.exclude)
    state = dlt.current.resource_state()
    scanner = Scanner(state.get(account.name), account.scan, run)
    portion = min(ROWS_PER_YIELD, run.request.rows_per_load or ROWS_PER_YIELD)
    # the provider's clock may run behind
    settled = run.started - account.scan.settle_window - account.scan.lookback
    overdue = run.started - account.scan.max_open_age
    stuck: dict[str, None] = {}

    def read(rows: list[Row]) -> Iterable[tuple[Record, Sighting]]:
        nonlocal pages_read, rows_read
        pages_read, rows_read = pages_read + 1, rows_read + len(rows)
        tell()
        records, ids, created, are_open, ended = reader.read(rows)
        are_held = [
            is_open or (end is not None and end > settled)
            for is_open, end in zip(are_open, ended, strict=True)
        ]
        for row_id, moment, is_open in zip(ids, created, are_open, strict=True):
            if is_open and moment is not None and moment < overdue:
                stuck[row_id] = None
        return zip(records, map(Sighting, ids, created, are_held), strict=True)

    def pages(plan: ScanPlan) -> Iterator[Page]:
        some = client.pages(plan.position)
        return _one_ahead(some, run) if plan.is_full_scan else some

    try:
        for records in scanner.scan(pages, read, portion):
            # set before the yield whose rows it stands for: dlt stores both or neither
            state[account.name] = scanner.state
            if scanner.is_done:
                run.finished.add((provider.name, account.name))
                metrics["is_partial"] = False
            if records:
                metrics["rows"] += len(records)
                yield reader.to_arrow(records, _load_id())
    except TimeUpError as ex:
        # as where the time is up between two pages; it stays partial, and the next run goes on
        run.finished.add((provider.name, account.name))
        logger.warning(f"{provider.name}, account {account.name}: {ex}. The next run goes on.")
    except Exception as ex:
        error = ex if isinstance(ex, AiBatchesError) else unexpected(provider, account, ex)
        if fail_fast:
            raise error from None
        run.finished.add((provider.name, account.name))
        _note_error(metrics, error)
    finally:
        client.close()
        metrics["requests"] = client.requests
        metrics["seconds"] = time.monotonic() - started
    whose = f"{provider.name}, account {account.name}"
    if stuck:
        logger.warning(
            f"{whose}: {len(stuck)} batches are open for longer than `max_open_age`, and are read"
            f" only when the list is read whole: {_some(list(stuck))}"
        )
    _warn_of_unknown_statuses(provider, account, reader, run)
    for column, count in reader.uncomputable.items():
        logger.warning(
            f"{whose}: {count} values of the column `{column}` could not be made of what their rows"
            " tell, and are null."
        )
    for field, count in reader.unreadable.items():
        logger.warning(
            f"{whose}: {count} values of `{field}` could not be"
            " read. The column is null there, and `extra` holds them as they came."
        )


def _warn_of_unknown_statuses(
    provider: Provider, account: Account, reader: RowReader, run: Run
) -> None:
    """Names status words that nobody knows, once in a run, which may take several packages."""
    key = (provider.name, account.name)
    met = run.unknown_statuses.setdefault(key, {})
    for word, ids in reader.unknown_statuses.items():
        met.setdefault(word, set()).update(ids)
    goes_on = run.request.rows_per_load is not None and key not in run.finished and not run.is_over
    if goes_on or not met:
        return
    words = [f"{_shown(word)} ({_rows(len(ids))})" for word, ids in met.items()]
    # a run that is used again says it again
    del run.unknown_statuses[key]
    logger.warning(
        f"{provider.name}, account {account.name}: unknown status {_some(words)}. It is loaded in"
        " lower case. Such a batch counts as ended if the row has the time of its end, and as open"
        " if not."
    )


def _shown(word: str) -> str:
    """A text of the provider's, on one line and short."""
    return repr(word if len(word) <= 40 else f"{word[:40]}...")


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _one_ahead(pages: Iterator[Page], run: Run) -> Iterator[Page]:
    """Asks for the next page while the last one is being worked on, unless the time is up."""

    def ask() -> tuple[Page | None, float]:
        started = time.monotonic()
        return next(pages, None), time.monotonic() - started

    with ThreadPoolExecutor(max_workers=1) as executor:
        page, seconds = ask()
        while page is not None:
            is_worth_it = seconds > WORTH_ASKING_AHEAD and not run.is_over
            coming = executor.submit(ask) if is_worth_it else None
            yield page
            page, seconds = coming.result() if coming else ask()


def _some(ids: list[str]) -> str:
    more = f" and {len(ids) - 5} more" if len(ids) > 5 else ""
    return ", ".join(ids[:5]) + more


def _new_metrics(account: str | None) -> AccountMetrics:
    metrics = AccountMetrics(
        account=account,
        rows=0,
        requests=0,
        seconds=0.0,
        error=None,
        error_type=None,
        is_partial=True,
    )
    recorded: dict[str, Any] = dlt.current.resource_metrics()
    recorded.setdefault(_METRICS, []).append(metrics)
    return metrics


def _load_id() -> str:
    try:
        return dlt.current.load_package_state()["load_id"]
    except CurrentLoadPackageStateNotAvailable:
        # somebody looks at the resource without a pipeline
        return ""


def read_first_page(provider: Provider, settings: ProviderSettings, account: Account) -> None:
    """Requests the first page of an account's list, to see that address and key work.

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
    except AiBatchesError:
        raise
    except Exception as ex:
        raise unexpected(provider, account, ex) from None
    finally:
        client.close()


def unexpected(provider: Provider, account: Account, error: Exception) -> UnexpectedError:
    """Wraps a fault of ours, so that it stops no other provider; its text may quote anything."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    file = Path(place.filename).name
    return UnexpectedError(
        provider.name,
        account.name,
        f"{type(error).__name__} in {place.name}, line {place.lineno} of {file}",
        "Please report it as a bug; what was read before is kept.",
    )


def _note_error(metrics: AccountMetrics, error: AiBatchesError) -> None:
    metrics["error"] = f"{error.problem}. {error.remedy}"
    metrics["error_type"] = type(error).__name__
