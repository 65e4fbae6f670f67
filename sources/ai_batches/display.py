"""Texts that came from a server or from settings, made fit for a terminal, a log, a chat or a page.

All that is shown goes through here: a value that is quoted through `shown`, and a whole message
through `shown_message` when it leaves. Both may be done more than once: nothing is escaped twice.
"""

import logging
import re
import traceback
from collections.abc import Iterable, Sequence
from typing import Any

from .masks import without_parts
from .redaction import redacted

LENGTH = 300
"""Characters that are shown of a value at most."""

_NAMES, _NAME_LENGTH = 5, 43
"""Names that are shown at most, and characters of each."""

_LONGEST_FIELD = 2_000

_LONGEST_MESSAGE = 100_000
"""Characters of a message, which may end with a stack trace."""

_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)
"""What Python calls printable, and nobody sees."""

_QUERY = re.compile(r"\?[^\s\"]+")

_NAMED = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}

_LOGGERS = ("dlt", "ai_batches_runner", "urllib3.connectionpool")


def shown(value: Any, length: int = LENGTH, secrets: Iterable[str] = ()) -> str:
    """Makes a value fit to be quoted in a sentence: one short line that hides and holds nothing.

    Control characters, line ends, marks that change the direction of writing, and characters that
    nobody sees are escaped as Python does. Secrets that were kept by `keep_secret` are taken out,
    in whatever form they are written.

    Args:
        value (Any): A text of any length, or what is to be shown as one.
        length (int): Characters to show at most.
        secrets (Iterable[str]): Further secrets, of which no six characters are shown, nor what a
            mask leaves of them.

    Returns:
        str: The text.
    """
    text = str(value)
    read = text[: 10 * length]
    given = tuple(secrets)
    line = _escaped(redacted(without_parts(read, given), given))
    if len(line) > length or len(read) < len(text):
        line = line[: length - 3].rstrip() + "..."
    return line


def shown_names(names: Sequence[str]) -> str:
    """The first few of some names that a server or a user chose, in backticks.

    Args:
        names (Sequence[str]): Of any number and length.

    Returns:
        str: Such as `` `a`, `b` and 3 more ``.
    """
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    return ", ".join(f"`{shown(name, _NAME_LENGTH)}`" for name in names[:_NAMES]) + more


def shown_message(text: str) -> str:
    """Makes a whole message fit to be printed: as `shown`, but lines stay lines.

    Args:
        text (str): The message; values in it were quoted with `shown`.

    Returns:
        str: The message.
    """
    lines = redacted(text[:_LONGEST_MESSAGE]).split("\n")
    return "\n".join(map(_escaped, lines))


def shown_fields(value: Any) -> Any:
    """Makes a record for machines fit to be logged: each text as by `shown`, up to 2,000 long."""
    if isinstance(value, str):
        return shown(value, _LONGEST_FIELD)
    if isinstance(value, dict):
        return {shown_fields(name): shown_fields(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [shown_fields(each) for each in value]
    return value


def shown_trace(error: BaseException) -> str:
    """The stack trace of an error, fit to be printed."""
    return shown_message("".join(traceback.format_exception(error)))


def protect_log() -> None:
    """Has whatever is logged by dlt, by us and of requests go through `shown_message`."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_FILTER)


class _LogFilter(logging.Filter):
    """Rewrites records, which others fill with what servers sent, too."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Makes a record fit to be logged; drops none."""
        text = record.getMessage()
        if record.name.startswith("urllib3"):
            # an address may be signed, which is as good as a key
            text = _QUERY.sub("?***", text)
        record.msg = _indented(shown_message(text))
        record.args = None
        if record.exc_info and record.exc_info[1]:
            record.exc_text = _indented(shown_trace(record.exc_info[1]).rstrip())
            record.exc_info = None
        return True


_FILTER = _LogFilter()


def _indented(text: str) -> str:
    """The text, of which no further line can be taken for a message of its own."""
    return text.replace("\n", "\n    ")


def _escaped(line: str) -> str:
    if line.isprintable() and not _UNSEEN.search(line):
        return line
    return "".join(map(_visible, line))


def _visible(character: str) -> str:
    if character.isprintable() and not _UNSEEN.match(character):
        return character
    if character in _NAMED:
        return _NAMED[character]
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
