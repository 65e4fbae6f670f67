"""Reads many lists side by side: each in a worker, handed on in portions by one thread."""

import threading
import time
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from dlt.common.configuration.container import Container

MAX_WORKERS = 16
"""Lists of a run that are read at a time, of all lanes; but at least one of each."""

_PORTIONS_AHEAD = 2
"""Portions of a list that wait to be handed on; a worker that has as many waits, too."""

_PATIENT_WORKERS = 4
"""How many times the concurrency of a lane there may be workers, with those that wait long."""

_SECONDS_TO_END = 2.0
"""How long workers that are to end are waited for."""

TPortion = TypeVar("TPortion")
TFeed = TypeVar("TFeed", bound="Feed[Any]")


class Ended(NamedTuple):
    """The last thing that a feed has."""

    error: Exception | None
    """Why the list could not be read to its end."""


class Feed(ABC, Generic[TPortion]):
    """One list, and what a worker has read of it and nobody has taken yet.

    Args:
        lane (str): What the list shares its `concurrency` with.
        concurrency (int): How many lists of the lane are read at a time.
    """

    def __init__(self, lane: str, concurrency: int) -> None:
        self.lane = lane
        self.concurrency = concurrency
        self.items: deque[TPortion | Ended | None] = deque()
        self.is_parked = False
        """Whether what comes next has to go into another load package."""
        self.is_over = False
        """Whether everything was taken."""
        self.is_cut = False
        """Whether nobody takes any more of it."""

    @abstractmethod
    def read(self) -> Iterator[TPortion | None]:
        """Yields portions; None if the next one has to go into another load package."""

    @abstractmethod
    def end(self) -> None:
        """Has `read` end at once, from another thread."""


def is_ready(feed: Feed[Any]) -> bool:
    """Whether a list has something to be taken for this load package."""
    return bool(feed.items) and not feed.is_parked


class Workers:
    """Reads the lists of one run in a bounded number of threads."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        """Guards all feeds; is notified when any of them has changed."""
        self._feeds: list[Feed[Any]] = []
        self._waiting: deque[Feed[Any]] = deque()
        self._busy: dict[Feed[Any], threading.Thread] = {}
        self._patient: set[Feed[Any]] = set()
        """Feeds whose servers asked for a long wait: others are read meanwhile."""
        self._prefix = ""
        """Of the names of threads: dlt finds the context of the starting one by it."""
        self._end_by: float | None = None
        """Until when workers that are to end are waited for."""

    @property
    def are_ready(self) -> bool:
        """Whether any list has something to be taken."""
        return any(map(is_ready, self._feeds))

    @property
    def are_stalled(self) -> bool:
        """Whether all that is being read, or was, waits for another load package."""
        active = [
            feed
            for feed in self._feeds
            if (feed.items if feed not in self._busy else feed not in self._patient)
        ]
        return bool(active) and all(feed.is_parked for feed in active)

    def add(self, feeds: Sequence[Feed[Any]]) -> None:
        """Adds lists to be read, in this order."""
        with self.changed:
            self._feeds.extend(feeds)
            self._waiting.extend(feeds)

    def start(self) -> None:
        """Reads the lists that were added, as far as workers are free."""
        with self.changed:
            self._prefix = Container.thread_pool_prefix()
            self._fill()

    def note_taken(self) -> None:
        """Goes on if there is room again; `changed` is held."""
        if self._waiting:
            self._fill()
        self.changed.notify_all()

    def wait_for_others(self, feed: Feed[Any], seconds: float) -> None:
        """Lets other lists be read instead; called by the worker of a feed.

        Args:
            feed (Feed): Whose server is waited for.
            seconds (float): How long, unless all other lists are read before.
        """
        with self.changed:
            self._patient.add(feed)
            self._fill()
            self.changed.notify_all()
            self.changed.wait_for(
                lambda: feed.is_cut or self._busy.keys() <= self._patient, seconds
            )
            self._patient.discard(feed)

    def end(self, feeds: Sequence[Feed[Any]]) -> None:
        """Ends the reading of lists; what was read and not taken is dropped."""
        with self.changed:
            for feed in feeds:
                feed.is_cut = True
            self._waiting = deque(feed for feed in self._waiting if not feed.is_cut)
            ended = {feed: self._busy[feed] for feed in feeds if feed in self._busy}
            self.changed.notify_all()
        for feed in ended:
            feed.end()
        # of all, since lists are ended one provider after the other
        self._end_by = self._end_by or time.monotonic() + _SECONDS_TO_END
        for thread in ended.values():
            thread.join(max(0.0, self._end_by - time.monotonic()))

    def _fill(self) -> None:
        """Starts workers as far as there may be more."""
        busy = Counter(feed.lane for feed in self._busy)
        working = Counter(feed.lane for feed in self._busy.keys() - self._patient)
        unread = Counter(feed.lane for feed in self._feeds if feed.items and feed not in self._busy)
        for feed in list(self._waiting):
            lane = feed.lane
            # one worker each, at least: a lane that is stuck must not keep others from beginning
            is_free = working.total() < MAX_WORKERS or not working[lane]
            if (
                is_free
                and working[lane] < feed.concurrency
                and unread[lane] < feed.concurrency
                and busy[lane] < _PATIENT_WORKERS * feed.concurrency
            ):
                working[lane] += 1
                busy[lane] += 1
                self._waiting.remove(feed)
                self._begin(feed)

    def _begin(self, feed: Feed[Any]) -> None:
        name = f"{self._prefix}{feed.lane}"
        # a request that hangs must not hold the end of the process
        thread = threading.Thread(target=self._work, args=(feed,), name=name, daemon=True)
        self._busy[feed] = thread
        try:
            thread.start()
        except RuntimeError as ex:
            # the machine has no more threads
            del self._busy[feed]
            feed.items.append(Ended(ex))

    def _work(self, feed: Feed[Any]) -> None:
        error: Exception | None = None
        try:
            for portion in feed.read():
                if not self._hand_over(feed, portion):
                    break
        except Exception as ex:
            error = ex
        finally:
            with self.changed:
                feed.items.append(Ended(error))
                del self._busy[feed]
                self._fill()
                self.changed.notify_all()

    def _hand_over(self, feed: Feed[Any], portion: Any) -> bool:
        """Puts a portion where it is taken from; waits for room, and says if there is a need."""
        with self.changed:
            feed.items.append(portion)
            self.changed.notify_all()
            self.changed.wait_for(lambda: feed.is_cut or len(feed.items) < _PORTIONS_AHEAD)
            return not feed.is_cut


class Lane(Generic[TFeed, TPortion]):
    """The feeds of one provider, whose resource hands on what is in them.

    Args:
        workers (Workers): Reads the lists, once they are started.
        feeds (Sequence[Feed]): The lists, in the order of reading.
    """

    def __init__(self, workers: Workers, feeds: Sequence[TFeed]) -> None:
        self.feeds = deque(feeds)
        """The one that was taken from last is the last one."""
        self._workers = workers
        workers.add(feeds)

    @property
    def is_over(self) -> bool:
        """Whether everything was taken."""
        return all(feed.is_over for feed in self.feeds)

    @property
    def is_package_over(self) -> bool:
        """Whether what comes next has to go into another load package."""
        with self._workers.changed:
            is_held = self._workers.are_stalled and not any(map(is_ready, self.feeds))
            return is_held or all(feed.is_over or feed.is_parked for feed in self.feeds)

    def begin_package(self) -> None:
        """Takes from all feeds again."""
        with self._workers.changed:
            for feed in self.feeds:
                feed.is_parked = False

    def take(self, seconds: float) -> tuple[TFeed, TPortion | Ended] | None:
        """Takes what was read next.

        Args:
            seconds (float): How long to wait for it.

        Returns:
            tuple[Feed, TPortion | Ended] | None: A portion, or the end of a feed; None if another
                lane has something, or nothing came.
        """
        changed = self._workers.changed
        with changed:
            if not self._workers.are_ready:
                changed.wait(seconds)
            while feed := next(filter(is_ready, self.feeds), None):
                item = feed.items.popleft()
                self._workers.note_taken()
                if item is not None:
                    feed.is_over = isinstance(item, Ended)
                    self.feeds.remove(feed)
                    self.feeds.append(feed)
                    return feed, item
                feed.is_parked = True
            return None

    def end(self) -> None:
        """Ends the reading; what was not taken is dropped."""
        self._workers.end(list(self.feeds))
