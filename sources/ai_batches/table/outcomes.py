"""How and when batches ended, by their status and times together."""

import time
from collections.abc import Collection, Mapping
from typing import Any

from .columns import COLUMNS, STATUSES, TERMINAL_STATUSES
from .statuses import ENDED

Columns = dict[str, list[Any]]
"""Values by column, in the order of the rows."""

_LIFE = ("created_at", "in_progress_at", "finalizing_at", "cancelling_at", "updated_at")
_TOKENS = [name for name in COLUMNS if name.endswith("_tokens")]


def ends_of_unknown(columns: Mapping[str, list[Any]], has_ended_at: bool) -> dict[int, int]:
    """Settles rows whose status word does not say how or whether they ended.

    The word `ENDED` becomes the outcome that the row has a time for. With an unknown word, or none,
    a row is closed since its first end. An end in the future, such as a deadline, does not count.

    Args:
        columns (Mapping[str, list[Any]]): The columns; `status` and `is_open` are changed.
        has_ended_at (bool): Whether the provider reports `ended_at` itself.

    Returns:
        dict[int, int]: When rows ended, in microseconds, by their place.
    """
    ends: dict[int, int] = {}
    now = time.time_ns() // 1_000
    words, are_open = columns["status"], columns["is_open"]
    for n, word in enumerate(words):
        if word in STATUSES:
            continue
        times = {name: columns[f"{name}_at"][n] for name in TERMINAL_STATUSES}
        past = {name: at for name, at in times.items() if at is not None and at <= now}
        if word == ENDED:
            is_completed = not past or "completed" in past
            words[n] = "completed" if is_completed else min(past, key=past.__getitem__)
            are_open[n] = False
            continue
        own = columns["ended_at"][n] if has_ended_at else None
        end = min(past.values(), default=None) if own is None else own
        if end is not None and end <= now:
            are_open[n], ends[n] = False, end
    return ends


def derive_ends(columns: Columns) -> None:
    """Fills `ended_at` from the time of each row's outcome.

    Args:
        columns (Columns): The columns; `ended_at` is added.
    """
    columns["ended_at"] = [
        columns[f"{word}_at"][n] if word in TERMINAL_STATUSES else None
        for n, word in enumerate(columns["status"])
    ]


def derive_outcome_times(columns: Columns, reported: Collection[str]) -> None:
    """Fills the time of each row's outcome, such as `failed_at`, from `ended_at`.

    Args:
        columns (Columns): The columns; those of outcomes are changed.
        reported (Collection[str]): Columns that the provider reports, which stay as they are.
    """
    for outcome in TERMINAL_STATUSES:
        if f"{outcome}_at" not in reported:
            columns[f"{outcome}_at"] = [
                end if word == outcome else None
                for end, word in zip(columns["ended_at"], columns["status"], strict=True)
            ]


def last_changes(columns: Columns) -> list[int | None]:
    """When batches ended; if a terminal one does not report it, the latest time that it reports.

    Args:
        columns (Columns): The columns.

    Returns:
        list[int | None]: Microseconds since 1970, by row; None for open rows.
    """
    ends = columns["ended_at"].copy()
    for index, word in enumerate(columns["status"]):
        if ends[index] is None and columns["is_open"][index] is False:
            names = (*_LIFE, "expires_at") if word == "expired" else _LIFE
            times = [columns[name][index] for name in names]
            ends[index] = max((time for time in times if time is not None), default=None)
    return ends


def forget_unmetered_tokens(columns: Columns) -> None:
    """Sets the tokens of open batches to null if all are zero: they are not metered yet.

    Args:
        columns (Columns): The columns; those of tokens are changed.
    """
    # such batches were seen to fill their usage later
    for index, is_open in enumerate(columns["is_open"]):
        if is_open and not any(columns[name][index] for name in _TOKENS):
            for name in _TOKENS:
                columns[name][index] = None
