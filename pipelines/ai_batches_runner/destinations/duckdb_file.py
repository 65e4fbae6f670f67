"""Checks of a DuckDB file before dlt opens it, and what errors about it mean."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import duckdb
from dlt.common import logger
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_delay, wait_fixed

from ai_batches import TABLE_NAME

from ..errors import UnusableDestinationError
from .paths import is_there, refuse_unwritable_folder

STORAGE_VERSION = "v1.2.0"
"""The file format in which a new DuckDB file is made; drivers of BI tools lag behind DuckDB."""

T = TypeVar("T")

_LOCKED = re.compile(r'Could not set lock on file "(.+?)"')
_HOLDER = re.compile(r"\(PID (\d+)\)")
_DAMAGED = re.compile(
    r"not a valid DuckDB database file|Corrupt database file|Could not read enough bytes from file"
    r"|Failed to deserialize|Failure while replaying WAL",
    re.IGNORECASE,
)
_RESTORE = (
    "Put a copy of it from a backup there, or move it away: then everything is read again into a"
    " new file."
)


def catalog_name(file: Path) -> str:
    """DuckDB's name for the database of a file: the first part of its name with a character."""
    return next((part for part in file.name.split(".") if part), "").lower()


def make_file(file: Path) -> None:
    """Makes a file that does not exist, or is empty, so that older drivers can open it.

    Only its owner can read it.

    Raises:
        UnusableDestinationError: If the file cannot be written.
    """
    refuse_unwritable(file)
    if is_there(file):
        return
    file.unlink(missing_ok=True)
    duckdb.connect(str(file), config={"storage_compatibility_version": STORAGE_VERSION}).close()
    file.chmod(0o600)


def schemas_with_table(file: Path, wait: float) -> list[str]:
    """The schemas of a file that have the table `batches`, in lower case.

    Args:
        file (Path): A file; it need not exist.
        wait (float): Seconds to wait while another program has the file open.

    Raises:
        UnusableDestinationError: If the file is not a DuckDB database, or is damaged.
        duckdb.IOException: If another program still has the file open.
    """
    if file.exists():
        _refuse_other_file(file)
    if not is_there(file):
        return []
    try:
        return until_unlocked(lambda: _find_table(file), wait)
    except duckdb.ConnectionException:
        # this process has it open to write
        return []
    except duckdb.Error as ex:
        if explain_lock(ex):
            raise
        text = _reason(ex)
        if "encrypt" in text.lower():
            raise UnusableDestinationError(
                f"The DuckDB file {file} is encrypted, which dlt cannot open. Choose another file."
            ) from ex
        if "version number" in text:
            raise UnusableDestinationError(
                f"The DuckDB file {file} was made by a newer DuckDB than the installed"
                f" {duckdb.__version__}. Install a newer `duckdb`, or choose another file."
            ) from ex
        raise UnusableDestinationError(
            f"The DuckDB file {file} is damaged ({text}). {_RESTORE}"
        ) from ex


def explain_lock(error: BaseException) -> str | None:
    """Says which program has the DuckDB file open, if the error is about that."""
    locked = _LOCKED.search(str(error))
    if not locked:
        return None
    holder = _HOLDER.search(str(error))
    who = f"process {holder[1]}" if holder else "another program"
    return (
        f"{locked[1]} is open in {who}. Close it there; reading keeps it from being written, too."
    )


def explain_damage(error: BaseException) -> str | None:
    """Says that the DuckDB file is damaged, if the error is about that."""
    text = _reason(error)
    return f"The DuckDB file is damaged: {text}. {_RESTORE}" if _DAMAGED.search(text) else None


def until_unlocked(action: Callable[[], T], wait: float) -> T:
    """Does something, again and again while another program has the DuckDB file open.

    Args:
        action (Callable[[], T]): What to do.
        wait (float): Seconds after which the error of a locked file is raised.

    Returns:
        T: What the action returned.
    """
    retrying = Retrying(
        retry=retry_if_exception(lambda error: explain_lock(error) is not None),
        stop=stop_after_delay(wait),
        wait=wait_fixed(0.5),
        before_sleep=lambda state: _warn_of_wait(state, wait),
        reraise=True,
    )
    return retrying(action)


def _warn_of_wait(state: RetryCallState, wait: float) -> None:
    # not worth a word if it is for seconds only
    if state.attempt_number == 1 and state.outcome and wait > 10:
        locked = explain_lock(state.outcome.exception() or RuntimeError())
        logger.warning(f"Waiting for up to {wait:g} s: {locked}")


def _find_table(file: Path) -> list[str]:
    with duckdb.connect(str(file), read_only=True) as connection:
        rows = connection.execute(
            "SELECT lower(schema_name) FROM duckdb_tables() WHERE lower(table_name) = ?"
            " AND NOT internal AND database_name = current_database()",
            [TABLE_NAME],
        ).fetchall()
    return [schema for (schema,) in rows]


def _refuse_other_file(file: Path) -> None:
    """Refuses a file that is plainly not DuckDB's, for which DuckDB would look for extensions."""
    try:
        with file.open("rb") as opened:
            head = opened.read(16)
    except IsADirectoryError:
        raise UnusableDestinationError(
            f"{file} is a folder, not a DuckDB file. Choose another path, or remove it."
        ) from None
    except OSError as ex:
        raise UnusableDestinationError(
            f"The DuckDB file {file} cannot be read ({ex.strerror}). Choose another one, or let the"
            " user of the runs read and write it."
        ) from ex
    if not head or head[8:12] == b"DUCK":
        return
    if head.startswith(b"SQLite format 3"):
        raise UnusableDestinationError(
            f"{file} is an SQLite database, not a DuckDB file. Choose another path, or"
            " --destination sqlalchemy."
        )
    raise UnusableDestinationError(f"{file} is not a DuckDB file, or is damaged. {_RESTORE}")


def refuse_unwritable(file: Path) -> None:
    """Refuses a file that cannot be written, or its folder; DuckDB writes a file beside it first.

    Raises:
        UnusableDestinationError: If that is so.
    """
    try:
        if file.exists():
            with file.open("r+b"):
                pass
    except OSError as ex:
        raise UnusableDestinationError(
            f"The DuckDB file {file} cannot be written ({ex.strerror}). Choose another one, or let"
            " the user of the runs write it and its folder."
        ) from ex
    refuse_unwritable_folder(file.absolute().parent)


def _reason(error: BaseException) -> str:
    # dlt puts sentences of its own before it
    text = str(error).rpartition("The actual reason given is: ")[2].strip()
    return (text.splitlines() or [type(error).__name__])[0].rstrip(".!")
