"""Where keys go, if that is not the vendor's own address."""

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from ..errors import subject
from ..providers import Provider
from .types import ProviderSettings


class OtherAddress(NamedTuple):
    """An address that gets an account's key and is not known to be the vendor's."""

    provider: str
    account: str
    origin: str
    """Scheme, host and port: a path or a query may hold a secret."""
    has_vendor: bool
    """Whether the provider has an address of its own."""

    def __str__(self) -> str:
        instead = " instead of the vendor's own address" if self.has_vendor else ""
        return f"{subject(self.provider, self.account)}: asks {self.origin}{instead}"


def other_addresses(provider: Provider, settings: ProviderSettings) -> Iterator[OtherAddress]:
    """Finds accounts whose key goes to a gateway, to a server on this machine, or elsewhere.

    That is legitimate, but whoever can write the settings can do it, too: so it is shown.

    Args:
        provider (Provider): The provider.
        settings (ProviderSettings): Its settings.

    Yields:
        OtherAddress: One per account that does not ask the vendor itself.
    """
    for account in settings.accounts:
        address = urlsplit(account.base_url or settings.base_url)
        if not _is_own(provider, address.scheme, address.netloc):
            origin = f"{address.scheme}://{address.netloc.rpartition('@')[2]}"
            yield OtherAddress(provider.name, account.name, origin, bool(provider.base_url))


def _is_own(provider: Provider, scheme: str, host: str) -> bool:
    """Whether a host, with its port, is one of the vendor's."""
    host = host.lower().removesuffix(":443").removesuffix(".")
    template = urlsplit(provider.base_url).netloc
    # a name in braces is one label: a dot would lead to another domain
    pattern = re.sub(r"\\\{\w+\\\}", "[a-z0-9-]+", re.escape(template))
    return scheme == "https" and (
        bool(template and re.fullmatch(pattern, host))
        or any(
            host.endswith(name) if name.startswith(".") else host == name
            for name in provider.own_hosts
        )
    )
