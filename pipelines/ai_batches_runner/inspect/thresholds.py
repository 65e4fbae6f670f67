"""From when on something is an alert, as far as a user may decide it."""

from datetime import timedelta
from typing import Any, NamedTuple

import dlt

from ai_batches import span_seconds

from ..settings import unusable_setting
from ..sql.runs import REMEMBERED_DAYS

_SECTION = "sources.ai_batches.alerts"


class Thresholds(NamedTuple):
    """The settings in `[sources.ai_batches.alerts]`, by their names, and their defaults."""

    failure_batches: int = 20
    """Ended batches that a failure rate is of at least, the newest ones as well as those before."""
    failure_rise: float = 5
    """Percentage points by which a failure rate is higher than before, at least."""
    failure_chance: float = 0.001
    """How likely so many failures are at most if nothing changed."""
    not_loaded_after: timedelta = timedelta(days=1)
    """How long ago the last load of an account may be."""


def read_thresholds() -> Thresholds:
    """Reads the settings.

    Returns:
        Thresholds: Defaults for those that are not set.

    Raises:
        SettingsError: If one cannot be used.
    """
    found: dict[str, Any] = {}
    for name in ("failure_batches", "failure_rise", "failure_chance"):
        value: Any = dlt.config.get(f"{_SECTION}.{name}")
        if value is not None:
            found[name] = _number(name, value)
    span: Any = dlt.config.get(f"{_SECTION}.not_loaded_after")
    if span is not None:
        found["not_loaded_after"] = _span("not_loaded_after", span)
    return Thresholds(**found)


_RANGES = {"failure_batches": (1, 1_000_000), "failure_rise": (0, 100), "failure_chance": (0, 1)}


def _number(name: str, value: Any) -> float:
    least, most = _RANGES[name]
    kind = int if name == "failure_batches" else float
    try:
        number = kind(str(value))
    except ValueError:
        number = least - 1
    if not least <= number <= most:
        word = "a whole number" if kind is int else "a number"
        raise unusable_setting(f"alerts.{name}", f"it is not {word} from {least} to {most:,}")
    return number


def _span(name: str, value: Any) -> timedelta:
    seconds = span_seconds(value)
    # an account that no run asked for is forgotten later
    if not seconds or seconds > REMEMBERED_DAYS * 86_400:
        raise unusable_setting(
            f"alerts.{name}",
            f"it is not a span of time up to {REMEMBERED_DAYS}d, such as 12h or 2d",
        )
    return timedelta(seconds=seconds)
