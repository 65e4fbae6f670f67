"""JSON that no odd value can break: every page can be read, and any database takes what is written.

orjson is fast and strict; what it refuses or would change (a lone surrogate, NaN, an integer beyond
64 bits) is read by the standard library, and what databases cannot store is replaced.
"""

import codecs
import json
import re
from math import isfinite
from typing import Any

import orjson

# a regular expression would be ten times slower here than all of orjson
_TO_SHAPE = bytes.maketrans(b"123456789:[]} \t\r\n", b"000000000,,,,,,,,")
"""Every digit becomes a zero, and what stands around a number a comma."""
_NINETEEN, _TWENTY = b"0" * 19, b"0" * 20
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
REPLACEMENT = "\ufffd"
"""Stands for what no database stores, and what no text can hold."""

_NO_CHARSETS = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined"})
"""Encodings of Python that are not for texts over the wire; some take quadratic time."""


class NestedTooDeeplyError(ValueError):
    """The document is JSON, nested deeper than anything can take in."""


def decoded(body: bytes, charset: str | None = None) -> str:
    """Decodes a text.

    Args:
        body (bytes): The text as it came over the wire, with or without a byte order mark; it may
            break off within a character.
        charset (str | None): The encoding that came with it, used unless this is UTF-8, UTF-16 or
            UTF-32.

    Returns:
        str: The text, with U+FFFD for what is broken.
    """
    encoding = json.detect_encoding(body)
    if encoding.startswith("utf-8"):
        try:
            return codecs.getincrementaldecoder("utf-8-sig")().decode(body)
        except UnicodeDecodeError:
            encoding = "utf-8-sig"
        try:
            if charset and codecs.lookup(charset).name.replace("_", "-") not in _NO_CHARSETS:
                return body.decode(charset, errors="replace")
        except (LookupError, ValueError):
            # there is no such encoding
            pass
    return body.decode(encoding, errors="replace")


def loads(body: bytes, charset: str | None = None) -> Any:
    """Reads a JSON document.

    Integers keep all their digits. NaN, infinities, floats beyond 64 bits and integers of thousands
    of digits become strings; lone surrogates, U+0000 and what is broken become U+FFFD.

    Args:
        body (bytes): The document as it came over the wire.
        charset (str | None): As of `decoded`.

    Returns:
        Any: The value, as the standard library would build it.

    Raises:
        ValueError: If this is not JSON.
        NestedTooDeeplyError: If it is nested hundreds of levels deep.
    """
    # PostgreSQL stores no U+0000
    if b"\\u0000" not in body and not _has_large_integer(body):
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            pass
    try:
        value = json.loads(
            decoded(body, charset),
            strict=False,
            parse_constant=str,
            parse_float=_float_or_text,
            parse_int=_int_or_text,
        )
        return _storable(value)
    except RecursionError as ex:
        raise NestedTooDeeplyError("nested too deeply") from ex


def dumps(value: Any) -> str:
    """Writes a value that came from `loads` as JSON text, integers of any size included.

    Keys are sorted: a server that sends them in another order each time has changed nothing.

    Raises:
        ValueError: If it is nested hundreds of levels deep.
    """
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError:
        pass
    try:
        # from Python 3.14 on, json alone takes depths that databases do not
        checked = _storable(value)
        return json.dumps(checked, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    except RecursionError as ex:
        raise NestedTooDeeplyError("nested too deeply") from ex


def _has_large_integer(body: bytes) -> bool:
    """Whether an integer may be beyond 64 bits, which orjson reads as a float.

    Ids are texts and may have as many digits: those count for nothing.
    """
    return _may_have_large_integer(body) and _may_have_large_integer(_without_texts(body))


def _may_have_large_integer(body: bytes) -> bool:
    shape = body.translate(_TO_SHAPE)
    if _NINETEEN not in shape:
        return False
    shape = b",%b," % shape
    # all of nineteen digits fit, unless they are negative
    return b",-%b," % _NINETEEN in shape or (
        _TWENTY + b"," in shape and (b"," + _TWENTY in shape or b",-" + _TWENTY in shape)
    )


def _without_texts(body: bytes) -> bytes:
    if b"\\" in body:
        body = body.replace(rb"\\", b"").replace(rb"\"", b"")
    return b'""'.join(body.split(b'"')[::2])


def _float_or_text(digits: str) -> Any:
    number = float(digits)
    return number if isfinite(number) else digits


def _int_or_text(digits: str) -> Any:
    # Python refuses to convert more than 4,300 digits
    return int(digits) if len(digits) <= 4_300 else digits


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return _UNSTORABLE.sub(REPLACEMENT, value)
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        fields: dict[str, Any] = {}
        for name, item in value.items():
            key = _storable(name)
            # two names that differ in what is replaced remain two
            while key in fields:
                key += f"{REPLACEMENT}{len(fields)}"
            fields[key] = _storable(item)
        return fields
    return value
