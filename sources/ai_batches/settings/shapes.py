"""Reads how a server that lists batches almost as OpenAI does differs from it."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from ..providers import Provider
from ..providers.shape import Shape
from ..table.columns import COLUMNS, STATUSES
from .names import unusable
from .values import read_table

_NAME = re.compile(r"[\w$-]+")
_FIELD = re.compile(r"[\w$-]+(\.[\w$-]+)*")
_PATH = re.compile(r"(/[\w.~-]+)+/?")
_OURS = frozenset({"provider", "account", "status_raw", "is_open", "extra", "_dlt_load_id"})
"""Columns that no field fills; a server's field for `status` fills `status_raw` as well."""

_TEXTS: Mapping[str, tuple[re.Pattern[str], str]] = {
    "path": (_PATH, "a path, such as /batches"),
    "rows_field": (_NAME, "the name of a field"),
    "next_field": (_FIELD, "the name of a field, with dots if it is nested"),
    "cursor_param": (_NAME, "the name of a parameter"),
    "limit_param": (_NAME, "the name of a parameter"),
}

SHAPE_SETTINGS = Shape._fields
"""Names of the settings."""


def read_shape(provider: Provider, prefix: str, get: Callable[[str], Any], default: Shape) -> Shape:
    """Reads how an account's server differs.

    Args:
        provider (Provider): Whose settings to read; the shape of most is fixed.
        prefix (str): Place of the settings below the provider's section; empty or with a dot at its
            end.
        get (Callable[[str], Any]): Looks up a setting by name; None: not set.
        default (Shape): For settings that are not set.

    Returns:
        Shape: The settings.

    Raises:
        SettingsError: If a value cannot be used.
    """
    if not provider.has_settable_shape:
        return default
    values: dict[str, Any] = {}
    for name, (pattern, what) in _TEXTS.items():
        if (value := get(name)) is not None:
            if not isinstance(value, str) or not pattern.fullmatch(value):
                raise unusable(provider, prefix + name, f"is not {what}")
            values[name] = value
    for name, check in (("fields", _field_problem), ("statuses", _status_problem)):
        if (value := get(name)) is not None:
            values[name] = read_table(provider, prefix + name, value)
            for key, each in values[name].items():
                if problem := check(key, each):
                    raise unusable(provider, prefix + name, problem)
    if "status" in values.get("fields", ()):
        values["fields"]["status_raw"] = values["fields"].pop("status")
    return default._replace(**values)


def _field_problem(column: str, field: Any) -> str | None:
    if column not in COLUMNS or column in _OURS:
        return f"names `{column}`, which is not a column that a field can fill"
    if not isinstance(field, str) or not _FIELD.fullmatch(field):
        return f"has no name of a field for `{column}`"
    if column == "id" and "." in field:
        return "has a nested field for `id`, which has to be one of the row itself"
    return None


def _status_problem(word: str, status: Any) -> str | None:
    if status not in STATUSES:
        return f"has for `{word}` none of the words {', '.join(sorted(STATUSES))}"
    return None
