"""Looks up the settings of a provider in dlt's configuration and the environment."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import dlt

from ..display import shown
from ..errors import SettingsError
from ..providers import PROVIDERS, Provider
from ..providers.shape import Shape, shaped
from ..redaction import keep_secret
from ..scan.settings import ScanSettings
from .address import read_base_url, read_header_settings
from .names import SECTION, path, unusable
from .shapes import SHAPE_SETTINGS, read_shape
from .types import Account, ProviderSettings
from .values import (
    OLD_NAMES,
    RESULT_SETTINGS,
    read_concurrency,
    read_exclude,
    read_headers,
    read_page_max_mb,
    read_page_size,
    read_page_timeout,
    read_result_settings,
    read_scan_settings,
    read_table,
)

DEFAULT_ACCOUNT = "default"

_PUBLIC = frozenset(
    {"base_url", *ScanSettings._fields, *OLD_NAMES.values(), *RESULT_SETTINGS, *SHAPE_SETTINGS}
) | {name for provider in PROVIDERS.values() for name in provider.setting_variables}
"""Settings of an account that are not secrets."""


def provider_settings(provider: Provider) -> ProviderSettings:
    """Looks up the settings of a provider in dlt's configuration.

    Args:
        provider (Provider): Whose settings to look up.

    Returns:
        ProviderSettings: The settings, with the provider's defaults if the user set none.

    Raises:
        SettingsError: If a value cannot be used. The text names the setting and no value that may
            be secret.
    """
    accounts, base_url = _accounts(provider), read_base_url(provider)
    for account in accounts:
        if not account.base_url and not base_url:
            names = provider.url_settings or {"base_url": ""}
            raise _missing(provider, account, names, " and ", "to know what to ask")
        if provider.header_settings and account.headers.keys().isdisjoint(provider.header_settings):
            names = dict(provider.header_settings.values())
            raise _missing(provider, account, names, " or ", "to know whose batches to list")
    headers = read_headers(provider, dlt.secrets.get(path(provider, "headers")))
    return ProviderSettings(
        accounts=tuple(_at_its_address(provider, each, base_url, headers) for each in accounts),
        base_url=base_url,
        page_size=read_page_size(provider),
        exclude=read_exclude(
            provider,
            {provider.id_field, *(shaped(provider, each.shape).id_field for each in accounts)},
        ),
        headers=headers,
        page_timeout=read_page_timeout(provider),
        page_max_mb=read_page_max_mb(provider),
        concurrency=read_concurrency(provider),
    )


def has_key(provider: Provider) -> bool:
    """Whether any key is set for a provider, valid or not.

    Args:
        provider (Provider): The provider.

    Returns:
        bool: True also if the key is in a variable that several products of a vendor share.
    """
    return _is_configured(provider) or _variable_with_key(provider) is not None


def providers_with_key() -> list[str]:
    """Names of the providers that have a key, in the order of the registry.

    A key in the vendor's own variable may be there for another program: if the address is not set
    as well, it does not count. Nor does one in a variable that several products of a vendor share.

    Returns:
        list[str]: Names of providers.
    """
    return [
        name
        for name, provider in PROVIDERS.items()
        if _is_configured(provider)
        or (os.environ.get(provider.api_key_env or "") and _has_address(provider))
    ]


def _variable_with_key(provider: Provider) -> str | None:
    return next((name for name in provider.key_variables if os.environ.get(name)), None)


def _is_configured(provider: Provider) -> bool:
    return any(dlt.secrets.get(path(provider, name)) for name in ("api_key", "accounts"))


def _has_address(provider: Provider) -> bool:
    try:
        has_header = not provider.header_settings or bool(read_header_settings(provider))
        return has_header and bool(read_base_url(provider))
    except SettingsError:
        # raised when it runs
        return True


def keep_configured_secrets() -> None:
    """Has no text show a key or a header that is set, for commands that read no list.

    What is stored may hold one: a server can put a key into the id of a row.
    """
    for provider in PROVIDERS.values():
        keep_secret(filter(None, map(os.environ.get, provider.key_variables)))
        for name in ("api_key", "accounts", "headers"):
            keep_secret(_texts_in(dlt.secrets.get(path(provider, name))))


def _texts_in(value: Any) -> Iterator[str]:
    """Texts that a setting holds, however it is written."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        with suppress(ValueError):
            value = json.loads(value)
    if isinstance(value, str):
        yield value.strip()
    elif isinstance(value, Mapping):
        for name, each in value.items():
            if name not in _PUBLIC:
                yield from _texts_in(each)


def missing_key(provider: Provider) -> SettingsError:
    """The error for a provider that is to be read and has no key.

    Args:
        provider (Provider): The provider.

    Returns:
        SettingsError: It names the variables and the setting that may hold a key.
    """
    return SettingsError(
        provider.name,
        None,
        "no API key is set",
        f"Set the environment variable {' or '.join(provider.key_variables)}, or `api_key` in"
        f" [{SECTION}.{provider.name}] of .dlt/secrets.toml.",
    )


def _missing(
    provider: Provider, account: Account, names: Mapping[str, str], link: str, purpose: str
) -> SettingsError:
    """The error for settings without which nothing can be asked, given with their variables."""
    variables = link.join(filter(None, names.values()))
    return SettingsError(
        provider.name,
        account.name,
        f"it needs {link.join(f'`{name}`' for name in names)} {purpose}",
        f"Set {'them' if len(names) > 1 and link == ' and ' else 'it'} in"
        f" [{SECTION}.{provider.name}] of .dlt/config.toml"
        f"{f', or by {variables}' if variables else ''}.",
    )


def _accounts(provider: Provider) -> tuple[Account, ...]:

    def get(name: str) -> Any:
        return dlt.config.get(path(provider, name))

    scan = read_scan_settings(provider, "", get)
    results = read_result_settings(provider, "", get)
    shape = read_shape(provider, "", get, Shape())
    default = Account("", "", "", scan, results=results, shape=shape)
    setting = path(provider, "accounts")
    named = read_table(provider, "accounts", dlt.secrets.get(setting))
    accounts = [
        _account(provider, name, value, f"{setting}.{name}", default)
        for name, value in named.items()
    ]
    setting = path(provider, "api_key")
    single: Any = dlt.secrets.get(setting)
    if not single and not accounts:
        variable = _variable_with_key(provider) or provider.key_variables[-1]
        setting, single = f"environment variable {variable}", os.environ.get(variable)
    if single:
        if DEFAULT_ACCOUNT in named:
            raise unusable(
                provider, "api_key", f"is set beside an account named `{DEFAULT_ACCOUNT}`"
            )
        accounts.insert(0, _account(provider, DEFAULT_ACCOUNT, single, setting, default))
    return tuple(accounts)


_NOT_STORABLE = re.compile("[\0\ud800-\udfff]")
"""Half a character, as JSON may hold, and what Postgres takes in no text."""


def _account(
    provider: Provider,
    name: str,
    value: Any,
    origin: str,
    default: Account,
) -> Account:
    """An account, given its key, or a table of its key and settings of its own.

    What it does not set is that of the default.
    """
    if not name:
        raise unusable(provider, "accounts", "holds an account without a name")
    if _NOT_STORABLE.search(name):
        raise unusable(provider, "accounts", f"holds a name that no table can: {shown(name)}")
    own = value if isinstance(value, Mapping) else {"api_key": value}
    api_key, prefix = own.get("api_key"), f"accounts.{name}."
    of_address = {"base_url", *provider.url_settings}
    spans = {*ScanSettings._fields, *OLD_NAMES.values()}
    plain = {*of_address, *provider.setting_variables, *spans, *RESULT_SETTINGS}
    if provider.has_settable_shape:
        plain.update(SHAPE_SETTINGS)
    unknown = own.keys() - {"api_key", "headers", *plain}
    if unknown:
        # a mistyped address would send the key to another server
        raise unusable(provider, prefix + min(unknown), "is not a setting of an account")
    scan = read_scan_settings(provider, prefix, own.get, default.scan)
    results = read_result_settings(provider, prefix, own.get, default.results)
    shape = read_shape(provider, prefix, own.get, default.shape)
    base_url = "" if own.keys().isdisjoint(of_address) else read_base_url(provider, own, prefix)
    headers = {
        **read_header_settings(provider, own, prefix),
        **read_headers(provider, own.get("headers"), prefix),
    }
    key = _checked_key(provider, name, api_key, origin)
    return Account(name, key, origin, scan, base_url, headers, results, shape)


def _checked_key(provider: Provider, name: str, api_key: Any, origin: str) -> str:
    # a file often leaves a line end behind the key
    key = api_key.strip() if isinstance(api_key, str) else ""
    keep_secret([key])
    if not key:
        raise SettingsError(
            provider.name, name, f"{origin} holds no key", "Set it to the account's API key."
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise SettingsError(
            provider.name,
            name,
            f"the key in {origin} holds characters that no key has",
            "Copy it again, without quotes or spaces.",
        )
    return key


def _at_its_address(
    provider: Provider, account: Account, base_url: str, headers: Mapping[str, str]
) -> Account:
    """The account with the API root of its key, if the vendor has several and none is set."""
    if account.base_url or provider.other_base_url is None:
        return account
    own = read_base_url(provider, api_key=account.api_key)
    if own == base_url:
        return account
    # another root of the same vendor: it gets what is meant for the vendor
    return account._replace(base_url=own, headers={**headers, **account.headers})
