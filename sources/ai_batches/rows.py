"""From a provider's rows to records of the table, and from records to Arrow.

Rows are read a page at a time, column by column, while they are in the processor's cache.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from operator import itemgetter
from types import NoneType
from typing import Any, NamedTuple

import pyarrow as pa

from . import lenient_json
from .providers import Provider
from .table import COLUMNS, SCHEMA, TERMINAL_STATUSES
from .walk import Row

_LIFE = ("created_at", "in_progress_at", "finalizing_at", "cancelling_at", "updated_at")
_TOKENS = [name for name in COLUMNS if name.endswith("_tokens")]
_DERIVED = {"status", "is_open", "ended_at", "extra"}
_OF_THE_LOAD = ("provider", "account", "_dlt_load_id")
_OF_THE_ROW = [name for name in COLUMNS if name not in _OF_THE_LOAD]

Record = tuple[Any, ...]
"""Values of a row's columns but for provider, account and load, in order. Times are microseconds.

Unlike the dicts that they are made of, they are small, and nothing to the garbage collector.
"""


class Reading(NamedTuple):
    """Rows as the table has them, and what they say of their places in the list and their states.

    One value for each row, in their order.
    """

    records: list[Record]
    ids: list[str]
    created_at: list[int | None]
    are_open: list[bool]
    """True also where a provider that reports statuses reports none; False where it never does."""
    ended_at: list[int | None]
    """Where a terminal batch does not say it, the latest time that it tells."""


class RowReader:
    """Reads the rows of one provider and account, and makes Arrow tables of `SCHEMA` of them.

    Args:
        provider (Provider): Whose rows they are, and which fields fill the columns. The vendor's
            status belongs to `status_raw`. `ended_at` follows from the status where no field gives
            it.
        account (str): What goes into the column `account`.
        exclude (Sequence[str]): Fields that are left out altogether, nested ones with dots.
    """

    def __init__(
        self,
        provider: Provider,
        account: str,
        exclude: Sequence[str] = (),
    ) -> None:
        self.unreadable: Counter[str] = Counter()
        """How many values of each field could not be read so far; `extra` holds them."""
        self.underivable: Counter[str] = Counter()
        """How many values of each derived column could not be made of their rows so far."""
        self._provider = provider.name
        self._account = account
        self._paths = provider.fields
        self._derived = provider.derived
        self._statuses = provider.statuses
        self._exclude = [path.split(".") for path in exclude]
        self._told = self._paths.keys() | self._derived.keys()
        self._reports_status = bool(self._told & {"status", "status_raw"})
        paths = [path.split(".") for path in self._paths.values()]
        self._fields = _Fields(paths, self.unreadable)
        self._words: dict[str | None, str | None] = {None: None}
        """Status words that were seen, to those of the column `status`."""

    def read(self, rows: Sequence[Row]) -> Reading:
        """Reads the rows of a page, which each have an id.

        Args:
            rows (Sequence[Row]): Rows as the provider sent them; they are not changed.

        Returns:
            Reading: What became of them.
        """
        whole_rows = rows
        for path in self._exclude:
            rows = [_without(row, path) for row in rows]
        values, extras = self._fields.take_from(rows)
        columns: dict[str, list[Any]] = {
            name: self._read_all(name, values, extras)
            for name in _OF_THE_ROW
            if name not in _DERIVED or name in self._paths
        }
        for name, derive in self._derived.items():
            # what is left out of the table still tells whether a batch is open
            told_by = whole_rows if name == "status" else rows
            columns[name] = [self._derive(name, derive, row) for row in told_by]
        if "status" not in self._derived:
            columns["status"] = [self._word(raw) for raw in columns["status_raw"]]
        words = columns["status"]
        columns["is_open"] = [
            None if word is None else word not in TERMINAL_STATUSES for word in words
        ]
        if "ended_at" in self._told:
            for outcome in TERMINAL_STATUSES:
                if f"{outcome}_at" not in self._told:
                    columns[f"{outcome}_at"] = [
                        end if word == outcome else None
                        for end, word in zip(columns["ended_at"], words, strict=True)
                    ]
        else:
            columns["ended_at"] = [
                columns[f"{word}_at"][n] if word in TERMINAL_STATUSES else None
                for n, word in enumerate(words)
            ]
        _forget_unmetered_tokens(columns)
        columns["extra"] = [self._extra(extra) if extra else None for extra in extras]
        return Reading(
            records=list(zip(*(columns[name] for name in _OF_THE_ROW), strict=True)),
            ids=columns["id"],
            created_at=columns["created_at"],
            are_open=[self._reports_status and word not in TERMINAL_STATUSES for word in words],
            ended_at=_last_changes(columns),
        )

    def to_arrow(self, records: Sequence[Record], load_id: str) -> pa.Table:
        """Builds a table.

        Args:
            records (Sequence[Record]): What was read, one record at least.
            load_id (str): The load package that the rows go into.

        Returns:
            pa.Table: One row a batch, in the same order.
        """
        columns: dict[str, Sequence[Any]] = dict(
            zip(_OF_THE_ROW, zip(*records, strict=True), strict=True)
        )
        of_the_load = (self._provider, self._account, load_id)
        for name, value in zip(_OF_THE_LOAD, of_the_load, strict=True):
            columns[name] = [value] * len(records)
        return pa.table(columns, schema=SCHEMA)

    def _read_all(
        self, column: str, values_by_path: Mapping[str, list[Any]], extras: list[Row]
    ) -> list[Any]:
        """The values of a column; what cannot be read is None, and put into the extras."""
        path = self._paths.get(column)
        if path is None:
            return [None] * len(extras)
        kind, values = COLUMNS[column][0], values_by_path[path]
        if set(map(type, values)) == {NoneType}:
            return values
        try:
            return kind.read_all(values) if kind.read_all else [kind.read(v) for v in values]
        except ValueError:
            pass
        readable = []
        for value, extra in zip(values, extras, strict=True):
            try:
                readable.append(kind.read(value))
            except ValueError:
                readable.append(None)
                self.unreadable[path] += 1
                _put(extra, path, value)
        return readable

    def _derive(self, column: str, derive: Callable[[Row], Any], row: Row) -> Any:
        try:
            return COLUMNS[column][0].read(derive(row))
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            self.underivable[column] += 1
            return None

    def _extra(self, extra: Row) -> str:
        try:
            return lenient_json.dumps(extra)
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


def _last_changes(columns: Mapping[str, list[Any]]) -> list[int | None]:
    """When batches ended; where a terminal one does not say it, the latest time that it tells."""
    ends = columns["ended_at"].copy()
    for index, word in enumerate(columns["status"]):
        if ends[index] is None and word in TERMINAL_STATUSES:
            told = (*_LIFE, "expires_at") if word == "expired" else _LIFE
            times = [columns[name][index] for name in told]
            ends[index] = max((time for time in times if time is not None), default=None)
    return ends


def _forget_unmetered_tokens(columns: dict[str, list[Any]]) -> None:
    # an open batch with a usage of zeros was seen to fill it later: not metered is not none
    for index, is_open in enumerate(columns["is_open"]):
        if is_open and not any(columns[name][index] for name in _TOKENS):
            for name in _TOKENS:
                columns[name][index] = None


class _Fields:
    """The fields of a row that have a column, as a tree; counts what stands in its way."""

    def __init__(
        self, paths: Sequence[Sequence[str]], unreadable: Counter[str], parent: str = ""
    ) -> None:
        self._keys = frozenset(path[0] for path in paths)
        self._unreadable = unreadable
        self._parent = parent
        self._below = {
            key: _Fields(
                [path[1:] for path in paths if path[0] == key], unreadable, f"{parent}{key}."
            )
            for key in sorted({path[0] for path in paths if len(path) > 1})
        }

    def take_from(self, rows: Sequence[Row]) -> tuple[dict[str, list[Any]], list[Row]]:
        """Takes rows apart.

        Returns:
            tuple[dict[str, list[Any]], list[Row]]: The values of each field, by its path, with None
                where a row has none; and what is left of each row, with what stands where an object
                belongs.
        """
        keys = set().union(*rows)
        values = _columns(self._keys & keys, rows)
        values |= {key: [None] * len(rows) for key in self._keys - keys}
        if unknown := keys - self._keys:
            lefts = [{key: row[key] for key in unknown if key in row} for row in rows]
        else:
            lefts = [{} for _ in rows]
        for key, fields in self._below.items():
            objects = values.pop(key)
            inner_values, inner_lefts = fields.take_from(
                [value if type(value) is dict else {} for value in objects]
            )
            values |= {f"{key}.{path}": inner for path, inner in inner_values.items()}
            if not any(inner_lefts) and set(map(type, objects)) <= {dict, NoneType}:
                continue
            for left, inner_left, value in zip(lefts, inner_lefts, objects, strict=True):
                if type(value) is dict:
                    if inner_left:
                        left[key] = inner_left
                elif value is not None and value != "":
                    left[key] = value
                    self._unreadable[self._parent + key] += 1
        return values, lefts


def _columns(keys: Collection[str], rows: Sequence[Row]) -> dict[str, list[Any]]:
    """The values of fields, by row; None where a row has no such field."""
    try:
        if len(keys) > 1:
            # faster, where each row has each field
            columns = zip(*map(itemgetter(*keys), rows), strict=True)
            return dict(zip(keys, map(list, columns), strict=True))
    except KeyError:
        pass
    return {key: [row.get(key) for row in rows] for key in keys}


def _without(row: Row, path: Sequence[str]) -> Row:
    """A row without one of its fields."""
    key, *below = path
    if key not in row or (below and not isinstance(row[key], dict)):
        return row
    left = {name: value for name, value in row.items() if name != key}
    return {**left, key: _without(row[key], below)} if below else left


def _put(extra: Row, path: str, value: Any) -> None:
    """Sets a value at a path."""
    *parents, key = path.split(".")
    for parent in parents:
        extra = extra.setdefault(parent, {})
    extra[key] = value
