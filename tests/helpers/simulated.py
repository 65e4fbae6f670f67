"""A provider in memory for tests of the scan: a list that moves, served to a real paginator."""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ai_batches.errors import RequestError
from ai_batches.paginators import (
    BatchListPaginator,
    CursorPaginator,
    OffsetPaginator,
    PageNumberPaginator,
    Reply,
    TokenPaginator,
)
from ai_batches.scan.evidence import Sighting
from ai_batches.scan.pages import Page
from ai_batches.scan.plan import ScanPlan
from ai_batches.scan.run import Run, RunRequest
from ai_batches.scan.scanner import Scanner
from ai_batches.scan.settings import ScanSettings

SECOND = 1_000_000
HOUR = 3_600 * SECOND
SETTINGS = ScanSettings()


@dataclass(frozen=True)
class Job:
    """One batch as the simulated provider has it. Times are microseconds."""

    id: str
    created: int
    visible: int
    is_open: bool = True
    ended: int | None = None
    version: int = 1
    has_time: bool = True
    """Whether it is listed with a time that can be read."""

    def row(self) -> dict[str, Any]:
        """The batch as it is listed."""
        return {
            "id": self.id,
            "created_at": self.created // SECOND if self.has_time else None,
            "is_open": self.is_open,
            "ended": self.ended,
            "version": self.version,
        }

    def is_held(self, moment: int, settings: ScanSettings) -> bool:
        """Whether a run that begins now must see it again: it may still change."""
        return self.is_open or (
            self.ended is not None and self.ended > moment - settings.settle_window
        )


class NotFoundError(RequestError):
    """The provider answers 404."""

    def __init__(self) -> None:
        super().__init__("simulated", "default", "HTTP 404", "Look elsewhere.")


@dataclass
class Provider:
    """A list, how it is ordered, and how it is paged."""

    order: str = "newest first"
    paging: str = "cursor"
    lost_cursor: str = "error"
    forgets: bool = False
    """Whether it knows no cursor but the last row of the page that it sent last."""
    says_more: bool = True
    page_size: int = 4
    clock: int = 1_800_000_000 * SECOND
    jobs: list[Job] = field(default_factory=list)
    history: dict[tuple[str, int], Job] = field(default_factory=dict)
    """Every version of every batch, by id and version."""
    requests: int = 0
    last_sent: str | None = None
    on_request: Callable[[], None] = lambda: None
    made: int = 0

    def add(
        self,
        count: int,
        apart: int = 60 * SECOND,
        late: int = 0,
        ended_ago: int | None = None,
        has_time: bool = True,
        prefix: str = "job",
    ) -> None:
        """Creates batches, the last one now, apart from each other, visible some time later."""
        for n in range(count):
            created = self.clock - (count - 1 - n) * apart
            self.made += 1
            job = Job(f"{prefix}{self.made:05d}", created, created + late, has_time=has_time)
            if ended_ago is not None:
                job = replace(job, is_open=False, ended=self.clock - ended_ago)
            self.jobs.append(job)
            self.history[job.id, job.version] = job

    def change(self, index: int, **changes: Any) -> None:
        """Changes a batch, which makes it another version."""
        job = self.jobs[index]
        self.jobs[index] = job = replace(job, version=job.version + 1, **changes)
        self.history[job.id, job.version] = job

    def end(self, index: int) -> None:
        """A batch becomes terminal."""
        self.change(index, is_open=False, ended=self.clock)

    def listed(self) -> list[Job]:
        """What is listed now, in the order of the list."""
        visible = [job for job in self.jobs if job.visible <= self.clock]
        if self.order == "random":
            return sorted(visible, key=lambda job: random.Random(job.id).random())  # noqa: S311
        if self.order == "by id":
            return sorted(visible, key=lambda job: job.id, reverse=True)
        if self.order == "last changed":
            return sorted(visible, key=lambda job: (-max(job.ended or 0, job.created), job.id))
        if self.order == "open first":
            return sorted(visible, key=lambda job: (not job.is_open, -job.created, job.id))
        descending = sorted(
            visible, key=lambda job: (job.has_time, job.created, job.id), reverse=True
        )
        return descending if self.order == "newest first" else descending[::-1]

    def paginator(self) -> BatchListPaginator:
        """The paginator that this list needs."""
        kinds: dict[str, Callable[[], BatchListPaginator]] = {
            "cursor": CursorPaginator,
            "offset": OffsetPaginator,
            "page number": lambda: PageNumberPaginator(self.page_size),
            "token": TokenPaginator,
        }
        return kinds[self.paging]()

    def ask(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Answers one request."""
        self.requests += 1
        self.on_request()
        jobs = self.listed()
        start = params.get("offset", params.get("page", 0) * self.page_size)
        after = params.get("after", params.get("page_token"))
        if after is not None:
            ids = [job.id for job in jobs if not self.forgets or job.id == self.last_sent]
            if after in ids:
                start = [job.id for job in jobs].index(after) + 1
            elif self.lost_cursor == "error":
                raise NotFoundError
            else:
                start = 0 if self.lost_cursor == "page one" else len(jobs)
        page = jobs[start : start + self.page_size]
        self.last_sent = page[-1].id if page else None
        body: dict[str, Any] = {"data": [job.row() for job in page]}
        has_more = start + self.page_size < len(jobs)
        if self.paging == "page number":
            body["total"] = len(jobs)
        elif self.paging == "token":
            body["next_page_token"] = self.last_sent if has_more else None
        elif self.says_more:
            body["has_more"] = has_more
        return body

    def pages(self, plan: ScanPlan) -> Iterator[Page]:
        """Reads the list as `client.py` does."""
        paginator = self.paginator()
        if plan.position is not None:
            paginator.resume(plan.position)
        while paginator.has_next_page:
            try:
                body = self.ask(paginator.params())
            except NotFoundError:
                if not paginator.refused(404):
                    raise
                continue
            rows = body["data"]
            paginator.update_state(Reply(body, "http://simulated/batches"), rows)
            yield Page(rows, paginator.position, paginator.restarts)


@dataclass
class Mirror:
    """The destination: rows and state, changed together as dlt does."""

    provider: Provider
    table: dict[str, int] = field(default_factory=dict)
    """Version by id."""
    state: dict[str, Any] | None = None
    ahead: int = 0
    """How far the clock of the machine is ahead of the provider's."""

    def run(
        self,
        yields: int | None = None,
        is_killed: bool = False,
        portion: int = 1,
        package: int | None = None,
        full_refresh: bool = False,
        since: int | None = None,
        settings: ScanSettings = SETTINGS,
    ) -> str:
        """One run, of as many load packages as it takes.

        Returns:
            str: complete, partial, killed, or the name of the error.
        """
        request = RunRequest(since, full_refresh, package)
        run = Run(request, started=self.provider.clock + self.ahead)
        for _ in range(100):
            outcome, has_rows = self._package(run, yields, is_killed, portion, settings)
            if outcome != "partial" or yields is not None or not has_rows:
                return outcome
        return "endless"

    def _package(
        self, run: Run, yields: int | None, is_killed: bool, portion: int, settings: ScanSettings
    ) -> tuple[str, bool]:
        settled = run.started - settings.settle_window - settings.lookback

        def sight(row: dict[str, Any]) -> Sighting:
            just_ended = row["ended"] is not None and row["ended"] > settled
            created = None if row["created_at"] is None else row["created_at"] * SECOND
            return Sighting(row["id"], created, row["is_open"] or just_ended)

        def read(rows: list[dict[str, Any]]) -> list[tuple[dict[str, Any], Sighting]]:
            return [(row, sight(row)) for row in rows]

        scanner = Scanner(self.state, settings, run)
        loaded: dict[str, int] = {}
        state: Any = self.state
        outcome = "complete"
        try:
            for rows in scanner.scan(self.provider.pages, read, portion):
                state = scanner.state
                for row in rows:
                    assert row["id"] not in loaded, "a key stands twice in a load package"
                    loaded[row["id"]] = row["version"]
                if rows and yields is not None:
                    yields -= 1
                    if yields == 0:
                        outcome = "partial"
                        break
            else:
                outcome = "complete" if scanner.is_done else "partial"
        except Exception as ex:
            outcome = type(ex).__name__
        if is_killed:
            return "killed", False
        for row_id, version in loaded.items():
            assert version >= self.table.get(row_id, 0), "a row went back in time"
        self.table.update(loaded)
        self.state = state
        return outcome, bool(loaded)
