"""Secrets that no text may show, and texts without them, in whatever form they are written."""

import re
from base64 import b32encode, b64encode
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from unicodedata import normalize

GONE = "***"

_WINDOW = 12
"""Letters and digits of a secret that are not shown, one after the other."""

_SHORTEST = 6
"""Letters and digits of the shortest secret that is looked for."""

_SURE = 20
"""Letters and digits that are a secret's even if they are letters only, or digits only: a shorter
header such as `production` or `2024-10-01` would be taken out of ordinary sentences."""

_CHARACTER = re.compile(
    r"%(?:25){0,4}(?P<percent>[0-9a-f]{2})|(?:\\x|0x)(?P<hex>[0-9a-f]{2})"
    r"|\\u\{?(?P<unicode>[0-9a-f]{4,6})|&#x(?P<entity>[0-9a-f]{2,6});|&#(?P<decimal>[0-9]{2,7});"
    r"|[^\W_]",
    re.IGNORECASE,
)
"""A letter or digit, or any character that is written as an escape."""

_SHORTEST_CODE = 8
"""Of Base64 and the like, which no word looks like."""

_known: dict[int, dict[str, bool]] = {}
"""What is looked for, by length; and whether it is a code, which needs no second look."""


def keep_secret(secrets: Iterable[str]) -> None:
    """Has every text that this process shows or logs do without these secrets.

    Args:
        secrets (Iterable[str]): Keys, passwords and the like. One of less than six letters and
            digits is ignored, as is a shorter one than 20 that is a plain word or number.
    """
    for secret in secrets:
        for needle, is_code in _needles(secret).items():
            _known.setdefault(len(needle), {})[needle] = is_code


def redacted(text: str, secrets: Iterable[str] = ()) -> str:
    """Takes secrets out of a text.

    A secret is found as it is, reversed, in hexadecimal digits, Base32 or Base64 of any kind and
    alignment, and each of these in upper or lower case, percent-encoded or otherwise escaped, and
    with anything but letters and digits in between. The time it takes is linear in the text.

    Args:
        text (str): The text.
        secrets (Iterable[str]): Further ones than those of `keep_secret`.

    Returns:
        str: The text, with `***` for each.
    """
    needles = _known
    given = [pair for secret in secrets for pair in _needles(secret).items()]
    if given:
        needles = {size: dict(some) for size, some in list(_known.items())}
        for needle, is_code in given:
            needles.setdefault(len(needle), {})[needle] = is_code
    if not needles:
        return text
    found = [*_characters(text)]
    letters = "".join(letter for letter, _, _ in found)
    shown, end = [], 0
    for first, last in _runs(letters, needles):
        start = max(end, found[first][1])
        shown += [text[end:start], GONE]
        end = found[last][2]
    return "".join([*shown, text[end:]])


def _runs(letters: str, needles: dict[int, dict[str, bool]]) -> Iterator[tuple[int, int]]:
    """First and last place of each part that belongs to a secret."""
    hidden = bytearray(len(letters))
    for size, some in list(needles.items()):
        for at in range(len(letters) - size + 1):
            is_code = some.get(letters[at : at + size])
            if is_code is not None:
                hidden[at : at + size] = (b"\2" if is_code else b"\1") * size
    for run in re.finditer(b"[\1\2]+", hidden):
        if b"\2" in run[0] or _is_telling(letters[run.start() : run.end()]):
            yield run.start(), run.end() - 1


def _is_telling(letters: str) -> bool:
    has_digit = any(letter.isdecimal() for letter in letters)
    return len(letters) >= _SURE or (has_digit and not letters.isdecimal())


def _characters(text: str) -> Iterator[tuple[str, int, int]]:
    """Letters and digits without case and form, each with its start and end in the text."""
    for match in _CHARACTER.finditer(text):
        kind = match.lastgroup
        if kind is None:
            character = match[0]
        else:
            code = int(match[kind], 10 if kind == "decimal" else 16)
            character = chr(code) if code < 0x110000 else ""
        if not character.isascii():
            character = normalize("NFKC", character)
        for letter in character.casefold():
            if letter.isalnum():
                yield letter, match.start(), match.end()


@lru_cache(maxsize=64)
def _needles(secret: str) -> dict[str, bool]:
    """What of a secret is looked for among letters and digits, and whether it is a code."""
    plain = _letters(secret)
    if len(plain) < _SHORTEST:
        return {}
    needles = dict.fromkeys(_windows(plain, _is_telling(plain)), False)
    for code in _codes(secret):
        needles |= dict.fromkeys(_windows(code, len(code) >= _SHORTEST_CODE), True)
    return needles


def _windows(letters: str, is_sought_whole: bool) -> Iterator[str]:
    """The parts of a form that are looked for; the whole of a short one if it may be."""
    for form in (letters, letters[::-1]):
        if len(form) >= _WINDOW:
            yield from (form[at : at + _WINDOW] for at in range(len(form) - _WINDOW + 1))
        elif is_sought_whole:
            yield form


def _codes(secret: str) -> Iterator[str]:
    for data in (secret.encode(errors="replace"), secret[::-1].encode(errors="replace")):
        yield data.hex()
        for before in range(3):
            yield _letters(_encoded(b64encode, 6, data, before))
        for before in range(5):
            yield _letters(_encoded(b32encode, 5, data, before))


def _encoded(encode: Callable[[bytes], bytes], bits: int, data: bytes, before: int) -> str:
    """The part of encoded data that is the same whatever follows it, and whatever is before it.

    Args:
        encode (Callable[[bytes], bytes]): Encodes.
        bits (int): Bits of a character.
        data (bytes): The data.
        before (int): Bytes before it.
    """
    text = encode(bytes(before) + data).decode()
    return text[-(-8 * before // bits) : 8 * (before + len(data)) // bits]


def _letters(text: str) -> str:
    return "".join(letter for letter, _, _ in _characters(text))
