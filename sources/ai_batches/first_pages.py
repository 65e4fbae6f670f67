"""Requests the first page of lists, to check that addresses and keys work."""

from collections.abc import Iterator, Mapping

from .account_feed import AccountFeed
from .errors import AiBatchesError
from .http.client import BatchListClient
from .providers import PROVIDERS
from .settings import ProviderSettings
from .workers import Ended, Lane, Workers

_PATIENCE = 0.5
"""Seconds after which Ctrl-C is heeded."""


class FirstPageReader(AccountFeed[None, BatchListClient]):
    """Requests the first page of one account's list in a worker."""

    def read(self) -> Iterator[None]:
        """Yields nothing; raises if the page could not be read."""
        with self._connected() as client:
            if client:
                next(client.pages())
        yield from ()


def check_accounts(
    settings: Mapping[str, ProviderSettings],
) -> dict[tuple[str, str], AiBatchesError | None]:
    """Requests the first page of each account's list, to check that addresses and keys work.

    Args:
        settings (Mapping[str, ProviderSettings]): Settings by provider name.

    Returns:
        dict[tuple[str, str], AiBatchesError | None]: By provider and account, in the order of the
            settings: what went wrong and what to do, or None.
    """
    readers = [
        FirstPageReader(PROVIDERS[name], chosen, account, BatchListClient)
        for name, chosen in settings.items()
        for account in chosen.accounts
    ]
    workers = Workers()
    lane: Lane[FirstPageReader, None] = Lane(workers, readers)
    found: dict[tuple[str, str], AiBatchesError | None] = {
        (reader.provider.name, reader.account.name): None for reader in readers
    }
    try:
        workers.start()
        while not lane.is_over:
            taken = lane.take(_PATIENCE)
            if taken and isinstance(taken[1], Ended) and taken[1].error:
                reader = taken[0]
                error = reader.explain(taken[1].error)
                found[reader.provider.name, reader.account.name] = error
    finally:
        lane.end()
    return found
