"""Every clock to UTC: the table of cases, and properties against pendulum."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_batches.timestamps import all_to_microseconds, to_microseconds


def text(microseconds: int | None) -> str | None:
    """Microseconds as ISO 8601."""
    if microseconds is None:
        return None
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
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
        ("2025-08-11 16:31:52+08", "2025-08-11T08:31:52Z"),
        ("2025-08-11T16:31:52,5z", "2025-08-11T16:31:52.500000Z"),
        ("2025-08-11T16:31:52.123456789123Z", "2025-08-11T16:31:52.123456Z"),
        ("2025-W33-1", "2025-08-11T00:00:00Z"),
        ("2025W331T16Z", "2025-08-11T16:00:00Z"),
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
        # the first moment that is not unset, and the last that is
        (946684800, "2000-01-01T00:00:00Z"),
        ("2000-01-01T08:00:00+08:00", "2000-01-01T00:00:00Z"),
        ("1999-12-31T23:30:00-01:00", "2000-01-01T00:30:00Z"),
        (946684799, None),
        (946684799999, None),
        ("1999-12-31T23:59:59.999999999Z", None),
        ("2000-01-01T00:00:00+08:00", None),
        # the eight digits of a date are no number of seconds
        ("20260810", "2026-08-10T00:00:00Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
        ("2025-08-11T16:31:52+08:05:43", "2025-08-11T08:26:09Z"),
    ],
)
def test_what_a_timestamp_means(sent: Any, read: str | None) -> None:
    assert text(to_microseconds(sent)) == read


@pytest.mark.parametrize(
    "sent",
    [
        # zero by Unix clocks, here and elsewhere
        *(0.0, -0.0, "0.0", "00", "-0", "+0"),
        "1970-01-01",
        "1970-01-01T00:00:00Z",
        "1970-01-01T00:00Z",
        "1970-01-01 00:00:00",
        "1970-01-01T08:00:00+08:00",
        "1970-01-01T05:30:00.000+0530",
        "1969-12-31T16:00:00-08:00",
        "19700101T000000Z",
        "1970-W01-4",
        # small numbers of any kind
        *(1, 86_400, 28_800_000, "1", "2026", 0.5, 631_152_000_000),
        # year one, by Unix clocks and in text, as Go, .NET and old time zones print it
        *(-62135596800 * 10**power for power in (0, 3, 6, 9)),
        *("-62135596800", -62135596800.0, -6795364578871345152, -1, "-1"),
        "0001-01-01",
        "0001-01-01T00:00:00",
        "0001-01-01T00:00:00.0000000",
        "0001-01-01T00:00:00+08:00",
        "0001-01-01T00:00+10:00",
        "0001-01-01T08:05:43+08:05",
        "0001-01-01T08:05:43+08:05:43",
        "0001-01-01T00:00:00-04:56:02",
        "0001-01-01 00:00:00 +0000 UTC",
        "00010101T000000Z",
        # what databases and others have for no time
        "0000-00-00",
        "0000-00-00 00:00:00",
        "0000-12-31T15:54:17-08:05",
        "-0001-11-30T00:00:00+00:00",
        *("1601-01-01T00:00:00Z", "1753-01-01 00:00:00", "1900-01-01", "1980-01-01T00:00:00Z"),
        # a list of milliseconds that begins in another zone
        946656000000,
    ],
)
def test_no_time_of_a_batch_is_unset(sent: Any) -> None:
    assert to_microseconds(sent) is None
    assert all_to_microseconds([sent, None, 1745587773]) == [None, None, 1745587773000000]


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
        # Python reads these, or may one day
        "2025-08-11x16:31:52",
        "2025-08-11T24:00:00Z",
        "2025-08-11T16:31:52+24:00",
        "2025-08-11T16:31:52+08:75",
        "2025-08-11T16:31:60Z",
        "2025-08-11T16:31:52 Z",
        "2025-W33",
        # no points in time
        "2025-08",
        "2025-08T16:31",
        # as a date it has no such month, and as seconds it lies in 1970
        "20261341",
        "1000-pieces",
        "٢٠٢٥-٠٨-١١",
        "NaN",
        "1e9",
        "-",
        10**30,
        -(10**30),
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


MOMENTS = st.datetimes(min_value=datetime(2000, 1, 2), max_value=datetime(5138, 1, 1))
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


SENT = st.one_of(
    st.none(),
    st.integers(-(10**12), 10**12),
    st.integers(-(10**21), 10**21),
    st.sampled_from([0, "0", "", 946684799, 946684800, 10**11 - 1, 10**11, "1970-01-01"]),
    MOMENTS.map(lambda moment: moment.isoformat() + "Z"),
)


@given(st.lists(SENT, max_size=5))
def test_many_are_read_as_each_of_them(sent: list[Any]) -> None:
    try:
        each = [to_microseconds(value) for value in sent]
    except ValueError:
        with pytest.raises(ValueError, match="."):
            all_to_microseconds(sent)
        return
    assert all_to_microseconds(sent) == each


@given(st.datetimes(max_value=datetime(1999, 12, 30)), OFFSETS, st.sampled_from("T "))
def test_what_lies_before_2000_is_unset(moment: datetime, zone: timezone, between: str) -> None:
    assert to_microseconds(moment.replace(tzinfo=zone).isoformat(sep=between)) is None


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
    assert to_microseconds(sent) == (moment - datetime(1970, 1, 1)) // timedelta(microseconds=1)
