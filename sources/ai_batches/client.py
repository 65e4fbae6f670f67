"""One account's list over HTTP: dlt's REST client, and every failure as one of our errors."""

import re
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

from dlt.common import jsonpath
from dlt.sources.helpers.requests import Client
from dlt.sources.helpers.rest_client.client import RESTClient
from requests import HTTPError, PreparedRequest, RequestException, Response
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from requests.exceptions import ChunkedEncodingError, ConnectionError, ContentDecodingError, Timeout

from . import lenient_json
from .credentials import ENVIRONMENT, CredentialsError, EnvironmentAuth
from .errors import AiBatchesError, BadPageError, OutageError, RefusedKeyError, RequestError
from .paginators import BatchListPaginator, UntrustedPageError, says_trouble
from .providers import Provider
from .settings import Account, ProviderSettings
from .walk import Page

WHOLE_REPLY = "$"
"""`rows_field` of a provider whose reply is the list itself."""

CHECK_BASE_URL = (
    "Check `base_url`, `page_size` and the provider's status page; the next run tries again."
)
CHECK_LIST = (
    "What was read before is kept, and the next run tries again. If it stays, tell the provider, or"
    " us if the list is right."
)


class BatchListClient:
    """Reads the list of one account.

    Retries follow dlt's settings `runtime.request_max_attempts` and so on: 429 with Retry-After,
    5xx, timeouts, dropped connections and replies that break off.

    Args:
        provider (Provider): Whose list to read.
        settings (ProviderSettings): The user's settings for it.
        account (Account): Whose key to send.
        on_trouble (Callable[[str], None] | None): Is told of each failure that may be retried.
    """

    def __init__(
        self,
        provider: Provider,
        settings: ProviderSettings,
        account: Account,
        on_trouble: Callable[[str], None] | None = None,
    ) -> None:
        self._provider = provider
        self._account = account
        address, _, query = (account.base_url or settings.base_url).partition("?")
        params = parse_qs(query, keep_blank_values=True)
        # an address of its own is another server, which the shared headers are not meant for
        headers = {**({} if account.base_url else settings.headers), **account.headers}
        self._secrets = [*headers.values(), *chain(*params.values())]
        """What no text may quote, beside what the vendor's library signs requests with."""
        auth: AuthBase | None = None
        self._signing: EnvironmentAuth | None = None
        if provider.environment_auth and account.api_key == ENVIRONMENT:
            self._signing = provider.environment_auth()
        else:
            auth = provider.auth(account.api_key)
            self._secrets.append(account.api_key)
        self._adapter = _WatchedAdapter(on_trouble, self._signing)
        http = Client(
            raise_for_status=False,
            exceptions=(ConnectionError, Timeout, ChunkedEncodingError, ContentDecodingError),
        )
        http.configure()
        self._session = http.session
        self._session.mount("http://", self._adapter)
        self._session.mount("https://", self._adapter)
        # looked up once, not for each request: proxies and certificates of the environment
        environment = self._session.merge_environment_settings(address, {}, None, None, None)
        self._session.proxies = environment["proxies"]
        self._session.verify = environment["verify"]
        self._session.trust_env = False
        # not on the RESTClient, which logs its headers and parameters at level DEBUG
        self._session.headers.update({**provider.headers, **headers})
        self._session.params = {**provider.params, **params}
        self._rest = _ListRESTClient(
            base_url=address,
            session=self._session,
            auth=auth,
            data_selector=provider.rows_field,
        )
        self._rest.id_field = provider.fields["id"]
        self._rest.empty_reply = provider.empty_reply
        self._page_size = settings.page_size
        self._url = address + provider.path

    @property
    def requests(self) -> int:
        """Requests made so far, retries included."""
        return self._adapter.requests

    def pages(
        self,
        position: Mapping[str, Any] | None = None,
        paginator: BatchListPaginator | None = None,
    ) -> Iterator[Page]:
        """Reads the list page by page, to its end.

        Args:
            position (Mapping[str, Any] | None): Where to begin, as an earlier page told; None: at
                the head.
            paginator (BatchListPaginator | None): A new one, which the caller wants to ask later;
                None makes one.

        Yields:
            Page: The rows of one reply as the provider sent them, each with an id.

        Raises:
            RefusedKeyError: If the provider answers 401 or 403.
            RequestError: If a request fails for good; an `OutageError` where it may succeed later.
            BadPageError: If a reply cannot be trusted as a page of the list.
        """
        paginator = paginator or self._provider.paginator(self._page_size)
        if position is not None:
            paginator.resume(position)
        error: AiBatchesError
        try:
            while paginator.has_next_page:
                try:
                    for page in self._rest.paginate(
                        self._provider.path,
                        paginator=paginator,
                        hooks={"response": [_check_response]},
                    ):
                        yield Page(list(page), paginator.position, paginator.restarts)
                except HTTPError as ex:
                    if not paginator.refused(ex.response.status_code):
                        raise
            return
        except UntrustedPageError as ex:
            error = self._error(BadPageError, str(ex), CHECK_LIST, ex.quote)
        except HTTPError as ex:
            error = self._status_error(ex.response)
        except CredentialsError as ex:
            error = self._error(RefusedKeyError, str(ex), self._check_key())
        except Exception as ex:
            # also what requests and dlt make of a malformed header; its text may quote anything
            error = self._error(OutageError, f"{_failure(ex)}, asking {self._url}", CHECK_BASE_URL)
        # raised out here, it does not carry the request along, whose headers hold the key
        raise error

    def close(self) -> None:
        """Closes the connections."""
        self._session.close()

    def _status_error(self, response: Response) -> AiBatchesError:
        status = f"HTTP {response.status_code}"
        if response.status_code in (401, 403):
            # the body may echo the key, in part or masked
            return self._error(
                RefusedKeyError,
                f"the provider refused the key ({status})",
                self._check_key(),
            )
        return self._error(
            OutageError
            if response.status_code >= 500 or response.status_code == 429
            else RequestError,
            f"{status} from {self._url}",
            CHECK_BASE_URL,
            _message(response),
        )

    def _check_key(self) -> str:
        return f"Check the key in {self._account.origin}, and that it may list batches."

    def _error(
        self, kind: type[AiBatchesError], problem: str, remedy: str, quote: str | None = None
    ) -> AiBatchesError:
        """Builds an error whose text holds no secret; `quote` is what the server said."""
        secrets = [*self._secrets, *(self._signing.secrets if self._signing else ())]
        if quote and not any(_shares_a_part(quote, secret) for secret in secrets):
            problem += f", saying: {quote}"
        return kind(self._provider.name, self._account.name, problem, remedy)


class _WatchedAdapter(HTTPAdapter):
    """Counts what is really sent, retries and redirects included, and tells of failures.

    Credentials of the environment are put on here, since a signature is out of date soon: dlt's
    session sends the same request again.
    """

    def __init__(
        self, on_trouble: Callable[[str], None] | None, signing: EnvironmentAuth | None
    ) -> None:
        super().__init__()
        self._signing = signing
        self.requests = 0
        self._on_trouble = on_trouble or (lambda trouble: None)

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        if self._signing:
            self._signing(request)
        self.requests += 1
        try:
            response = super().send(request, *args, **kwargs)
        except RequestException as ex:
            self._on_trouble(_failure(ex))
            raise
        if response.status_code == 429 or response.status_code >= 500:
            self._on_trouble(f"HTTP {response.status_code}")
        return response


class _ListRESTClient(RESTClient):
    """dlt's client, with rows that are checked instead of taken for whatever they are."""

    id_field = "id"
    empty_reply: Set[str] | None = None

    def extract_response(self, response: Response, data_selector: jsonpath.TJsonPath) -> list[Any]:
        body = response.json()
        rows = None
        if data_selector == WHOLE_REPLY:
            rows = [] if body is None and self.empty_reply is not None else body
        elif isinstance(body, dict):
            rows = body.get(data_selector)
            is_left_out = self.empty_reply is not None and body.keys() <= self.empty_reply
            is_unset = data_selector in body and rows in (None, {}) and not says_trouble(body)
            if is_left_out or is_unset:
                rows = []
        if not isinstance(rows, list):
            raise UntrustedPageError(
                f"the reply has no list of rows under `{data_selector}`", quote=_message(response)
            )
        for row in rows:
            row_id = row.get(self.id_field) if isinstance(row, dict) else None
            if not row_id or not isinstance(row_id, (str, int)):
                raise UntrustedPageError(f"a row of the page has no `{self.id_field}`")
        return rows


def _check_response(response: Response, *args: Any, **kwargs: Any) -> None:
    """Response hook: decodes a page once, or raises what dlt's session retries or gives up on."""
    if response.is_redirect:
        try:
            target = urljoin(response.url, response.headers["location"])
            stays = urlsplit(target)[:2] == urlsplit(response.url)[:2]
        except ValueError:
            target, stays = "an address that is none", False
        if not stays:
            raise UntrustedPageError(
                "the server redirects to another one, which gets no key",
                quote=_without_query(target),
            )
        return
    if response.status_code >= 400:
        # read while the connection is at hand, which then can serve the next request
        with suppress(RequestException):
            _ = response.content
        raise HTTPError(response=response)
    try:
        body = lenient_json.loads(response.content)
    except lenient_json.NestedTooDeeplyError:
        raise UntrustedPageError("the reply is nested too deeply") from None
    except ValueError:
        if response.content.lstrip()[:1] in (b"", b"{", b"["):
            raise ChunkedEncodingError("the reply breaks off", response=response) from None
        kind = response.headers.get("Content-Type", "of no stated type")
        raise UntrustedPageError("the reply is not JSON", quote=kind[:80]) from None
    # dlt's client and the paginators each ask for it
    response.json = partial(_returned, body)  # type: ignore[method-assign]


def _returned(body: Any, **kwargs: Any) -> Any:
    return body


def _message(response: Response) -> str | None:
    """What an error body says, in one line; bodies were seen as objects, lists and bare strings."""
    try:
        said: Any = lenient_json.loads(response.content)
    except (ValueError, RequestException):
        return None
    for key in ("error", "errors", "message", "detail"):
        while isinstance(said, Mapping) and said.get(key):
            said = said[key]
    if isinstance(said, Mapping) or not said:
        return None
    text = said if isinstance(said, str) else lenient_json.dumps(said)
    return " ".join(text.split())[:200]


def _failure(error: Exception) -> str:
    """Why no whole reply came, as a clause that quotes nothing but the operating system."""
    if isinstance(error, Timeout) or "timed out" in str(error):
        return "no answer in time"
    if isinstance(error, (ChunkedEncodingError, ContentDecodingError)):
        return "the reply broke off each time"
    if isinstance(error, ConnectionError):
        # of requests' long text only the system's reason: `[Errno 111] Connection refused`
        cause = re.search(r"\[Errno -?\d+\] [A-Za-z ]+", str(error))
        return f"no connection ({cause[0]})" if cause else "no connection"
    return f"the request failed ({type(error).__name__})"


def _shares_a_part(text: str, secret: str) -> bool:
    """Whether a part of the secret, such as a masked echo of it, can be read from the text.

    A secret of a few letters is none: everything quotes it.
    """
    size = 6
    return any(secret[i : i + size] in text for i in range(len(secret) - size + 1))


def _without_query(url: str) -> str:
    return url.split("?")[0]
