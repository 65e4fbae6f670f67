"""A dlt source that keeps the batch jobs of AI vendors in one table, `batches`.

Each provider is a resource: `ai_batches_source().with_resources("openai")`. All of them merge into
the table on (provider, account, id).
"""

import logging
import time
from typing import Any, Dict, Iterator, Mapping, Optional

import dlt
import pyarrow as pa
from dlt.common import logger
from dlt.common.configuration import configspec
from dlt.common.configuration.specs import BaseConfiguration
from dlt.sources import DltResource

from .client import BatchListClient
from .errors import (
    AiBatchesError,
    BadPageError,
    RefusedKeyError,
    RequestError,
    SettingsError,
)
from .providers import PROVIDERS, Provider
from .settings import Account, ProviderSettings, missing_key, provider_settings
from .table import COLUMN_HINTS, PRIMARY_KEY, SCHEMA, TABLE_NAME, RowReader
from .walk import walk

__all__ = [
    "PROVIDERS",
    "TABLE_NAME",
    "Account",
    "AiBatchesError",
    "BadPageError",
    "Provider",
    "ProviderSettings",
    "RefusedKeyError",
    "RequestError",
    "SettingsError",
    "ai_batches_source",
    "provider_settings",
]

ROWS_PER_YIELD = 5_000
"""Rows in an Arrow table; small ones cost dlt time each, large ones memory."""

METRICS_KEY = "accounts"


@configspec
class AiBatchesConfiguration(BaseConfiguration):
    """Empty on purpose: dlt injects nothing, `settings.py` looks each setting up."""


@dlt.source(
    name="ai_batches", section="ai_batches", spec=AiBatchesConfiguration, parallelized=True
)
def ai_batches_source(
    settings: Optional[Mapping[str, ProviderSettings]] = None, fail_fast: bool = True
) -> Iterator[DltResource]:
    """Lists the batch jobs of AI vendors.

    Providers without a key are there but not selected; selecting one raises an error that says where
    the key belongs. Where no provider has a key, all are selected, so that a run fails and says so.

    Args:
        settings (Optional[Mapping[str, ProviderSettings]]): Settings by provider name, instead of
            dlt's configuration; a provider that is left out has no key.
        fail_fast (bool): True: a provider that fails ends the run with its error, and dlt loads
            nothing of it. False: the error is logged and recorded in the metrics of the resource,
            what was read is loaded, and the other providers go on; whoever runs the source has to
            look for errors there.

    Yields:
        DltResource: One resource a provider, named after it.

    Raises:
        SettingsError: If a setting cannot be used.

    Example:
        >>> pipeline = dlt.pipeline("ai_batches", destination="duckdb", dataset_name="ai_batches")
        >>> pipeline.run(ai_batches_source().with_resources("openai", "bland"))
    """
    _mute_hint_warning()
    if settings is None:
        settings = {name: provider_settings(provider) for name, provider in PROVIDERS.items()}
    nothing_set = not any(provider.accounts for provider in settings.values())
    for provider in PROVIDERS.values():
        chosen = settings.get(provider.name, ProviderSettings())
        resource = dlt.resource(
            _read_provider,
            name=provider.name,
            table_name=TABLE_NAME,
            primary_key=PRIMARY_KEY,
            write_disposition={
                "disposition": "merge",
                "strategy": "upsert",
                "skip_unchanged_rows": True,
            },
            columns=COLUMN_HINTS,
            schema_contract={"tables": "evolve", "columns": "freeze", "data_type": "freeze"},
        )(provider, chosen, fail_fast)
        resource.selected = nothing_set or bool(chosen.accounts)
        yield resource


def _read_provider(
    provider: Provider, settings: ProviderSettings, fail_fast: bool
) -> Iterator[pa.Table]:
    """Reads the lists of a provider's accounts, one after the other."""
    if not settings.accounts:
        raise missing_key(provider)
    rows = 0
    for account in settings.accounts:
        metrics = _account_metrics(account)
        started = time.monotonic()
        client = BatchListClient(provider, settings, account)
        try:
            yield from _read_account(provider, settings, account, client, metrics)
        except AiBatchesError as ex:
            if fail_fast:
                raise
            logger.error(str(ex))
            metrics["error"] = f"{ex.problem}. {ex.remedy}"
        finally:
            metrics["requests"] = client.requests
            metrics["seconds"] = time.monotonic() - started
        rows += metrics["rows"]
    if not rows and not _table_exists():
        # BI tools find the table from the first run on, even where every list is empty
        yield SCHEMA.empty_table()


def _read_account(
    provider: Provider,
    settings: ProviderSettings,
    account: Account,
    client: BatchListClient,
    metrics: Dict[str, Any],
) -> Iterator[pa.Table]:
    reader = RowReader(
        provider.name, account.name, provider.fields, provider.statuses, settings.exclude
    )
    load_id = dlt.current.load_package_state()["load_id"]
    id_field = provider.fields["id"]
    for rows in walk(client.pages(), lambda row: str(row[id_field]), ROWS_PER_YIELD):
        metrics["rows"] += len(rows)
        yield reader.to_arrow(rows, load_id)
    for field, count in reader.unreadable.items():
        logger.warning(
            f"{provider.name}, account {account.name}: {count} values of `{field}` could not be"
            " read; the column is null and `extra` holds them as they came."
        )


def _account_metrics(account: Account) -> Dict[str, Any]:
    """The account's entry in the metrics of the running resource, from which runners report."""
    metrics = {"rows": 0, "requests": 0, "seconds": 0.0, "error": None}
    dlt.current.resource_metrics().setdefault(METRICS_KEY, {})[account.name] = metrics
    return metrics


def _table_exists() -> bool:
    tables = dlt.current.source_schema().data_tables(seen_data_only=True)
    return any(table["name"] == TABLE_NAME for table in tables)


class _HintWarningFilter(logging.Filter):
    """Drops dlt's warning that the JSON hints of our columns differ from Arrow's strings.

    A hint is the only way to a JSON column from Arrow, and dlt warns of it at every yield.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        return "when merging arrow schema" not in text or not any(
            text.startswith(f"In resource: {name},") for name in PROVIDERS
        )


_HINT_WARNING_FILTER = _HintWarningFilter()


def _mute_hint_warning() -> None:
    # adding a filter twice adds it once
    logging.getLogger("dlt").addFilter(_HINT_WARNING_FILTER)
