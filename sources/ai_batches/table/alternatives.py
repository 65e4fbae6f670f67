"""Columns that gateways fill from fields of other names."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..scan.pages import Row
from .columns import COLUMNS
from .fields import get, put, remove


class Alternatives:
    """Fields of other names that may fill columns, in sets that count as a whole.

    Args:
        sets (Sequence[Mapping[str, str]]): Sets of columns, each with its other field; see
            `Provider.alternatives`.
        paths (Mapping[str, str]): Columns to the fields that fill them otherwise.
    """

    def __init__(self, sets: Sequence[Mapping[str, str]], paths: Mapping[str, str]) -> None:
        self._sets = sets
        self._paths = paths
        self._met: set[str] = set()
        """Fields that the rows of a page were found to have, a dot behind each."""

    @property
    def met(self) -> set[str]:
        """Fields that rows were found to have: a `FieldTree` adds to it, `fill` empties it."""
        return self._met

    @property
    def paths(self) -> list[list[str]]:
        """All fields, by path."""
        return [path.split(".") for fields in self._sets for path in fields.values()]

    def fill(self, columns: Mapping[str, list[Any]], extras: Sequence[Row]) -> None:
        """Fills columns from the fields that were met, and takes these out of the extras.

        Args:
            columns (Mapping[str, list[Any]]): Values by column, in the order of the rows; they are
                changed.
            extras (Sequence[Row]): What is left of each row; it is changed.
        """
        if not self._met:
            return
        met = tuple(self._met)
        self._met.clear()
        zeros: dict[tuple[str, int], str] = {}
        for fields in self._sets:
            # a path that was met, or one below it
            if not any(f"{path}.".startswith(met) for path in fields.values()):
                continue
            paths = [(column, path.split(".")) for column, path in fields.items()]
            for n, extra in enumerate(extras):
                found = {
                    column: value
                    for column, path in paths
                    if (value := _readable(column, get(extra, path))) is not None
                }
                if found:
                    self._fill_row(n, fields, found, columns, extra, zeros)

    def _fill_row(
        self,
        n: int,
        fields: Mapping[str, str],
        found: Mapping[str, Any],
        columns: Mapping[str, list[Any]],
        extra: Row,
        zeros: dict[tuple[str, int], str],
    ) -> None:
        """Fills row `n` from one set; `zeros` has the field that each zero so far came from."""
        is_better = any(found.values()) and not any(columns[each][n] for each in fields)
        for column, value in found.items():
            before = columns[column][n]
            if before is not None and before != value:
                if not is_better:
                    continue
                # the zero that makes way, under the name that it had
                put(extra, zeros.get((column, n), self._paths[column]), before)
            if value == 0 and before is None:
                zeros[column, n] = fields[column]
            columns[column][n] = value
            remove(extra, fields[column])


def _readable(column: str, value: Any) -> Any:
    if value is None:
        return None
    try:
        return COLUMNS[column][0].read(value)
    except ValueError:
        return None
