"""Decompresses what a server compressed although nobody asked for it."""

import zlib
from collections.abc import Iterator
from typing import Any

from .session import BrokenFileError

_CHUNK = 1 << 20


class Inflater:
    """Decompresses a reply that is compressed although nobody asked for it, and knows its end."""

    def __init__(self) -> None:
        self._stream = self._new()

    @property
    def is_whole(self) -> bool:
        """Whether it has ended as it says itself; a proxy may compress what broke off behind it."""
        return bool(self._stream.eof)

    def inflate(self, part: bytes) -> Iterator[bytes]:
        """Yields what a part holds, in parts of bounded size.

        Raises:
            BrokenFileError: If it cannot be decompressed.
        """
        while True:
            if self._stream.eof and part:
                self._stream = self._new()
            try:
                plain = self._stream.decompress(part, _CHUNK)
            except zlib.error as ex:
                raise BrokenFileError(type(ex).__name__) from None
            if plain:
                yield plain
            part = self._stream.unconsumed_tail or self._stream.unused_data
            if not part and len(plain) < _CHUNK:
                return

    def _new(self) -> Any:
        # of gzip and zlib alike
        return zlib.decompressobj(zlib.MAX_WBITS | 32)
