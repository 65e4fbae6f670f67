"""Reads the date of `--since`: digits are a date there, not Unix time."""

import re
from datetime import UTC, date, datetime, timedelta, timezone

EXAMPLES = "2026-11-01, 2026-11 or 2026-11-01T12:00Z"

_FIRST_YEAR = 2000
"""No vendor had batches before."""

_DATE = re.compile(
    r"""
    (?P<year>\d{4})
    (?:
        -W(?P<week>\d{2})(?:-(?P<weekday>[1-7]))?
        | W(?P<week2>\d{2})(?P<weekday2>[1-7])?
        | -(?P<month>\d{2})(?:-(?P<day>\d{2}))?
        | (?P<month2>\d{2})(?P<day2>\d{2})
    )?
    (?:
        [T\ ](?P<hour>\d{2})
        (?: :?(?P<minute>\d{2})
            (?: :?(?P<second>\d{2}) (?:[.,](?P<fraction>\d+))? )?
        )?
        \ ?(?P<zone> Z | (?P<sign>[+-])(?P<zone_hour>\d{2}) (?: :?(?P<zone_minute>\d{2}) )? )?
    )?
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_UNIX = re.compile(r"\d{10}|\d{13}", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_since(text: str, now: datetime | None = None) -> int:
    """Reads a date, a month, a year, a week or a moment of ISO 8601.

    Args:
        text (str): A date, in UTC if it has no zone.
        now (datetime | None): The present; None asks the clock.

    Returns:
        int: Its begin, in Unix microseconds.

    Raises:
        ValueError: If it is not clearly a date, or nothing could have been created since then. The
            text says so and gives an example.
    """
    given = text.strip()
    moment = _moment(given)
    if moment is None:
        hint = ""
        if _UNIX.fullmatch(given):
            seconds = int(given) // (1 if len(given) == 10 else 1_000)
            then = _EPOCH + timedelta(seconds=seconds)
            hint = f"; if it is Unix time, write {then:%Y-%m-%dT%H:%M:%SZ}"
        raise ValueError(f"must be a date such as {EXAMPLES}, got `{text}`{hint}")
    if moment.year < _FIRST_YEAR:
        raise ValueError(
            f"`{text}` is before {_FIRST_YEAR}, and no vendor had batches then; give a later date,"
            " or --full-refresh to read everything"
        )
    # a day may have begun elsewhere
    if moment > (now or datetime.now(UTC)) + timedelta(days=1):
        raise ValueError(f"`{text}` is in the future: no batch was created since then")
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _moment(text: str) -> datetime | None:
    """The moment that a text means; None if it means none."""
    found = _DATE.fullmatch(text)
    if not found:
        return None
    part = found.groupdict()
    month, day = part["month"] or part["month2"], part["day"] or part["day2"]
    week, weekday = part["week"] or part["week2"], part["weekday"] or part["weekday2"]
    if part["hour"] and not (day or weekday):
        # a month has no hours
        return None
    try:
        if week:
            day_of = date.fromisocalendar(int(part["year"]), int(week), int(weekday or 1))
        else:
            day_of = date(int(part["year"]), int(month or 1), int(day or 1))
        zone = timedelta(hours=int(part["zone_hour"] or 0), minutes=int(part["zone_minute"] or 0))
        return datetime(
            day_of.year,
            day_of.month,
            day_of.day,
            int(part["hour"] or 0),
            int(part["minute"] or 0),
            int(part["second"] or 0),
            int((part["fraction"] or "0")[:6].ljust(6, "0")),
            timezone(-zone if part["sign"] == "-" else zone),
        )
    except (ValueError, OverflowError):
        # such as the 30th of February
        return None
