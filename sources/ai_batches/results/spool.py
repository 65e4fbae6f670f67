"""Keeps rows until it is known whether they count: some in memory, many in a nameless file."""

from collections.abc import Iterator, Sequence
from tempfile import TemporaryFile
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc

from ..lenient_json import REPLACEMENT

ROWS = 5_000
"""Rows per Arrow table."""

_LENGTH = 300
"""Characters of most texts that are kept."""
_WHOLE = ("provider", "account", "batch_id", "request_key", "custom_id", "error_message")
"""Columns whose texts are kept whole, or were shortened before."""


class Spool:
    """Rows of one file, which are stored only once all of it was read.

    Args:
        schema (pa.Schema): Of the rows.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._rows: list[Sequence[Any]] = []
        self._file: IO[bytes] | None = None
        self._writer: Any = None

    def add(self, row: Sequence[Any]) -> None:
        """Adds a row, with the values of all columns."""
        self._rows.append(row)
        if len(self._rows) == ROWS:
            if self._file is None:
                # facts only, and gone with the process
                self._file = TemporaryFile(prefix="ai_batches_")  # noqa: SIM115
                self._writer = pa.ipc.new_stream(self._file, self._schema)
            self._writer.write_batch(self._batch())
            self._rows.clear()

    def tables(self) -> Iterator[pa.Table]:
        """Yields the rows, once, and forgets them."""
        try:
            if self._file is not None:
                self._writer.close()
                self._file.seek(0)
                with pa.ipc.open_stream(self._file) as stream:
                    for batch in stream:
                        yield pa.Table.from_batches([batch])
            if self._rows:
                yield pa.Table.from_batches([self._batch()])
        finally:
            self.close()

    def close(self) -> None:
        """Forgets the rows."""
        self._rows.clear()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _batch(self) -> pa.RecordBatch:
        columns = zip(*self._rows, strict=True)
        return pa.RecordBatch.from_arrays(
            [_array(values, field) for values, field in zip(columns, self._schema, strict=True)],
            schema=self._schema,
        )


def storable(text: str) -> str:
    """A text of a vendor, short enough, and without what no database stores."""
    return text[:_LENGTH].replace("\x00", REPLACEMENT)


def _array(values: Sequence[Any], field: pa.Field) -> pa.Array:
    array = pa.array(values, field.type)
    is_cut = pa.types.is_string(field.type) and field.name not in _WHOLE
    if is_cut and array.null_count < len(array):
        # as `storable`, for all at once
        short = pc.utf8_slice_codeunits(array, 0, _LENGTH)
        array = pc.replace_substring(short, "\x00", REPLACEMENT)
    return array
