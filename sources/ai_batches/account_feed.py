"""What all that read with one account's key share: the client, its end, the words for errors."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar

from .errors import AiBatchesError, UnexpectedError
from .http.account_client import AccountClient
from .providers import Provider
from .providers.shape import shaped
from .settings import Account, ProviderSettings
from .workers import Feed, TPortion

TClient = TypeVar("TClient", bound=AccountClient)


class AccountFeed(Feed[TPortion], Generic[TPortion, TClient]):
    """Reads with one account's key in a worker.

    Args:
        provider (Provider): Whom to ask.
        settings (ProviderSettings): The user's settings for it.
        account (Account): Whose key to send.
        client (type[AccountClient]): Asks for what is read.
    """

    def __init__(
        self,
        provider: Provider,
        settings: ProviderSettings,
        account: Account,
        client: type[TClient],
    ) -> None:
        super().__init__(provider.name, settings.concurrency)
        self.provider = shaped(provider, account.shape)
        self.account = account
        self._settings = settings
        self._client_class = client
        self._client: TClient | None = None

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
    def _connected(self, *given: Any) -> Iterator[TClient | None]:
        """Opens a client with further arguments; None if the reading was ended before it began."""
        client = self._client = self._client_class(
            self.provider, self._settings, self.account, *given
        )
        try:
            yield None if self.is_cut else client
        finally:
            client.close()
