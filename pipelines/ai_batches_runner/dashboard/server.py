"""Serves the page, by default to this machine only."""

import gc
import logging
import socket
import sys
import threading
import webbrowser
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import marimo
import uvicorn
from dlt.common.destination import TDestinationReferenceArg
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from ..defaults import PIPELINE_NAME, SHORT_LOCK_TIMEOUT
from .session import Session

HOST = "127.0.0.1"
PORT = 8321

_LOOPBACK = ("127.0.0.1", "localhost", "::1")

_open_session: Callable[[], Session] | None = None


def new_session() -> Session:
    """A new viewer's session."""
    if _open_session is None:
        # `marimo edit app.py`
        return Session("duckdb")
    return _open_session()


class OwnPagesOnly:
    """Refuses requests that a page of another site makes through its reader's browser.

    `Origin` names the site of the page, and `Host` the name by which this server was found.

    Args:
        app (ASGIApp): The app to protect.
        hosts (tuple[str, ...] | None): Accepted names of this server; None for any.
    """

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...] | None) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, or refuses it."""
        if scope["type"] in ("http", "websocket") and not self._is_own(Headers(scope=scope)):
            refusal = (
                WebSocketClose(1008)
                if scope["type"] == "websocket"
                else PlainTextResponse("Not from another site.", 403)
            )
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_own(self, headers: Headers) -> bool:
        host, origin = headers.get("host", ""), headers.get("origin")
        if self._hosts and _name(host) not in self._hosts:
            return False
        return origin is None or origin.split("://")[-1] == host


def serve(
    destination: TDestinationReferenceArg = "duckdb",
    dataset: str | None = None,
    host: str = HOST,
    port: int = PORT,
    open_browser: bool = True,
    wait: float = SHORT_LOCK_TIMEOUT,
    pipeline: str = PIPELINE_NAME,
) -> None:
    """Serves the dashboard until it is interrupted.

    Args:
        destination (TDestinationReferenceArg): Any dlt destination that can be read.
        dataset (str | None): As of `open_to_read`.
        host (str): Address to listen on; by default, only this machine can reach it.
        port (int): Port; 0 for any free one.
        open_browser (bool): Whether to open the page in a browser.
        wait (float): Seconds to wait for a DuckDB file that a run is writing.
        pipeline (str): Name of the pipeline that loads; as of `open_to_read`.

    Raises:
        OSError: If the port is taken or the address does not exist.
    """
    global _open_session
    _open_session = lambda: Session(destination, dataset, wait, pipeline)  # noqa: E731
    # it warns if a page is closed while its figures are sent
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen()
        name = f"[{host}]" if family == socket.AF_INET6 else host
        address = f"http://{name}:{listening.getsockname()[1]}"
        server = uvicorn.Server(
            uvicorn.Config(
                OwnPagesOnly(_app(), _LOOPBACK if host in _LOOPBACK else None),
                log_level="error",
                # does not wait for open pages
                timeout_graceful_shutdown=1,
            )
        )
        _print(f"Dashboard on {address} - Ctrl-C ends it.")
        if open_browser:
            threading.Timer(0.5, webbrowser.open, (address,)).start()
        others = set(threading.enumerate())
        try:
            server.run([listening])
        finally:
            # DuckDB complains at exit of connections in threads of pages
            for thread in set(threading.enumerate()) - others:
                # a thread that has not started cannot be joined
                with suppress(RuntimeError):
                    thread.join(2)
            gc.collect()


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _app() -> ASGIApp:
    page = Path(__file__).with_name("app.py")
    pages: Any = marimo.create_asgi_app(quiet=True).with_app(path="", root=str(page)).build()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        # marimo does this only if it runs the server itself: stops the threads of open pages
        for route in pages.routes:
            await route.app.state.session_manager.shutdown()

    return Starlette(routes=[Mount("/", pages)], lifespan=lifespan)


def _name(host: str) -> str:
    return host.rsplit(":", 1)[0].strip("[]") if not host.endswith("]") else host.strip("[]")
