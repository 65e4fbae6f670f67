"""A dlt source that keeps the batch jobs of AI vendors in one table, `batches`.

Each provider is a resource: `ai_batches_source().with_resources("openai")`. All of them merge into
the table on (provider, account, id).
"""

from collections.abc import Iterator, Mapping

import dlt
from dlt.sources import DltResource

from .display import protect_log, shown, shown_fields, shown_message, shown_trace
from .errors import (
    AiBatchesError,
    AuthenticationError,
    BadPageError,
    RequestError,
    SettingsError,
    TransientRequestError,
    UnexpectedError,
    subject,
)
from .first_pages import FirstPage, check_accounts
from .metrics import AccountMetrics, account_metrics
from .providers import PROVIDERS, Provider
from .providers.results import BATCH_COLUMNS, FILE_KINDS
from .resource import read_provider
from .results.run import AccountWork, Proof, ResultsRun
from .results.settings import ResultSettings
from .results.source import ai_batches_results_source
from .results.tables import FILES, LISTED, REQUESTS, TABLES, USAGE, ResultTable
from .scan.run import Reading, Run, RunRequest
from .schedule import scheduled_since
from .settings import (
    Account,
    AiBatchesConfiguration,
    ProviderSettings,
    has_key,
    keep_configured_secrets,
    other_addresses,
    provider_settings,
    providers_with_key,
    span_seconds,
)
from .table.columns import (
    COLUMN_HINTS,
    COLUMNS,
    JSON_COLUMNS,
    PRIMARY_KEY,
    TABLE_DESCRIPTION,
    TABLE_NAME,
    VERSION_HINT,
)
from .table.hint_warning import mute_hint_warning
from .version import __version__

__all__ = [
    "BATCH_COLUMNS",
    "COLUMNS",
    "FILES",
    "FILE_KINDS",
    "JSON_COLUMNS",
    "LISTED",
    "PROVIDERS",
    "REQUESTS",
    "TABLES",
    "TABLE_DESCRIPTION",
    "TABLE_NAME",
    "USAGE",
    "VERSION_HINT",
    "Account",
    "AccountMetrics",
    "AccountWork",
    "AiBatchesError",
    "AuthenticationError",
    "BadPageError",
    "FirstPage",
    "Proof",
    "Provider",
    "ProviderSettings",
    "Reading",
    "RequestError",
    "ResultSettings",
    "ResultTable",
    "ResultsRun",
    "Run",
    "RunRequest",
    "SettingsError",
    "TransientRequestError",
    "UnexpectedError",
    "__version__",
    "account_metrics",
    "ai_batches_results_source",
    "ai_batches_source",
    "check_accounts",
    "has_key",
    "keep_configured_secrets",
    "other_addresses",
    "protect_log",
    "provider_settings",
    "providers_with_key",
    "scheduled_since",
    "shown",
    "shown_fields",
    "shown_message",
    "shown_trace",
    "span_seconds",
    "subject",
]


@dlt.source(name="ai_batches", section="ai_batches", spec=AiBatchesConfiguration)
def ai_batches_source(
    settings: Mapping[str, ProviderSettings] | None = None,
    fail_fast: bool = True,
    run: Run | RunRequest | None = None,
) -> Iterator[DltResource]:
    """Lists the batch jobs of AI vendors.

    Providers without a key exist but are not selected; running one raises an error that says where
    to set the key. If no provider has a key, all are selected, so that a run fails and says so.
    Settings are looked up when a resource runs; a wrong one concerns its provider only.

    Args:
        settings (Mapping[str, ProviderSettings] | None): Settings by provider name, instead of
            dlt's configuration; a provider that is left out has no key.
        fail_fast (bool): True: a provider that fails ends the run with an `AiBatchesError`, and dlt
            loads nothing of this run. False: rows read before the error are loaded and the other
            providers are read; the caller must look for errors in `account_metrics`.
        run (Run | RunRequest | None): What to read beyond new and open batches; a `Run` if it takes
            several load packages. None: brings the table up to date in one load package, since the
            start of the interval that an external scheduler asks for.

    Yields:
        DltResource: One resource per provider, named after it.

    Example:
        >>> pipeline = dlt.pipeline("my_batches", destination="duckdb", dataset_name="ai_batches")
        >>> pipeline.run(ai_batches_source().with_resources("openai", "bland"))
    """
    mute_hint_warning()
    protect_log()
    if not isinstance(run, Run):
        run = Run(run or RunRequest(since=scheduled_since()))
    run.begin_package()
    if settings is None:
        with_key = set(providers_with_key())
    else:
        with_key = {name for name, given in settings.items() if given.accounts}
    for name, provider in PROVIDERS.items():
        chosen = None if settings is None else settings.get(name, ProviderSettings())
        resource = _resource(provider, chosen, fail_fast, run)
        resource.selected = name in with_key or not with_key
        yield resource


def _resource(
    provider: Provider, settings: ProviderSettings | None, fail_fast: bool, run: Run
) -> DltResource:
    resource = dlt.resource(
        read_provider,
        name=provider.name,
        table_name=TABLE_NAME,
        primary_key=PRIMARY_KEY,
        write_disposition={
            "disposition": "merge",
            "strategy": "upsert",
            "skip_unchanged_rows": True,
        },
        columns=COLUMN_HINTS,
        # columns evolve with this package only: a vendor's fields never are columns
        schema_contract={"tables": "evolve", "columns": "evolve", "data_type": "freeze"},
    )(provider, settings, fail_fast, run)
    resource.apply_hints(
        additional_table_hints={"description": TABLE_DESCRIPTION, VERSION_HINT: __version__}
    )
    return resource
