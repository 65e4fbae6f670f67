"""A session that watches its requests, and retries as dlt is configured within a run's time."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from dlt.common.configuration import resolve_configuration
from dlt.common.configuration.specs import RuntimeConfiguration
from dlt.sources.helpers.requests import Session
from requests import HTTPError, PreparedRequest, Request, RequestException, Response
from requests.auth import AuthBase
from requests.exceptions import ChunkedEncodingError, ConnectionError, ContentDecodingError, Timeout
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt
from tenacity.stop import stop_base
from urllib3.exceptions import HTTPError as UrllibError

from ..errors import TimeUpError
from ..paginators import Reply
from ..providers.authentication import EnvironmentAuth
from .adapter import WatchedAdapter, may_pass
from .failures import PageTimeout, explain, find_route
from .replies import decode, refuse_foreign_redirect
from .retry_after import RetryWait
from .time_limit import TimeLimit
from .watchdog import WATCHDOG

_PASSING = (ConnectionError, Timeout, ChunkedEncodingError, ContentDecodingError)
"""Errors that a retry may cure, unless `explain` knows better."""


class BrokenFileError(Exception):
    """A file broke off; the text names the kind of error."""


class AccountSession:
    """Requests what one account may see.

    Retries follow dlt's settings `runtime.request_max_attempts` and so on: 429 with Retry-After,
    5xx, timeouts, dropped connections and replies that break off. An error that no retry can cure,
    such as a certificate that is not trusted, is final at once.

    Args:
        address (str): API root, which decides on proxies and certificates.
        headers (Mapping[str, str]): Headers of each request.
        params (Mapping[str, Any]): Query parameters of each request.
        signing (EnvironmentAuth | None): Signs each attempt; None: requests carry their own key.
        limit (TimeLimit): No request and no wait goes past it.
        max_bytes (int): Size of a page beyond which it is refused, decompressed.
        on_trouble (Callable[[str], None] | None): Receives each failure that may be retried.
    """

    def __init__(
        self,
        address: str,
        headers: Mapping[str, str],
        params: Mapping[str, Any],
        signing: EnvironmentAuth | None,
        limit: TimeLimit,
        max_bytes: int,
        on_trouble: Callable[[str], None] | None,
    ) -> None:
        config = resolve_configuration(RuntimeConfiguration())
        self._session = Session(timeout=config.request_timeout, raise_for_status=False)
        # looked up once, not for each request: proxies and certificates of the environment
        environment = self._session.merge_environment_settings(address, {}, None, None, None)
        self._session.proxies = environment["proxies"]
        self._session.verify = environment["verify"]
        self._session.trust_env = False
        self._session.headers.update(headers)
        self._session.params = dict(params)
        self._session.hooks["response"].append(refuse_foreign_redirect)
        self.route = find_route(address, self._session.proxies, self._session.verify)
        """How requests reach the server."""
        self._limit = limit
        self._adapter = WatchedAdapter(on_trouble, signing, limit, max_bytes, self.route)
        self._session.mount("http://", self._adapter)
        self._session.mount("https://", self._adapter)
        self._retrying = Retrying(
            stop=stop_after_attempt(config.request_max_attempts) | _StopIfTooLong(limit),
            wait=RetryWait(config.request_backoff_factor, config.request_max_retry_delay),
            retry=retry_if_exception(self._may_pass),
            before_sleep=self._share_wait,
            sleep=limit.sleep,
            reraise=True,
        )

    @property
    def requests(self) -> int:
        """Requests made so far, retries and redirects included."""
        return self._adapter.requests

    @property
    def trouble(self) -> str:
        """What the last request met with; empty if it was answered."""
        return self._adapter.trouble

    def get(self, request: Request) -> Reply:
        """Requests a page, as often as it takes.

        Args:
            request (Request): The request.

        Returns:
            Reply: The decoded reply.

        Raises:
            HTTPError: If the status is 400 or above, after the last retry.
            RequestException: If no complete reply came.
            TimeUpError: If the time is up, or would be before the next attempt.
            CredentialsError: If the request could not be signed.
            UntrustedPageError: If the reply is not JSON, is too large, or redirects to another
                server.
        """
        self._limit.begin_page()
        return self._retrying(self._attempt, self._session.prepare_request(request))

    def open(self, url: str, auth: AuthBase | None, headers: Mapping[str, str]) -> Response:
        """Requests a file, as often as it takes; its body is still to be read.

        Args:
            url (str): Address of the file.
            auth (AuthBase | None): Puts the key onto the request.
            headers (Mapping[str, str]): Further headers.

        Returns:
            Response: A redirect is not followed. `read` reads the body, `release` ends it.

        Raises:
            HTTPError: If the status is 400 or above, after the last retry.
            RequestException: If no reply came.
            TimeUpError: If the time is up, or would be before the next attempt.
            CredentialsError: If the request could not be signed.
        """
        self._limit.begin_page()
        request = self._session.prepare_request(Request("GET", url, headers=headers, auth=auth))
        # whoever follows a redirect leaves the key behind
        request.hooks["response"].clear()
        return self._retrying(self._attempt_to_open, request)

    def read(self, response: Response, amount: int) -> bytes:
        """Reads a part of a file, which has to come within the time of a page.

        Args:
            response (Response): As `open` returned it.
            amount (int): Bytes at most.

        Returns:
            bytes: The part, as it was sent; empty at the end.

        Raises:
            BrokenFileError: If the connection broke, or took too long.
            TimeUpError: If the time of the run is up.
        """
        self._limit.begin_page()
        try:
            with WATCHDOG.watch(self._adapter.cut, self._limit.left):
                # urllib3 keeps what it decodes until the part is full, and loses it if it breaks
                part: bytes = response.raw.read(amount, decode_content=False)
        except (UrllibError, OSError, TimeoutError) as ex:
            if self._limit.is_up:
                raise TimeUpError("the time of the run is up") from None
            raise BrokenFileError(type(ex).__name__) from None
        return part

    def release(self, response: Response) -> None:
        """Ends a file, whether or not it was read to its end."""
        response.close()
        self._adapter.release()

    def end(self) -> None:
        """Ends a request or a wait at once, from any thread; it raises a `TimeUpError`."""
        self._limit.end()
        self._adapter.end()

    def close(self) -> None:
        """Closes the connections."""
        self._session.close()

    def _share_wait(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        response = error.response if isinstance(error, HTTPError) else None
        if response is not None and response.status_code == 429:
            self._limit.share_wait(state.upcoming_sleep)

    def _attempt(self, request: PreparedRequest) -> Reply:
        response: Response
        try:
            with self._within_time():
                response = self._session.send(request)  # type: ignore[no-untyped-call]
        finally:
            self._adapter.release()
        return decode(response)

    def _attempt_to_open(self, request: PreparedRequest) -> Response:
        response: Response
        try:
            with self._within_time():
                response = self._session.send(request, stream=True, allow_redirects=False)  # type: ignore[no-untyped-call]
                if response.status_code >= 400:
                    with suppress(RequestException):
                        _ = response.content
                    raise HTTPError(response=response)
        except Exception:
            self._adapter.release()
            raise
        return response

    @contextmanager
    def _within_time(self) -> Iterator[None]:
        """Waits as others of the same key do, and ends a request whose time is over."""
        self._limit.heed_pause()
        try:
            with WATCHDOG.watch(self._adapter.cut, self._limit.left):
                yield
        except Exception as ex:
            # a connection that was cut off looks like many errors
            if self._limit.is_up:
                raise TimeUpError("the time of the run is up") from None
            if isinstance(ex, TimeoutError):
                raise PageTimeout from None
            raise

    def _may_pass(self, error: BaseException) -> bool:
        if isinstance(error, HTTPError) and error.response is not None:
            return may_pass(error.response.status_code)
        return isinstance(error, _PASSING) and not explain(error, self.route).is_lasting


class _StopIfTooLong(stop_base):
    """Makes no further attempt if the wait before it would be too long."""

    def __init__(self, limit: TimeLimit) -> None:
        self._limit = limit

    def __call__(self, retry_state: RetryCallState) -> bool:
        return not self._limit.may_wait(retry_state.upcoming_sleep)
