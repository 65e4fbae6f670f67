"""Folders and files, and paths that dlt or DuckDB misread.

dlt hands DuckDB the path of each Parquet file. DuckDB takes a folder `account=prod` in it for a
column, `*`, `?` and `[` for patterns, and `'` for the end of the text; dlt takes `%` for a
placeholder. So a folder of that kind is only named here, and another one is used in its place.
"""

import os
import re
import stat
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from ..errors import UnusableDestinationError

_PLAIN = re.compile(r"[\w/ .+@~-]+")


def pipelines_folder() -> Path:
    """The folder of dlt's pipelines: in the current folder, or in `DLT_DATA_DIR`.

    If that path has characters that DuckDB or dlt misread, it is a private folder of the user's,
    the same one for each run in the same place.

    Raises:
        UnusableDestinationError: If no such folder could be made.
    """
    named = Path(os.environ.get("DLT_DATA_DIR") or ".dlt").absolute() / "pipelines"
    # dlt follows links
    real = Path(os.path.realpath(named))
    if is_plain(real):
        return named if is_plain(named) else real
    key = sha256(os.fsencode(real)).hexdigest()[:16]
    for folder in _folders_of_the_user():
        if is_plain(Path(os.path.realpath(folder))) and _is_private(folder):
            return folder / key / "pipelines"
    raise UnusableDestinationError(
        f"DuckDB misreads the path {real}, which has characters such as = ' % * ? [ in it. Run in"
        " another folder, or set DLT_DATA_DIR to one whose path is made of letters and digits."
    )


def refuse_misread(path: Path, misread: str, what: str) -> None:
    """Refuses a path that is taken for another one, or never found.

    Args:
        path (Path): Where the destination keeps its data.
        misread (str): The characters at fault.
        what (str): Who misreads them.

    Raises:
        UnusableDestinationError: If the path has one of the characters.
    """
    whole = str(path.absolute())
    if "?" in misread and "=" in whole.partition("?")[2]:
        # a query may hold a secret
        whole = whole.partition("?")[0] + "?"
    odd = next((character for character in misread if character in whole), None)
    if odd:
        raise UnusableDestinationError(
            f"{what} misreads `{odd}` in the path {whole}. Choose another path for the destination."
        )


def refuse_unwritable_folder(folder: Path) -> None:
    """Refuses a folder that does not exist or cannot be written.

    Raises:
        UnusableDestinationError: If that is so.
    """
    if not folder.is_dir():
        raise UnusableDestinationError(f"There is no folder {folder}. Make it, or choose another.")
    if not os.access(folder, os.W_OK):
        raise UnusableDestinationError(
            f"The folder {folder} cannot be written (Permission denied). Choose another one, or let"
            " the user of the runs write there."
        )


def refuse_unwritable_path(folder: Path) -> None:
    """Refuses a folder that cannot be written, or else be made in the one above it.

    Raises:
        UnusableDestinationError: If that is so.
    """
    whole = folder.absolute()
    refuse_unwritable_folder(next(each for each in (whole, *whole.parents) if each.exists()))


def temporary_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder of its own for a pipeline that is only looked at.

    Raises:
        UnusableDestinationError: If there is no folder for temporary files.
    """
    for folder in (tempfile.gettempdir(), "/tmp", "/var/tmp"):  # noqa: S108
        real = os.path.realpath(folder)
        if is_plain(Path(real)) and os.access(real, os.W_OK):
            return tempfile.TemporaryDirectory(prefix="ai_batches_", dir=real)
    raise UnusableDestinationError(
        f"The path {tempfile.gettempdir()} of temporary files has characters such as = ' % * ? [ in"
        " it, which DuckDB misreads. Set TMPDIR to another folder."
    )


def is_there(file: Path) -> bool:
    """Whether a file exists and has something in it; DuckDB does not open an empty one."""
    return file.exists() and file.stat().st_size > 0


def is_plain(path: Path) -> bool:
    """Whether a path means itself to DuckDB and to dlt."""
    return _PLAIN.fullmatch(str(path)) is not None


def _folders_of_the_user() -> Iterator[Path]:
    state = os.environ.get("XDG_STATE_HOME", "")
    if Path(state).is_absolute():
        yield Path(state) / "ai_batches"
    home = Path(os.path.expanduser("~"))  # noqa: PTH111
    if home.is_absolute():
        yield home / ".local" / "state" / "ai_batches"
    yield Path("/var/tmp") / f"ai_batches_{os.geteuid()}"  # noqa: S108


def _is_private(folder: Path) -> bool:
    """Makes a folder if there is none; returns whether only its owner can write it."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return False
    is_own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
    return is_own and not found.st_mode & 0o022 and os.access(folder, os.W_OK)
