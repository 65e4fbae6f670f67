"""The table `batches`: its columns, and how a provider's values are read as theirs.

The columns are fixed. What a provider sends beyond them, and whatever cannot be read as its
column's type, is kept in `extra`, so that no provider can change the table and nothing is lost.
"""

from collections.abc import Callable
from types import NoneType
from typing import Any, NamedTuple

import pyarrow as pa
from dlt.common.schema.typing import TTableSchemaColumns

from .. import lenient_json
from ..timestamps import all_to_microseconds, to_microseconds

VERSION_HINT = "x-ai-batches-version"

TABLE_NAME = "batches"
TABLE_DESCRIPTION = "One row per batch job in the list of an account of an AI vendor"
PRIMARY_KEY = ("provider", "account", "id")

TERMINAL_STATUSES = frozenset({"completed", "failed", "expired", "cancelled"})
"""The words of `status` after which a batch no longer changes."""

STATUSES = TERMINAL_STATUSES | {"validating", "in_progress", "finalizing", "cancelling"}
"""The vocabulary of `status`; any other word is unknown."""

_INT64 = range(-(2**63), 2**63)


def _text(value: Any) -> str | None:
    if value is None or type(value) is str:
        return value or None
    if is_empty(value):
        return None
    raise ValueError("not a text")


def _identifier(value: Any) -> str:
    return str(value)


def _status(value: Any) -> str | None:
    if value is None or type(value) is str or is_empty(value):
        return _text(value)
    # a status of another type is still a status, an unknown one
    return lenient_json.dumps(value)


def _bigint(value: Any) -> int | None:
    if value is None or value == "" or is_empty(value):
        return None
    if (type(value) is float and value.is_integer()) or (type(value) is str and value.isdecimal()):
        value = int(value)
    if type(value) is int and value in _INT64:
        return value
    raise ValueError("not a whole number of 64 bits")


def _json(value: Any) -> str | None:
    return None if value is None or value == "" else lenient_json.dumps(value)


def _errors(value: Any) -> str | None:
    return None if is_empty(value) else _json(value)


def is_empty(value: Any) -> bool:
    """Whether a value is an empty object or list.

    Some servers send it for a field that is not set, whatever the field's type. Only `metadata`
    keeps it: a batch may have been given an empty set of pairs.
    """
    return type(value) in (dict, list) and not value


def _texts(values: list[Any]) -> list[str | None]:
    if _types(values) <= {str, NoneType}:
        return [value or None for value in values]
    raise ValueError("not texts only")


def _bigints(values: list[Any]) -> list[int | None]:
    if _types(values) <= {int, NoneType}:
        numbers = [value for value in values if value is not None]
        if min(numbers) in _INT64 and max(numbers) in _INT64:
            return values
    return [_bigint(value) for value in values]


def _timestamp(value: Any) -> int | None:
    return None if is_empty(value) else to_microseconds(value)


def _types(values: list[Any]) -> set[type]:
    return set(map(type, values))


class Kind(NamedTuple):
    """A kind of column: how Arrow stores it and how a provider's values are read.

    `read` returns None for a value that is unset and raises `ValueError` for one it cannot read.
    """

    arrow: pa.DataType
    read: Callable[[Any], Any]
    read_all: Callable[[list[Any]], list[Any]] | None = None
    """Reads a whole column, of which not all is None, if that is faster than value by value."""


TEXT = Kind(pa.string(), _text, _texts)
IDENTIFIER = Kind(pa.string(), _identifier)
STATUS = Kind(pa.string(), _status, _texts)
BIGINT = Kind(pa.int64(), _bigint, _bigints)
BOOL = Kind(pa.bool_(), bool)
TIMESTAMP = Kind(pa.timestamp("us", tz="UTC"), _timestamp, all_to_microseconds)
JSON = Kind(pa.string(), _json)
ERRORS = Kind(pa.string(), _errors)

COLUMNS: dict[str, tuple[Kind, str]] = {
    "provider": (TEXT, "Vendor API that lists the batch, as its resource is named"),
    "account": (TEXT, "Name of the API key whose list shows the batch; `default` for a single key"),
    "id": (IDENTIFIER, "The provider's identifier of the batch"),
    "status": (
        TEXT,
        "validating, in_progress, finalizing, completed, failed, expired, cancelling, cancelled, or"
        " the provider's own word in lower case; null if it reports none",
    ),
    "status_raw": (STATUS, "The status as the provider wrote it"),
    "is_open": (
        BOOL,
        "Whether the batch may still change; null if neither a status nor an end is set",
    ),
    "description": (TEXT, "Description that was given to the batch"),
    "endpoint": (TEXT, "API endpoint that the batch calls"),
    "model": (TEXT, "Model that the batch runs on"),
    "completion_window": (TEXT, "Time frame within which the batch is to be processed"),
    "input_file_id": (TEXT, "File that holds the requests"),
    "output_file_id": (TEXT, "File that holds the results; expired and cancelled ones may have it"),
    "error_file_id": (TEXT, "File that holds the errors of single requests"),
    "requests_total": (BIGINT, "Requests in the batch"),
    "requests_completed": (BIGINT, "Requests that succeeded"),
    "requests_failed": (BIGINT, "Requests that failed"),
    "input_tokens": (BIGINT, "Input tokens, cached ones included; null while not metered"),
    "cached_input_tokens": (BIGINT, "Input tokens read from a cache"),
    "output_tokens": (BIGINT, "Output tokens, reasoning included; null while not metered"),
    "reasoning_tokens": (BIGINT, "Output tokens spent on reasoning"),
    "total_tokens": (BIGINT, "Input and output tokens; null while not metered"),
    "created_at": (TIMESTAMP, "When the batch was created (UTC)"),
    "in_progress_at": (TIMESTAMP, "When processing started (UTC)"),
    "finalizing_at": (TIMESTAMP, "When the results began to be prepared (UTC)"),
    "completed_at": (TIMESTAMP, "When the batch completed (UTC)"),
    "failed_at": (TIMESTAMP, "When the batch failed (UTC)"),
    "expired_at": (TIMESTAMP, "When the batch expired (UTC)"),
    "cancelling_at": (TIMESTAMP, "When cancelling began (UTC)"),
    "cancelled_at": (TIMESTAMP, "When the batch was cancelled (UTC)"),
    "expires_at": (TIMESTAMP, "When the batch will expire (UTC)"),
    "updated_at": (TIMESTAMP, "When the provider last changed the batch, if it reports that (UTC)"),
    "ended_at": (TIMESTAMP, "When the batch became terminal; null while it is open (UTC)"),
    "errors": (ERRORS, "Errors of the batch as a whole"),
    "metadata": (JSON, "Key-value pairs that its creator attached"),
    "extra": (
        JSON,
        "Every field without a column, and what could not be read as its column's type",
    ),
    "_dlt_load_id": (TEXT, "Load in which the row last changed; `_dlt_loads` has its time"),
}
"""Kind and description of every column, in order."""

SCHEMA = pa.schema(
    pa.field(name, kind.arrow, nullable=name not in (*PRIMARY_KEY, "_dlt_load_id"))
    for name, (kind, _) in COLUMNS.items()
)

JSON_COLUMNS = tuple(name for name, (kind, _) in COLUMNS.items() if kind in (JSON, ERRORS))
"""Columns of JSON, which Arrow carries as text."""

# Arrow carries every type but JSON; hints that say the same again would make dlt warn
COLUMN_HINTS: TTableSchemaColumns = {
    name: {"description": description, **({"data_type": "json"} if name in JSON_COLUMNS else {})}
    for name, (_, description) in COLUMNS.items()
}
