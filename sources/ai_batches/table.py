"""The table `batches`: its columns, and the way from a provider's rows to Arrow.

The columns are fixed. What a provider sends beyond them, and whatever cannot be read as its
column's type, is kept in `extra`, so that no provider can change the table and nothing is lost.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import NoneType
from typing import Any, NamedTuple

import pyarrow as pa
from dlt.common.schema.typing import TTableSchemaColumns

from . import lenient_json
from .timestamps import to_microseconds
from .walk import Row

TABLE_NAME = "batches"
PRIMARY_KEY = ("provider", "account", "id")

TERMINAL_STATUSES = frozenset({"completed", "failed", "expired", "cancelled"})
"""The words of `status` after which a batch does not change any more; any other word is open."""

_INT64 = range(-(2**63), 2**63)


def _text(value: Any) -> str | None:
    if value is None or type(value) is str:
        return value or None
    raise ValueError("not a text")


def _identifier(value: Any) -> str:
    return str(value)


def _status(value: Any) -> str | None:
    # a status of another type is still a status, and an unknown one: open
    return _text(value) if value is None or type(value) is str else lenient_json.dumps(value)


def _bigint(value: Any) -> int | None:
    if value is None or value == "":
        return None
    if (type(value) is float and value.is_integer()) or (type(value) is str and value.isdecimal()):
        value = int(value)
    if type(value) is int and value in _INT64:
        return value
    raise ValueError("not a whole number of 64 bits")


def _json(value: Any) -> str | None:
    return None if value is None or value == "" else lenient_json.dumps(value)


def _texts(values: list[Any]) -> list[str | None]:
    if _types(values) <= {str, NoneType}:
        return [value or None for value in values] if "" in values else values
    return [_text(value) for value in values]


def _bigints(values: list[Any]) -> list[int | None]:
    if _types(values) <= {int, NoneType} and all(v is None or v in _INT64 for v in values):
        return values
    return [_bigint(value) for value in values]


def _types(values: list[Any]) -> set[type]:
    return set(map(type, values))


class Kind(NamedTuple):
    """A kind of column: how Arrow stores it and how a provider's values are read.

    `read` returns None for a value that is unset and raises `ValueError` for one it cannot read.
    """

    arrow: pa.DataType
    read: Callable[[Any], Any]
    read_all: Callable[[list[Any]], list[Any]] | None = None
    """The same for a whole column, where that is faster than one value after the other."""


TEXT = Kind(pa.string(), _text, _texts)
IDENTIFIER = Kind(pa.string(), _identifier)
STATUS = Kind(pa.string(), _status)
BIGINT = Kind(pa.int64(), _bigint, _bigints)
BOOL = Kind(pa.bool_(), bool)
TIMESTAMP = Kind(pa.timestamp("us", tz="UTC"), to_microseconds)
JSON = Kind(pa.string(), _json)

COLUMNS: dict[str, tuple[Kind, str]] = {
    "provider": (TEXT, "Vendor API that lists the batch, as its resource is named"),
    "account": (TEXT, "Name of the API key whose list shows the batch; `default` for a single key"),
    "id": (IDENTIFIER, "The provider's identifier of the batch"),
    "status": (
        TEXT,
        "validating, in_progress, finalizing, completed, failed, expired, cancelling, cancelled, or"
        " the provider's own word in lower case; null where it reports none",
    ),
    "status_raw": (STATUS, "The status as the provider wrote it"),
    "is_open": (BOOL, "Whether the status may still change; null where the provider reports none"),
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
    "updated_at": (TIMESTAMP, "When the provider last changed the batch, where it tells (UTC)"),
    "ended_at": (TIMESTAMP, "When the batch became terminal (UTC)"),
    "errors": (JSON, "Errors of the batch as a whole"),
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

JSON_COLUMNS = tuple(name for name, (kind, _) in COLUMNS.items() if kind is JSON)
"""Columns of JSON, which Arrow carries as text."""

# Arrow carries every type but JSON; hints that say the same again would make dlt warn
COLUMN_HINTS: TTableSchemaColumns = {
    name: {"description": description, **({"data_type": "json"} if kind is JSON else {})}
    for name, (kind, description) in COLUMNS.items()
}

_LIFE = ("created_at", "in_progress_at", "finalizing_at", "cancelling_at", "updated_at")
_TOKENS = [name for name in COLUMNS if name.endswith("_tokens")]
_DERIVED = {"provider", "account", "status", "is_open", "ended_at", "extra", "_dlt_load_id"}


class Outline(NamedTuple):
    """What a row says of its place in the list and of its state. Times are microseconds."""

    id: str
    created_at: int | None
    is_open: bool | None
    """True also where a provider that reports statuses reports none; None where it never does."""
    ended_at: int | None
    """Where a terminal batch does not say it, the latest time that it tells."""


class RowReader:
    """Turns rows of one provider and account into Arrow tables of `SCHEMA`.

    Args:
        provider (str): What goes into the column `provider`.
        account (str): What goes into the column `account`.
        fields (Mapping[str, str]): Column names to the fields that fill them, nested ones with
            dots: `{"requests_total": "request_counts.total"}`. The provider's status belongs to
            `status_raw`. `ended_at` is derived from the status where no field gives it.
        statuses (Mapping[str, str]): The provider's status words, in lower case, to those of the
            column `status`, where they differ.
        exclude (Sequence[str]): Top-level fields that are left out altogether.
    """

    def __init__(
        self,
        provider: str,
        account: str,
        fields: Mapping[str, str],
        statuses: Mapping[str, str],
        exclude: Sequence[str] = (),
    ) -> None:
        self.unreadable: Counter[str] = Counter()
        """How many values of each field could not be read so far; `extra` holds them."""
        self._provider = provider
        self._account = account
        self._fields = {column: field.split(".") for column, field in fields.items()}
        self._statuses = statuses
        self._exclude = frozenset(exclude)
        self._leaves = _Leaves(list(self._fields.values()))
        self._words: dict[str | None, str | None] = {None: None}
        """Status words that were seen, to those of the column `status`."""

    def to_arrow(self, rows: Sequence[Row], load_id: str) -> pa.Table:
        """Builds a table from rows that each have an id.

        Args:
            rows (Sequence[Row]): Rows as the provider sent them; they are not changed.
            load_id (str): The load package that the rows go into.

        Returns:
            pa.Table: One row a batch, in the same order.
        """
        if self._exclude:
            rows = [{k: v for k, v in row.items() if k not in self._exclude} for row in rows]
        extras = [self._leaves.left_of(row) for row in rows]
        columns: dict[str, list[Any]] = {
            name: self._read(name, rows, extras)
            for name in COLUMNS
            if name not in _DERIVED or name in self._fields
        }
        columns["provider"] = [self._provider] * len(rows)
        columns["account"] = [self._account] * len(rows)
        columns["status"] = [self._word(raw) for raw in columns["status_raw"]]
        columns["is_open"] = [
            None if word is None else word not in TERMINAL_STATUSES for word in columns["status"]
        ]
        columns["ended_at"] = self._ends(columns["status"], columns.__getitem__)
        _forget_unmetered_tokens(columns)
        columns["extra"] = [self._extra(extra) for extra in extras]
        columns["_dlt_load_id"] = [load_id] * len(rows)
        return pa.table(columns, schema=SCHEMA)

    def outlines(self, rows: Sequence[Row]) -> list[Outline]:
        """What rows say of their place in the list and of their state; builds no columns."""
        if not rows:
            return []
        words = [self._word(raw) for raw in self._read("status_raw", rows)]
        ends = self._ends(words, lambda column: self._read(column, rows))
        reports_status = "status_raw" in self._fields
        return [
            Outline(
                id=row_id,
                created_at=created,
                is_open=word not in TERMINAL_STATUSES if reports_status else None,
                ended_at=self._latest(row, word) if end is None else end,
            )
            for row, row_id, created, word, end in zip(
                rows,
                self._read("id", rows),
                self._read("created_at", rows),
                words,
                ends,
                strict=True,
            )
        ]

    def _ends(
        self, words: Sequence[str | None], column: Callable[[str], list[Any]]
    ) -> list[int | None]:
        """When batches of these statuses became terminal, where their columns say it."""
        if "ended_at" in self._fields:
            return column("ended_at")
        ends = {word: column(f"{word}_at") for word in TERMINAL_STATUSES & set(words)}
        return [ends[word][n] if word in ends else None for n, word in enumerate(words)]

    def _latest(self, row: Row, word: str | None) -> int | None:
        """The latest time that a terminal batch tells, where it does not say when it ended."""
        if word not in TERMINAL_STATUSES:
            return None
        columns = (*_LIFE, "expires_at") if word == "expired" else _LIFE
        times = [self._read(column, [row])[0] for column in columns]
        return max((time for time in times if time is not None), default=None)

    def _read(self, column: str, rows: Sequence[Row], extras: list[Row] | None = None) -> list[Any]:
        """The values of a column; what cannot be read is None, and put into the extras."""
        path = self._fields.get(column)
        if path is None:
            return [None] * len(rows)
        kind = COLUMNS[column][0]
        try:
            values = _at(path, rows)
            return kind.read_all(values) if kind.read_all else [kind.read(v) for v in values]
        except ValueError:
            pass
        values = []
        for index, row in enumerate(rows):
            try:
                values.append(kind.read(_at(path, [row])[0]))
            except ValueError:
                values.append(None)
                if extras is not None:
                    self.unreadable[".".join(path)] += 1
                    _put(extras[index], path, row)
        return values

    def _extra(self, extra: Row) -> str | None:
        try:
            return lenient_json.dumps(extra) if extra else None
        except lenient_json.NestedTooDeeplyError:
            return lenient_json.dumps({key: self._storable(key, extra[key]) for key in extra})

    def _storable(self, field: str, value: Any) -> Any:
        try:
            lenient_json.dumps(value)
        except lenient_json.NestedTooDeeplyError as ex:
            self.unreadable[field] += 1
            return str(ex)
        return value

    def _word(self, raw: str | None) -> str | None:
        if raw not in self._words:
            word = str(raw).strip().lower()
            self._words[raw] = self._statuses.get(word, word) or None
        return self._words[raw]


def _forget_unmetered_tokens(columns: dict[str, list[Any]]) -> None:
    # an open batch with a usage of zeros was seen to fill it later: not metered is not none
    for index, is_open in enumerate(columns["is_open"]):
        if is_open and not any(columns[name][index] for name in _TOKENS):
            for name in _TOKENS:
                columns[name][index] = None


def _at(path: Sequence[str], rows: Sequence[Any]) -> list[Any]:
    """The values at a path of each row; None where it, or a part of the way to it, is unset.

    Raises:
        ValueError: If something stands in the way.
    """
    values: list[Any] = [row.get(path[0]) for row in rows]
    for key in path[1:]:
        try:
            values = [None if v is None or v == "" else v.get(key) for v in values]
        except AttributeError:
            raise ValueError("something else stands where an object belongs") from None
    return values


class _Leaves:
    """The fields of a row that have a column, as a tree."""

    def __init__(self, paths: Sequence[Sequence[str]]) -> None:
        self._keys = frozenset(path[0] for path in paths)
        self._below = [
            (key, _Leaves([path[1:] for path in paths if path[0] == key and len(path) > 1]))
            for key in sorted({path[0] for path in paths if len(path) > 1})
        ]

    def left_of(self, row: Row) -> Row:
        """What is left of a row without these fields."""
        keys = self._keys
        left = {} if row.keys() <= keys else {k: row[k] for k in row if k not in keys}
        for key, below in self._below:
            value = row.get(key)
            if type(value) is dict and (inner := below.left_of(value)):
                left[key] = inner
        return left


def _put(extra: Row, path: Sequence[str], row: Row) -> None:
    """Copies the value at a path, or the value that blocks the way to it, from a row."""
    value: Any = row
    for key in path[:-1]:
        if not isinstance(value[key], dict):
            extra[key] = value[key]
            return
        value, extra = value[key], extra.setdefault(key, {})
    extra[path[-1]] = value[path[-1]]
