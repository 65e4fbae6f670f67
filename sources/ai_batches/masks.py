"""Parts of a secret in what a server says of it, and what a mask leaves, such as `sk-a...wxyz`."""

import re
from collections.abc import Iterable

from .redaction import GONE

_PART = 6
"""Consecutive characters of a secret that are not quoted; any text may contain shorter ones."""

_END = 4
"""Characters at either end of a long secret that are not quoted if they stand alone."""

_LONG = 12

_WORD = re.compile(r"[^\s\"'`(),;]+")
_MASK = re.compile(r"\*{2,}|\.{3,}|…+|[•●▪#]{3,}|x{4,}")
"""What stands for a hidden part, as in `sk-abc...wxyz`."""


def without_parts(text: str, secrets: Iterable[str]) -> str:
    """Takes parts of secrets out of a text, too short ones to be looked for in every text.

    Args:
        text (str): The text.
        secrets (Iterable[str]): Secrets of which no six consecutive characters may show, nor what
            a mask leaves of them. Those of less than six characters are ignored.

    Returns:
        str: The text, with `***` for each part.
    """
    for secret in sorted({each for each in secrets if len(each) >= _PART}, key=len, reverse=True):
        text = _without(text, secret)
    return text


def _without(text: str, secret: str) -> str:
    hidden = bytearray(len(text))
    lower, parts = text.lower(), secret.lower()
    if len(lower) != len(text):
        lower, parts = text, secret
    pieces = {parts[i : i + _PART] for i in range(len(parts) - _PART + 1)}
    for i in range(len(lower) - _PART + 1):
        if lower[i : i + _PART] in pieces:
            hidden[i : i + _PART] = b"\1" * _PART
    for word in _WORD.finditer(lower):
        if _is_masked(word[0], parts):
            hidden[word.start() : word.end()] = b"\1" * len(word[0])
    if len(parts) >= _LONG:
        for end in (parts[:_END], parts[-_END:]):
            for alone in re.finditer(rf"(?<![^\W_]){re.escape(end)}(?![^\W_])", lower):
                hidden[alone.start() : alone.end()] = b"\1" * _END
    kept, at = [], 0
    for run in re.finditer(b"\1+", hidden):
        kept += [text[at : run.start()], GONE]
        at = run.end()
    return "".join([*kept, text[at:]])


def _is_masked(word: str, secret: str) -> bool:
    """Whether a word with a mask in it shows one of the ends of a secret, or nothing at all."""
    if GONE in word:
        return True
    head, *masked = _MASK.split(word)
    return bool(masked) and any(
        head.endswith(secret[:size]) or masked[-1].startswith(secret[-size:])
        for size in range(2, _PART)
    )
