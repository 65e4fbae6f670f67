"""Answers only requests of its own pages, under the names that this server is meant to have.

The dashboard has no password, so nothing else keeps a page of another site, which a reader visits,
from its figures: that page may ask this server itself, may have its own name lead here, or may show
the dashboard in a frame.
"""

import re
from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::([0-9]{1,5}))?")

_POLICY = "frame-ancestors 'none'"
_HEADERS = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    # without it, browsers would call some requests of these pages those of nobody
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def own_name(name: str) -> str:
    """A name or an address in the one form in which names are compared.

    Args:
        name (str): As somebody wrote it; an address of version 6 may have brackets.

    Returns:
        str: In lower case, without brackets and without the dot at the end.

    Raises:
        ValueError: If it is neither, or has a port.
    """
    bare = name.strip()
    parsed = _HOST.fullmatch(f"[{bare}]" if bare.count(":") > 1 and bare[0] != "[" else bare)
    own = "" if not parsed or parsed[3] else _canonical(parsed)
    if not own:
        raise ValueError(f"`{name}` is not the name or the address of a machine")
    return own


def accepted_names(host: str, address: str, allowed: Iterable[str]) -> frozenset[str]:
    """The names under which a server answers.

    Args:
        host (str): What it listens on.
        address (str): The address it listens on.
        allowed (Iterable[str]): Further names.

    Returns:
        frozenset[str]: As of `own_name`.

    Raises:
        ValueError: If one of them is not a name.
    """
    # a browser names no zone
    own = {name.partition("%")[0] for name in (host, address)} - {""}
    listening = ip_address(address)
    if listening.is_loopback or listening.is_unspecified:
        own.update(_LOOPBACK)
    return frozenset(own_name(name) for name in (*own, *allowed))


class OwnPagesOnly:
    """Refuses requests of other sites' pages, and has browsers keep its own out of their frames.

    `Host` is the name by which a browser found this server, and `Origin` the site of the page that
    asks. Headers of proxies, such as `X-Forwarded-Host`, do not count: anybody can send them.

    Args:
        app (ASGIApp): The app to protect.
        names (frozenset[str]): Accepted names of this server, as of `own_name`.
    """

    def __init__(self, app: ASGIApp, names: frozenset[str]) -> None:
        self._app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, or refuses it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                # beside another one, both hold
                headers.append("Content-Security-Policy", _POLICY)
            await send(message)

        refusal = self._refusal(Headers(scope=scope))
        if not refusal:
            try:
                await self._app(scope, receive, send_safely)
            except RuntimeError:
                # a page that was closed before its WebSocket was accepted
                if scope["type"] != "websocket":
                    raise
        elif scope["type"] == "websocket":
            await WebSocketClose(1008)(scope, receive, send)
        else:
            await PlainTextResponse(refusal, 403)(scope, receive, send_safely)

    def _refusal(self, headers: Headers) -> str:
        """Why a request is refused; empty if it is not."""
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        host = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
        if not host or _canonical(host) not in self._names:
            return "The dashboard is not called so. Name it with --allow-host to have it answer."
        if origins and not (len(origins) == 1 and _is_same(origins[0], host)):
            return "Not from another site."
        return ""


def _is_same(origin: str, host: re.Match[str]) -> bool:
    """Whether an origin is the site that a request asks."""
    try:
        parts = urlsplit(origin)
        asking = _HOST.fullmatch(parts.netloc)
    except ValueError:
        return False
    if not asking or parts.scheme not in _PORTS or parts.path or parts.query or parts.fragment:
        return False
    usual = _PORTS[parts.scheme]
    return (_canonical(asking), int(asking[3] or usual)) == (
        _canonical(host),
        int(host[3] or usual),
    )


def _canonical(host: re.Match[str]) -> str:
    name = (host[1] or host[2]).lower()
    if not host[1]:
        return name.removesuffix(".")
    try:
        address = IPv6Address(name)
    except ValueError:
        return ""
    return str(address.ipv4_mapped or address)
