"""What a provider's resource does when dlt runs it: hands on what workers read of its lists."""

from collections import defaultdict
from collections.abc import Iterator
from random import sample

import dlt
import pyarrow as pa

from .account import AccountReader, Portion
from .errors import SettingsError
from .http.time_limit import Pause
from .load_package import heed_signals, load_id_of_package
from .lost_rows import forget_lost_rows, is_table_known
from .metrics import new_metrics, record_error, recorded_metrics
from .providers import Provider
from .scan.run import Run
from .settings import ProviderSettings, missing_key, provider_settings
from .table.columns import SCHEMA
from .table.hints import refuse_hints
from .table.rows import with_load_id
from .workers import Ended, Lane

AccountLane = Lane[AccountReader, Portion]

_PATIENCE = 0.05
"""Seconds after which a resource that has nothing to hand on lets others have their turn."""


def read_provider(
    provider: Provider, settings: ProviderSettings | None, fail_fast: bool, run: Run
) -> Iterator[pa.Table | None]:
    """Reads the lists of a provider's accounts, side by side; runs inside a dlt resource.

    Args:
        provider (Provider): Whose lists to read.
        settings (ProviderSettings | None): The settings; None looks them up in dlt's configuration.
        fail_fast (bool): Whether an error is raised, rather than recorded.
        run (Run): The run that reads. Between two load packages of it, reading goes on.

    Yields:
        pa.Table | None: Batches, in tables of `SCHEMA`; None while there is nothing, for dlt to
            turn to other resources.

    Raises:
        SettingsError: If hints on the resource would lead to a wrong table.
        AiBatchesError: If something went wrong and `fail_fast` is set.
    """
    if load_id_of_package():
        refuse_hints(provider)
    lane = run.lanes.get(provider.name)
    if lane is None:
        forget_lost_rows(run)
        try:
            lane = _lane(provider, settings, run)
        except SettingsError as ex:
            if fail_fast:
                raise
            metrics = new_metrics(None)
            record_error(metrics, ex)
            recorded_metrics().append(metrics)
            lane = Lane(run.workers, [])
        run.lanes[provider.name] = lane
    try:
        # all resources know their lists before any is read
        yield None
        run.workers.start()
        yield from _hand_on(lane, fail_fast, run)
    except BaseException:
        # also if dlt ends the resource, for a limit or an error elsewhere
        lane.end()
        raise


def _lane(provider: Provider, settings: ProviderSettings | None, run: Run) -> AccountLane:
    """Prepares the reading of each account's list."""
    settings = settings or provider_settings(provider)
    if not settings.accounts:
        raise missing_key(provider)
    state = dlt.current.resource_state()
    # in another order each time: within a deadline, no account waits for ever
    accounts = sample(settings.accounts, len(settings.accounts))
    # a server counts the requests of a key, whatever accounts it stands for
    pauses: defaultdict[tuple[str, str], Pause] = defaultdict(Pause)
    readers = [
        AccountReader(
            provider,
            settings,
            each,
            run,
            state.get(each.name),
            pauses[each.base_url, each.api_key],
        )
        for each in accounts
    ]
    return Lane(run.workers, readers)


def _hand_on(lane: AccountLane, fail_fast: bool, run: Run) -> Iterator[pa.Table | None]:
    """Hands on what belongs into the load package."""
    # looked up now: dlt may end the resource from a thread that knows of none
    states, recorded, load_id = (
        dlt.current.resource_state(),
        recorded_metrics(),
        load_id_of_package(),
    )
    readers = [reader for reader in lane.feeds if not reader.is_over]
    has_rows = False
    try:
        while not (lane.is_package_over or run.is_package_due):
            taken = lane.take(_PATIENCE)
            # right before dlt looks: it would drop what was extracted
            heed_signals(run)
            if taken is None:
                yield None
                continue
            reader, item = taken
            if isinstance(item, Ended):
                error = item.error and reader.fail(item.error)
                if error and fail_fast:
                    raise error from None
                continue
            # set before the yield whose rows it stands for: dlt stores both or neither
            states[reader.account.name] = item.state
            reader.metrics["is_partial"] = not item.is_complete
            if item.rows is not None:
                has_rows = True
                reader.metrics["rows"] += item.rows.num_rows
                run.note_rows()
                yield with_load_id(item.rows, load_id)
    finally:
        for reader in readers:
            reader.note_time()
            recorded.append(reader.metrics.copy())
    if not has_rows and not is_table_known():
        # BI tools find the table from the first run on, even if every list is empty
        yield SCHEMA.empty_table()
