"""What the next run will ask a provider for: the first page tells, and the table of the rest."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from .client import BatchListClient
from .errors import AiBatchesError
from .providers import Provider
from .resource import unexpected
from .rows import RowReader
from .settings import Account, ProviderSettings
from .walk import Page, Run, Sighting, Walker, plan_walks, seen_up_to


class Holding(NamedTuple):
    """What the table has of an account."""

    rows: int = 0
    to_pass: int = 0
    """Rows created since the moment that `last_read` tells."""


class Forecast(NamedTuple):
    """How many requests the next run makes for an account, if nothing has to be tried again."""

    requests: int | None
    """None: nobody knows how long the list is."""
    is_exact: bool = False
    is_least: bool = False
    """Whether there may be many more: the first page holds new batches only."""
    reason: str = ""
    """Why the list is read whole, in a few words; empty where it is not."""

    def __str__(self) -> str:
        whole = f"the whole list ({self.reason})" if self.reason else ""
        if self.requests is None:
            return whole or "?"
        about = "" if self.is_exact else "at least " if self.is_least else "about "
        requests = f"{about}{self.requests:,} request{'' if self.requests == 1 else 's'}"
        return f"{requests}, {whole}" if whole else requests


def last_read(stored: Mapping[str, Any] | None, account: Account, run: Run) -> int | None:
    """Creation time of the rows that the next run has to pass in the table, in microseconds.

    Args:
        stored (Mapping[str, Any] | None): State of the account's walk.
        account (Account): The account.
        run (Run): What the run is asked for.

    Returns:
        int | None: None where it reads its list to the end.
    """
    return plan_walks(stored, account.walk, run)[-1].last_read


def forecast(
    provider: Provider,
    settings: ProviderSettings,
    account: Account,
    stored: Mapping[str, Any] | None,
    held: Holding | None,
    run: Run,
) -> Forecast:
    """Asks for the first page of an account's list, and tells what the next run will ask for.

    Args:
        provider (Provider): Whose list to ask for.
        settings (ProviderSettings): How to.
        account (Account): Whose key to try.
        stored (Mapping[str, Any] | None): State of the account's walk.
        held (Holding | None): What the table has of the account; None where nobody knows, nor the
            state.
        run (Run): What the next run is asked for.

    Returns:
        Forecast: What it will need.

    Raises:
        AiBatchesError: If the first page could not be had; the text says what to do.
    """
    client = BatchListClient(provider, settings, account)
    try:
        return _forecast(client, provider, settings, account, stored, held, run)
    except AiBatchesError:
        raise
    except Exception as ex:
        raise unexpected(provider, account, ex) from None
    finally:
        client.close()


def _forecast(
    client: BatchListClient,
    provider: Provider,
    settings: ProviderSettings,
    account: Account,
    stored: Mapping[str, Any] | None,
    held: Holding | None,
    run: Run,
) -> Forecast:
    paginator = provider.paginator(settings.page_size)
    page = next(client.pages(None, paginator))
    if held is None:
        return Forecast(None)
    reader = RowReader(provider, account.name)
    reading = reader.read(page.rows)
    # whether a batch may still change counts for the run after the next one only
    sightings = [
        Sighting(row_id, created, False)
        for row_id, created in zip(reading.ids, reading.created_at, strict=True)
    ]
    plans = plan_walks(stored, account.walk, run)
    reason = plans[0].reason
    if len(plans) == 1:
        walker = Walker(stored, account.walk, run)
        _walk(walker, page, sightings, paginator.has_next_page)
        if walker.is_done:
            return Forecast(1, is_exact=True, reason=reason)
        if walker.state["walk"] and not reason:
            reason = "in doubt"
            plans = [plans[0]._replace(floor=None, reason=reason)]
    newest = seen_up_to(stored)
    if newest is None:
        return Forecast(None, reason=reason)
    new = sum(each.created is not None and each.created > newest for each in sightings)
    size = max(1, len(sightings))
    requests = 0
    for plan in plans:
        if plan.progress["position"] is not None:
            left = max(0, held.rows - plan.progress["rows"])
            requests += paginator.requests_for(left, size, to_end=True, is_resumed=True)
        elif plan.last_read is not None and held.to_pass < held.rows:
            # the row that ends it, too
            requests += paginator.requests_for(held.to_pass + new + 1, size, to_end=False)
        else:
            requests += paginator.requests_for(held.rows + new, size, to_end=True)
    return Forecast(requests, is_least=0 < len(sightings) == new, reason=reason)


def _walk(walker: Walker, page: Page, sightings: Sequence[Sighting], has_more: bool) -> None:
    """Has a walker read the first page, and stops it where it asks for another one."""

    def pages(position: Mapping[str, Any] | None, is_whole: bool) -> Iterator[Page]:
        yield page
        if has_more:
            raise _AnotherPageError

    with suppress(_AnotherPageError):
        for _ in walker.walk(pages, lambda rows: zip(sightings, sightings, strict=True), 1):
            pass


class _AnotherPageError(Exception):
    """The first page is not enough."""
