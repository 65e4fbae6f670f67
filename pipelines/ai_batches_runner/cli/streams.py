"""The standard streams, on which printing decides nothing.

What an encoding lacks is escaped, and what cannot be written any more is dropped: a run loads,
reports and ends as it would if somebody listened.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from typing import Any, TextIO


@contextmanager
def unfailing_streams() -> Iterator[None]:
    """Makes the standard output and the error stream such that writing to them never fails."""
    _fill_closed_descriptors()
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _unfailing(sys.stdout), _unfailing(sys.stderr)
    try:
        yield
    finally:
        # what fails here would fail when Python ends, which then has an exit code of its own
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = before


def is_printed() -> bool:
    """Whether all that was written to the standard output so far could be."""
    sys.stdout.flush()
    return not getattr(sys.stdout, "is_broken", False)


class _Unfailing:
    """A text stream that drops what cannot be written.

    Args:
        stream (TextIO): Where to write.
        is_broken (bool): Whether nobody can read it.
    """

    def __init__(self, stream: TextIO, is_broken: bool = False) -> None:
        self._stream = stream
        self.is_broken = is_broken

    def write(self, text: str) -> int:
        """Writes, or drops; returns how many characters were given."""
        try:
            self._stream.write(text)
        except (OSError, ValueError):
            self._give_up()
        return len(text)

    def flush(self) -> None:
        """Writes what is left, or drops it."""
        try:
            self._stream.flush()
        except (OSError, ValueError):
            self._give_up()

    def isatty(self) -> bool:
        """Whether somebody watches."""
        try:
            return self._stream.isatty()
        except ValueError:
            return False

    def writelines(self, lines: list[str]) -> None:
        """Writes each."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _give_up(self) -> None:
        """Sends what is still in buffers, here and elsewhere, to nobody."""
        self.is_broken = True
        with suppress(OSError, ValueError), open(os.devnull, "wb") as nobody:  # noqa: PTH123
            os.dup2(nobody.fileno(), self._stream.fileno())


def _unfailing(stream: TextIO | None) -> Any:
    if stream is None:
        # closed before Python began
        return _Unfailing(open(os.devnull, "w", encoding="utf-8"), is_broken=True)  # noqa: PTH123
    if isinstance(stream, TextIOWrapper):
        with suppress(OSError, ValueError):
            stream.reconfigure(errors="backslashreplace")
    return _Unfailing(stream)


def _fill_closed_descriptors() -> None:
    """Opens descriptors 0 to 2 that are closed: a database would get them, and texts with them."""
    while True:
        descriptor = os.open(os.devnull, os.O_RDWR)
        if descriptor > 2:
            os.close(descriptor)
            return
        os.set_inheritable(descriptor, True)
