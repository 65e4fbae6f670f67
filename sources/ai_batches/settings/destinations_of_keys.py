"""Where keys go, if that is not the vendor's own address."""

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from ..display import shown
from ..errors import subject
from ..providers import Provider
from .types import ProviderSettings


class OtherAddress(NamedTuple):
    """An address that gets keys of a provider's accounts and is not known to be the vendor's."""

    provider: str
    accounts: tuple[str, ...]
    origin: str
    """Scheme, host and port: a path or a query may hold a secret."""
    has_vendor: bool
    """Whether the provider has an address of its own."""

    def __str__(self) -> str:
        count = len(self.accounts)
        whose = (
            subject(self.provider, self.accounts[0])
            if count == 1
            else f"{self.provider}, {count:,} accounts"
        )
        instead = " instead of the vendor's own address" if self.has_vendor else ""
        return f"{whose}: {'asks' if count == 1 else 'ask'} {shown(self.origin)}{instead}"


def other_addresses(provider: Provider, settings: ProviderSettings) -> list[OtherAddress]:
    """Finds accounts whose key goes to a gateway, to a server on this machine, or elsewhere.

    That is legitimate, but whoever can write the settings can do it, too: so it is shown.

    Args:
        provider (Provider): The provider.
        settings (ProviderSettings): Its settings.

    Returns:
        list[OtherAddress]: One per address, in the order of the accounts.
    """
    accounts: dict[str, list[str]] = {}
    for account in settings.accounts:
        address = urlsplit(account.base_url or settings.base_url)
        if not _is_own(provider, address.scheme, address.netloc):
            origin = f"{address.scheme}://{address.netloc.rpartition('@')[2]}"
            accounts.setdefault(origin, []).append(account.name)
    has_vendor = bool(provider.base_url)
    return [
        OtherAddress(provider.name, tuple(names), origin, has_vendor)
        for origin, names in accounts.items()
    ]


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
