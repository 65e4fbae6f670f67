"""The evidence that a list is newest first, without which no scan stops early."""

from collections.abc import Sequence
from typing import NamedTuple

from .state import ScanProgress

MIN_DESCENTS, MIN_PAGES = 10, 2
"""How much of a list must have been found newest first before that counts as its order."""

ORDER_TOLERANCE = 60_000_000
"""Microseconds by which rows of a list that is newest first may stand in the wrong order: it may be
sorted by another time than the one it reports, such as when a server stored the row."""


class Sighting(NamedTuple):
    """What a scan needs to know of a row."""

    id: str
    created: int | None
    """Creation time, in microseconds; None if the row has no readable one."""
    is_held: bool
    """Whether the batch may still change: it is open, or ended within `settle_window`."""


def observe(progress: ScanProgress, sightings: Sequence[Sighting]) -> None:
    """Adds the rows of a page to the progress of a scan.

    Args:
        progress (ScanProgress): The scan; it is changed.
        sightings (Sequence[Sighting]): The rows, in the order of the list.
    """
    if sightings:
        progress["anchor"] = progress["anchor"] or sightings[0].id
        progress["rows"] += len(sightings)
    oldest, newest, oldest_held = progress["oldest"], progress["newest"], progress["oldest_held"]
    for _, created, is_held in sightings:
        if created is None:
            progress["in_order"] = False
            continue
        if oldest is None or created < oldest:
            progress["descents"] += oldest is not None
            oldest = created
        elif created > oldest + ORDER_TOLERANCE:
            progress["in_order"] = False
        if newest is None or created > newest:
            newest = created
        if is_held and (oldest_held is None or created < oldest_held):
            oldest_held = created
    progress["oldest"], progress["newest"], progress["oldest_held"] = oldest, newest, oldest_held


def is_order_proven(progress: ScanProgress) -> bool:
    """Whether enough of the list was found newest first.

    Args:
        progress (ScanProgress): The scan.

    Returns:
        bool: False also for a list that is too short to prove anything.
    """
    return (
        progress["in_order"]
        and progress["descents"] >= MIN_DESCENTS
        and progress["pages"] >= MIN_PAGES
    )


def is_below(progress: ScanProgress, bound: int | None) -> bool:
    """Whether a scan that found its rows in order has passed a creation time.

    Args:
        progress (ScanProgress): The scan.
        bound (int | None): The creation time, in microseconds; None is never passed.

    Returns:
        bool: True only strictly below the bound, since creation times tie.
    """
    oldest = progress["oldest"]
    return (
        progress["in_order"]
        and bound is not None
        and oldest is not None
        and oldest + ORDER_TOLERANCE < bound
    )
