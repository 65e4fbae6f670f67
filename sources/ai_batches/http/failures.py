"""Why no complete reply came: the system's reason, and the setting or proxy that it concerns."""

import os
import re
import ssl
from collections.abc import Iterator, Mapping
from http.client import RemoteDisconnected
from pathlib import Path
from socket import gaierror
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from requests import PreparedRequest, RequestException
from requests.exceptions import (
    ChunkedEncodingError,
    ConnectionError,
    ConnectTimeout,
    ContentDecodingError,
    InvalidSchema,
    InvalidURL,
    ProxyError,
    SSLError,
    Timeout,
    TooManyRedirects,
)
from requests.utils import select_proxy
from urllib3.exceptions import LocationValueError
from urllib3.util import Url, parse_url

from ..display import shown

CHECK_BASE_URL = (
    "Check `base_url`, `page_size` and the provider's status page; the next run tries again."
)
_CHECK_TIME = (
    "Check `base_url` and the provider's status page, or set a longer `request_timeout` under"
    " [runtime] of .dlt/config.toml; the next run tries again."
)
_CHECK_PAGE_TIME = (
    "Check `base_url` and the provider's status page, lower `page_size`, or set a longer"
    " `page_timeout`; the next run tries again."
)
_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Where requests looks for certificates to trust, in this order."""

_PROXY_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")

_LASTING_TLS = re.compile(
    "CERT|VERSION|PROTOCOL|HANDSHAKE|HTTP|NAME|CIPHER|TOO_SMALL|TOO_WEAK|LEGACY|X509|CRL"
)
"""Reasons of OpenSSL that a retry does not change."""

_DISABLED = re.compile(
    r"has not been used in project|service_disabled|accessnotconfigured"
    r"|\bapi\b(?! key).{0,200}(?:disabled|not (?:been )?enabled)",
    re.IGNORECASE,
)
_PERMISSION = re.compile(r"scope|permission|privilege|not authori[sz]ed to", re.IGNORECASE)


class PageTimeout(Timeout):
    """No complete page came within the time that it has."""


class Failure(NamedTuple):
    """Why no complete reply came."""

    problem: str
    """A clause; it quotes nothing but the operating system and names of settings."""
    remedy: str = CHECK_BASE_URL
    """What the user can do, as a sentence."""
    is_lasting: bool = False
    """Whether a retry cannot help."""


class Route(NamedTuple):
    """How requests reach a server, as the environment says."""

    address: str
    """URL of the server."""
    proxy: str | None
    """Address of the proxy, with its login."""
    proxy_origin: str
    """The setting that names the proxy."""
    bundle: str | None
    """File or folder of the certificates to trust; None: those that come with requests."""
    bundle_origin: str
    """The setting that names it."""

    @property
    def host(self) -> str:
        """Name of the server."""
        return urlsplit(self.address).hostname or ""

    @property
    def secrets(self) -> list[str]:
        """Words that no text may quote: the login for the proxy."""
        login = (self.proxy or "").rpartition("@")[0].rpartition("://")[2]
        return [*filter(None, (login, *login.split(":", 1), *unquote(login).split(":", 1)))]

    @property
    def proxy_url(self) -> Url | None:
        """The proxy's address in its parts; None if it is not valid."""
        proxy = self.proxy or ""
        try:
            url = parse_url(proxy if "://" in proxy else f"http://{proxy}")
        except LocationValueError:
            return None
        return url if url.host and url.scheme in _PROXY_SCHEMES else None

    @property
    def proxy_name(self) -> str:
        """The proxy without its login, and where it is set."""
        url = self.proxy_url
        return f"the proxy {url.netloc if url else ''} ({self.proxy_origin})"


def find_route(address: str, proxies: Mapping[str, str], verify: bool | str | None) -> Route:
    """Finds out which settings decide how a server is reached.

    Args:
        address (str): URL of the server.
        proxies (Mapping[str, str]): Proxies as requests found them, by scheme.
        verify (bool | str | None): Certificates to trust as requests found them: a file or folder,
            or whether to ask for any.

    Returns:
        Route: What was found.
    """
    proxy = select_proxy(address, dict(proxies))
    names = [
        name
        for scheme in (urlsplit(address).scheme, "all")
        for name in (f"{scheme}_proxy", f"{scheme}_proxy".upper())
    ]
    origin = next((name for name in names if proxy and os.environ.get(name) == proxy), "")
    bundle = verify if isinstance(verify, str) else None
    return Route(
        address,
        proxy,
        f"environment variable {origin}" if origin else "the system's settings",
        bundle,
        next((name for name in _CA_VARIABLES if os.environ.get(name) == bundle), "`verify`"),
    )


def explain(error: BaseException, route: Route) -> Failure:
    """Explains why no complete reply came.

    Args:
        error (BaseException): What requests raised; its own text may quote anything.
        route (Route): How the server was to be reached.

    Returns:
        Failure: The reason, which holds no secret.
    """
    through = f" through {route.proxy_name}" if route.proxy else ""
    if isinstance(error, PageTimeout):
        return Failure(f"no complete page in time{through}", _CHECK_PAGE_TIME, True)
    if isinstance(error, ConnectTimeout):
        return Failure(f"no connection in time{through}", _CHECK_TIME)
    if isinstance(error, Timeout) or "timed out" in str(error):
        return Failure(f"no answer in time{through}", _CHECK_TIME)
    if isinstance(error, ContentDecodingError):
        return Failure(f"the reply could not be decompressed{through}")
    if isinstance(error, ChunkedEncodingError):
        return Failure(f"the reply broke off each time{through}")
    if isinstance(error, TooManyRedirects):
        return Failure(
            "the server redirects again and again",
            "Check `base_url`; a login page, a proxy or a firewall may be in between.",
            True,
        )
    if isinstance(error, SSLError):
        return _explain_tls(error, route, route.host, "`base_url`")
    if isinstance(error, ProxyError):
        return _explain_proxy(error, route)
    if isinstance(error, ConnectionError):
        return Failure(_no_connection(error, route.host) + through)
    if isinstance(error, (InvalidSchema, InvalidURL, LocationValueError)):
        # of an address: the proxy's, or the server's
        return _explain_address(error, route)
    if isinstance(error, OSError) and not isinstance(error, RequestException):
        unusable = _unusable_bundle(route)
        if unusable:
            return unusable
    if route.proxy and not route.proxy_url:
        # libraries stumble over it
        return _explain_address(error, route)
    return Failure(f"the request failed ({type(error).__name__})")


def _explain_tls(error: Exception, route: Route, host: str, setting: str) -> Failure:
    causes = [each for each in _causes(error) if isinstance(each, OSError)]
    cause = next((each for each in causes if isinstance(each, ssl.SSLError)), None)
    reason = (cause.reason if cause else None) or ""
    if isinstance(cause, ssl.SSLCertVerificationError):
        trusted = (
            f" What is trusted now is in {route.bundle_origin}: {route.bundle}."
            if route.bundle
            else " The variable SSL_CERT_FILE is not looked at."
            if os.environ.get("SSL_CERT_FILE")
            else ""
        )
        return Failure(
            f"the certificate of {host} is not trusted ({shown(cause.verify_message).rstrip('.')})",
            "If a proxy or gateway of your organization signs certificates, set the environment"
            " variable REQUESTS_CA_BUNDLE to a file that holds its authority beside the usual"
            f" ones; otherwise check {setting} and this machine's clock.{trusted}",
            True,
        )
    unreadable = next((each for each in causes if isinstance(each, PermissionError)), None)
    if unreadable or "CERTIFICATE_OR_CRL" in reason or reason.startswith(("PEM", "BAD_BASE64")):
        holds = "cannot be read" if unreadable else "holds no certificates"
        return Failure(
            f"{route.bundle_origin} names {route.bundle}, which {holds}",
            f"Set {route.bundle_origin} to a file of certificates in PEM, or unset it.",
            True,
        )
    words = reason.replace("_", " ").lower() or "no reason given"
    return Failure(
        f"no secure connection with {host} ({words})",
        f"Check whether {setting} has to begin with http:// instead of https://, and whether a"
        " proxy or firewall is in between.",
        bool(_LASTING_TLS.search(reason)),
    )


def _explain_proxy(error: Exception, route: Route) -> Failure:
    remedy = f"Check the {route.proxy_origin}, and that the proxy is up; NO_PROXY exempts hosts."
    tunnel = re.search(r"Tunnel connection failed: ([0-9]{3})([^'\")]*)", str(error))
    if tunnel is None:
        url = route.proxy_url
        if url is None:
            return _explain_address(error, route)
        if any(isinstance(each, ssl.SSLError) for each in _causes(error)):
            return _explain_tls(error, route, route.proxy_name, f"the {route.proxy_origin}")
        return Failure(_no_connection(error, url.host or "", f" to {route.proxy_name}"), remedy)
    status = int(tunnel[1])
    if status == 407:
        return Failure(*proxy_login(route), True)
    reason = f"{status} {shown(tunnel[2].strip(), 60)}".strip()
    return Failure(
        f"{route.proxy_name} refuses to connect to {route.host} ({reason})",
        remedy,
        status < 500 and status not in (408, 429),
    )


def proxy_login(route: Route) -> tuple[str, str]:
    """The problem and the remedy if a proxy asks for a login."""
    return (
        f"{route.proxy_name} asks for a login (407)"
        if route.proxy
        else "a proxy asks for a login (HTTP 407)",
        "Set the proxy's user name and password in the"
        f" {route.proxy_origin if route.proxy else 'environment variable HTTPS_PROXY'}"
        " (http://user:password@host:port).",
    )


def why_refused(said: str, origin: str) -> tuple[str, str]:
    """Finds out what is wrong with a key that was refused.

    Args:
        said (str): What the server said.
        origin (str): Where the key is set.

    Returns:
        tuple[str, str]: The reason as the end of a clause, empty if none is known; and what
            the user can do, as a sentence.
    """
    if _DISABLED.search(said):
        remedy = f"Enable the API as the provider says, in the project of the key in {origin}."
        return ": the API is not enabled", remedy
    if _PERMISSION.search(said):
        remedy = f"Give the key in {origin} the permission to list batches, or set another one."
        return ": it lacks a permission", remedy
    return "", f"Check the key in {origin}, and that it may list batches."


def _explain_address(error: BaseException, route: Route) -> Failure:
    if route.proxy and "SOCKS" in str(error):
        return Failure(
            f"the proxy of the {route.proxy_origin} speaks SOCKS, for which a library is missing",
            'Install it (pip install "requests[socks]"), or name a proxy of http.',
            True,
        )
    try:
        PreparedRequest().prepare_url(route.address, None)
    except (RequestException, LocationValueError):
        return Failure("`base_url` is not a valid address", "Set it as https://host/path.", True)
    if route.proxy:
        return Failure(
            f"the proxy in the {route.proxy_origin} is not a valid address",
            "Set it as http://host:port, or unset it.",
            True,
        )
    return Failure(f"the request failed ({type(error).__name__})", is_lasting=True)


def _unusable_bundle(route: Route) -> Failure | None:
    if route.bundle is None or Path(route.bundle).exists():
        return None
    return Failure(
        f"{route.bundle_origin} names a file that does not exist: {route.bundle}",
        f"Set the environment variable {route.bundle_origin} to a file of certificates, or unset"
        " it.",
        True,
    )


def _no_connection(error: Exception, host: str, whither: str = "") -> str:
    for cause in _causes(error):
        if isinstance(cause, gaierror):
            return f"no connection{whither}: the host {host} cannot be found ({_reason(cause)})"
        if isinstance(cause, RemoteDisconnected):
            return f"no connection{whither} (it was closed without a reply)"
    # of requests' long text only the system's reason: `[Errno 111] Connection refused`
    causes = (each for each in _causes(error) if type(each).__module__ == "builtins")
    reason = next((_reason(each) for each in causes if isinstance(each, OSError)), "")
    return f"no connection{whither} ({reason})" if reason else f"no connection{whither}"


def _reason(error: OSError) -> str:
    return f"[Errno {error.errno}] {error.strerror}" if error.strerror else ""


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what is behind it, which libraries hide in many places."""
    found: list[BaseException] = [error]
    for each in found:
        behind = (*each.args, getattr(each, "reason", None), each.__cause__, each.__context__)
        found += [
            other for other in behind if isinstance(other, BaseException) and other not in found
        ]
    yield from found
