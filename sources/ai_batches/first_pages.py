"""Requests the first page of lists, to check that addresses and keys work."""

from collections.abc import Iterator, Mapping

from .account import explain
from .errors import AiBatchesError
from .http.client import BatchListClient
from .providers import PROVIDERS, Provider
from .settings import Account, ProviderSettings
from .workers import Ended, Feed, Lane, Workers

_PATIENCE = 0.5
"""Seconds after which Ctrl-C is heeded."""


class FirstPageReader(Feed[None]):
    """Requests the first page of one account's list in a worker.

    Args:
        provider (Provider): Whose list to request.
        settings (ProviderSettings): The user's settings for it.
        account (Account): Whose key to send.
    """

    def __init__(self, provider: Provider, settings: ProviderSettings, account: Account) -> None:
        super().__init__(provider.name, settings.concurrency)
        self.provider = provider
        self.account = account
        self._settings = settings
        self._client: BatchListClient | None = None

    def read(self) -> Iterator[None]:
        """Yields nothing; raises if the page could not be read."""
        self._client = BatchListClient(self.provider, self._settings, self.account)
        try:
            if not self.is_cut:
                next(self._client.pages())
        finally:
            self._client.close()
        yield from ()

    def end(self) -> None:
        """Ends the request at once, from any thread."""
        if self._client:
            self._client.end()


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
        FirstPageReader(PROVIDERS[name], chosen, account)
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
                error = explain(reader.provider, reader.account, taken[1].error)
                found[reader.provider.name, reader.account.name] = error
    finally:
        lane.end()
    return found
