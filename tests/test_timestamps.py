"""Every clock to UTC: the table of cases, and properties against pendulum."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_batches.timestamps import to_microseconds


def text(microseconds: int | None) -> str | None:
    """Microseconds as ISO 8601."""
    if microseconds is None:
        return None
    moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=microseconds)
    return moment.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (1745587773, "2025-04-25T13:29:33Z"),
        (1745587773123, "2025-04-25T13:29:33.123000Z"),
        (1745587773123456, "2025-04-25T13:29:33.123456Z"),
        (1745587773123456789, "2025-04-25T13:29:33.123456Z"),
        (1745587773.5, "2025-04-25T13:29:33.500000Z"),
        # a float that is a little less than what was written
        (1745587773.123457, "2025-04-25T13:29:33.123457Z"),
        ("1745587773", "2025-04-25T13:29:33Z"),
        ("1745587773.1234567", "2025-04-25T13:29:33.123456Z"),
        ("1745587773123", "2025-04-25T13:29:33.123000Z"),
        ("2025-05-08T19:28:12.627Z", "2025-05-08T19:28:12.627000Z"),
        ("2025-05-08t19:28:12z", "2025-05-08T19:28:12Z"),
        ("2025-08-11T16:31:52.949816948+08:00", "2025-08-11T08:31:52.949816Z"),
        ("2023-11-16T22:14:24.9663+00:00", "2023-11-16T22:14:24.966300Z"),
        ("2025-01-29T14:25:40.914571+00:00", "2025-01-29T14:25:40.914571Z"),
        ("2025-08-11T16:31:52-0330", "2025-08-11T20:01:52Z"),
        ("2025-08-11T16:31:52", "2025-08-11T16:31:52Z"),
        ("2025-08-11 16:31:52", "2025-08-11T16:31:52Z"),
        ("2025-08-11T16:31", "2025-08-11T16:31:00Z"),
        ("20250811T163152Z", "2025-08-11T16:31:52Z"),
        (" 2025-08-11T16:31:52Z\n", "2025-08-11T16:31:52Z"),
        ("2026-08-10", "2026-08-10T00:00:00Z"),
        # the last microsecond is cut, not rounded into the next year
        ("2025-12-31T23:59:59.999999999Z", "2025-12-31T23:59:59.999999Z"),
        (None, None),
        (0, None),
        (0.0, None),
        ("0", None),
        ("", None),
        (" ", None),
        ("0001-01-01T00:00:00Z", None),
        (-62135596800, None),
    ],
)
def test_what_a_timestamp_means(sent: Any, read: str | None) -> None:
    assert text(to_microseconds(sent)) == read


@pytest.mark.parametrize(
    "sent",
    [
        "yesterday",
        "now",
        "12:30",
        "P1D",
        "2025-02-30",
        "2025-08-11T24:30:00Z",
        "2025-08-11T16:61:00Z",
        "2025-08-11T16:31:52+99:00",
        "9999-12-31T23:59:59-01:00",
        "9999-12-31T23:59-10:00",
        "0001-01-01T00:00+10:00",
        "٢٠٢٥-٠٨-١١",
        "NaN",
        "1e9",
        "-",
        -1,
        10**30,
        float("nan"),
        float("inf"),
        True,
        [1745587773],
        {"seconds": 1745587773},
    ],
)
def test_what_is_no_timestamp(sent: Any) -> None:
    with pytest.raises(ValueError, match="."):
        to_microseconds(sent)


MOMENTS = st.datetimes(min_value=datetime(1973, 3, 4), max_value=datetime(5138, 1, 1))
OFFSETS = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda m: timezone(timedelta(minutes=m)))


@given(MOMENTS, OFFSETS, st.sampled_from("Tt "))
def test_iso_text_means_what_pendulum_says(moment: datetime, zone: timezone, between: str) -> None:
    sent = moment.replace(tzinfo=zone).isoformat(sep="T")
    expected = pendulum.parse(sent)
    assert isinstance(expected, pendulum.DateTime)
    read = text(to_microseconds(sent.replace("T", between)))
    assert read == expected.in_timezone("UTC").isoformat().replace("+00:00", "Z")


@given(MOMENTS, st.sampled_from([1, 10**3, 10**6, 10**9]), st.booleans())
def test_the_magnitude_tells_the_unit(moment: datetime, per_second: int, as_text: bool) -> None:
    micros = (moment - datetime(1970, 1, 1)) // timedelta(microseconds=1)
    sent = micros * per_second // 10**6
    kept = micros // max(10**6 // per_second, 1) * max(10**6 // per_second, 1)
    assert to_microseconds(str(sent) if as_text else sent) == kept


@given(st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.none()))
def test_anything_is_a_time_or_none_or_refused(sent: Any) -> None:
    try:
        micros = to_microseconds(sent)
    except ValueError:
        return
    assert micros is None or text(micros)


@given(MOMENTS, st.integers(0, 999))
def test_nanoseconds_are_cut(moment: datetime, nanoseconds: int) -> None:
    sent = f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06d}{nanoseconds:03d}Z"
    if moment.year < 1000:
        return
    assert to_microseconds(sent) == (moment - datetime(1970, 1, 1)) // timedelta(microseconds=1)
