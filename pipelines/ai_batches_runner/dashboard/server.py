"""Serves the page, by default to this machine only."""

import gc
import logging
import socket
import sys
import threading
import webbrowser
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import marimo
import uvicorn
from dlt.common.destination import TDestinationReferenceArg
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp

from ..defaults import PIPELINE_NAME, SHORT_LOCK_TIMEOUT
from .own_pages import OwnPagesOnly, accepted_names
from .session import Session

HOST = "127.0.0.1"
PORT = 8321

_open_session: Callable[[], Session] | None = None


def new_session() -> Session:
    """A new viewer's session."""
    if _open_session is None:
        # `marimo edit app.py`
        return Session("duckdb")
    return _open_session()


def serve(
    destination: TDestinationReferenceArg = "duckdb",
    dataset: str | None = None,
    host: str = HOST,
    port: int = PORT,
    open_browser: bool = True,
    wait: float = SHORT_LOCK_TIMEOUT,
    pipeline: str = PIPELINE_NAME,
    allowed_hosts: Sequence[str] = (),
) -> None:
    """Serves the dashboard until it is interrupted.

    It answers under the names of this machine's loopback, if it listens there, under the address
    that it listens on, and under those of `allowed_hosts`.

    Args:
        destination (TDestinationReferenceArg): Any dlt destination that can be read.
        dataset (str | None): As of `open_to_read`.
        host (str): Address to listen on; by default, only this machine can reach it.
        port (int): Port; 0 for any free one.
        open_browser (bool): Whether to open the page in a browser.
        wait (float): Seconds to wait for a DuckDB file that a run is writing.
        pipeline (str): Name of the pipeline that loads; as of `open_to_read`.
        allowed_hosts (Sequence[str]): Further names and addresses by which readers find it.

    Raises:
        OSError: If the port is taken or the address does not exist.
        ValueError: If something is not the name of a host.
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
        bound, taken = listening.getsockname()[:2]
        address = f"http://{_visible(host, bound)}:{taken}"
        server = uvicorn.Server(
            uvicorn.Config(
                OwnPagesOnly(_app(), accepted_names(host, bound, allowed_hosts)),
                log_level="error",
                # headers that anybody can send
                proxy_headers=False,
                server_header=False,
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
                    thread.join(10)
            gc.collect()


def _visible(host: str, bound: str) -> str:
    """The name in the address of the page, for a browser on this machine."""
    listening = ip_address(bound)
    if listening.is_unspecified:
        host = "127.0.0.1" if listening.version == 4 else "::1"
    return f"[{host}]" if ":" in host else host


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
