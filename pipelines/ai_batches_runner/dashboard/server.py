"""Serves the page, to nobody but the reader's own browser unless told otherwise."""

import gc
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

from ..destination import PIPELINE_NAME
from .session import WAIT, Session

HOST = "127.0.0.1"
PORT = 8321

_LOOPBACK = ("127.0.0.1", "localhost", "::1")

_open_session: Callable[[], Session] | None = None


def new_session() -> Session:
    """A session of its own for a viewer, at the destination that is served."""
    if _open_session is None:
        # `marimo edit app.py`, for who works on the page
        return Session("duckdb")
    return _open_session()


class OwnPagesOnly:
    """Lets no page of another site read the figures through its reader's browser.

    A browser tells with each request whose page asks; and by the name in `Host`, whether another
    site's name leads here.

    Args:
        app (ASGIApp): What to protect.
        hosts (tuple[str, ...] | None): Names under which it may be asked; None for any.
    """

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...] | None) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, or refuses."""
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
    wait: float = WAIT,
    pipeline: str = PIPELINE_NAME,
) -> None:
    """Serves the dashboard until it is interrupted.

    Args:
        destination (TDestinationReferenceArg): Any destination of dlt that can be read.
        dataset (str | None): Dataset; None means as `open_to_read` does.
        host (str): Address to listen on; by default, only this machine can reach it.
        port (int): Port; 0 for any that is free.
        open_browser (bool): Whether to open the page in a browser.
        wait (float): Seconds to wait for a DuckDB file into which a run just writes.
        pipeline (str): Name of the pipeline that loads; as of `open_to_read`.

    Raises:
        OSError: If the port is taken, or there is no such address.
    """
    global _open_session
    _open_session = lambda: Session(destination, dataset, wait, pipeline)  # noqa: E731
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
                # pages that are still open do not keep it from ending
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
            # DuckDB complains, on leaving, of what threads of pages still hold
            for thread in set(threading.enumerate()) - others:
                # one that is only about to start cannot be joined
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
        # marimo does this where it runs the server itself; threads of open pages would go on
        for route in pages.routes:
            await route.app.state.session_manager.shutdown()

    return Starlette(routes=[Mount("/", pages)], lifespan=lifespan)


def _name(host: str) -> str:
    return host.rsplit(":", 1)[0].strip("[]") if not host.endswith("]") else host.strip("[]")
