"""One account's list over HTTP, page by page."""

from collections.abc import Iterator, Mapping
from typing import Any

from dlt.common import logger
from requests import HTTPError, Request

from ..paginators import BatchListPaginator
from ..scan.pages import Page
from .account_client import AccountClient
from .drift import Drift
from .replies import rows_of


class BatchListClient(AccountClient):
    """Reads the list of one account; takes what `AccountClient` does."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.drift = Drift(self._provider)
        """What was not as declared so far."""

    def pages(
        self,
        position: Mapping[str, Any] | None = None,
        paginator: BatchListPaginator | None = None,
    ) -> Iterator[Page]:
        """Reads the list page by page, to its end.

        Args:
            position (Mapping[str, Any] | None): Where to begin, as stored with an earlier page;
                None: at the head.
            paginator (BatchListPaginator | None): A new one that the caller wants to inspect; None
                makes one.

        Yields:
            Page: The rows of one reply as the provider sent them, each with an id.

        Raises:
            AuthenticationError: If the provider answers 401 or 403.
            TimeUpError: If the time is up, or would be before the next attempt.
            RequestError: If the provider refuses a request for good.
            TransientRequestError: If a request failed after all retries.
            BadPageError: If a reply cannot be trusted as a page of the list.
        """
        paginator = paginator or self._provider.new_paginator(self._settings.page_size)
        if position is not None:
            try:
                paginator.resume(position)
            except KeyError:
                # the settings have changed: it is the position of another way of paging
                paginator = self._provider.new_paginator(self._settings.page_size)
                paginator.restarts += 1
        error: Exception
        try:
            yield from self._read(paginator)
            return
        except Exception as ex:
            error = self._explained(ex)
        # raised out here, it does not carry the request along: its headers hold the key
        raise error

    def _fixed_params(self) -> Mapping[str, str]:
        return self._provider.params

    def _read(self, paginator: BatchListPaginator) -> Iterator[Page]:
        logger.info(f"Reading {self._url}")
        request = Request("GET", self._url, auth=self._auth)
        while paginator.has_next_page:
            request.params = paginator.params()
            try:
                reply = self._session.get(request)
            except HTTPError as ex:
                if not paginator.refused(ex.response.status_code):
                    raise
                continue
            rows = rows_of(reply, self._provider)
            self.drift.look(reply, rows, paginator)
            paginator.update_state(reply, rows)
            yield Page(rows, paginator.position, paginator.restarts)
