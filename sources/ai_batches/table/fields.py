"""The fields of rows: taken apart by path, and put back if a value has no column."""

from collections import Counter
from collections.abc import Collection, Sequence
from operator import itemgetter
from types import NoneType
from typing import Any

from ..scan.pages import Row
from .columns import is_empty

_FEW = 20
"""Fields without a column that a page may have to be looked up in each of its rows."""


class FieldTree:
    """The fields of a row that have a column, as a tree.

    Args:
        paths (Sequence[Sequence[str]]): Fields with a column, by path.
        others (Sequence[Sequence[str]]): Fields of alternatives, by path.
        unreadable (Counter[str]): Values found where an object belongs are added, by field.
        met (set[str]): Fields of alternatives that rows have are added, a dot behind each.
        parent (str): Path of the object that holds the fields, with a dot at its end.
    """

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
            key: FieldTree(
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

        Args:
            rows (Sequence[Row]): The rows; they are not changed.

        Returns:
            tuple[dict[str, list[Any]], list[Row]]: The values of each field, by its path, with None
                for a row that has no such field; and what is left of each row, including values
                found where an object belongs.
        """
        keys = set().union(*rows)
        values = _columns(self._keys & keys, rows)
        values |= {key: [None] * len(rows) for key in self._keys - keys}
        unknown = keys - self._keys
        if unknown:
            self._met.update(f"{self._parent}{key}." for key in unknown & self._others)
            lefts = self._lefts(rows, unknown)
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

    def _lefts(self, rows: Sequence[Row], unknown: Collection[str]) -> list[Row]:
        """What of each row has no column."""
        if len(unknown) <= _FEW:
            # faster, if rows have the same fields
            return [{key: row[key] for key in unknown if key in row} for row in rows]
        known = self._keys
        return [{key: value for key, value in row.items() if key not in known} for row in rows]


def without(row: Row, path: Sequence[str]) -> Row:
    """A row without one of its fields."""
    key, *below = path
    if key not in row or (below and not isinstance(row[key], dict)):
        return row
    left = {name: value for name, value in row.items() if name != key}
    return {**left, key: without(row[key], below)} if below else left


def put(extra: Row, path: str, value: Any) -> None:
    """Sets a value at a path."""
    *parents, key = path.split(".")
    for parent in parents:
        extra = extra.setdefault(parent, {})
    extra[key] = value


def get(extra: Row, path: Sequence[str]) -> Any:
    """The value at a path; None if there is none."""
    value: Any = extra
    for key in path:
        if type(value) is not dict or key not in value:
            return None
        value = value[key]
    return value


def remove(extra: Row, path: str) -> None:
    """Takes the value at a path away, and the objects that it leaves empty."""
    key, _, below = path.partition(".")
    if below:
        extra[key] = inner = dict(extra[key])
        remove(inner, below)
        if inner:
            return
    del extra[key]


def _columns(keys: Collection[str], rows: Sequence[Row]) -> dict[str, list[Any]]:
    """The values of fields, by row; None for a row that has no such field."""
    try:
        if len(keys) > 1:
            # faster, if each row has each field
            columns = zip(*map(itemgetter(*keys), rows), strict=True)
            return dict(zip(keys, map(list, columns), strict=True))
    except KeyError:
        pass
    return {key: [row.get(key) for row in rows] for key in keys}
