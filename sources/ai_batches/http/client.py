"""One account's list over HTTP, page by page."""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any
from urllib.parse import parse_qs

from dlt.common import logger
from requests import HTTPError, Request
from requests.auth import AuthBase

from ..errors import TimeUpError, TransientRequestError
from ..paginators import BatchListPaginator
from ..providers import Provider
from ..providers.authentication import ENVIRONMENT, EnvironmentAuth
from ..scan.pages import Page
from ..settings import Account, ProviderSettings
from .error_reports import ErrorReports
from .replies import rows_of
from .session import ListSession
from .time_limit import Pause, TimeLimit


class BatchListClient:
    """Reads the list of one account.

    Args:
        provider (Provider): Whose list to read.
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
        self._page_size = settings.page_size
        address, _, query = (account.base_url or settings.base_url).partition("?")
        self._url = address + provider.path
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
        self._session = ListSession(
            address,
            {**provider.headers, **headers},
            {**provider.params, **params},
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

    def pages(
        self,
        position: Mapping[str, Any] | None = None,
        paginator: BatchListPaginator | None = None,
    ) -> Iterator[Page]:
        """Reads the list page by page, to its end.

        Args:
            position (Mapping[str, Any] | None): Where to begin, as stored with an earlier page;
                None: at the head.
            paginator (BatchListPaginator | None): A new one that the caller wants to inspect; None
                makes one.

        Yields:
            Page: The rows of one reply as the provider sent them, each with an id.

        Raises:
            AuthenticationError: If the provider answers 401 or 403.
            TimeUpError: If the time is up, or would be before the next attempt.
            RequestError: If the provider refuses a request for good.
            TransientRequestError: If a request failed after all retries.
            BadPageError: If a reply cannot be trusted as a page of the list.
        """
        paginator = paginator or self._provider.new_paginator(self._page_size)
        if position is not None:
            paginator.resume(position)
        error: Exception
        try:
            yield from self._read(paginator)
            return
        except Exception as ex:
            error = self._explained(ex)
        # raised out here, it does not carry the request along: its headers hold the key
        raise error

    def end(self) -> None:
        """Ends the reading at once, from any thread, as if the run's time were up."""
        self._session.end()

    def close(self) -> None:
        """Closes the connections."""
        self._session.close()

    def _read(self, paginator: BatchListPaginator) -> Iterator[Page]:
        logger.info(f"Reading {self._url}")
        request = Request("GET", self._url, auth=self._auth)
        while paginator.has_next_page:
            request.params = paginator.params()
            try:
                reply = self._session.get(request)
            except HTTPError as ex:
                if not paginator.refused(ex.response.status_code):
                    raise
                continue
            rows = rows_of(reply, self._provider)
            paginator.update_state(reply, rows)
            yield Page(rows, paginator.position, paginator.restarts)

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
