"""Makes one of our errors of every failure to read a list; their text holds no secret."""

from collections.abc import Callable, Iterable
from copy import copy

from requests import HTTPError, Response

from ..display import shown
from ..errors import (
    AiBatchesError,
    AuthenticationError,
    BadPageError,
    RequestError,
    TransientRequestError,
)
from ..paginators import UntrustedPageError
from ..providers.authentication import CredentialsError
from ..redaction import keep_secret
from ..settings import Account
from .adapter import may_pass
from .failures import CHECK_BASE_URL, Route, explain, proxy_login, why_refused
from .quoting import quotable, read_message

CHECK_RATE = "The provider limits the rate of requests; the next run tries again."
CHECK_LIST = (
    "What was read before is kept, and the next run tries again. If it stays, tell the provider, or"
    " us if the list is right."
)


class ErrorReports:
    """Makes the errors of one account's list.

    Args:
        provider (str): Name of the provider.
        account (Account): Whose key was sent.
        url (str): Address of the list, without a query.
        route (Route): How requests reach the server.
        secrets (Callable[[], Iterable[str]]): Returns what no text may quote, at the time.
    """

    def __init__(
        self,
        provider: str,
        account: Account,
        url: str,
        route: Route,
        secrets: Callable[[], Iterable[str]],
    ) -> None:
        self._provider = provider
        self._account = account.name
        self._origin = account.origin
        self._url = shown(url)
        self._route = route
        self._secrets = secrets
        # what this list holds may be shown long after, by whoever
        keep_secret(secrets())

    def at(self, url: str) -> "ErrorReports":
        """The same for another address, without a query."""
        other = copy(self)
        other._url = shown(url)
        return other

    def of(self, error: Exception) -> AiBatchesError:
        """Makes the error to raise.

        Args:
            error (Exception): What was raised while a page was requested; its own text may quote
                anything.

        Returns:
            AiBatchesError: The error, without its cause, which carries headers with the key.
        """
        if isinstance(error, UntrustedPageError):
            is_web_page = error.is_web_page
            remedy = self._check_way() if is_web_page else CHECK_LIST
            return self._error(BadPageError, shown(error), remedy, error.quote, not is_web_page)
        if isinstance(error, HTTPError) and error.response is not None:
            return self._of_status(error.response)
        if isinstance(error, CredentialsError):
            remedy = why_refused("", self._origin)[1]
            return self._error(AuthenticationError, str(error), remedy)
        # also what requests and dlt make of a malformed header
        failure = explain(error, self._route)
        problem = f"{failure.problem}, asking {self._url}"
        return self._error(TransientRequestError, problem, failure.remedy)

    def _of_status(self, response: Response) -> AiBatchesError:
        code = response.status_code
        status, message = f"HTTP {code}", read_message(response)
        if code == 407:
            problem, remedy = proxy_login(self._route)
            return self._error(RequestError, problem, remedy, may_be_position=False)
        kind = TransientRequestError if may_pass(code) else RequestError
        if message.is_web_page:
            problem = f"{status} from {self._url}, with a web page instead of the provider's words"
            is_refused = code in (401, 403)
            return self._error(kind, problem, self._check_way(), message.text, not is_refused)
        if code in (401, 403):
            why, remedy = why_refused(message.text or "", self._origin)
            problem = f"the provider refused the key ({status}){why}"
            return self._error(AuthenticationError, problem, remedy, message.text)
        remedy = CHECK_RATE if code == 429 else CHECK_BASE_URL
        return self._error(kind, f"{status} from {self._url}", remedy, message.text)

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
        may_be_position: bool = True,
    ) -> AiBatchesError:
        """Builds an error; `quote` is the server's own message."""
        shown = quotable(quote, self._secrets())
        if shown:
            problem += f", saying: {shown}"
        return kind(self._provider, self._account, problem, remedy, may_be_position)
