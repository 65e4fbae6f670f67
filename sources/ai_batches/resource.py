"""What a provider's resource does when dlt runs it: reads each account's list into Arrow tables."""

import time
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypedDict

import dlt
import pyarrow as pa
from dlt.common import logger
from dlt.common.storages.exceptions import CurrentLoadPackageStateNotAvailable

from .client import BatchListClient
from .errors import AiBatchesError, SettingsError, UnexpectedError
from .providers import Provider
from .settings import Account, ProviderSettings, missing_key, provider_settings
from .table import SCHEMA, TABLE_NAME, RowReader
from .walk import walk

ROWS_PER_YIELD = 5_000
"""Rows in an Arrow table; small tables cost dlt time each, large ones memory."""

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
    provider: Provider, settings: ProviderSettings | None, fail_fast: bool
) -> Iterator[pa.Table]:
    """Reads the lists of a provider's accounts, one after the other; runs inside a dlt resource.

    Args:
        provider (Provider): Whose lists to read.
        settings (ProviderSettings | None): How to; None looks them up in dlt's configuration.
        fail_fast (bool): Whether an error is raised, or recorded so that the next account is read.

    Yields:
        pa.Table: Batches, in tables of `SCHEMA`.

    Raises:
        AiBatchesError: If something went wrong and `fail_fast` is set.
    """
    try:
        settings = settings or provider_settings(provider)
        if not settings.accounts:
            raise missing_key(provider)
    except SettingsError as ex:
        if fail_fast:
            raise
        _new_metrics(None)["error"] = _advice(ex)
        return
    rows = 0
    for account in settings.accounts:
        for table in _read_account(provider, settings, account, fail_fast):
            rows += table.num_rows
            yield table
    if not rows and not _table_exists():
        # BI tools find the table from the first run on, even where every list is empty
        yield SCHEMA.empty_table()


def _read_account(
    provider: Provider, settings: ProviderSettings, account: Account, fail_fast: bool
) -> Iterator[pa.Table]:
    metrics = _new_metrics(account.name)
    started = time.monotonic()
    client = BatchListClient(provider, settings, account)
    reader = RowReader(
        provider.name, account.name, provider.fields, provider.statuses, settings.exclude
    )
    id_field = provider.fields["id"]
    try:
        for rows in walk(client.pages(), lambda row: str(row[id_field]), ROWS_PER_YIELD):
            metrics["rows"] += len(rows)
            yield reader.to_arrow(rows, _load_id())
    except Exception as ex:
        error = ex if isinstance(ex, AiBatchesError) else _unexpected(provider, account, ex)
        if fail_fast:
            raise error from None
        metrics["error"] = _advice(error)
    finally:
        metrics["requests"] = client.requests
        metrics["seconds"] = time.monotonic() - started
    for field, count in reader.unreadable.items():
        logger.warning(
            f"{provider.name}, account {account.name}: {count} values of `{field}` could not be"
            " read. The column is null there, and `extra` holds them as they came."
        )


def _new_metrics(account: str | None) -> AccountMetrics:
    metrics = AccountMetrics(account=account, rows=0, requests=0, seconds=0.0, error=None)
    recorded: dict[str, Any] = dlt.current.resource_metrics()
    recorded.setdefault(_METRICS, []).append(metrics)
    return metrics


def _load_id() -> str:
    try:
        return dlt.current.load_package_state()["load_id"]
    except CurrentLoadPackageStateNotAvailable:
        # somebody looks at the resource without a pipeline
        return ""


def _unexpected(provider: Provider, account: Account, error: Exception) -> UnexpectedError:
    """Wraps a fault of ours, so that it stops no other provider; its text may quote anything."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    file = Path(place.filename).name
    return UnexpectedError(
        provider.name,
        account.name,
        f"{type(error).__name__} in {place.name}, line {place.lineno} of {file}",
        "Please report it as a bug; what was read before is kept.",
    )


def _advice(error: AiBatchesError) -> str:
    return f"{error.problem}. {error.remedy}"


def _table_exists() -> bool:
    tables = dlt.current.source_schema().data_tables(seen_data_only=True)
    return any(table["name"] == TABLE_NAME for table in tables)
