"""Files that others find whole, as they were or as they are to be."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def replace_file(file: Path, content: bytes, mode: int = 0o600) -> None:
    """Replaces what a file holds at once, or leaves it as it was.

    Args:
        file (Path): The file, which need not be there; its folder has to be.
        content (bytes): What it is to hold.
        mode (int): Its permissions.

    Raises:
        OSError: If it cannot be written.
    """
    # of a name of its own: two programs may write the same file
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    beside = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
        beside.chmod(mode)
        beside.replace(file)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise
