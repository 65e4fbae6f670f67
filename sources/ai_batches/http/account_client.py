"""What reads one account's list or files over HTTP: its session, its errors, its end."""

from collections.abc import Callable, Mapping
from itertools import chain
from urllib.parse import parse_qs

from requests.auth import AuthBase

from ..errors import TimeUpError, TransientRequestError
from ..providers import Provider
from ..providers.authentication import ENVIRONMENT, EnvironmentAuth
from ..settings import Account, ProviderSettings
from .error_reports import ErrorReports
from .session import AccountSession
from .time_limit import Pause, TimeLimit


class AccountClient:
    """Asks a provider with the key of one account.

    Args:
        provider (Provider): Whom to ask.
        settings (ProviderSettings): The user's settings for it.
        account (Account): Whose key to send.
        on_trouble (Callable[[str], None] | None): Receives each failure that may be retried.
        deadline (float | None): Moment by `time.monotonic` that no request and no wait goes past.
        wait_for_others (Callable[[float], None] | None): Waits so many seconds, or until all other
            lists of the run are read.
        pause (Pause | None): Shared with clients of the same key at the same address.
    """

    def __init__(
        self,
        provider: Provider,
        settings: ProviderSettings,
        account: Account,
        on_trouble: Callable[[str], None] | None = None,
        deadline: float | None = None,
        wait_for_others: Callable[[float], None] | None = None,
        pause: Pause | None = None,
    ) -> None:
        self._provider = provider
        self._settings = settings
        self._account = account
        self._address, _, query = (account.base_url or settings.base_url).partition("?")
        self._url = self._address + provider.path
        params = parse_qs(query, keep_blank_values=True)
        # an address of its own is another server, which the shared headers are not meant for
        headers = {**({} if account.base_url else settings.headers), **account.headers}
        self._auth: AuthBase | None = None
        self._signing: EnvironmentAuth | None = None
        if provider.environment_auth and account.api_key == ENVIRONMENT:
            self._signing = provider.environment_auth()
        else:
            self._auth = provider.auth(account.api_key)
        self._limit = TimeLimit(deadline, settings.page_timeout, wait_for_others, pause)
        self._session = AccountSession(
            self._address,
            {**provider.headers, **headers},
            {**self._fixed_params(), **params},
            self._signing,
            self._limit,
            settings.page_max_mb * 1_000_000,
            on_trouble,
        )
        self._secrets = [*headers.values(), *chain(*params.values()), *self._session.route.secrets]
        if self._auth:
            self._secrets.append(account.api_key)
        self._errors = ErrorReports(
            provider.name, account, self._url, self._session.route, self._all_secrets
        )

    @property
    def requests(self) -> int:
        """Requests made so far, retries and redirects included."""
        return self._session.requests

    def end(self) -> None:
        """Ends the reading at once, from any thread, as if the run's time were up."""
        self._session.end()

    def close(self) -> None:
        """Closes the connections."""
        self._session.close()

    def _fixed_params(self) -> Mapping[str, str]:
        """Query parameters of each request, unless the address has others."""
        return {}

    def _explained(self, ex: Exception) -> Exception:
        error = ex if isinstance(ex, TimeUpError) else self._errors.of(ex)
        is_late = isinstance(error, TransientRequestError) and self._limit.is_up
        if not isinstance(error, TimeUpError) and not is_late:
            return error
        met = f" ({self._session.trouble})" if self._session.trouble else ""
        return TimeUpError(f"the time was up, waiting for {self._url}{met}")

    def _all_secrets(self) -> list[str]:
        """What no text may quote, including what the last request was signed with."""
        return [*self._secrets, *(self._signing.secrets if self._signing else ())]
