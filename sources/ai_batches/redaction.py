"""Secrets that no text may show, and texts without them, in whatever form they are written."""

import re
from base64 import b32encode, b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from threading import Lock
from typing import NamedTuple
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

_SEED, _STEP = 6, 7
"""Any twelve letters in a row hold six that begin at a multiple of seven: these are indexed."""


class _Form(NamedTuple):
    """One way to write a secret."""

    letters: str
    is_code: bool
    """Whether it needs no second look: no word is like it."""
    least: int
    """Letters in a row that are not shown."""


_Index = dict[str, list[tuple[_Form, int]]]
"""Where in which forms each seed stands."""

_kept: dict[str, None] = {}
_indexed: set[str] = set()
_index: _Index = {}
_lock = Lock()


def keep_secret(secrets: Iterable[str]) -> None:
    """Has every text that this process shows or logs do without these secrets.

    Args:
        secrets (Iterable[str]): Keys, passwords and the like. One of less than six letters and
            digits is ignored, as is a shorter one than 20 that is a plain word or number.
    """
    _kept.update(dict.fromkeys(secrets))


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
    given: _Index = {}
    for secret in secrets:
        if secret not in _kept:
            _add(secret, given)
    indexes = [index for index in (_index_of_kept(), given) if index]
    if not indexes:
        return text
    found = [*_characters(text)]
    letters = "".join(letter for letter, _, _ in found)
    shown, end = [], 0
    for first, last in _runs(letters, indexes):
        start = max(end, found[first][1])
        shown += [text[end:start], GONE]
        end = found[last][2]
    return "".join([*shown, text[end:]])


def _index_of_kept() -> _Index:
    """The index of all that was kept; made when it is first needed."""
    if len(_indexed) < len(_kept):
        with _lock:
            for secret in list(_kept):
                if secret not in _indexed:
                    _add(secret, _index)
                    _indexed.add(secret)
    return _index


def _add(secret: str, index: _Index) -> None:
    for form in _forms(secret):
        last = len(form.letters) - _SEED if form.least < len(form.letters) else 0
        for start in range(0, last + 1, _STEP):
            seed = form.letters[start : start + _SEED]
            index.setdefault(seed, []).append((form, start))


def _runs(letters: str, indexes: Sequence[_Index]) -> Iterator[tuple[int, int]]:
    """First and last place of each part that belongs to a secret."""
    hidden = bytearray(len(letters))
    for at in range(len(letters) - _SEED + 1):
        seed = letters[at : at + _SEED]
        for index in indexes:
            for form, start in index.get(seed, ()):
                first, last = _common(letters, at, form.letters, start)
                if last - first >= form.least:
                    mark = b"\2" if form.is_code else b"\1"
                    hidden[first:last] = mark * (last - first)
    for run in re.finditer(b"[\1\2]+", hidden):
        if b"\2" in run[0] or _is_telling(letters[run.start() : run.end()]):
            yield run.start(), run.end() - 1


def _common(letters: str, at: int, form: str, start: int) -> tuple[int, int]:
    """From where to where a text is the same as a form, around a seed of both."""
    first, before = at, start
    while first and before and letters[first - 1] == form[before - 1]:
        first, before = first - 1, before - 1
    last, after = at + _SEED, start + _SEED
    while last < len(letters) and after < len(form) and letters[last] == form[after]:
        last, after = last + 1, after + 1
    return first, last


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
def _forms(secret: str) -> tuple[_Form, ...]:
    """The ways to write a secret that are looked for among letters and digits."""
    plain = _letters(secret)
    if len(plain) < _SHORTEST:
        return ()
    sought = [(plain, False, _is_telling(plain))]
    sought += [(code, True, len(code) >= _SHORTEST_CODE) for code in _codes(secret)]
    return tuple(
        _Form(way, is_code, min(len(way), _WINDOW))
        for letters, is_code, is_sought_whole in sought
        if len(letters) >= _WINDOW or is_sought_whole
        for way in dict.fromkeys((letters, letters[::-1]))
    )


def _codes(secret: str) -> Iterator[str]:
    for data in (secret.encode(errors="replace"), secret[::-1].encode(errors="replace")):
        yield data.hex()
        for before in range(3):
            yield _encoded(b64encode, 6, data, before)
        for before in range(5):
            yield _encoded(b32encode, 5, data, before)


def _encoded(encode: Callable[[bytes], bytes], bits: int, data: bytes, before: int) -> str:
    """Letters of encoded data that are the same whatever follows it, and whatever is before it.

    Args:
        encode (Callable[[bytes], bytes]): Encodes.
        bits (int): Bits of a character.
        data (bytes): The data.
        before (int): Bytes before it.
    """
    text = encode(bytes(before) + data).decode()
    part = text[-(-8 * before // bits) : 8 * (before + len(data)) // bits]
    return "".join(filter(str.isalnum, part.casefold()))


def _letters(text: str) -> str:
    return "".join(letter for letter, _, _ in _characters(text))
