"""The API root of a provider or an account, and the headers that say whose batches to list."""

import os
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import dlt

from ..errors import SettingsError
from ..providers import Provider
from .names import path, unusable, unusable_variable

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""Of a region, an account or a project."""


def read_base_url(
    provider: Provider,
    own: Mapping[str, Any] | None = None,
    prefix: str = "",
    api_key: str = "",
) -> str:
    """The API root to request.

    A setting of the account goes before that of the provider, and both before the root that the
    vendor has for such a key or such settings.

    Args:
        provider (Provider): Whose API root.
        own (Mapping[str, Any] | None): The account's own settings.
        prefix (str): Place of the account's settings below the provider's section.
        api_key (str): The key, for vendors with several roots.

    Returns:
        str: The address; empty if it needs a setting that is not set.

    Raises:
        SettingsError: If a part of it cannot be used.
    """
    own = own or {}
    name, url = f"{prefix}base_url", own.get("base_url")
    if not url and own.keys().isdisjoint(provider.url_settings):
        name, url = "base_url", dlt.config.get(path(provider, "base_url"))
    if url:
        return _address(url, partial(unusable, provider, name))
    parts = {name: _part(provider, own, prefix, name) for name in provider.url_settings}
    if not all(parts.values()):
        return ""
    other = provider.other_base_url and provider.other_base_url(api_key, parts)
    return (other or provider.base_url).format_map(parts)


def read_header_settings(
    provider: Provider, own: Mapping[str, Any] | None = None, prefix: str = ""
) -> dict[str, str]:
    """The headers whose values are settings.

    If an account has any of these settings of its own, those of the provider do not count for it.

    Args:
        provider (Provider): Whose headers.
        own (Mapping[str, Any] | None): The account's own settings.
        prefix (str): Place of the account's settings below the provider's section.

    Returns:
        dict[str, str]: Those that are set.

    Raises:
        SettingsError: If a value cannot be used.
    """
    own = own or {}
    settings = {header: name for header, (name, _) in provider.header_settings.items()}
    if not own.keys().isdisjoint(settings.values()):
        found = {
            header: _part(provider, own, prefix, name)
            for header, name in settings.items()
            if name in own
        }
    else:
        found = {header: _part(provider, {}, "", name) for header, name in settings.items()}
    return {header: value for header, value in found.items() if value}


def _part(provider: Provider, own: Mapping[str, Any], prefix: str, name: str) -> str:
    """A plain name or an address: of the account, of the provider, or in the vendor's variable."""
    variable = provider.setting_variables[name]
    wrong = partial(unusable, provider, prefix + name if name in own else name)
    value: Any = own.get(name) or dlt.config.get(path(provider, name))
    if not value and (value := os.environ.get(variable)):
        wrong = partial(unusable_variable, provider, variable)
    text = str(value or "").strip()
    if text and provider.base_url.startswith(f"{{{name}}}"):
        return _address(text, wrong, may_have_query=False)
    if text and not _NAME.fullmatch(text):
        raise wrong("is not a plain name")
    return text


def _address(url: Any, wrong: Callable[[str], SettingsError], may_have_query: bool = True) -> str:
    """An address of a server, without a slash at the end of its path."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        # requests would send it instead of the key, and logs would show it
        has_login = parts.username is not None or parts.password is not None
    except (ValueError, AttributeError, TypeError):
        usable = has_login = False
    if has_login:
        raise wrong("holds a user name or a password")
    if not usable or parts.fragment:
        raise wrong("is not an http(s) address, such as https://api.vendor.example/v1")
    if parts.query and not may_have_query:
        raise wrong("has a query, which only `base_url` may have")
    address: str = urlunsplit(parts._replace(path=parts.path.rstrip("/")))
    return address
