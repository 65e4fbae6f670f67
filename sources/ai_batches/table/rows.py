"""From a provider's rows to records of the table, and from records to Arrow.

Rows are read a page at a time, column by column, while they are in the processor's cache.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import NoneType
from typing import Any, NamedTuple

import pyarrow as pa

from .. import lenient_json
from ..providers import Provider
from ..scan.pages import Row
from .alternatives import Alternatives
from .columns import COLUMNS, SCHEMA, STATUSES, TERMINAL_STATUSES
from .fields import FieldTree, put, without
from .outcomes import (
    Columns,
    derive_ends,
    derive_outcome_times,
    ends_of_unknown,
    forget_unmetered_tokens,
    last_changes,
)
from .statuses import ENDED, known_word, spelling

_DERIVED = {"status", "is_open", "ended_at", "extra"}
_NAMED_FIELDS = 20
"""Unreadable fields that are counted by name."""
_OTHER_FIELDS = "(others)"
_OF_THE_LOAD = ("provider", "account", "_dlt_load_id")
_OF_THE_ROW = [name for name in COLUMNS if name not in _OF_THE_LOAD]

Record = tuple[Any, ...]
"""Values of a row's columns except for provider, account and load, in order. Times are
microseconds.

Unlike the dicts that they are made of, they are small, and nothing to the garbage collector.
"""


class ReadRows(NamedTuple):
    """Rows as the table has them, and what they say of their places in the list and their states.

    One value per row, in their order.
    """

    records: list[Record]
    ids: list[str]
    created_at: list[int | None]
    are_open: list[bool]
    """True also for a row without a status or an end, unless its provider never reports one."""
    ended_at: list[int | None]
    """If a terminal batch does not report it, the latest time that it reports."""


class RowReader:
    """Reads the rows of one provider and account, and makes Arrow tables of `SCHEMA` of them.

    Args:
        provider (Provider): Whose rows they are, and which fields fill the columns. The vendor's
            status belongs to `status_raw`. `ended_at` follows from the status if no field gives
            it, and is null for an open row wherever it comes from.
        account (str): Value of the column `account`.
        exclude (Sequence[str]): Fields that are left out altogether, nested ones with dots.
    """

    def __init__(self, provider: Provider, account: str, exclude: Sequence[str] = ()) -> None:
        self.unreadable: Counter[str] = Counter()
        """How many values of each field could not be read so far; `extra` holds them."""
        self.uncomputable: Counter[str] = Counter()
        """How many values of each computed column could not be derived so far."""
        self.unknown_statuses: dict[str, set[str]] = {}
        """Unknown status words, as they were sent, to the ids of the rows with them."""
        self._provider = provider.name
        self._account = account
        self._paths = provider.fields
        self._computed = provider.computed
        self._statuses = {spelling(word): known for word, known in provider.statuses.items()}
        self._exclude = [path.split(".") for path in exclude]
        self._reported = self._paths.keys() | self._computed.keys()
        self._reports_status = bool(self._reported & {"status", "status_raw"})
        self._alternatives = Alternatives(provider.used_alternatives, self._paths)
        self._fields = FieldTree(
            [path.split(".") for path in self._paths.values()],
            self._alternatives.paths,
            self.unreadable,
            self._alternatives.met,
        )
        self._words: dict[str | None, str | None] = {None: None}
        """Status words that were seen, to those of the column `status`."""

    def read(self, rows: Sequence[Row]) -> ReadRows:
        """Reads the rows of a page, which each have an id.

        Args:
            rows (Sequence[Row]): Rows as the provider sent them; they are not changed.

        Returns:
            ReadRows: The rows as the table has them.
        """
        whole_rows = rows
        for path in self._exclude:
            rows = [without(row, path) for row in rows]
        values, extras = self._fields.take_from(rows)
        columns: Columns = {
            name: self._read_column(name, values, extras)
            for name in _OF_THE_ROW
            if name not in _DERIVED or name in self._paths
        }
        self._alternatives.fill(columns, extras)
        for name, compute in self._computed.items():
            # excluded fields are not loaded, and still decide whether a batch is open
            source = whole_rows if name == "status" else rows
            columns[name] = [self._compute(name, compute, row) for row in source]
        self._settle(columns, values, extras)
        columns["extra"] = [self._extra(extra) if extra else None for extra in extras]
        return ReadRows(
            records=list(zip(*(columns[name] for name in _OF_THE_ROW), strict=True)),
            ids=columns["id"],
            created_at=columns["created_at"],
            are_open=[
                self._reports_status if is_open is None else is_open
                for is_open in columns["is_open"]
            ],
            ended_at=last_changes(columns),
        )

    def to_arrow(self, records: Sequence[Record]) -> pa.Table:
        """Builds a table.

        Args:
            records (Sequence[Record]): What was read, one record at least.

        Returns:
            pa.Table: One row per batch, in the same order, of no load package.
        """
        columns: dict[str, Any] = dict(zip(_OF_THE_ROW, zip(*records, strict=True), strict=True))
        for name, value in zip(_OF_THE_LOAD, (self._provider, self._account, ""), strict=True):
            columns[name] = pa.repeat(value, len(records))
        return pa.table(columns, schema=SCHEMA)

    def _settle(
        self, columns: Columns, values: Mapping[str, list[Any]], extras: Sequence[Row]
    ) -> None:
        """Fills the columns that follow from the status and the times of a row."""
        raw_words = columns["status" if "status" in self._computed else "status_raw"]
        columns["status"] = words = [self._word(raw) for raw in raw_words]
        columns["is_open"] = [
            None if word is None else word not in TERMINAL_STATUSES for word in words
        ]
        ends: dict[int, int] = {}
        has_ended_at = "ended_at" in self._reported
        if self._reports_status and not STATUSES.issuperset(words):
            self._note_unknown(words, raw_words, columns["id"])
            ends = ends_of_unknown(columns, has_ended_at)
        if has_ended_at:
            self._drop_ends_of_open(columns, values, extras)
            derive_outcome_times(columns, self._reported)
        else:
            derive_ends(columns)
        for n, end in ends.items():
            columns["ended_at"][n] = end
        forget_unmetered_tokens(columns)

    def _note_unknown(
        self, words: Sequence[str | None], raw_words: Sequence[str | None], ids: Sequence[str]
    ) -> None:
        for word, raw, row_id in zip(words, raw_words, ids, strict=True):
            if word is not None and word != ENDED and word not in STATUSES:
                self.unknown_statuses.setdefault(str(raw), set()).add(row_id)

    def _read_column(
        self, column: str, values_by_path: Mapping[str, list[Any]], extras: list[Row]
    ) -> list[Any]:
        """The values of a column; one that cannot be read is None, and put into the extras."""
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
                put(extra, path, value)
        return readable

    def _compute(self, column: str, compute: Callable[[Row], Any], row: Row) -> Any:
        try:
            return COLUMNS[column][0].read(compute(row))
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
            is_named = field in self.unreadable or len(self.unreadable) < _NAMED_FIELDS
            self.unreadable[field if is_named else _OTHER_FIELDS] += 1
            return str(ex)
        return value

    def _word(self, raw: str | None) -> str | None:
        if raw not in self._words:
            text = str(raw)
            known = self._statuses.get(spelling(text)) or known_word(text)
            self._words[raw] = known or text.strip().lower() or None
        return self._words[raw]

    def _drop_ends_of_open(
        self,
        columns: Columns,
        values_by_path: Mapping[str, list[Any]],
        extras: Sequence[Row],
    ) -> None:
        """Takes `ended_at` from rows that are not closed; the extras keep it as it was sent."""
        path, ends = self._paths.get("ended_at"), columns["ended_at"]
        for n, is_open in enumerate(columns["is_open"]):
            if is_open is not False and ends[n] is not None:
                ends[n] = None
                if path is not None:
                    put(extras[n], path, values_by_path[path][n])


def with_load_id(rows: pa.Table, load_id: str) -> pa.Table:
    """Says of rows which load package they go into.

    Args:
        rows (pa.Table): Rows in the order of `SCHEMA`.
        load_id (str): Id of the load package.

    Returns:
        pa.Table: The same rows with the id.
    """
    place = rows.schema.get_field_index("_dlt_load_id")
    ids = pa.repeat(load_id, rows.num_rows)
    return rows.set_column(place, rows.schema.field(place), ids)
