"""What a provider's resource does when dlt runs it: reads the list of each account in turn."""

from collections.abc import Iterator

import dlt
import pyarrow as pa

from .account import AccountReader, load_id
from .errors import SettingsError
from .lost_rows import forget_lost_rows, is_table_known
from .metrics import new_metrics, record_error
from .providers import Provider
from .scan.run import Run
from .scan.state import is_interrupted
from .settings import ProviderSettings, missing_key, provider_settings
from .table.columns import SCHEMA
from .table.hints import refuse_hints


def read_provider(
    provider: Provider, settings: ProviderSettings | None, fail_fast: bool, run: Run
) -> Iterator[pa.Table]:
    """Reads the lists of a provider's accounts, one after the other; runs inside a dlt resource.

    Args:
        provider (Provider): Whose lists to read.
        settings (ProviderSettings | None): The settings; None looks them up in dlt's configuration.
        fail_fast (bool): Whether an error is raised, rather than recorded.
        run (Run): The run that reads.

    Yields:
        pa.Table: Batches, in tables of `SCHEMA`.

    Raises:
        SettingsError: If hints on the resource would lead to a wrong table.
        AiBatchesError: If something went wrong and `fail_fast` is set.
    """
    if load_id():
        refuse_hints(provider)
        forget_lost_rows(run)
    try:
        settings = _usable(provider, settings)
    except SettingsError as ex:
        if fail_fast:
            raise
        record_error(new_metrics(None), ex)
        return
    rows = 0
    # within a deadline, a long scan must not keep the other accounts waiting for ever
    state = dlt.current.resource_state()
    for account in sorted(settings.accounts, key=lambda each: is_interrupted(state.get(each.name))):
        if (provider.name, account.name) in run.finished:
            continue
        for table in AccountReader(provider, settings, account, run).read(fail_fast):
            rows += table.num_rows
            yield table
    if not rows and not is_table_known():
        # BI tools find the table from the first run on, even if every list is empty
        yield SCHEMA.empty_table()


def _usable(provider: Provider, settings: ProviderSettings | None) -> ProviderSettings:
    settings = settings or provider_settings(provider)
    if not settings.accounts:
        raise missing_key(provider)
    return settings
