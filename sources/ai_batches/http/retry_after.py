"""How long servers ask to wait before a request is made again."""

import re
import time
from contextlib import suppress
from email.utils import mktime_tz, parsedate_tz
from math import ceil

from dlt.common.typing import TimedeltaSeconds
from requests import HTTPError
from tenacity import RetryCallState, wait_exponential

from ..timestamps import to_microseconds

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0}
_DURATION = re.compile(r"(?:[0-9]*\.?[0-9]+(?:ms|s|m|h))+")
_PART = re.compile(r"([0-9]*\.?[0-9]+)(ms|s|m|h)")
_WORDS = re.compile(r"\s*(?:seconds?|secs?)\s*$", re.IGNORECASE)


def seconds_asked(retry_after: str) -> int | None:
    """Reads the header `Retry-After` in the forms that servers send.

    Args:
        retry_after (str): Seconds with or without a fraction or a unit, a duration such as `1m30s`,
            or a date of HTTP or ISO 8601. If several headers were sent: all, with commas.

    Returns:
        int | None: Seconds, rounded up, the longest that is asked for; 10 years at most. None if
            it cannot be read, or asks for no wait.
    """
    retry_after = retry_after[:200]
    whole = _seconds(retry_after)
    asked = [whole] if whole is not None else map(_seconds, retry_after.split(","))
    longest = max((seconds for seconds in asked if seconds is not None), default=0.0)
    return ceil(min(longest, 10 * 365 * 86_400.0)) if longest > 0 else None


def _seconds(text: str) -> float | None:
    text = _WORDS.sub("", text.strip().strip("\"'"))
    # `inf` and `nan` are not numbers of seconds
    if re.search("[0-9]", text):
        with suppress(ValueError):
            return float(text)
    duration = text.replace(" ", "")
    if _DURATION.fullmatch(duration):
        return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(duration))
    moment = _moment(text)
    return None if moment is None else moment - time.time()


def _moment(text: str) -> float | None:
    """Unix seconds of a date of HTTP or ISO 8601."""
    try:
        parts = parsedate_tz(text)
        if parts:
            return float(mktime_tz(parts))
        microseconds = to_microseconds(text)
    except (ValueError, OverflowError, TypeError):
        return None
    return None if microseconds is None else microseconds / 1_000_000


class RetryWait(wait_exponential):
    """dlt's backoff, or as long as the server asks; never longer than dlt's longest delay.

    Args:
        factor (float): dlt's `request_backoff_factor`, in seconds.
        longest (TimedeltaSeconds): dlt's `request_max_retry_delay`, in seconds.
    """

    def __init__(self, factor: float, longest: TimedeltaSeconds) -> None:
        super().__init__(multiplier=factor, max=longest)

    def __call__(self, retry_state: RetryCallState) -> float:
        """Seconds to wait before the next attempt."""
        error = retry_state.outcome.exception() if retry_state.outcome else None
        if isinstance(error, HTTPError) and error.response is not None:
            asked = seconds_asked(error.response.headers.get("Retry-After", ""))
            if asked is not None:
                return min(asked, self.max)
        return super().__call__(retry_state)
