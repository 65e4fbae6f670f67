"""From a provider's rows to records of the table, and from records to Arrow.

Rows are read a page at a time, column by column, while they are in the processor's cache.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from operator import itemgetter
from types import NoneType
from typing import Any, NamedTuple

import pyarrow as pa

from ..http import lenient_json
from ..providers import Provider
from ..scan.pages import Row
from .columns import COLUMNS, SCHEMA, STATUSES, TERMINAL_STATUSES, is_empty
from .statuses import ENDED, known_word, spelling

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
    """True also for a row without a status or an end, unless its provider never reports one."""
    ended_at: list[int | None]
    """Where a terminal batch does not say it, the latest time that it tells."""


class RowReader:
    """Reads the rows of one provider and account, and makes Arrow tables of `SCHEMA` of them.

    Args:
        provider (Provider): Whose rows they are, and which fields fill the columns. The vendor's
            status belongs to `status_raw`. `ended_at` follows from the status where no field gives
            it, and is null for an open row wherever it comes from.
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
        self.uncomputable: Counter[str] = Counter()
        """How many values of each computed column could not be made of their rows so far."""
        self.unknown_statuses: dict[str, set[str]] = {}
        """Status words that nobody knows, as they were sent, to the ids of the rows with them."""
        self._provider = provider.name
        self._account = account
        self._paths = provider.fields
        self._derived = provider.computed
        self._statuses = {spelling(word): known for word, known in provider.statuses.items()}
        self._alternatives = provider.used_alternatives
        self._exclude = [path.split(".") for path in exclude]
        self._told = self._paths.keys() | self._derived.keys()
        self._reports_status = bool(self._told & {"status", "status_raw"})
        paths = [path.split(".") for path in self._paths.values()]
        others = [path.split(".") for each in self._alternatives for path in each.values()]
        self._met: set[str] = set()
        """Fields of alternatives that the rows of a page were found to have, a dot behind each."""
        self._fields = _Fields(paths, others, self.unreadable, self._met)
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
        if self._met:
            self._fill_from_alternatives(columns, extras)
        for name, derive in self._derived.items():
            # what is left out of the table still tells whether a batch is open
            told_by = whole_rows if name == "status" else rows
            columns[name] = [self._derive(name, derive, row) for row in told_by]
        told = columns["status" if "status" in self._derived else "status_raw"]
        columns["status"] = words = [self._word(raw) for raw in told]
        columns["is_open"] = are_open = [
            None if word is None else word not in TERMINAL_STATUSES for word in words
        ]
        ends = self._ends_of_unknown(columns, told) if not STATUSES.issuperset(words) else {}
        if "ended_at" in self._told:
            self._drop_ends_of_open(columns, values, extras)
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
        for n, end in ends.items():
            columns["ended_at"][n] = end
        _forget_unmetered_tokens(columns)
        columns["extra"] = [self._extra(extra) if extra else None for extra in extras]
        return Reading(
            records=list(zip(*(columns[name] for name in _OF_THE_ROW), strict=True)),
            ids=columns["id"],
            created_at=columns["created_at"],
            are_open=[self._reports_status if is_open is None else is_open for is_open in are_open],
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
            self.uncomputable[column] += 1
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
            text = str(raw)
            known = self._statuses.get(spelling(text)) or known_word(text)
            self._words[raw] = known or text.strip().lower() or None
        return self._words[raw]

    def _ends_of_unknown(
        self, columns: Mapping[str, list[Any]], told: Sequence[str | None]
    ) -> dict[int, int]:
        """When rows ended whose word does not say how or whether; sets their status and `is_open`.

        A word that says no more than that a batch is over becomes the outcome that the row has a
        time for. With a word that nobody knows, or none, a row is closed since its first end. An
        end that is still to come, such as a deadline, does not count.
        """
        ends: dict[int, int] = {}
        if not self._reports_status:
            return ends
        now = time.time_ns() // 1_000
        words, are_open = columns["status"], columns["is_open"]
        for n, word in enumerate(words):
            if word in STATUSES:
                continue
            times = {name: columns[f"{name}_at"][n] for name in TERMINAL_STATUSES}
            past = {name: at for name, at in times.items() if at is not None and at <= now}
            if word == ENDED:
                is_completed = not past or "completed" in past
                words[n] = "completed" if is_completed else min(past, key=past.__getitem__)
                are_open[n] = False
                continue
            if word is not None:
                self.unknown_statuses.setdefault(str(told[n]), set()).add(columns["id"][n])
            own = columns["ended_at"][n] if "ended_at" in self._told else None
            end = min(past.values(), default=None) if own is None else own
            if end is not None and end <= now:
                are_open[n], ends[n] = False, end
        return ends

    def _drop_ends_of_open(
        self,
        columns: Mapping[str, list[Any]],
        values_by_path: Mapping[str, list[Any]],
        extras: list[Row],
    ) -> None:
        """Takes `ended_at` from rows that are not closed; the extras get what was sent."""
        path, ends = self._paths.get("ended_at"), columns["ended_at"]
        for n, is_open in enumerate(columns["is_open"]):
            if is_open is not False and ends[n] is not None:
                ends[n] = None
                if path is not None:
                    _put(extras[n], path, values_by_path[path][n])

    def _fill_from_alternatives(self, columns: dict[str, list[Any]], extras: list[Row]) -> None:
        """Fills columns from fields of other names, and takes these out of the extras."""
        met = tuple(self._met)
        self._met.clear()
        zeros: dict[tuple[str, int], str] = {}
        for fields in self._alternatives:
            # a path that was met, or one below it
            if not any(f"{path}.".startswith(met) for path in fields.values()):
                continue
            paths = [(column, path.split(".")) for column, path in fields.items()]
            for n, extra in enumerate(extras):
                found = {
                    column: value
                    for column, path in paths
                    if (value := _readable(column, _get(extra, path))) is not None
                }
                if not found:
                    continue
                is_better = any(found.values()) and not any(columns[each][n] for each in fields)
                for column, value in found.items():
                    before = columns[column][n]
                    if before is not None and before != value:
                        if not is_better:
                            continue
                        # the zero that makes way, under the name that it had
                        _put(extra, zeros.get((column, n), self._paths[column]), before)
                    if value == 0 and before is None:
                        zeros[column, n] = fields[column]
                    columns[column][n] = value
                    _remove(extra, fields[column])


def _readable(column: str, value: Any) -> Any:
    if value is None:
        return None
    try:
        return COLUMNS[column][0].read(value)
    except ValueError:
        return None


def _last_changes(columns: Mapping[str, list[Any]]) -> list[int | None]:
    """When batches ended; where a terminal one does not say it, the latest time that it tells."""
    ends = columns["ended_at"].copy()
    for index, word in enumerate(columns["status"]):
        if ends[index] is None and columns["is_open"][index] is False:
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
        self,
        paths: Sequence[Sequence[str]],
        others: Sequence[Sequence[str]],
        unreadable: Counter[str],
        met: set[str],
        parent: str = "",
    ) -> None:
        self._keys = frozenset(path[0] for path in paths)
        self._others = frozenset(path[0] for path in others if path)
        self._values = frozenset(path[0] for path in others if len(path) == 1)
        self._unreadable = unreadable
        self._parent = parent
        self._met = met
        self._below = {
            key: _Fields(
                [path[1:] for path in paths if path[0] == key and len(path) > 1],
                [path[1:] for path in others if path[0] == key],
                unreadable,
                met,
                f"{parent}{key}.",
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
        unknown = keys - self._keys
        if unknown:
            self._met.update(f"{self._parent}{key}." for key in unknown & self._others)
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
                elif value is not None and value != "" and not is_empty(value):
                    left[key] = value
                    if key in self._values:
                        self._met.add(f"{self._parent}{key}.")
                    else:
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


def _get(extra: Row, path: Sequence[str]) -> Any:
    """The value at a path; None if there is none."""
    value: Any = extra
    for key in path:
        if type(value) is not dict or key not in value:
            return None
        value = value[key]
    return value


def _remove(extra: Row, path: str) -> None:
    """Takes the value at a path away, and the objects that it leaves empty."""
    key, _, below = path.partition(".")
    if below:
        extra[key] = inner = dict(extra[key])
        _remove(inner, below)
        if inner:
            return
    del extra[key]
