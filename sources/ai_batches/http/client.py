"""One account's list over HTTP: dlt's REST client, and every failure as one of our errors."""

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

from ..errors import (
    AiBatchesError,
    AuthenticationError,
    BadPageError,
    RequestError,
    TimeUpError,
    TransientRequestError,
)
from ..paginators import BatchListPaginator, UntrustedPageError, says_trouble
from ..providers import Provider
from ..scan.pages import Page
from ..settings import Account, ProviderSettings
from . import lenient_json
from .authentication import ENVIRONMENT, CredentialsError, EnvironmentAuth
from .failures import (
    CHECK_BASE_URL,
    Route,
    explain,
    find_route,
    proxy_login,
    why_refused,
)
from .quoting import quotable, read_reply
from .time_limit import TimeLimit, set_patience

WHOLE_REPLY = "$"
"""`data_selector` of a provider whose reply is the list itself."""

CHECK_RATE = "The provider limits how often it may be asked; the next run tries again."
CHECK_LIST = (
    "What was read before is kept, and the next run tries again. If it stays, tell the provider, or"
    " us if the list is right."
)


class BatchListClient:
    """Reads the list of one account.

    Retries follow dlt's settings `runtime.request_max_attempts` and so on: 429 with Retry-After,
    5xx, timeouts, dropped connections and replies that break off. What cannot get better, such as a
    certificate that is not trusted, is tried once.

    Args:
        provider (Provider): Whose list to read.
        settings (ProviderSettings): The user's settings for it.
        account (Account): Whose key to send.
        on_trouble (Callable[[str], None] | None): Is told of each failure that may be retried.
        deadline (float | None): Moment by `time.monotonic` that no request and no wait goes past.
    """

    def __init__(
        self,
        provider: Provider,
        settings: ProviderSettings,
        account: Account,
        on_trouble: Callable[[str], None] | None = None,
        deadline: float | None = None,
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
        self._limit = TimeLimit(deadline)
        http = Client(
            raise_for_status=False,
            exceptions=(ConnectionError, Timeout, ChunkedEncodingError, ContentDecodingError),
        )
        http.configure()
        self._session = http.session
        # looked up once, not for each request: proxies and certificates of the environment
        environment = self._session.merge_environment_settings(address, {}, None, None, None)
        self._session.proxies = environment["proxies"]
        self._session.verify = environment["verify"]
        self._session.trust_env = False
        self._route = find_route(address, self._session.proxies, self._session.verify)
        self._secrets += self._route.secrets
        self._adapter = _WatchedAdapter(on_trouble, self._signing, self._limit, self._route)
        self._session.mount("http://", self._adapter)
        self._session.mount("https://", self._adapter)
        set_patience(self._session, self._limit, lambda ex: explain(ex, self._route).is_lasting)
        # not on the RESTClient, which logs its headers and parameters at level DEBUG
        self._session.headers.update({**provider.headers, **headers})
        self._session.params = {**provider.params, **params}
        self._rest = _ListRESTClient(
            base_url=address,
            session=self._session,
            auth=auth,
            data_selector=provider.data_selector,
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
            AuthenticationError: If the provider answers 401 or 403.
            TimeUpError: If the time is up, or would be before the next try.
            RequestError: If a request fails for good; an `TransientRequestError` where it may succeed later.
            BadPageError: If a reply cannot be trusted as a page of the list.
        """
        paginator = paginator or self._provider.paginator(self._page_size)
        if position is not None:
            paginator.resume(position)
        error: Exception
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
        except TimeUpError as ex:
            error = ex
        except UntrustedPageError as ex:
            is_page = isinstance(ex, _WebPageError)
            remedy = self._check_way() if is_page else CHECK_LIST
            error = self._error(BadPageError, str(ex), remedy, ex.quote, not is_page)
        except HTTPError as ex:
            error = self._status_error(ex.response)
        except CredentialsError as ex:
            error = self._error(
                AuthenticationError, str(ex), why_refused("", self._account.origin)[1]
            )
        except Exception as ex:
            # also what requests and dlt make of a malformed header; its text may quote anything
            failure = explain(ex, self._route)
            error = self._error(
                TransientRequestError, f"{failure.problem}, asking {self._url}", failure.remedy
            )
        if isinstance(error, TimeUpError) or (
            isinstance(error, TransientRequestError) and self._limit.is_up
        ):
            met = f" ({self._adapter.trouble})" if self._adapter.trouble else ""
            error = TimeUpError(f"the time was up, waiting for {self._url}{met}")
        # raised out here, it does not carry the request along, whose headers hold the key
        raise error

    def close(self) -> None:
        """Closes the connections."""
        self._session.close()

    def _status_error(self, response: Response) -> AiBatchesError:
        code = response.status_code
        status = f"HTTP {code}"
        said = read_reply(response)
        if code == 407:
            return self._error(RequestError, *proxy_login(self._route), is_of_the_list=False)
        kind = TransientRequestError if code >= 500 or code == 429 else RequestError
        if said.is_page:
            problem = f"{status} from {self._url}, with a web page instead of the provider's words"
            is_of_the_list = code not in (401, 403)
            return self._error(kind, problem, self._check_way(), said.text, is_of_the_list)
        if code in (401, 403):
            why, remedy = why_refused(said.text or "", self._account.origin)
            problem = f"the provider refused the key ({status}){why}"
            return self._error(AuthenticationError, problem, remedy, said.text)
        remedy = CHECK_RATE if code == 429 else CHECK_BASE_URL
        return self._error(kind, f"{status} from {self._url}", remedy, said.text)

    def _check_way(self) -> str:
        way = f", {self._route.proxy_name}" if self._route.proxy else ""
        return (
            "A login, a proxy or a firewall may have sent it: check `base_url`, and whether this"
            f" machine may reach {self._route.host}{way}."
        )

    def _error(
        self,
        kind: type[AiBatchesError],
        problem: str,
        remedy: str,
        quote: str | None = None,
        is_of_the_list: bool = True,
    ) -> AiBatchesError:
        """Builds an error whose text holds no secret; `quote` is what the server said."""
        secrets = [*self._secrets, *(self._signing.secrets if self._signing else ())]
        shown = quotable(quote, secrets)
        if shown:
            problem += f", saying: {shown}"
        error = kind(self._provider.name, self._account.name, problem, remedy)
        error.is_of_the_list &= is_of_the_list
        return error


class _WebPageError(UntrustedPageError):
    """A web page came: the word of a login, a proxy or a firewall rather than the vendor's."""


class _WatchedAdapter(HTTPAdapter):
    """Counts what is really sent, retries and redirects included, and tells of failures.

    Credentials of the environment are put on here, since a signature is out of date soon: dlt's
    session sends the same request again.
    """

    def __init__(
        self,
        on_trouble: Callable[[str], None] | None,
        signing: EnvironmentAuth | None,
        limit: TimeLimit,
        route: Route,
    ) -> None:
        super().__init__()
        self._signing = signing
        self._limit = limit
        self._route = route
        self.requests = 0
        self.trouble = ""
        """What the last request met with; empty where it was answered."""
        self._on_trouble = on_trouble or (lambda trouble: None)

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        if self._signing:
            self._signing(request)
        kwargs["timeout"] = self._limit.bound(kwargs.get("timeout"))
        self.requests += 1
        self.trouble = ""
        try:
            response = super().send(request, *args, **kwargs)
        except RequestException as ex:
            self._tell(explain(ex, self._route).problem)
            if isinstance(ex, Timeout) and self._limit.is_up:
                raise TimeUpError from None
            raise
        if response.status_code == 429 or response.status_code >= 500:
            self._tell(f"HTTP {response.status_code}")
        return response

    def _tell(self, trouble: str) -> None:
        self.trouble = trouble
        self._on_trouble(trouble)


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
                f"the reply has no list of rows under `{data_selector}`",
                quote=read_reply(response).text,
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
        said = read_reply(response)
        if said.is_page:
            raise _WebPageError("the reply is not JSON but a web page", quote=said.text) from None
        kind = response.headers.get("Content-Type", "of no stated type")[:80]
        quote = f"{kind}: {said.text}" if said.text else kind
        raise UntrustedPageError("the reply is not JSON", quote=quote) from None
    # dlt's client and the paginators each ask for it
    response.json = partial(_returned, body)  # type: ignore[method-assign]


def _returned(body: Any, **kwargs: Any) -> Any:
    return body


def _without_query(url: str) -> str:
    return url.split("?")[0]
