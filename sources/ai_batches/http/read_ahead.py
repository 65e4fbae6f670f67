"""Requests the next page of a list while the last one is worked on."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from ..scan.pages import Page

WORTH_A_THREAD = 0.01
"""Seconds that a page takes; for a faster server the thread costs more than it saves."""


def read_ahead(pages: Iterator[Page], may_request: Callable[[], bool]) -> Iterator[Page]:
    """Reads pages, one request ahead of the consumer if the server is slow enough.

    Args:
        pages (Iterator[Page]): The pages of a list that is read to its end.
        may_request (Callable[[], bool]): Whether the next page may be requested ahead.

    Yields:
        Page: The same pages.
    """

    def read_next() -> tuple[Page | None, float]:
        started = time.monotonic()
        return next(pages, None), time.monotonic() - started

    with ThreadPoolExecutor(max_workers=1) as executor:
        page, seconds = read_next()
        while page is not None:
            is_worth_it = seconds > WORTH_A_THREAD and may_request()
            ahead = executor.submit(read_next) if is_worth_it else None
            yield page
            page, seconds = ahead.result() if ahead else read_next()
