"""Slack's hook on loopback."""

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ai_batches_demo import LoopbackServer


@contextmanager
def slack(status: int = 200) -> Iterator[tuple[str, list[str]]]:
    """A hook, and the texts that were sent to it."""
    sent: list[str] = []

    async def receive(request: Request) -> Response:
        sent.append((await request.json())["text"])
        return PlainTextResponse("ok", status)

    app = Starlette(routes=[Route("/services/T0/secret-0-of-the-hook", receive, methods=["POST"])])
    with LoopbackServer(app) as server:
        yield f"{server.url}/services/T0/secret-0-of-the-hook", sent
