"""Credentials that a vendor's own library finds in the environment, instead of a key."""

import re
from collections.abc import Callable

from requests import PreparedRequest
from requests.auth import AuthBase

_WORD = re.compile(r"[^\s,=/]+")

ENVIRONMENT = "environment"
"""Value of the key if a vendor's own library is to find the credentials."""


class CredentialsError(Exception):
    """A request could not be signed; the text says why, as a clause that quotes nothing."""


class EnvironmentAuth(AuthBase):
    """Signs requests with credentials that are looked up at the first one.

    Args:
        extra (str): Extra of this package, and of pip, that installs the vendor's library; empty if
            none is needed.
        find (Callable[[], Callable[[PreparedRequest], None]]): Imports the library, looks for
            credentials and returns a function that puts them onto a request, renewing them when
            they expire.
    """

    def __init__(self, extra: str, find: Callable[[], Callable[[PreparedRequest], None]]) -> None:
        self._extra = extra
        self._find = find
        self._sign: Callable[[PreparedRequest], None] | None = None
        self.secrets: list[str] = []
        """What the last request was signed with, word by word."""

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Signs a request.

        Raises:
            CredentialsError: If the library is not installed or finds no credentials.
        """
        before = dict(request.headers)
        try:
            self._sign = self._sign or self._find()
            self._sign(request)
        except ImportError:
            problem = f"the vendor's library is not installed (extra `{self._extra}`)"
            raise CredentialsError(problem) from None
        except Exception as ex:
            # what libraries say of credentials may quote them
            problem = f"no usable credentials were found in the environment ({type(ex).__name__})"
            raise CredentialsError(problem) from None
        added = {value for name, value in request.headers.items() if before.get(name) != value}
        # shorter words are names, such as that of a region
        self.secrets = [word for word in _WORD.findall(" ".join(added)) if len(word) >= 20]
        return request
