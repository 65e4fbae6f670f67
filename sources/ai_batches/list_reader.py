"""What all readers of one account's list share: the client, its end, and the words for errors."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import AiBatchesError, UnexpectedError
from .http.client import BatchListClient
from .providers import Provider
from .settings import Account, ProviderSettings
from .workers import Feed, TPortion


class ListReader(Feed[TPortion]):
    """Reads one account's list in a worker.

    Args:
        provider (Provider): Whose list to read.
        settings (ProviderSettings): The user's settings for it.
        account (Account): Whose key to send.
    """

    def __init__(self, provider: Provider, settings: ProviderSettings, account: Account) -> None:
        super().__init__(provider.name, settings.concurrency)
        self.provider = provider
        self.account = account
        self._settings = settings
        self._client: BatchListClient | None = None

    def end(self) -> None:
        """Ends the reading at once, from any thread."""
        if self._client:
            self._client.end()

    def explain(self, error: Exception) -> AiBatchesError:
        """Turns any error into one of this source, since its own text may quote anything.

        Args:
            error (Exception): What `read` raised.

        Returns:
            AiBatchesError: The same error if it is one; else an `UnexpectedError` that says where.
        """
        if isinstance(error, AiBatchesError):
            return error
        place = traceback.extract_tb(error.__traceback__)[-1]
        return UnexpectedError(
            self.provider.name,
            self.account.name,
            f"{type(error).__name__} in {place.name}, line {place.lineno} of"
            f" {Path(place.filename).name}",
            "Please report it as a bug; what was read before is kept.",
        )

    @contextmanager
    def _connected(self, *given: Any) -> Iterator[BatchListClient | None]:
        """Opens a client with further arguments; None if the reading was ended before it began."""
        client = self._client = BatchListClient(self.provider, self._settings, self.account, *given)
        try:
            yield None if self.is_cut else client
        finally:
            client.close()
