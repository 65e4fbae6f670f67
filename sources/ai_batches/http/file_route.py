"""The way to a file: a vendor's link to it, and redirects, to other servers without the key."""

from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import urljoin

from requests import Response
from requests.auth import AuthBase

from ..paginators import UntrustedPageError
from .foreign_address import origin_of, refuse_foreign_address
from .session import AccountSession

_REDIRECTS = 5


class Hop(NamedTuple):
    """Where to ask for a file."""

    session: AccountSession
    url: str
    auth: AuthBase | None
    """Puts the key onto requests, if the server may see it."""


class Place(NamedTuple):
    """Where a file is, and the reply that has it."""

    session: AccountSession
    response: Response


class FileRoute:
    """Finds a file, each time that it or a part of it is asked for.

    Args:
        start (Hop): Where the provider is asked.
        foreign_session (Callable[[str], AccountSession]): Gives a session for an address of
            another server.
        link (Callable[[], str] | None): Asks the provider for the address of the file; None: it is
            at the start.
    """

    def __init__(
        self,
        start: Hop,
        foreign_session: Callable[[str], AccountSession],
        link: Callable[[], str] | None,
    ) -> None:
        self._start = start
        self._foreign_session = foreign_session
        self._link = link

    def open(self, headers: Mapping[str, str]) -> Place:
        """Asks for the file.

        Args:
            headers (Mapping[str, str]): Headers of the request.

        Returns:
            Place: The file, unread.

        Raises:
            UntrustedPageError: If the way leads to an address that is not allowed, or in a circle.
            Exception: As of `AccountSession.open`, and of `link`.
        """
        hop = self._next(self._start, self._link()) if self._link else self._start
        for _ in range(_REDIRECTS):
            try:
                response = hop.session.open(hop.url, hop.auth, headers)
                if not response.is_redirect:
                    return Place(hop.session, response)
                hop.session.release(response)
                target = urljoin(hop.url, response.headers["location"])
            except ValueError:
                # requests looks at it, too
                raise _not_valid() from None
            hop = self._next(hop, target)
        raise UntrustedPageError("the server redirects in a circle")

    def _next(self, hop: Hop, target: str) -> Hop:
        try:
            is_elsewhere = origin_of(target) != origin_of(hop.url)
        except ValueError:
            raise _not_valid() from None
        if not is_elsewhere:
            return hop._replace(url=target)
        refuse_foreign_address(target, self._start.url)
        return Hop(self._foreign_session(target), target, None)


def _not_valid() -> UntrustedPageError:
    return UntrustedPageError("the server leads to an address that is not valid")
