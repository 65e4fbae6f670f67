"""Ends what takes too long from outside: a server may send a byte now and then for ever."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_STEP = 0.2
"""Seconds between two looks at what is watched."""


class Watchdog:
    """Watches any number of requests with one thread, which lives while there are some."""

    def __init__(self) -> None:
        self._due: dict[Callable[[], None], float] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._pause = threading.Event()

    @contextmanager
    def watch(self, cut: Callable[[], None], seconds: float) -> Iterator[None]:
        """Calls a function if a block runs for too long.

        Args:
            cut (Callable[[], None]): Ends what the block waits for; it is called in another thread,
                and not watched elsewhere at the same time.
            seconds (float): How long the block may take.

        Raises:
            TimeoutError: When the block ends, if the function was called, whatever came of it.
        """
        with self._lock:
            self._due[cut] = time.monotonic() + seconds
            # a thread does not outlive a fork
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="watchdog", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                was_cut = self._due.pop(cut, None) is None
            if was_cut:
                # what was cut off looks like many errors, and even like a reply
                raise TimeoutError from None

    def _work(self) -> None:
        while True:
            self._pause.wait(_STEP)
            with self._lock:
                if not self._due:
                    self._thread = None
                    return
                now = time.monotonic()
                late = [cut for cut, due in self._due.items() if due <= now]
                for cut in late:
                    del self._due[cut]
            for cut in late:
                # whatever goes wrong with one, the others are cut off as well
                with suppress(Exception):
                    cut()


WATCHDOG = Watchdog()
