"""Every clock to UTC: the times that providers send become whole microseconds since 1970.

Microseconds as `int` are what Arrow stores for `timestamp("us", "UTC")`.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import isfinite
from types import NoneType
from typing import Any

SECOND = 1_000_000
"""Microseconds in a second."""

_FIRST_SECOND = 946_684_800
"""2000-01-01T00:00:00Z in Unix seconds. No vendor had batches before: earlier times are unset."""

_END_OF_SECONDS = 10**11
"""Unix times from here on are milliseconds, microseconds or nanoseconds."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST = _FIRST_SECOND * SECOND
_LAST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND

_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{0,30})?\Z")
_BASIC_DATE = re.compile(r"(?:19|2[0-9])[0-9]{6}\Z")
_ISO = re.compile(
    r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8}|[0-9]{4}-?W[0-9]{2}-?[1-7])"
    r"(?:[T ](?:[01][0-9]|2[0-3])"
    r"(?::?[0-5][0-9](?::?[0-5][0-9](?:[.,][0-9]+)?)?)?"
    r"(?:Z|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9](?::?[0-5][0-9])?)?)?)?\Z"
)
"""Days, with or without a time of day. The standard library also takes other separators, weeks
without a day, and, by its version, 24 o'clock."""
_LONG_AGO = re.compile(
    r"(?:-[0-9]{4,6}|[+]?(?:00)?(?:0[0-9]{3}|1[0-8][0-9]{2}|19[0-8][0-9]|199[0-8]))"
    r"-?[0-9]{2}-?[0-9]{2}(?:[Tt ]|\Z)"
)
"""Begins as ISO 8601 in a year before 1999: an unset time, whatever follows. Programs print such
times in many odd ways."""


def to_microseconds(value: Any) -> int | None:
    """Reads one timestamp, whatever clock it was written by.

    Numbers and numeric strings are Unix time; their magnitude separates seconds (below 1e11) from
    milliseconds (1e14), microseconds (1e17) and nanoseconds. Other strings are ISO 8601: a date, or
    a date and time with `Z`, an offset or none (then UTC). Fractions beyond microseconds are cut,
    not rounded. Unset is None, `0`, `""` and the first moment of year one. Each of these clocks was
    seen in a recorded reply or on a provider's page; `tests/source/test_timestamps.py` lists them.

    Args:
        value (Any): A value as `json.loads` gives it.

    Returns:
        int | None: Microseconds since 1970-01-01T00:00:00Z, 2000-01-01T00:00:00Z or later; None
            if the value is unset.

    Raises:
        ValueError: If the value is not a point in time up to the year 9999.
    """
    if value is None:
        return None
    if type(value) is int:
        # nearly all of them are seconds
        if _FIRST_SECOND <= value < _END_OF_SECONDS:
            return value * SECOND
        return _in_range(_from_unix(value))
    if type(value) is str:
        return _in_range(_from_text(value.strip()))
    if type(value) is float and isfinite(value):
        # `repr` is the shortest decimal that reads back as this float: what was sent
        return _in_range(_from_unix(Decimal(repr(value))))
    raise ValueError("not a timestamp")


def all_to_microseconds(values: Sequence[Any]) -> list[int | None]:
    """Reads many timestamps, as `to_microseconds` does; faster if all are whole seconds.

    Args:
        values (Sequence[Any]): Values as `json.loads` gives them.

    Returns:
        list[int | None]: Microseconds since 1970-01-01T00:00:00Z, or None if a value is unset.

    Raises:
        ValueError: If `to_microseconds` cannot read one of them.
    """
    if set(map(type, values)) <= {int, NoneType}:
        numbers = [value for value in values if value is not None]
        if not numbers or (min(numbers) >= _FIRST_SECOND and max(numbers) < _END_OF_SECONDS):
            return [value and value * SECOND for value in values]
    return [to_microseconds(value) for value in values]


def _in_range(microseconds: int | None) -> int | None:
    if microseconds is None or microseconds < _FIRST:
        return None
    if microseconds > _LAST:
        raise ValueError("after the year 9999")
    return microseconds


def _from_unix(number: int | Decimal) -> int | None:
    if not -(10**20) < number < 10**20:
        raise ValueError("not a Unix time")
    if number <= 0:
        return None
    if number < _END_OF_SECONDS:
        return int(number * SECOND)
    if number < 10**14:
        return int(number * 1_000)
    if number < 10**17:
        return int(number)
    return int(number) // 1_000


def _from_text(text: str) -> int | None:
    if not text:
        return None
    if _LONG_AGO.match(text):
        return None
    # as seconds, eight digits would lie in 1970
    if _NUMBER.match(text) and not _BASIC_DATE.match(text):
        return _from_unix(Decimal(text))
    text = text.upper()
    if not _ISO.match(text):
        raise ValueError("not ISO 8601")
    # fractions beyond microseconds are cut there
    moment = datetime.fromisoformat(text)
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - _EPOCH) // _MICROSECOND
