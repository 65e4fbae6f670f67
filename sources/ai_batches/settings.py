"""What a user may set for each provider, and where it is looked up.

dlt would take a key named `API_KEY` or `SOURCES__API_KEY` for any provider that has none, and so
send one vendor's key to another. Here each setting is looked up at its exact place only: in
`[sources.ai_batches.<provider>]`, in the environment variable of that name, or at the same path in
any other place that dlt reads its configuration from.
"""

import json
import os
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit

import dlt

from .errors import SettingsError
from .providers import PROVIDERS, Provider
from .scan.settings import ScanSettings
from .table.timestamps import SECOND

SECTION = "sources.ai_batches"
DEFAULT_ACCOUNT = "default"

_SPAN = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""Of a region, an account or a project."""
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?")


class Account(NamedTuple):
    """One API key of a provider."""

    name: str
    """What the column `account` says."""
    api_key: str
    origin: str
    """The setting or variable that the key came from, for messages."""
    scan: ScanSettings = ScanSettings()
    """How far down a run reads."""
    base_url: str = ""
    """API root of its own; empty: that of the provider's settings."""
    headers: Mapping[str, str] = {}
    """Further headers of its own. Those of the provider's settings go to the provider's API root
    only."""

    def __repr__(self) -> str:
        return f"Account(name={self.name!r}, origin={self.origin!r})"


class ProviderSettings(NamedTuple):
    """The settings of one provider."""

    accounts: tuple[Account, ...] = ()
    """Empty where no key is set."""
    base_url: str = ""
    """API root, without a slash at the end of its path; a query in it goes with each request."""
    page_size: int | None = None
    """Rows to ask for in a page; None sends no limit."""
    exclude: tuple[str, ...] = ()
    """Fields of the provider's rows that are not loaded at all, nested ones with dots."""
    headers: Mapping[str, str] = {}
    """Further headers of each request; their values are treated as secrets."""

    def __repr__(self) -> str:
        base_url = self.base_url.partition("?")[0]
        return f"ProviderSettings(accounts={self.accounts}, base_url={base_url!r}, ...)"


def provider_settings(provider: Provider) -> ProviderSettings:
    """Looks up the settings of a provider in dlt's configuration.

    Args:
        provider (Provider): Whose settings to look up.

    Returns:
        ProviderSettings: The settings, with the provider's own values where the user set none.

    Raises:
        SettingsError: If a value cannot be used. The text names the setting and no value that may
            be secret.
    """
    accounts, base_url = _accounts(provider), _base_url(provider)
    for account in accounts:
        if not account.base_url and not base_url:
            raise _missing_address(provider, account)
    headers = _headers(provider, dlt.secrets.get(_path(provider, "headers")))
    return ProviderSettings(
        accounts=tuple(_at_its_address(provider, each, base_url, headers) for each in accounts),
        base_url=base_url,
        page_size=_page_size(provider),
        exclude=_exclude(provider),
        headers=headers,
    )


def has_key(provider: Provider) -> bool:
    """Whether any key is set for a provider, usable or not."""
    return _is_configured(provider) or _variable_with_key(provider) is not None


def providers_with_key() -> list[str]:
    """Names of the providers that have a key, in the order of the registry.

    A key in the vendor's own variable may be there for another program: if the address is not set
    as well, it does not count. Nor does one in a variable that several products of a vendor share.
    """
    return [
        name
        for name, provider in PROVIDERS.items()
        if _is_configured(provider)
        or (os.environ.get(provider.api_key_env) and _has_address(provider))
    ]


def _variable_with_key(provider: Provider) -> str | None:
    return next((name for name in provider.key_variables if os.environ.get(name)), None)


def _is_configured(provider: Provider) -> bool:
    return any(dlt.secrets.get(_path(provider, name)) for name in ("api_key", "accounts"))


def _has_address(provider: Provider) -> bool:
    try:
        return bool(_base_url(provider))
    except SettingsError:
        # to be told when it runs
        return True


def missing_key(provider: Provider) -> SettingsError:
    """The error for a provider that is to be read and has no key."""
    return SettingsError(
        provider.name,
        None,
        "no API key is set",
        f"Set the environment variable {' or '.join(provider.key_variables)}, or `api_key` in"
        f" [{SECTION}.{provider.name}] of .dlt/secrets.toml.",
    )


def _missing_address(provider: Provider, account: Account) -> SettingsError:
    names = provider.url_settings or {"base_url": ""}
    variables = " and ".join(variable for variable in names.values() if variable)
    return SettingsError(
        provider.name,
        account.name,
        f"it needs {' and '.join(f'`{name}`' for name in names)} to know what to ask",
        f"Set {'them' if len(names) > 1 else 'it'} in [{SECTION}.{provider.name}] of"
        f" .dlt/config.toml{f', or by {variables}' if variables else ''}.",
    )


def _accounts(provider: Provider) -> tuple[Account, ...]:
    scan = _scan_settings(provider, "", lambda name: dlt.config.get(_path(provider, name)))
    setting = _path(provider, "accounts")
    named = _table(provider, "accounts", dlt.secrets.get(setting))
    accounts = [
        _account(provider, name, value, f"{setting}.{name}", scan) for name, value in named.items()
    ]
    setting = _path(provider, "api_key")
    single: Any = dlt.secrets.get(setting)
    if not single and not accounts:
        variable = _variable_with_key(provider) or provider.api_key_env
        setting, single = f"environment variable {variable}", os.environ.get(variable)
    if single:
        if DEFAULT_ACCOUNT in named:
            raise _unusable(
                provider, "api_key", f"is set beside an account named `{DEFAULT_ACCOUNT}`"
            )
        accounts.insert(0, _account(provider, DEFAULT_ACCOUNT, single, setting, scan))
    return tuple(accounts)


def _account(provider: Provider, name: str, value: Any, origin: str, scan: ScanSettings) -> Account:
    """An account, given its key, or a table of its key and settings of its own."""
    if not name:
        raise _unusable(provider, "accounts", "holds an account without a name")
    own = value if isinstance(value, Mapping) else {"api_key": value}
    api_key, prefix = own.get("api_key"), f"accounts.{name}."
    of_address = {"base_url", *provider.url_settings}
    unknown = own.keys() - {"api_key", "headers", *of_address, *ScanSettings._fields}
    if unknown:
        # a mistyped address would send the key to another server
        raise _unusable(provider, prefix + min(unknown), "is no setting of an account")
    scan = _scan_settings(provider, prefix, own.get, scan)
    base_url = "" if own.keys().isdisjoint(of_address) else _base_url(provider, own, prefix)
    headers = _headers(provider, own.get("headers"), prefix)
    # a file often leaves a line end behind the key
    key = api_key.strip() if isinstance(api_key, str) else ""
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
    return Account(name, key, origin, scan, base_url, headers)


def _at_its_address(
    provider: Provider, account: Account, base_url: str, headers: Mapping[str, str]
) -> Account:
    """The account with the API root of its key, if the vendor has several and none is set."""
    if account.base_url or provider.other_base_url is None:
        return account
    own = _base_url(provider, api_key=account.api_key)
    if own == base_url:
        return account
    # another root of the same vendor: it gets what is meant for the vendor
    return account._replace(base_url=own, headers={**headers, **account.headers})


def _scan_settings(
    provider: Provider,
    prefix: str,
    get: Callable[[str], Any],
    default: ScanSettings = ScanSettings(),  # noqa: B008
) -> ScanSettings:
    """Reads spans of time such as `90s`, `30m`, `1h` and `7d`."""
    spans = default._asdict()
    for name in spans:
        value = get(name)
        if value is None:
            continue
        span = _SPAN.fullmatch(str(value))
        if not span:
            raise _unusable(provider, prefix + name, "is no span of time, such as 30m, 1h or 7d")
        spans[name] = int(span[1]) * _UNITS[span[2]] * SECOND
    return ScanSettings(**spans)


def _base_url(
    provider: Provider,
    own: Mapping[str, Any] | None = None,
    prefix: str = "",
    api_key: str = "",
) -> str:
    """The API root that is set, or the provider's; empty where it needs a setting that is not set.

    What is set for an account goes before what is set for the provider, and both before the root
    that the vendor has for such a key or such settings.
    """
    own = own or {}
    name, url = f"{prefix}base_url", own.get("base_url")
    if not url and own.keys().isdisjoint(provider.url_settings):
        name, url = "base_url", dlt.config.get(_path(provider, "base_url"))
    if url:
        return _address(url, partial(_unusable, provider, name))
    parts = {name: _part(provider, own, prefix, name) for name in provider.url_settings}
    if not all(parts.values()):
        return ""
    other = provider.other_base_url and provider.other_base_url(api_key, parts)
    return (other or provider.base_url).format_map(parts)


def _part(provider: Provider, own: Mapping[str, Any], prefix: str, name: str) -> str:
    """A part of the API root: of the account, of the provider, or in the vendor's own variable."""
    variable = provider.url_settings[name]
    wrong = partial(_unusable, provider, prefix + name if name in own else name)
    value: Any = own.get(name) or dlt.config.get(_path(provider, name))
    if not value and (value := os.environ.get(variable)):
        wrong = partial(_unusable_variable, provider, variable)
    text = str(value or "").strip()
    if text and provider.base_url.startswith(f"{{{name}}}"):
        return _address(text, wrong, may_have_query=False)
    if text and not _NAME.fullmatch(text):
        raise wrong("is no plain name")
    return text


def _address(url: Any, wrong: Callable[[str], SettingsError], may_have_query: bool = True) -> str:
    """An address of a server, without a slash at the end of its path."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        # requests would send it as the key's rival, and logs would show it
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


def _page_size(provider: Provider) -> int | None:
    value: Any = dlt.config.get(_path(provider, "page_size"))
    if value is None:
        return provider.page_size
    try:
        size = int(value)
    except (TypeError, ValueError):
        size = 0
    if size < 2:
        raise _unusable(provider, "page_size", "is not a whole number of at least 2")
    return size


def _exclude(provider: Provider) -> tuple[str, ...]:
    value = _parsed(provider, "exclude", dlt.config.get(_path(provider, "exclude")))
    names: list[Any] = value if isinstance(value, list) else [] if value is None else [None]
    if not all(isinstance(name, str) for name in names):
        raise _unusable(provider, "exclude", "is not a list of field names")
    if provider.fields["id"] in names:
        raise _unusable(provider, "exclude", "names the id, without which a row has no key")
    return tuple(names)


def _headers(provider: Provider, value: Any, prefix: str = "") -> Mapping[str, str]:
    setting = f"{prefix}headers"
    headers = _table(provider, setting, value)
    for name, text in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise _unusable(provider, setting, "holds a name that no header can have")
        if not isinstance(text, str) or not _HEADER_VALUE.fullmatch(text):
            raise _unusable(provider, setting, f"has no plain text for `{name}`")
    return headers


def _table(provider: Provider, name: str, value: Any) -> dict[str, Any]:
    value = _parsed(provider, name, value)
    if value is None or value == "":
        return {}
    if not isinstance(value, Mapping):
        raise _unusable(provider, name, "is not a table of names and values")
    return dict(value)


def _parsed(provider: Provider, name: str, value: Any) -> Any:
    """Lists and tables are JSON where they come from an environment variable."""
    if not isinstance(value, str) or not value.strip():
        return value or None
    try:
        return json.loads(value)
    except ValueError:
        # the parser's own message would quote the value
        raise _unusable(provider, name, "is not JSON") from None


def _path(provider: Provider, name: str) -> str:
    return f"{SECTION}.{provider.name}.{name}"


def _unusable_variable(provider: Provider, variable: str, problem: str) -> SettingsError:
    return SettingsError(
        provider.name, None, f"the environment variable {variable} {problem}", "Correct it."
    )


def _unusable(provider: Provider, name: str, problem: str) -> SettingsError:
    setting = _path(provider, name)
    # several accounts come in one variable, as JSON
    variable = _path(provider, name.split(".")[0]).replace(".", "__").upper()
    return SettingsError(
        provider.name,
        None,
        f"the setting {setting} {problem}",
        f"Correct it in .dlt, or in the environment variable {variable}.",
    )
