"""Tells whether keys and destination work and what the next run needs; loads and leaves nothing."""

import traceback
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from dlt import Pipeline
from dlt.destinations.exceptions import DestinationConnectionError
from dlt.pipeline.exceptions import PipelineStepFailed
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ai_batches import (
    PROVIDERS,
    AiBatchesError,
    Forecast,
    Holding,
    ProviderSettings,
    Run,
    forecast,
    last_read,
    provider_settings,
    scheduled_since,
)
from ai_batches.walk import claims_rows, without_rows

from .database_file import explain_damage, explain_lock
from .destination import connected, is_there, without_secrets
from .errors import UnusableDestinationError
from .merging import TableFormat, write_disposition
from .report import TAccount, describe_place, standings
from .resuming import refuse_other_format
from .scratch import try_folders, try_to_write
from .sql.dialects import moment
from .stored import SCHEMA_NAME, in_utc, select, speaks_sql
from .tables import missing_parts, refuse_tables_of_others

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

TSettings = Mapping[str, ProviderSettings | AiBatchesError]
"""Settings by provider, or what is wrong with them."""


@dataclass(frozen=True)
class AccountCheck:
    """What was found about one account."""

    provider: str
    account: str | None
    """None where the settings could not be used."""
    forecast: Forecast | None = None
    """What the next run needs; None where the list could not be asked for."""
    error: str | None = None
    """What is wrong and what to do."""
    error_type: str | None = None

    @property
    def failure(self) -> str | None:
        """The error, with whom it concerns; None where there is none."""
        whose = f"{self.provider}, account {self.account}" if self.account else self.provider
        return f"{whose}: {self.error}" if self.error else None


@dataclass
class DestinationCheck:
    """What was found about the destination."""

    place: str
    error: str | None = None
    """What is wrong and what to do."""
    untried: str = ""
    """What could not be tried, as a clause."""
    trace: str = ""
    """Where in the code it went wrong."""

    @property
    def result(self) -> str:
        """In a clause."""
        if self.error:
            return "FAILED"
        return f"can be reached; {self.untried}" if self.untried else "can be written"


@dataclass
class Check:
    """What was found."""

    destination: DestinationCheck
    accounts: list[AccountCheck] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether all works."""
        return not self.destination.error and not any(each.error for each in self.accounts)


@dataclass
class _Known:
    """What the destination knows of earlier runs."""

    states: Mapping[str, Mapping[str, Any]]
    """Of walks, by provider and account."""
    held: Mapping[TAccount, Holding]


def check(
    pipeline: Pipeline,
    providers: Sequence[str],
    wait: float = 0,
    table_format: TableFormat | None = None,
) -> Check:
    """Asks for the first page of each list, and tries to write into the destination.

    What an interrupted run left in its working folder is not looked at.

    Args:
        pipeline (Pipeline): A pipeline of `open_to_check`.
        providers (Sequence[str]): Providers to ask.
        wait (float): Seconds to wait for a DuckDB file that another program has open.
        table_format (TableFormat | None): How a destination of files is to keep tables.

    Returns:
        Check: What was found.
    """
    run = Run(since=scheduled_since())
    settings: TSettings = {name: _settings(name) for name in providers}
    destination = DestinationCheck(describe_place(pipeline))
    known = None
    try:
        write_disposition(pipeline, table_format)
        destination.untried = try_folders(pipeline)
        if is_there(pipeline):
            with connected(pipeline, wait):
                refuse_tables_of_others(pipeline, table_format)
                pipeline.sync_destination()
                refuse_other_format(pipeline, table_format)
                known = _look_up(pipeline, settings, run)
                destination.untried = try_to_write(pipeline) or destination.untried
        else:
            known = _Known({}, {})
    except Exception as ex:
        # of whichever driver
        destination.error = _explain(pipeline, ex)
        trace = "".join(traceback.format_exception(ex))
        destination.trace = without_secrets(pipeline, trace)
    with ThreadPoolExecutor() as executor:
        checks = executor.map(lambda name: list(_ask(name, settings[name], known, run)), providers)
        return Check(destination, [each for some in checks for each in some])


def _settings(provider: str) -> ProviderSettings | AiBatchesError:
    try:
        return provider_settings(PROVIDERS[provider])
    except AiBatchesError as ex:
        return ex


def _look_up(pipeline: Pipeline, settings: TSettings, run: Run) -> _Known:
    """What the destination knows of earlier runs."""
    sources: Mapping[str, Any] = pipeline.state.get("sources", {})
    stored = sources.get(SCHEMA_NAME, {}).get("resources", {})
    counts = standings(pipeline)
    holding = set() if missing_parts(pipeline) else set(counts)
    # as the run will see it
    states = {
        name: {
            account: state
            if (name, account) in holding or not claims_rows(state)
            else without_rows(state)
            for account, state in accounts.items()
        }
        for name, accounts in stored.items()
    }
    bounds = {
        (name, account.name): last_read(states.get(name, {}).get(account.name), account, run)
        for name, given in settings.items()
        if isinstance(given, ProviderSettings)
        for account in given.accounts
    }
    to_pass: Counter[TAccount] = Counter()
    begin = min((bound for bound in bounds.values() if bound is not None), default=None)
    if begin is not None:
        dialect = "duckdb"
        if speaks_sql(pipeline):
            dialect = str(pipeline.destination.capabilities().sqlglot_dialect)
        since = moment(_EPOCH + timedelta(microseconds=begin), dialect)
        columns = ["provider", "account", "created_at"]
        query = f"SELECT {', '.join(columns)} FROM {{table}} WHERE created_at >= {since}"  # noqa: S608
        for provider, account, created in select(pipeline, columns, query):
            bound = bounds.get((provider, account))
            if bound is not None and (in_utc(created) - _EPOCH) // _EPOCH.resolution >= bound:
                to_pass[provider, account] += 1
    held = {key: Holding(each.stored, to_pass[key]) for key, each in counts.items()}
    return _Known(states, held)


def _ask(
    name: str, settings: ProviderSettings | AiBatchesError, known: _Known | None, run: Run
) -> Iterator[AccountCheck]:
    """Asks for the lists of a provider's accounts, one after the other."""
    if isinstance(settings, AiBatchesError):
        yield _failed(name, None, settings)
        return
    for account in settings.accounts:
        stored = held = None
        if known:
            stored = known.states.get(name, {}).get(account.name)
            held = known.held.get((name, account.name), Holding())
        try:
            found = forecast(PROVIDERS[name], settings, account, stored, held, run)
        except AiBatchesError as ex:
            yield _failed(name, account.name, ex)
        else:
            yield AccountCheck(name, account.name, found)


def _failed(provider: str, account: str | None, error: AiBatchesError) -> AccountCheck:
    text = f"{error.problem}. {error.remedy}"
    return AccountCheck(provider, account, None, text, type(error).__name__)


def _explain(pipeline: Pipeline, error: Exception) -> str:
    """What is wrong with the destination and what to do, in sentences without a secret."""
    cause: BaseException = error
    if isinstance(error, PipelineStepFailed):
        cause = error.exception or error
    if isinstance(cause, UnusableDestinationError):
        return str(cause)
    locked = explain_lock(cause)
    if locked:
        return (
            f"{locked} If that is a run at work, all may be well: the file could not be looked at."
        )
    damaged = explain_damage(cause)
    if damaged:
        return damaged
    if isinstance(cause, DestinationConnectionError):
        cause = cause.inner_exc
        while isinstance(cause, DestinationConnectionError):
            cause = cause.inner_exc
        doing = "cannot be reached"
        remedy = "Check its address and credentials, and that it is up."
    elif not speaks_sql(pipeline):
        doing = "cannot be used"
        remedy = "Check its address and credentials, and that they allow to write there."
    else:
        doing = "refuses what a run does"
        remedy = (
            "See that its user may make schemas and tables there and change them, and that nobody"
            " keeps it locked."
        )
    # the first line is the reason; what follows quotes SQL, and points to manuals
    reason = (str(cause).strip().splitlines() or [type(cause).__name__])[0].rstrip(".")
    return without_secrets(pipeline, f"It {doing}: {reason}. {remedy}")


def print_check(found: Check, console: Console) -> None:
    """Prints a table of the accounts, the destination, and below them what is wrong."""
    table = Table(box=None, pad_edge=False)
    for heading in ("provider", "account", "key", "next run needs"):
        table.add_column(heading, overflow="fold")
    for each in found.accounts:
        # an account may be called [eu], which is no markup
        needs = Text(str(each.forecast) if each.forecast else "?")
        key = "FAILED" if each.error else "works"
        table.add_row(each.provider, Text(each.account or ""), key, needs)
    console.print(table)
    destination = found.destination
    for text in (f"{destination.place}: {destination.result}", *failures(found)):
        # soft wrap: a log keeps a sentence on one line
        console.print(text, markup=False, highlight=False, soft_wrap=True)


def failures(found: Check) -> Iterator[str]:
    """What is wrong and what to do, a line each."""
    if found.destination.error:
        yield f"FAILED destination: {found.destination.error}"
    for each in found.accounts:
        if each.failure:
            yield f"FAILED {each.failure}"
