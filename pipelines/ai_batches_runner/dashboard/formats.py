"""Numbers, durations and moments as people read them."""

from datetime import UTC, datetime
from decimal import Decimal

NOTHING = "–"  # noqa: RUF001


def short_number(value: float | None) -> str:
    """Such as 950, 12.3k, 4.56M: three digits are enough to compare."""
    if value is None:
        return NOTHING
    for size, unit in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        # 999,950 would be rounded to 1000k
        if abs(value) >= size * 0.9995:
            scaled = value / size
            return f"{scaled:.{max(0, 3 - len(str(int(abs(scaled)))))}f}{unit}"
    return f"{value:,.0f}"


def whole_number(value: float | None) -> str:
    """With thousands separators."""
    return NOTHING if value is None else f"{value:,.0f}"


def usd(value: float | Decimal | None) -> str:
    """In cents; what is less than one is not 0."""
    if value is None:
        return NOTHING
    return "< 0.01" if 0 < value < Decimal("0.01") else f"{value:,.2f}"


def percent(part: float | None, whole: float | None) -> str:
    """One decimal, except for 0 % and 100 %."""
    if not whole or part is None:
        return NOTHING
    if part in (0, whole):
        return "0 %" if not part else "100 %"
    # only none is 0 %, and only all is 100 %
    return f"{min(max(100 * part / whole, 0.1), 99.9):.1f} %"


def duration(seconds: float | None) -> str:
    """The two largest units."""
    if seconds is None:
        return NOTHING
    left = int(seconds)
    parts: list[str] = []
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        if left >= size or (unit == "s" and not parts):
            parts.append(f"{left // size} {unit}")
            left %= size
        elif parts:
            break
    return " ".join(parts[:2])


def moment(at: datetime | None) -> str:
    """In UTC, to the minute."""
    return NOTHING if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"


def ago(at: datetime | None, now: datetime) -> str:
    """How long ago, in one unit."""
    if at is None:
        return "never"
    seconds = max(0, int((now - at).total_seconds()))
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit} ago"
    return "just now"
