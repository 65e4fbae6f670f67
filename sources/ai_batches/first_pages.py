"""Requests the first page of lists, to check that addresses and keys work."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .account_feed import AccountFeed
from .display import shown_names
from .errors import AiBatchesError
from .http.client import BatchListClient
from .paginators import BatchListPaginator, UntrustedPageError
from .providers import PROVIDERS
from .settings import ProviderSettings
from .table.rows import RowReader
from .workers import Ended, Lane, Workers

_PATIENCE = 0.5
"""Seconds after which Ctrl-C is heeded."""


class FirstPage(NamedTuple):
    """What the first page of an account's list showed."""

    error: AiBatchesError | None = None
    """Why it could not be read, and what to do."""
    unusual: tuple[str, ...] = ()
    """What in it is not as the provider declares it, as clauses."""


class FirstPageReader(AccountFeed[None, BatchListClient]):
    """Requests the first page of one account's list in a worker; takes what `AccountFeed` does."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.unusual: tuple[str, ...] = ()
        """What was unusual in it, as clauses."""

    def read(self) -> Iterator[None]:
        """Yields nothing; raises if the page could not be read."""
        with self._connected() as client:
            if client:
                paginator = self.provider.new_paginator(self._settings.page_size)
                page = next(client.pages(paginator=paginator))
                drift = client.drift
                rows = RowReader(self.provider, self.account.name, self._settings.exclude)
                rows.read(page.rows)
                clauses = [drift.unknown_fields, *drift.missing_fields, *_of_rows(rows)]
                self.unusual = tuple(filter(None, [*clauses, _of_next_page(paginator)]))
        yield from ()


def _of_next_page(paginator: BatchListPaginator) -> str:
    """Why there cannot be one, though there should be; empty if nothing is wrong."""
    try:
        paginator.params()
    except UntrustedPageError as ex:
        return str(ex)
    return ""


def _of_rows(rows: RowReader) -> Iterator[str]:
    """What is unusual in the values of rows."""
    if words := list(rows.unknown_statuses):
        yield f"rows have the status {shown_names(words)}, which is not known"
    if fields := [*rows.unreadable, *(f"of column {name}" for name in rows.uncomputable)]:
        yield f"values could not be read: {shown_names(fields)}"


def check_accounts(
    settings: Mapping[str, ProviderSettings],
) -> dict[tuple[str, str], FirstPage]:
    """Requests the first page of each account's list, to check that addresses and keys work.

    Args:
        settings (Mapping[str, ProviderSettings]): Settings by provider name.

    Returns:
        dict[tuple[str, str], FirstPage]: By provider and account, in the order of the settings.
    """
    readers = [
        FirstPageReader(PROVIDERS[name], chosen, account, BatchListClient)
        for name, chosen in settings.items()
        for account in chosen.accounts
    ]
    workers = Workers()
    lane: Lane[FirstPageReader, None] = Lane(workers, readers)
    errors: dict[FirstPageReader, AiBatchesError] = {}
    try:
        workers.start()
        while not lane.is_over:
            taken = lane.take(_PATIENCE)
            if taken and isinstance(taken[1], Ended) and taken[1].error:
                errors[taken[0]] = taken[0].explain(taken[1].error)
    finally:
        lane.end()
    return {
        (reader.provider.name, reader.account.name): FirstPage(errors.get(reader), reader.unusual)
        for reader in readers
    }
