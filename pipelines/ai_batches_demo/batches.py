"""Made-up batches of no particular vendor: each has a plan of what happens to it, and when.

What a list shows follows from a clock alone. Moving the clock on creates batches and lets open ones
move on, the same way in every run.
"""

import random
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR

MODELS = ("small-1", "large-2", "large-2-mini")
ENDPOINTS = ("/v1/chat/completions", "/v1/embeddings", "/v1/responses")
ENDS = ("completed", "failed", "expired", "cancelled")
"""Status words after which nothing happens to a batch."""
MOST_FAILURES = 40
"""Failed requests of a batch at most, so that the demo's error files stay small."""

ShownIds = Callable[["Batch"], tuple[str, ...]]
"""The ids under which a vendor knows a batch or its files."""


@dataclass(frozen=True)
class Batch:
    """One job and its future. Times are Unix seconds."""

    id: str
    created_at: int
    steps: dict[str, int]
    """Status words to the time at which each is reached, in order."""
    requests: int
    failures: int
    """Requests that will have failed in the end."""
    number: int
    """Position in the plan; vendors vary what they send by it."""

    def status(self, now: int) -> str:
        """The status word at a moment."""
        return [word for word, at in self.steps.items() if at <= now][-1]

    def reached(self, word: str, now: int) -> int | None:
        """When a status was reached, or None if it was not by that moment."""
        at = self.steps.get(word)
        return at if at is not None and at <= now else None

    def done(self, now: int) -> int:
        """Requests that succeeded so far."""
        status = self.status(now)
        if status == "completed":
            return self.requests - self.failures
        started = self.reached("in_progress", now)
        if status in ("failed", "expired", "cancelled"):
            now = self.steps[status]
        return 0 if started is None else min(self.requests // 2, (now - started) // MINUTE)

    def failed(self, now: int) -> int:
        """Requests that failed so far."""
        return self.failures if self.status(now) == "completed" else 0

    def unreached(self, now: int) -> int:
        """Requests that never ran, because the batch expired or was cancelled before."""
        is_cut = self.status(now) in ("expired", "cancelled")
        return self.requests - self.done(now) if is_cut else 0

    def is_ended(self, now: int) -> bool:
        """Whether nothing happens to it any more."""
        return self.status(now) in ENDS


@dataclass
class BatchList:
    """The batches of one account as they stand at a moment of the clock."""

    clock: int
    """Unix seconds; move it on to let time pass."""
    plan: list[Batch] = field(default_factory=list)
    """All batches there will be, oldest first."""
    _indexes: dict[ShownIds, dict[str, Batch]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def visible(self) -> list[Batch]:
        """The batches that exist now, oldest first."""
        return self.plan[: bisect_left(self.plan, self.clock + 1, key=lambda b: b.created_at)]

    def find(self, shown_id: str, ids_of: ShownIds) -> Batch | None:
        """Finds a batch by an id that its vendor shows.

        Args:
            shown_id (str): The id, of the batch or of one of its files.
            ids_of (ShownIds): The ids under which the vendor knows a batch.

        Returns:
            Batch | None: The batch, or None if there is none yet.
        """
        if ids_of not in self._indexes:
            self._indexes[ids_of] = {name: batch for batch in self.plan for name in ids_of(batch)}
        batch = self._indexes[ids_of].get(shown_id)
        return batch if batch is not None and batch.created_at <= self.clock else None

    def pass_time(self, seconds: int) -> None:
        """Moves the clock on."""
        self.clock += seconds


def make_list(name: str, clock: int, past: int, future: int) -> BatchList:
    """Plans the batches of an account: most of them ended, a few open, one of them stuck.

    Args:
        name (str): Account, which makes the ids and seeds the chance.
        clock (int): The moment, in Unix seconds, at which the list starts.
        past (int): How many batches exist at that moment.
        future (int): How many more will come within the next hours.

    Returns:
        BatchList: The list, the same for the same arguments.
    """
    chance = random.Random(name)  # noqa: S311
    pace = chance.uniform(1, 3)
    plan = []
    created = clock + future * 20 * MINUTE
    for number in range(past + future - 1, -1, -1):
        # every few batches are created within one second, as a script does
        pause = 0 if number % 7 == 3 else chance.randrange(10 * MINUTE, 30 * MINUTE)
        created -= pause * (3 if _is_weekend(created) else 1)
        is_stuck = number == max(past // 2, past - 150)
        plan.append(_batch(f"{name}{number:06d}", created, number, is_stuck, pace, chance))
    plan.reverse()
    return BatchList(clock, plan)


def _is_weekend(moment: int) -> bool:
    # 1970 began on a Thursday
    return (moment // DAY + 3) % 7 >= 5


def _batch(
    batch_id: str, created: int, number: int, is_stuck: bool, pace: float, chance: random.Random
) -> Batch:
    requests = chance.choice((1, 24, 500, 50_000))
    started = created + chance.randrange(1, 5 * MINUTE)
    # most take a few hours, a few almost a day
    ended = started + min(int(pace * HOUR * chance.lognormvariate(0, 0.8)), 20 * HOUR)
    steps = {"validating": created}
    outcome = chance.random()
    if is_stuck:
        steps["in_progress"] = started
    elif outcome < 0.05:
        steps["failed"] = started
    elif outcome < 0.09:
        steps.update(in_progress=started, expired=created + DAY)
    elif outcome < 0.13:
        steps.update(in_progress=started, cancelling=ended, cancelled=ended + 8 * MINUTE)
    else:
        steps.update(in_progress=started, finalizing=ended, completed=ended + MINUTE)
    failures = chance.choice((0, 0, 0, min(requests // 10, MOST_FAILURES)))
    return Batch(batch_id, created, steps, requests, failures, number)
