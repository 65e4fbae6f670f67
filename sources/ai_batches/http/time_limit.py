"""How long a client may take: for one page of a list, and until its run has to end."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any

import tenacity
from urllib3.util import Timeout

from ..errors import TimeUpError

_STEP = 0.2
"""Seconds after which a wait looks whether it was called off."""

_WORTH_A_RETRY = 1.0
"""Seconds that have to be left of a page's time."""


@dataclass
class Pause:
    """A wait that a server asked for, shared by all that it counts together."""

    until: float = -inf
    """Moment by `time.monotonic`."""


class TimeLimit:
    """Bounds all that a client waits for.

    Args:
        deadline (float | None): Moment by `time.monotonic` at which the run has to end; None: no
            such moment.
        page_timeout (float): Seconds for one page, retries and waits included.
        wait_for_others (Callable[[float], None] | None): Waits so many seconds, or until all other
            lists of the run are read; None: there are none.
        pause (Pause | None): Shared with clients of the same key at the same address.
    """

    def __init__(
        self,
        deadline: float | None,
        page_timeout: float,
        wait_for_others: Callable[[float], None] | None = None,
        pause: Pause | None = None,
    ) -> None:
        self._pause = pause or Pause()
        self._heeded = -inf
        """Until when this client has waited, or is about to."""
        self._deadline = inf if deadline is None else deadline
        self._page_timeout = page_timeout
        self._page_deadline = inf
        self._wait_for_others = wait_for_others
        self._has_waited_for_others = False

    @property
    def left(self) -> float:
        """Seconds that are left for the page; below zero once its time is over."""
        return min(self._run_left, self._page_left)

    @property
    def is_up(self) -> bool:
        """Whether the run has to end; the system may end a wait a little too early."""
        return self._run_left <= 0.05

    def begin_page(self) -> None:
        """Gives the page that is requested next its time."""
        self._renew_page()
        self._has_waited_for_others = False

    def end(self) -> None:
        """Has everything end at once, from any thread, as if the run's time were up."""
        self._deadline = -inf

    def heed_pause(self) -> None:
        """Waits for as long as a server asked others to whom it counts this client.

        Raises:
            TimeUpError: If the run has to end meanwhile.
        """
        until, seconds = self._pause.until, self._pause.until - time.monotonic()
        if until > self._heeded and seconds > 0 and self.may_wait(seconds):
            self._heeded = until
            self.sleep(seconds)
            self._renew_page()

    def share_wait(self, seconds: float) -> None:
        """Has others of the same key wait as well, since they would be refused, too."""
        self._heeded = time.monotonic() + seconds
        self._pause.until = max(self._pause.until, self._heeded)

    def bound(self, timeout: Any) -> Timeout:
        """Shortens the timeout of a request to what is left.

        Args:
            timeout (Any): As requests takes it: seconds, a pair of seconds (connect, read), None.

        Returns:
            Timeout: The same, or a shorter one.

        Raises:
            TimeUpError: If the run has to end.
        """
        if self._run_left <= 0:
            raise TimeUpError("the time of the run is up")
        connect, read = timeout if isinstance(timeout, tuple) else (timeout, timeout)
        return Timeout(total=max(self.left, 0.001), connect=connect, read=read)

    def may_wait(self, seconds: float) -> bool:
        """Whether a request may be made again after a wait.

        A wait beyond the page's time is granted once, for as long as other lists are being read:
        the server may answer before it said it would.

        Args:
            seconds (float): How long the wait is to be.
        """
        return self._fits(seconds) or (
            self._page_left > _WORTH_A_RETRY and not self._has_waited_for_others
        )

    def sleep(self, seconds: float) -> None:
        """Waits before a request is made again.

        Args:
            seconds (float): How long; `may_wait` has granted it.

        Raises:
            TimeUpError: If the run has to end meanwhile; at once, if that is known before.
        """
        if seconds >= self._run_left:
            raise TimeUpError(f"to try again in {seconds:g} seconds is beyond the run's time")
        if not self._fits(seconds):
            self._has_waited_for_others = True
            if self._wait_for_others:
                self._wait_for_others(seconds)
            self._renew_page()
            return
        while seconds > 0:
            step = min(seconds, _STEP)
            tenacity.nap.sleep(step)
            seconds -= step
            if self.is_up:
                raise TimeUpError("the time of the run is up")

    def _fits(self, seconds: float) -> bool:
        """Whether the page has time for a wait and a request after it."""
        return seconds < self._page_left - _WORTH_A_RETRY

    def _renew_page(self) -> None:
        """Gives the page all of its time: what it waited for others is not its own."""
        self._page_deadline = time.monotonic() + self._page_timeout

    @property
    def _run_left(self) -> float:
        return self._deadline - time.monotonic()

    @property
    def _page_left(self) -> float:
        return self._page_deadline - time.monotonic()
