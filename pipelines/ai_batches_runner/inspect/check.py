"""Checks whether keys and destination work; loads and leaves nothing."""

import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from dlt import Pipeline
from dlt.destinations.exceptions import DestinationConnectionError
from dlt.pipeline.exceptions import PipelineStepFailed

from ai_batches import (
    PROVIDERS,
    AiBatchesError,
    ProviderSettings,
    check_accounts,
    provider_settings,
    subject,
)

from ..destinations.base import TableFormat
from ..destinations.merging import write_disposition
from ..destinations.registry import adapter_of
from ..errors import UnusableDestinationError
from ..run.report import describe_place
from ..run.state_sync import refuse_other_format
from ..run.tables import refuse_tables_of_others

TSettings = Mapping[str, ProviderSettings | AiBatchesError]
"""Settings by provider, or what is wrong with them."""


@dataclass(frozen=True)
class AccountCheck:
    """What was found about one account."""

    provider: str
    account: str | None
    """None if the settings could not be used."""
    error: str | None = None
    """What is wrong and what to do."""
    error_type: str | None = None
    unusual: tuple[str, ...] = ()
    """What in the first page of its list is not as the provider declares it, as clauses."""

    @property
    def failure(self) -> str | None:
        """The error, with its provider and account; None if there is none."""
        return f"{subject(self.provider, self.account)}: {self.error}" if self.error else None


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
    settings: TSettings = {name: _settings(name) for name in providers}
    destination = DestinationCheck(describe_place(pipeline))
    adapter = adapter_of(pipeline)
    try:
        write_disposition(pipeline, table_format)
        destination.untried = adapter.try_folders()
        if adapter.exists():
            with adapter.connected(wait):
                refuse_tables_of_others(pipeline, table_format)
                pipeline.sync_destination()
                refuse_other_format(pipeline, table_format)
                destination.untried = adapter.try_to_write() or destination.untried
    except Exception as ex:
        # of whichever driver
        destination.error = _explain(pipeline, ex)
        trace = "".join(traceback.format_exception(ex))
        destination.trace = adapter.without_secrets(trace)
    usable = {name: each for name, each in settings.items() if isinstance(each, ProviderSettings)}
    checks = [
        _checked(name, None, each)
        for name, each in settings.items()
        if isinstance(each, AiBatchesError)
    ]
    checks += [
        replace(_checked(*whose, found.error), unusual=found.unusual)
        for whose, found in check_accounts(usable).items()
    ]
    return Check(destination, sorted(checks, key=lambda each: providers.index(each.provider)))


def _settings(provider: str) -> ProviderSettings | AiBatchesError:
    try:
        return provider_settings(PROVIDERS[provider])
    except AiBatchesError as ex:
        return ex


def _checked(provider: str, account: str | None, error: AiBatchesError | None) -> AccountCheck:
    if error is None:
        return AccountCheck(provider, account)
    text = f"{error.problem}. {error.remedy}"
    return AccountCheck(provider, account, text, type(error).__name__)


def _explain(pipeline: Pipeline, error: Exception) -> str:
    """What is wrong with the destination and what to do, in sentences without a secret."""
    cause: BaseException = error
    if isinstance(error, PipelineStepFailed):
        cause = error.exception or error
    if isinstance(cause, UnusableDestinationError):
        return str(cause)
    adapter = adapter_of(pipeline)
    explained = adapter.explain(cause)
    if explained:
        return explained
    doing, remedy = adapter.FAULT
    if isinstance(cause, DestinationConnectionError):
        cause = cause.inner_exc
        while isinstance(cause, DestinationConnectionError):
            cause = cause.inner_exc
        doing = "cannot be reached"
        remedy = "Check its address and credentials, and that it is up."
    # the first line is the reason; what follows quotes SQL, and points to manuals
    reason = (str(cause).strip().splitlines() or [type(cause).__name__])[0].rstrip(".")
    return adapter.without_secrets(f"It {doing}: {reason}. {remedy}")


def oddities(found: Check) -> Iterator[str]:
    """What is unusual in the first pages of lists, one line per account."""
    for each in found.accounts:
        if each.unusual:
            whose = subject(each.provider, each.account)
            yield f"{whose}: unusual in the first page: {'; '.join(each.unusual)}"


def failures(found: Check) -> Iterator[str]:
    """What is wrong and what to do, one line each."""
    if found.destination.error:
        yield f"FAILED destination: {found.destination.error}"
    for each in found.accounts:
        if each.failure:
            yield f"FAILED {each.failure}"
