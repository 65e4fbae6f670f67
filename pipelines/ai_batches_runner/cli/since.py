"""Reads the date of `--since`: digits are a date there, not Unix time."""

import re
from datetime import UTC, datetime, timedelta

import pendulum
from pendulum.parsing.exceptions import ParserError

EXAMPLES = "2026-11-01, 2026-11 or 2026-11-01T12:00Z"

_FIRST_YEAR = 2000
"""No vendor had batches before."""

_DATE = re.compile(
    r"\d{4}(?:-\d{2}|-?W\d{2})?|\d{4}(?:-\d{2}-\d{2}|\d{4}|-?W\d{2}-?\d)(?:[T ][^/]+)?", re.ASCII
)
"""A year, month or week; or a day, perhaps with a time. pendulum reads much else, too."""
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
    moment = _moment(text.strip().upper())
    if moment is None:
        hint = ""
        if _UNIX.fullmatch(text.strip()):
            seconds = int(text.strip()[:10])
            hint = f"; if it is Unix time, write {_EPOCH + timedelta(seconds=seconds):%FT%TZ}"
        raise ValueError(f"must be a date such as {EXAMPLES}, got `{text}`{hint}")
    if moment.year < _FIRST_YEAR:
        raise ValueError(
            f"`{text}` is before {_FIRST_YEAR}, and no vendor had batches then; give a later date,"
            " or --full-refresh to read everything"
        )
    # a day may have begun elsewhere
    if moment > (now or datetime.now(UTC)) + timedelta(days=1):
        raise ValueError(f"`{text}` is in the future: no batch was created since then")
    return moment.int_timestamp * 1_000_000 + moment.microsecond


def _moment(text: str) -> pendulum.DateTime | None:
    """The moment that a text means; None if it means none."""
    if not _DATE.fullmatch(text):
        return None
    try:
        # ISO 8601 has no space before an offset, but programs print one
        moment = pendulum.parse(re.sub(r" (?=[+-])", "", text))
    except (ParserError, ValueError):
        return None
    return moment if isinstance(moment, pendulum.DateTime) else None
