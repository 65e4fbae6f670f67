"""Every clock to UTC: what providers send as a time becomes whole microseconds since 1970.

Microseconds as `int` are what Arrow stores for `timestamp("us", "UTC")`, so that no date object is
made for each of some ten timestamps a row.
"""

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from math import isfinite
from types import NoneType
from typing import Any

import pendulum

SECOND = 1_000_000
"""Microseconds in a second."""

_FIRST_SECOND = 946_684_800
"""2000-01-01T00:00:00Z in Unix seconds. No vendor had batches before: what lies there is unset."""

_END_OF_SECONDS = 10**11
"""Unix times from here on are milliseconds, microseconds or nanoseconds."""

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_FIRST = _FIRST_SECOND * SECOND
_LAST = (date(9999, 12, 31).toordinal() - _EPOCH_DAY + 1) * 86_400 * SECOND - 1

_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{0,30})?\Z")
_BASIC_DATE = re.compile(r"(?:19|2[0-9])[0-9]{6}\Z")
_ISO = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:[.,]([0-9]{1,9}))?"
    r"([Zz]|[+-][0-9]{2}:?[0-9]{2}(?::?[0-9]{2})?)?)?\Z"
)
_LONG_AGO = re.compile(
    r"(?:-[0-9]{4,6}|[+]?(?:00)?(?:0[0-9]{3}|1[0-8][0-9]{2}|19[0-8][0-9]|199[0-8]))"
    r"-?[0-9]{2}-?[0-9]{2}(?:[Tt ]|\Z)"
)
"""Begins as ISO 8601 in a year before 1999. The rest, which programs print in many odd ways for a
time that is not set, cannot make it a time of this century."""


def to_microseconds(value: Any) -> int | None:
    """Reads one timestamp, whatever clock it was written by.

    Numbers and numeric strings are Unix time; their magnitude tells seconds (below 1e11) from
    milliseconds (1e14), microseconds (1e17) and nanoseconds. Other strings are ISO 8601: a date, or
    a date and time with `Z`, an offset or none (then UTC). Fractions beyond microseconds are cut,
    not rounded. Unset is None, `0`, `""` and the first moment of year one. Each of these clocks was
    seen in a recorded reply or on a provider's page; `tests/test_timestamps.py` lists them.

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
    """Reads many timestamps, as `to_microseconds` does; faster where all are whole seconds.

    Args:
        values (Sequence[Any]): Values as `json.loads` gives them.

    Returns:
        list[int | None]: Microseconds since 1970-01-01T00:00:00Z, or None where a value is unset.

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
        raise ValueError("no Unix time")
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
    if _NUMBER.match(text):
        # as seconds, eight digits would lie in 1970
        is_date = _BASIC_DATE.match(text)
        return _from_rare_iso(text) if is_date else _from_unix(Decimal(text))
    iso = _ISO.match(text)
    if iso is None:
        return _from_rare_iso(text)
    year, month, day, hour, minute, second, fraction, offset = iso.groups()
    days = date(int(year), int(month), int(day)).toordinal() - _EPOCH_DAY
    if hour is None:
        return days * 86_400 * SECOND
    hours, minutes, seconds = int(hour), int(minute), int(second)
    if hours > 23 or minutes > 59 or seconds > 59:
        raise ValueError("no such time of day")
    total = days * 86_400 + hours * 3_600 + minutes * 60 + seconds
    if offset and offset not in "Zz":
        digits = offset[1:].replace(":", "")
        offset_hours, offset_minutes = int(digits[:2]), int(digits[2:4])
        # seconds were in use before there were time zones
        offset_seconds = int(digits[4:] or 0)
        if offset_hours > 23 or offset_minutes > 59 or offset_seconds > 59:
            raise ValueError("no such offset")
        ahead = offset_hours * 3_600 + offset_minutes * 60 + offset_seconds
        total -= ahead if offset[0] == "+" else -ahead
    return total * SECOND + (int(fraction[:6].ljust(6, "0")) if fraction else 0)


def _from_rare_iso(text: str) -> int:
    """Forms of ISO 8601 that no provider was seen to send; pendulum knows them all."""
    if not text[:4].isdecimal():
        # pendulum also reads words such as `now`
        raise ValueError("not ISO 8601")
    try:
        # `exact` keeps a time of day from being completed with today's date
        parsed = pendulum.parse(text, exact=True)
        if isinstance(parsed, pendulum.DateTime):
            moment = parsed.in_timezone("UTC")
        elif isinstance(parsed, pendulum.Date):
            moment = pendulum.datetime(parsed.year, parsed.month, parsed.day)
        else:
            raise ValueError("not a point in time")
    except (ValueError, TypeError, OverflowError) as ex:
        raise ValueError("not ISO 8601") from ex
    days = moment.toordinal() - _EPOCH_DAY
    seconds = moment.hour * 3_600 + moment.minute * 60 + moment.second
    return (days * 86_400 + seconds) * SECOND + moment.microsecond
