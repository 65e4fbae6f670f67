"""What is wrong with dlt's settings files, said without quoting them: they hold keys."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import tomlkit
from tomlkit.exceptions import ParseError, TOMLKitError

_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


class UnreadableSettingsError(Exception):
    """A settings file that dlt cannot read, or would leave out in silence."""


def settings_paths() -> Iterator[Path]:
    """Where dlt looks in the current folder, or in that of `DLT_PROJECT_DIR`."""
    folder = Path(os.environ.get("DLT_PROJECT_DIR", ".")) / os.environ.get(
        "DLT_CONFIG_FOLDER", ".dlt"
    )
    yield folder / "secrets.toml"
    yield folder / "config.toml"


def refuse_unreadable_settings(paths: Iterator[Path]) -> None:
    """Refuses settings files that dlt cannot read.

    Args:
        paths (Iterator[Path]): The files; those that do not exist are left out.

    Raises:
        UnreadableSettingsError: If there is such a file. No text of the file is in the message.
    """
    for path in paths:
        problem = _problem(path)
        if problem:
            raise UnreadableSettingsError(f"The settings file {path.absolute()} {problem}")


def _problem(path: Path) -> str:
    """What is wrong with a file and what to do; empty if nothing is."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return ""
    except IsADirectoryError:
        return "is a folder. Remove it, or put the file in its place."
    except NotADirectoryError:
        return f"cannot be there: {path.parent.absolute()} is not a folder. Move that file away."
    except OSError as ex:
        return f"cannot be read ({ex.strerror}). Let the user of the runs read it."
    if content.startswith(_BYTE_ORDER_MARKS):
        return "begins with a byte order mark. Save it as UTF-8 without one."
    try:
        text = content.decode()
    except UnicodeDecodeError as ex:
        line = content.count(b"\n", 0, ex.start) + 1
        return f"is not UTF-8: see line {line}. Save it as UTF-8."
    try:
        tomlkit.parse(text).unwrap()
    except ParseError as ex:
        # its text may quote the line
        return f"is not valid TOML: see line {ex.line}, column {ex.col + 1}. Correct it there."
    except (TOMLKitError, ValueError) as ex:
        kind = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(ex).__name__).lower()
        return f"is not valid TOML ({kind}). Correct it; a name may be there twice."
    return ""
