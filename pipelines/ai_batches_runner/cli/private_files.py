"""Keeps what the command makes from other users of the machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def private_files() -> Iterator[None]:
    """Has new files and folders be readable by their owner only; those that exist stay as they are.

    This is for the whole process: databases and libraries make files of their own, such as DuckDB's
    write-ahead log.
    """
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)
