"""Reads single settings: spans of time, numbers, lists and tables."""

import json
import re
from collections.abc import Callable, Mapping, Sequence, Set
from functools import cache
from typing import Any, TypeVar, get_args

import dlt
from dlt.common import logger

from ..providers import Provider
from ..redaction import keep_secret
from ..results.settings import MODES, CustomId, ResultSettings
from ..scan.settings import ScanSettings
from ..timestamps import SECOND
from .names import path, unusable
from .types import ProviderSettings

OLD_NAMES = {"settle_window": "settle", "full_scan_interval": "full_every"}
"""What settings were called before; read if the new name is not set."""

_SPAN = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?")


def read_scan_settings(
    provider: Provider,
    prefix: str,
    get: Callable[[str], Any],
    default: ScanSettings = ScanSettings(),  # noqa: B008
) -> ScanSettings:
    """Reads spans of time such as `90s`, `30m`, `1h` and `7d`.

    Args:
        provider (Provider): Whose settings to read.
        prefix (str): Place of the settings below the provider's section; empty or with a dot at its
            end.
        get (Callable[[str], Any]): Looks up a setting by name; None: not set.
        default (ScanSettings): For settings that are not set.

    Returns:
        ScanSettings: The settings.

    Raises:
        SettingsError: If a value is not a span of time.
    """
    spans = default._asdict()
    for name in spans:
        used, value = name, get(name)
        if value is None and (old := OLD_NAMES.get(name)):
            used, value = old, get(old)
        if value is None:
            continue
        if used != name:
            _warn_of_old_name(path(provider, prefix + used), name)
        spans[name] = _seconds(provider, prefix + used, value) * SECOND
    return ScanSettings(**spans)


def span_seconds(value: Any) -> int | None:
    """The seconds of a span of time such as `90s`, `30m`, `1h` or `7d`; None if it is not one."""
    span = _SPAN.fullmatch(str(value))
    return int(span[1]) * _UNITS[span[2]] if span else None


def _seconds(provider: Provider, name: str, value: Any) -> int:
    seconds = span_seconds(value)
    if seconds is None:
        raise unusable(provider, name, "is not a valid span of time, such as 30m, 1h or 7d")
    return seconds


@cache
def _warn_of_old_name(setting: str, name: str) -> None:
    """Logs once per process that a setting has been renamed."""
    logger.warning(f"The setting {setting} is now called `{name}`; rename it.")


def read_page_size(provider: Provider) -> int | None:
    """Reads `page_size`, the rows to request per page; None sends no limit."""
    return _whole_number(provider, "page_size", provider.page_size, 2)


def read_page_max_mb(provider: Provider) -> int:
    """Reads `page_max_mb`, the size of a page beyond which it is refused, in megabytes."""
    return _whole_number(provider, "page_max_mb", provider.page_max_mb, 1)


def read_concurrency(provider: Provider) -> int:
    """Reads `concurrency`, the number of accounts that are read at a time."""
    return _whole_number(provider, "concurrency", ProviderSettings().concurrency, 1)


def read_page_timeout(provider: Provider) -> float:
    """Reads `page_timeout`, the span of time that a page may take; in seconds."""
    value: Any = dlt.config.get(path(provider, "page_timeout"))
    if value is None:
        return ProviderSettings().page_timeout
    seconds = _seconds(provider, "page_timeout", value)
    if not seconds:
        raise unusable(provider, "page_timeout", "leaves no time")
    return seconds


def read_result_settings(
    provider: Provider,
    prefix: str,
    get: Callable[[str], Any],
    default: ResultSettings = ResultSettings(),  # noqa: B008
) -> ResultSettings:
    """Reads what is kept of results.

    Args:
        provider (Provider): Whose settings to read.
        prefix (str): Place of the settings below the provider's section; empty or with a dot at its
            end.
        get (Callable[[str], Any]): Looks up a setting by name; None: not set.
        default (ResultSettings): For settings that are not set.

    Returns:
        ResultSettings: The settings.

    Raises:
        SettingsError: If a value is not one of the allowed ones.
    """
    mode, size, text, custom_id = map(get, RESULT_SETTINGS)
    found = default
    if mode is not None:
        # TOML and YAML have words for it
        word = "off" if mode is False or str(mode).lower() == "false" else str(mode)
        found = found._replace(mode=_choice(provider, prefix + "results", word, MODES))
    if size is not None:
        found = found._replace(max_mb=_at_least(provider, prefix + "results_max_mb", size, 1))
    if text is not None:
        name = prefix + "results_error_text"
        word = _choice(provider, name, str(text).lower(), ("true", "false"))
        found = found._replace(error_text=word == "true")
    if custom_id is not None:
        name = prefix + "results_custom_id"
        chosen = _choice(provider, name, str(custom_id), get_args(CustomId))
        found = found._replace(custom_id=chosen)
    return found


RESULT_SETTINGS = ("results", "results_max_mb", "results_error_text", "results_custom_id")
"""Names of the settings of results, in the order of `ResultSettings`."""


def _choice(provider: Provider, name: str, value: str, allowed: Sequence[str]) -> Any:
    if value not in allowed:
        raise unusable(provider, name, f"is not one of {', '.join(allowed)}")
    return value


TDefault = TypeVar("TDefault", int, int | None)


def _whole_number(provider: Provider, name: str, default: TDefault, least: int) -> TDefault:
    value: Any = dlt.config.get(path(provider, name))
    return default if value is None else _at_least(provider, name, value, least)


def _at_least(provider: Provider, name: str, value: Any, least: int) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = least - 1
    if number < least:
        raise unusable(provider, name, f"is not a whole number of at least {least}")
    return number


def read_exclude(provider: Provider, id_fields: Set[str]) -> tuple[str, ...]:
    """Reads `exclude`, the fields of rows that are not loaded; none of them may hold the id."""
    value = _parsed(provider, "exclude", dlt.config.get(path(provider, "exclude")))
    names: list[Any] = value if isinstance(value, list) else [] if value is None else [None]
    if not all(isinstance(name, str) for name in names):
        raise unusable(provider, "exclude", "is not a list of field names")
    if not id_fields.isdisjoint(names):
        raise unusable(provider, "exclude", "names the id, without which a row has no key")
    return tuple(names)


def read_headers(provider: Provider, value: Any, prefix: str = "") -> Mapping[str, str]:
    """Checks a table of headers, of the provider or of the account at a prefix."""
    setting = f"{prefix}headers"
    headers = read_table(provider, setting, value)
    for name, text in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise unusable(provider, setting, "holds a name that no header can have")
        if not isinstance(text, str) or not _HEADER_VALUE.fullmatch(text):
            raise unusable(provider, setting, f"has no plain text for `{name}`")
    keep_secret(headers.values())
    return headers


def read_table(provider: Provider, name: str, value: Any) -> dict[str, Any]:
    """Reads a table, which comes as JSON from an environment variable; empty if not set."""
    value = _parsed(provider, name, value)
    if value is None or value == "":
        return {}
    if not isinstance(value, Mapping):
        raise unusable(provider, name, "is not a table of names and values")
    return dict(value)


def _parsed(provider: Provider, name: str, value: Any) -> Any:
    """Lists and tables are JSON if they come from an environment variable."""
    if not isinstance(value, str) or not value.strip():
        return value or None
    try:
        return json.loads(value)
    except ValueError:
        # the parser's own message would quote the value
        raise unusable(provider, name, "is not JSON") from None
