"""Sends requests: counts them, signs them, bounds their replies, and can be cut off."""

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Lock
from typing import Any

from requests import PreparedRequest, RequestException, Response
from requests.adapters import HTTPAdapter
from requests.exceptions import Timeout
from urllib3 import BaseHTTPResponse, PoolManager

from ..errors import TimeUpError
from ..paginators import UntrustedPageError
from ..providers.authentication import EnvironmentAuth
from .failures import Route, explain
from .time_limit import TimeLimit

_CHUNK = 65_536
_OTHER_REPLY = 262_144
"""Bytes that are read of a reply other than a page: an error or a redirect."""


class WatchedAdapter(HTTPAdapter):
    """Counts what is really sent, retries and redirects included, and reports failures.

    Requests are signed here with credentials of the environment, since a signature soon expires:
    each attempt is signed anew.

    Args:
        on_trouble (Callable[[str], None] | None): Receives each failure that may be retried.
        signing (EnvironmentAuth | None): Signs each attempt; None: requests carry their own key.
        limit (TimeLimit): No request goes past it.
        max_bytes (int): Size of a page beyond which it is refused, decompressed.
        route (Route): How requests reach the server.
    """

    def __init__(
        self,
        on_trouble: Callable[[str], None] | None,
        signing: EnvironmentAuth | None,
        limit: TimeLimit,
        max_bytes: int,
        route: Route,
    ) -> None:
        self._connections = _Connections()
        super().__init__()
        self._signing = signing
        self._limit = limit
        self._max_bytes = max_bytes
        self._route = route
        self.requests = 0
        self.trouble = ""
        """What the last request met with; empty if it was answered."""
        self._on_trouble = on_trouble or (lambda trouble: None)

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        """Sends a request within the time that is left."""
        if self._signing:
            self._signing(request)
        kwargs["timeout"] = self._limit.bound(kwargs.get("timeout"))
        self.requests += 1
        self.trouble = ""
        try:
            response = super().send(request, *args, **kwargs)
        except RequestException as ex:
            self._report(explain(ex, self._route).problem)
            if isinstance(ex, Timeout) and self._limit.is_up:
                raise TimeUpError("the time of the run is up") from None
            raise
        if may_pass(response.status_code):
            self._report(f"HTTP {response.status_code}")
        return response

    def build_response(self, req: PreparedRequest, resp: BaseHTTPResponse) -> Response:
        """Makes the response, whose body is bounded."""
        response: Response = super().build_response(req, resp)
        is_page = response.status_code < 300
        response.raw = _BoundedBody(resp, self._max_bytes if is_page else _OTHER_REPLY, is_page)
        return response

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Makes the pools of connections to servers."""
        super().init_poolmanager(*args, **kwargs)
        self._make_cuttable(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> PoolManager:
        """Makes the pools of connections to a proxy."""
        manager: PoolManager = super().proxy_manager_for(*args, **kwargs)
        self._make_cuttable(manager)
        return manager

    def cut(self) -> None:
        """Cuts every connection off, from any thread: who reads from it gets an error."""
        self._connections.cut()

    def end(self) -> None:
        """Cuts every connection off for good, from any thread: also one that is being made."""
        self._connections.end()

    def release(self) -> None:
        """Lets connections go that have served; a body may be read after they seem closed."""
        self._connections.release()

    def close(self) -> None:
        """Closes all connections, also those that an error keeps alive."""
        super().close()
        self._connections.close()

    def _make_cuttable(self, manager: PoolManager) -> None:
        manager.pool_classes_by_scheme = {
            scheme: self._cuttable(pool) for scheme, pool in manager.pool_classes_by_scheme.items()
        }

    def _cuttable(self, pool: Any) -> Any:
        """A class of pools whose connections can be cut off here."""
        if issubclass(pool.ConnectionCls, _CuttableConnection):
            return pool
        bases = (_CuttableConnection, pool.ConnectionCls)
        connection = type("Connection", bases, {"connections": self._connections})
        return type("ConnectionPool", (pool,), {"ConnectionCls": connection})

    def _report(self, trouble: str) -> None:
        self.trouble = trouble
        self._on_trouble(trouble)


def may_pass(status_code: int) -> bool:
    """Whether a retry may be answered with another status."""
    return status_code == 429 or status_code >= 500


class _Connections:
    """The connections of a session, of which another thread may cut off all."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._open: set[_CuttableConnection] = set()
        self._is_over = False

    def add(self, connection: "_CuttableConnection") -> None:
        """Adds one whose socket is open."""
        with self._lock:
            self._open.add(connection)
            if self._is_over:
                connection.cut()

    def end(self) -> None:
        """Ends them, and those that are added later."""
        with self._lock:
            self._is_over = True
        self.cut()

    def cut(self) -> None:
        """Ends them for whoever reads from them."""
        with self._lock:
            for connection in self._open:
                connection.cut()

    def close(self) -> None:
        """Closes and forgets all."""
        with self._lock:
            for connection in self._open:
                connection.close()
                connection.release()
            self._open.clear()

    def release(self) -> None:
        """Forgets those that are closed."""
        with self._lock:
            for connection in [each for each in self._open if each.sock is None]:
                connection.release()
                self._open.discard(connection)


class _CuttableConnection:
    """Adds to a connection of `http.client` that another thread can end what it waits for."""

    connections: _Connections
    _sock: Any = None
    _handle: socket.socket | None = None

    @property
    def sock(self) -> Any:
        """The socket, which is replaced when TLS begins."""
        return self._sock

    @sock.setter
    def sock(self, sock: Any) -> None:
        self._sock = sock
        # a connection that ends with its reply has no socket while the reply is read
        if sock is not None:
            self.release()
            # a handle of its own: TLS and the reader of a body take the other one over
            self._handle = socket.fromfd(sock.fileno(), socket.AF_INET, socket.SOCK_STREAM)
            self.connections.add(self)

    def close(self) -> None:
        """Closes the socket."""
        super().close()  # type: ignore[misc]

    def cut(self) -> None:
        """Ends the connection for whoever reads from it."""
        handle = self._handle
        if handle:
            with suppress(OSError):
                handle.shutdown(socket.SHUT_RDWR)

    def release(self) -> None:
        """Closes the handle, without which the connection stays open."""
        handle, self._handle = self._handle, None
        if handle:
            handle.close()


class _BoundedBody:
    """The body of a reply, of which no more than a limit is read.

    Args:
        body (BaseHTTPResponse): The reply.
        limit (int): Bytes, decompressed.
        is_page (bool): Whether more is an error; else it is left out.
    """

    def __init__(self, body: BaseHTTPResponse, limit: int, is_page: bool) -> None:
        self._body = body
        self._limit = limit
        self._is_page = is_page

    def stream(self, amt: int, decode_content: bool | None = None) -> Iterator[bytes]:
        """Yields the body in parts, as requests reads it.

        Raises:
            UntrustedPageError: If it is larger than the limit.
        """
        read = 0
        # not `stream`, which takes lines of any length for the size of a part
        while part := self._body.read(_CHUNK, decode_content=decode_content):
            read += len(part)
            if read > self._limit:
                self._body.close()
                if self._is_page:
                    raise UntrustedPageError(
                        f"the reply is larger than {self._limit // 1_000_000:,} MB,"
                        " the limit that `page_max_mb` sets"
                    )
                return
            yield part

    def __getattr__(self, name: str) -> Any:
        return getattr(self._body, name)
