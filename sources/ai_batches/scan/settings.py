"""How far down a list a run reads."""

from typing import NamedTuple

_HOUR = 3_600_000_000


class ScanSettings(NamedTuple):
    """How far down a list a run reads. Microseconds."""

    lookback: int = _HOUR
    """How late a batch may become visible, including the difference between clocks."""
    settle_window: int = _HOUR
    """How long an ended batch may still be filled in, such as with usage and file ids."""
    max_open_age: int = 30 * 24 * _HOUR
    """Age beyond which an open batch counts as stuck and no longer holds the low watermark down."""
    full_scan_interval: int = 7 * 24 * _HOUR
    """How often the list is read to its end."""
