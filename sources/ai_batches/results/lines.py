"""Cuts a stream of bytes into lines, of which none takes more than a bounded amount of memory."""

from collections.abc import Iterator
from typing import NamedTuple

LONGEST_LINE = 16_000_000
"""Bytes of a line that is read; images in base64 make lines of megabytes."""


class Line(NamedTuple):
    """A line that is not blank."""

    number: int
    """From 1 on; blank lines count."""
    text: bytes | None
    """Without its end; None if it is too long."""
    size: int
    """Bytes, without its end."""


class LineSplitter:
    """Cuts a stream into lines."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._number = 0

    def feed(self, chunk: bytes) -> Iterator[Line]:
        """Yields the lines that end in a part of the stream.

        Args:
            chunk (bytes): The next part.

        Yields:
            Line: In their order.
        """
        first, *others = chunk.split(b"\n")
        self._add(first)
        if not others:
            return
        yield from self._end()
        *whole, last = others
        number = self._number
        for text in whole:
            number += 1
            if text and not text.isspace():
                yield Line(number, text, len(text))
        self._number = number
        self._add(last)

    def end(self) -> Iterator[Line]:
        """Yields the last line, if it does not end with a line end."""
        if self._size:
            yield from self._end()

    def _add(self, part: bytes) -> None:
        self._size += len(part)
        if self._size <= LONGEST_LINE:
            self._parts.append(part)
        else:
            self._parts.clear()

    def _end(self) -> Iterator[Line]:
        text, size = b"".join(self._parts), self._size
        self._parts, self._size = [], 0
        self._number += 1
        if size > LONGEST_LINE:
            yield Line(self._number, None, size)
        elif text and not text.isspace():
            yield Line(self._number, text, size)
