"""Files of one account over HTTP: streamed, resumed if that is safe, and only taken if whole."""

import re
from collections.abc import Iterator, Mapping
from functools import partial
from http.client import PRECONDITION_FAILED
from typing import Any

from requests import HTTPError, Request, Response

from ..errors import AiBatchesError, TimeUpError, TransientRequestError
from ..paginators import Reply, UntrustedPageError
from .account_client import AccountClient
from .file_route import FileRoute, Hop, Place
from .foreign_address import origin_of
from .inflater import Inflater
from .session import AccountSession, BrokenFileError

_CHUNK = 1 << 20
_ATTEMPTS = 5
"""How often a file is asked for in a row without that any byte comes."""
_BREAKS = 50
"""How often a connection may break, and once more for each part: some bytes alone are not progress
that is worth a request."""
_BEGINNINGS = 4
"""How often a file is begun."""
_PLAIN = ("identity", "")
_COMPRESSED = ("gzip", "x-gzip", "deflate")
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


class BeginAgainError(Exception):
    """What was read of a file does not belong to it as it is now, or cannot be continued."""


class NotReadyError(Exception):
    """A vendor has no address for a file yet."""


class FileTooLargeError(Exception):
    """A file is larger than `results_max_mb`."""

    def __init__(self, size: int) -> None:
        super().__init__(f"it has {size:,} bytes or more")
        self.size = size


class FileClient(AccountClient):
    """Downloads files of one account; takes what `AccountClient` does."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._foreign: dict[str, AccountSession] = {}

    def reply(self, path: str, params: Mapping[str, Any]) -> Reply:
        """Requests a JSON document below the API root.

        Args:
            path (str): Its path, quoted.
            params (Mapping[str, Any]): Query parameters.

        Returns:
            Reply: The decoded reply.

        Raises:
            Exception: As of `AccountSession.get`; `explained` makes our errors of it.
        """
        request = Request("GET", self.url(path), params=dict(params), auth=self._auth)
        return self._session.get(request)

    def download(self, path: str, max_bytes: int, link_field: str = "") -> "Download":
        """Begins a file.

        Args:
            path (str): Its path below the API root, or its whole address there.
            max_bytes (int): Bytes beyond which it is refused, decompressed.
            link_field (str): Field of the JSON there that holds the address of the file; empty:
                the file itself is there.

        Returns:
            Download: The file, whose parts are still to be read.
        """
        start = Hop(self._session, self.url(path), self._auth)
        link = partial(self._link, path, link_field) if link_field else None
        return Download(FileRoute(start, self.foreign_session, link), max_bytes)

    def foreign_session(self, url: str) -> AccountSession:
        """A session for another server, which gets neither a key nor a header of the user's."""
        origin = "{}://{}".format(*origin_of(url))
        session = self._foreign.get(origin)
        if session is None:
            session = self._foreign[origin] = AccountSession(
                origin, {}, {}, None, self._limit, _CHUNK, None
            )
        return session

    @property
    def root(self) -> str:
        """The API root, without a query."""
        return self._address

    def url(self, path: str) -> str:
        """The address of a path below the API root."""
        return path if "://" in path else self._address + path

    def explained(self, error: Exception, path: str) -> Exception:
        """Makes one of our errors of what went wrong with a file.

        Args:
            error (Exception): What was raised.
            path (str): As it was asked for.

        Returns:
            Exception: An `AiBatchesError`, or a `TimeUpError`.
        """
        if isinstance(error, (AiBatchesError, TimeUpError)):
            return error
        response = error.response if isinstance(error, HTTPError) else None
        if response is not None and origin_of(response.url) != origin_of(self.root):
            # an address that was signed for a while says nothing of the key
            return TransientRequestError(
                self._provider.name,
                self._account.name,
                f"the storage that the vendor leads to answers HTTP {response.status_code}",
                "The next run tries again.",
            )
        made = self._errors.at(self.url(path).partition("?")[0]).of(error)
        if isinstance(made, TransientRequestError) and self._limit.is_up:
            return TimeUpError("the time was up, waiting for a file")
        return made

    @property
    def requests(self) -> int:
        """Requests made so far, retries, redirects and other servers included."""
        return super().requests + sum(each.requests for each in self._foreign.values())

    def end(self) -> None:
        """Ends the reading at once, from any thread, as if the run's time were up."""
        super().end()
        for session in list(self._foreign.values()):
            session.end()

    def close(self) -> None:
        """Closes the connections."""
        super().close()
        for session in self._foreign.values():
            session.close()

    def _link(self, path: str, field: str) -> str:
        """Asks for the address of a file, which may be signed for a short while."""
        try:
            link = self.reply(path, {}).field(field)
        except HTTPError as ex:
            if ex.response is not None and ex.response.status_code == PRECONDITION_FAILED:
                raise NotReadyError from None
            raise
        if not link:
            raise NotReadyError
        return str(link)


class Download:
    """One file as it comes.

    Args:
        route (FileRoute): Where it is.
        max_bytes (int): Bytes beyond which the file is refused.
    """

    def __init__(self, route: FileRoute, max_bytes: int) -> None:
        self.etag: str | None = None
        self.headers: Mapping[str, str] = {}
        """Of the first reply."""
        self.read = 0
        """Bytes read so far, decompressed."""
        self._route = route
        self._max_bytes = max_bytes
        self._size: int | None = None
        self._inflater: Inflater | None = None
        self._can_resume = False
        self._beginnings = 0

    def chunks(self) -> Iterator[bytes]:
        """Reads the file from its beginning to its end, each time.

        Where a connection breaks, it goes on with `Range` and `If-Range` if the server said
        `Accept-Ranges: bytes`, gave a strong ETag and did not compress
        (https://www.rfc-editor.org/rfc/rfc9110#section-13.1.5).

        Yields:
            bytes: Parts of some size.

        Raises:
            BeginAgainError: If the parts so far are worth nothing; call it again.
            FileTooLargeError: If the file is larger than allowed.
            NotReadyError: If the vendor has no address for it yet.
            UntrustedPageError: If it cannot be known whether the file is whole.
            BrokenFileError: If it broke off, for the last time.
            HTTPError: If the server refuses it.
            RequestException: If no reply came.
            TimeUpError: If the time of the run is up.
        """
        self._beginnings += 1
        self.read, self._size = 0, None
        attempts = breaks = 0
        while True:
            place = self._open()
            try:
                while part := place.session.read(place.response, _CHUNK):
                    attempts = 0
                    for plain in self._inflater.inflate(part) if self._inflater else (part,):
                        self.read += len(plain)
                        if self.read > self._max_bytes:
                            raise FileTooLargeError(self.read)
                        yield plain
                if self._is_whole:
                    return
                raise BrokenFileError("it is shorter than it says")
            except BrokenFileError as ex:
                attempts, breaks = attempts + 1, breaks + 1
                if attempts >= _ATTEMPTS or breaks > _BREAKS + self.read // _CHUNK:
                    raise
                is_rest_known = self._size is not None and self.read < self._size
                if not (self._can_resume and is_rest_known):
                    self._begin_again(ex)
            finally:
                place.session.release(place.response)

    @property
    def _is_whole(self) -> bool:
        if self._inflater:
            return self._inflater.is_whole
        return self._size is None or self.read == self._size

    def _begin_again(self, error: Exception) -> None:
        """Has the file begun again, or gives up."""
        if self._beginnings >= _BEGINNINGS:
            raise error
        raise BeginAgainError

    def _open(self) -> Place:
        """Asks for the file, or for the rest of it."""
        headers = {"Accept-Encoding": "identity"}
        if self.read:
            headers |= {"Range": f"bytes={self.read}-", "If-Range": self.etag or ""}
        try:
            place = self._route.open(headers)
        except HTTPError as ex:
            # the file has become shorter, or the server knows no parts
            if self.read and ex.response is not None and ex.response.status_code in (412, 416):
                self._begin_again(BrokenFileError("range"))
            raise
        try:
            self._check(place.response)
        except BaseException:
            place.session.release(place.response)
            raise
        return place

    def _check(self, response: Response) -> None:
        code, headers = response.status_code, response.headers
        if self.read:
            if code != 206 or not self._continues(response):
                self._begin_again(BrokenFileError("range"))
            return
        if code != 200:
            raise UntrustedPageError(f"the server answers HTTP {code} instead of the file")
        encoding = headers.get("Content-Encoding", "").lower()
        length = headers.get("Content-Length", "")
        self.headers, self.etag = headers, headers.get("ETag")
        is_plain = encoding in _PLAIN
        if not is_plain and encoding not in _COMPRESSED:
            raise UntrustedPageError("the file is compressed in another way than gzip")
        self._inflater = None if is_plain else Inflater()
        self._size = int(length) if length.isdecimal() and is_plain else None
        if self._size is None and not length.isdecimal() and not response.raw.chunked:
            raise UntrustedPageError(
                "the reply has neither a length nor an end, so that nobody knows if it is whole"
            )
        if self._size is not None and self._size > self._max_bytes:
            raise FileTooLargeError(self._size)
        self._can_resume = bool(
            is_plain
            and self._size
            and headers.get("Accept-Ranges", "").lower() == "bytes"
            and self.etag
            and not self.etag.startswith("W/")
        )

    def _continues(self, response: Response) -> bool:
        """Whether a part begins where the last one ended, in the same file."""
        found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        return bool(
            found
            and int(found[1]) == self.read
            and found[3] in ("*", str(self._size))
            and response.headers.get("ETag", self.etag) == self.etag
            and response.headers.get("Content-Encoding", "").lower() in _PLAIN
        )
