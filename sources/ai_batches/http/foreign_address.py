"""Addresses of other servers that a vendor sends its clients to, such as those of storage."""

import socket
from ipaddress import IPv4Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from ..paginators import UntrustedPageError

_IPV4_BEHIND_NAT64 = IPv6Network("64:ff9b::/96")
"""Addresses by which a network of IPv6 reaches any of IPv4, private ones included."""


def origin_of(url: str) -> tuple[str, str]:
    """Scheme and host, with its port, in lower case."""
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.netloc.lower()


def refuse_foreign_address(url: str, of: str) -> None:
    """Refuses an address that a reply leads to and that nobody else may be reached by.

    Args:
        url (str): The address; it may be signed and is not quoted.
        of (str): The address that led there, which the user has set.

    Raises:
        UntrustedPageError: If it is not of https, or leads into a private network. A server on this
            machine may lead to others on it.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    addresses = _addresses(host)
    if addresses and all(map(_is_loopback, addresses)) and _is_on_loopback(of):
        return
    if parts.scheme.lower() != "https":
        raise UntrustedPageError("the server leads to an address that is not of https", host)
    if not all(map(_is_public, addresses)):
        raise UntrustedPageError("the server leads into a private network", host)


def _is_public(address: str) -> bool:
    parsed = ip_address(address)
    if parsed.version == 6 and parsed in _IPV4_BEHIND_NAT64:
        parsed = IPv4Address(int(parsed) & 0xFFFF_FFFF)
    return parsed.is_global


def _is_on_loopback(url: str) -> bool:
    addresses = _addresses(urlsplit(url).hostname or "")
    return bool(addresses) and all(map(_is_loopback, addresses))


def _is_loopback(address: str) -> bool:
    return ip_address(address).is_loopback


def _addresses(host: str) -> list[str]:
    """Addresses of a host; none if it is not known here, as behind a proxy."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [str(each[4][0]).partition("%")[0] for each in found]
