"""The scan against a simulated provider: the guarantee, and the counterexamples it must survive."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from ai_batches.errors import (
    AiBatchesError,
    AuthenticationError,
    BadPageError,
    TransientRequestError,
)
from ai_batches.scan.evidence import Sighting
from ai_batches.scan.run import Run
from ai_batches.scan.scanner import Scanner
from ai_batches.scan.settings import ScanSettings
from simulated import HOUR, SECOND, SETTINGS, Job, Mirror, NotFoundError, Provider

DAY = 24 * HOUR


class MovingList(RuleBasedStateMachine):
    """A list that moves in every way it may, and runs that are cut, killed, failed and repeated.

    After each run that reports success, the table is held against the guarantee. `seen` has, of
    the last such run, when it began and which batches the table then showed as still changing:
    those must be true after the next one, and so must all that came since.
    """

    @initialize(
        order=st.sampled_from(
            ["newest first"] * 4 + ["oldest first", "random", "last changed", "open first"]
        ),
        forgets=st.sampled_from([False] * 5 + [True]),
        paging=st.sampled_from(["cursor", "offset", "token", "page number"]),
        lost_cursor=st.sampled_from(["error", "empty", "page one"]),
        says_more=st.booleans(),
        page_size=st.integers(2, 6),
        count=st.integers(10, 80),
        apart=st.sampled_from([0, 60 * SECOND, HOUR, HOUR]),
        since=st.sampled_from([None, None, 20]),
    )
    def begin(
        self,
        order: str,
        forgets: bool,
        paging: str,
        lost_cursor: str,
        says_more: bool,
        page_size: int,
        count: int,
        apart: int,
        since: int | None,
    ) -> None:
        if paging == "token" and lost_cursor == "empty":
            # nobody could tell it from the end of the list
            lost_cursor = "error"
        if paging in ("cursor", "token") and order == "open first":
            # where the row that the place rests on moves down, what lies between is passed over
            order = "newest first"
        if paging == "page number":
            # rows that come below while others go above would balance the total
            order = "newest first"
        self.provider = Provider(
            order,
            paging,
            lost_cursor,
            # such a server cannot show that its last page is the last one
            forgets=forgets and says_more,
            says_more=says_more,
            page_size=page_size,
        )
        self.mirror = Mirror(self.provider)
        self.seen_at: int | None = None
        self.seen: set[str] = set()
        self.listings: dict[int, dict[str, int]] = {}
        """Version by id, as listed when each run began."""
        self.since: int | None = None
        """What is covered."""
        self.moved: set[str] = set()
        """Batches that changed during the run."""
        self.provider.add(count, apart)
        for index in range(count):
            if index % 10 != 3:
                self.provider.end(index)
        self.provider.clock += 2 * HOUR
        self.run_and_check(since=None if since is None else self.provider.clock - since * HOUR)

    @rule(
        count=st.integers(1, 12),
        apart=st.sampled_from([0, SECOND, 600 * SECOND]),
        late=st.sampled_from([0, 0, HOUR // 2, 3 * HOUR]),
        ended_ago=st.sampled_from([2 * HOUR, 2 * HOUR, None]),
    )
    def add(self, count: int, apart: int, late: int, ended_ago: int | None) -> None:
        # what ended long ago holds no low_watermark down, so that faults below it show
        self.provider.add(count, apart, late, ended_ago)

    @rule()
    def add_without_a_time(self) -> None:
        self.provider.add(1, ended_ago=2 * HOUR, has_time=False)

    @rule()
    def add_from_the_future(self) -> None:
        self.provider.clock += DAY
        self.provider.add(1, ended_ago=2 * HOUR, late=-DAY)
        self.provider.clock -= DAY

    @rule(hours=st.sampled_from([0.1, 0.6, 3, 20, 100, 400]))
    def pass_time(self, hours: float) -> None:
        self.provider.clock += int(hours * HOUR)

    @precondition(lambda self: self.provider.jobs)
    @rule(pick=st.integers(0, 10_000), ends=st.booleans())
    def move_on(self, pick: int, ends: bool) -> None:
        """An open batch moves on or ends; one that has ended is filled in, edited or reopened."""
        index = pick % len(self.provider.jobs)
        if self.provider.jobs[index].is_open and ends:
            self.provider.end(index)
        else:
            self.provider.change(index)

    @precondition(lambda self: self.provider.jobs)
    @rule(pick=st.integers(0, 10_000))
    def reopen(self, pick: int) -> None:
        self.provider.change(pick % len(self.provider.jobs), is_open=True, ended=None)

    @precondition(lambda self: self.provider.jobs)
    @rule(pick=st.integers(0, 10_000), count=st.sampled_from([1, 2, 3, 14]))
    def delete(self, pick: int, count: int) -> None:
        start = pick % len(self.provider.jobs)
        del self.provider.jobs[start : start + count]

    @rule()
    def turn_round(self) -> None:
        turned = {"newest first": "oldest first", "oldest first": "newest first"}
        if self.provider.paging != "page number":
            self.provider.order = turned.get(self.provider.order, self.provider.order)

    @rule(
        yields=st.integers(1, 6),
        portion=st.integers(1, 9),
        is_killed=st.booleans(),
        full_refresh=st.sampled_from([False] * 9 + [True]),
    )
    def cut_run(self, yields: int, portion: int, is_killed: bool, full_refresh: bool) -> None:
        self.begin_run()
        self.mirror.run(yields, is_killed, portion, full_refresh=full_refresh, since=self.since)

    @rule(
        at=st.integers(1, 12),
        error=st.sampled_from([TransientRequestError, BadPageError, NotFoundError, KeyError]),
    )
    def failed_run(self, at: int, error: Callable[..., Exception]) -> None:
        self.begin_run()
        last = self.provider.requests + at

        def fail() -> None:
            if self.provider.requests >= last:
                raise error(*["simulated"] * 4) if error is not NotFoundError else NotFoundError

        self.provider.on_request = fail
        self.mirror.run(portion=3, since=self.since)
        self.provider.on_request = lambda: None

    @rule(
        portion=st.integers(1, 9),
        package=st.none() | st.integers(1, 30),
        full_refresh=st.sampled_from([False] * 9 + [True]),
        is_all=st.sampled_from([False, False, True]),
        moves=st.dictionaries(st.integers(1, 25), st.integers(0, 3), max_size=4),
        pick=st.integers(0, 10_000),
    )
    def run(
        self,
        portion: int,
        package: int | None,
        full_refresh: bool,
        is_all: bool,
        moves: dict[int, int],
        pick: int,
    ) -> None:
        self.run_and_check(
            portion, package, full_refresh, None if is_all else self.since, moves, pick
        )

    def begin_run(self) -> dict[str, int]:
        """Notes what is listed when a run begins."""
        self.provider.clock += SECOND
        listed = {job.id: job.version for job in self.provider.listed()}
        self.listings[self.provider.clock] = listed
        return listed

    def run_and_check(
        self,
        portion: int = 3,
        package: int | None = None,
        full_refresh: bool = False,
        since: int | None = None,
        moves: dict[int, int] | None = None,
        pick: int = 0,
    ) -> None:
        provider, state = self.provider, self.mirror.state
        listed, started = self.begin_run(), provider.clock
        before = provider.requests
        self.moved = set()
        if moves:
            provider.on_request = lambda: self._move(moves.get(provider.requests - before), pick)
        outcome = self.mirror.run(None, False, portion, package, full_refresh, since)
        provider.on_request = lambda: None
        assert provider.requests - before <= 60 + 8 * len(provider.jobs)
        if outcome != "complete":
            # doubt is allowed where the list moved under the scan, and ends when it holds still
            assert moves, outcome
            self.run_and_check(portion, package, full_refresh, since)
            return
        self._check(listed, started, state, full_refresh, since)

    def _move(self, kind: int | None, pick: int) -> None:
        provider = self.provider
        provider.clock += SECOND
        if kind == 0:
            provider.add(1 + pick % 3, 0)
        elif kind is not None and provider.jobs:
            index = (pick + provider.requests) % len(provider.jobs)
            self.moved.add(provider.jobs[index].id)
            if kind == 1:
                provider.jobs.pop(index)
            elif kind == 2:
                provider.change(index)
            elif provider.jobs[index].is_open:
                # as it may come from a provider that does not say when a batch ended
                provider.change(index, is_open=False, ended=provider.clock - 2 * HOUR)

    def _check(
        self,
        listed: dict[str, int],
        started: int,
        before: dict[str, Any] | None,
        full_refresh: bool,
        since: int | None,
    ) -> None:
        provider, table, state = self.provider, self.mirror.table, self.mirror.state
        assert state is not None
        jobs = {job.id: job for job in provider.listed() if job.id in listed}
        complete, was = state["complete"], before and before["complete"]
        assert 0 <= started - complete["last_full_scan"] < SETTINGS.full_scan_interval
        is_full_scan = not was or complete["last_full_scan"] > was["last_full_scan"]
        assert is_full_scan or not full_refresh
        if not was or (self.since is not None and (since is None or since < self.since)):
            # a scan that reached the end of the list has covered everything
            assert is_full_scan or (was and was["since"] is None)
            self.since = since
        required = {i: listed[i] for i, job in jobs.items() if self._must_be_true(job, started)}
        if is_full_scan:
            whole = self.listings[complete["last_full_scan"]]
            for i in jobs.keys() & whole.keys():
                required[i] = max(whole[i], required.get(i, 0))
        if provider.order == "last changed":
            # what moves up across the cursor during a scan is seen by the next one
            required = {i: version for i, version in required.items() if i not in self.moved}
        wrong = {
            i: (table.get(i), version)
            for i, version in required.items()
            if table.get(i, 0) < version and self._is_covered(jobs[i])
        }
        assert not wrong
        self.seen_at = started
        self.seen = {
            i for i in table.keys() & jobs.keys() if self._shown(i).is_held(started, SETTINGS)
        }

    def _must_be_true(self, job: Job, started: int) -> bool:
        if self.seen_at is None or not job.has_time:
            return self.seen_at is None
        if job.id in self.seen:
            return started - job.created <= SETTINGS.max_open_age
        return job.visible > self.seen_at and job.visible - job.created <= SETTINGS.lookback

    def _is_covered(self, job: Job) -> bool:
        return self.since is None or (job.has_time and job.created >= self.since)

    def _shown(self, job_id: str) -> Job:
        """The batch as the table has it."""
        return self.provider.history[job_id, self.mirror.table[job_id]]


# a failure takes minutes to be made small
TestMovingList = pytest.mark.timeout(600)(MovingList.TestCase)


def failing(error: type[AiBatchesError]) -> Callable[[], None]:
    """Makes each request fail."""

    def fail() -> None:
        raise error("simulated", "default", "no answer", "Wait.")

    return fail


def ended_list(count: int, **kinds: object) -> Mirror:
    """A list of batches that ended long ago, mirrored once."""
    provider = Provider(page_size=100, **kinds)  # type: ignore[arg-type]
    provider.add(count)
    for index in range(count):
        provider.end(index)
    provider.clock += DAY
    mirror = Mirror(provider)
    assert mirror.run(portion=5_000) == "complete"
    provider.clock += DAY
    provider.requests = 0
    return mirror


def test_a_run_costs_what_is_new_or_open_not_the_list() -> None:
    mirror = ended_list(20_000)
    provider = mirror.provider
    provider.add(60, apart=600 * SECOND)
    for index in range(20_000, 20_010):
        provider.end(index)
    assert mirror.run() == "complete"
    provider.requests = 0
    provider.clock += HOUR
    provider.add(10, apart=SECOND)
    for index in range(20_020, 20_050):
        provider.end(index)
    assert mirror.run() == "complete"
    assert provider.requests <= 2
    assert mirror.table == {job.id: job.version for job in provider.jobs}


@pytest.mark.parametrize("order", ["oldest first", "random", "last changed"])
def test_a_list_in_another_order_is_read_to_its_end(order: str) -> None:
    mirror = ended_list(350, order=order)
    mirror.provider.add(3)
    assert mirror.run() == "complete"
    assert mirror.provider.requests == 4
    assert len(mirror.table) == 353


def test_a_short_list_proves_no_order() -> None:
    mirror = ended_list(2)
    assert mirror.state is not None
    assert not mirror.state["complete"]["is_ordered"]


def test_a_first_load_that_dies_goes_on_where_it_was() -> None:
    provider = Provider(page_size=100)
    provider.add(5_000)
    provider.clock += DAY
    mirror = Mirror(provider)
    assert mirror.run(yields=45, portion=100) == "partial"
    assert len(mirror.table) == 4_500
    provider.requests = 0
    assert mirror.run(portion=100) == "complete"
    # what was left, and one incremental scan
    assert len(mirror.table) == 5_000
    assert provider.requests <= 2 + 6 + 50


@pytest.mark.parametrize("package", [100, 300, 500, 1_000])
def test_a_long_scan_comes_in_packages_of_bounded_size(package: int) -> None:
    # also where it ends with the last row that a package may hold
    provider = Provider(page_size=100)
    provider.add(1_000)
    mirror = Mirror(provider)
    assert mirror.run(portion=100, package=package) == "complete"
    assert len(mirror.table) == 1_000
    # ten pages, and one look back for each new package
    assert provider.requests <= 10 + 1_000 // package


def test_a_break_of_the_order_is_remembered_when_a_scan_is_cut() -> None:
    provider = Provider(order="by id", page_size=10)
    provider.add(60, ended_ago=0)
    provider.jobs[57] = replace(provider.jobs[57], created=provider.jobs[0].created)
    mirror = Mirror(provider)
    assert mirror.run(yields=2, portion=10) == "partial"
    assert mirror.run() == "complete"
    assert mirror.state is not None
    assert not mirror.state["complete"]["is_ordered"]


@pytest.mark.parametrize("error", [TransientRequestError, AuthenticationError])
def test_an_outage_or_a_refused_key_costs_no_position(error: type[AiBatchesError]) -> None:
    provider = Provider(page_size=100)
    provider.add(2_000, ended_ago=2 * HOUR)
    mirror = Mirror(provider)
    assert mirror.run(yields=15, portion=100) == "partial"

    provider.on_request = failing(error)
    assert mirror.run() == error.__name__
    provider.on_request = lambda: None
    provider.requests = 0
    assert mirror.run(portion=100) == "complete"
    # the last five pages, a look back and an incremental scan
    assert len(mirror.table) == 2_000
    assert provider.requests <= 5 + 1 + 2


def test_a_state_does_not_change_after_the_yield_that_it_stands_for() -> None:
    provider = Provider(page_size=10)
    provider.add(50)
    scanner = Scanner(None, SETTINGS, Run())

    def read(rows: list[dict[str, Any]]) -> list[tuple[str, Sighting]]:
        return [(row["id"], Sighting(row["id"], 0, True)) for row in rows]

    states = [
        (scanner.state, json.dumps(scanner.state)) for _ in scanner.scan(provider.pages, read, 10)
    ]
    assert len(states) > 4
    assert all(json.dumps(state) == text for state, text in states)


def test_an_interrupted_full_refresh_remains_one() -> None:
    mirror = ended_list(1_000)
    assert mirror.run(yields=2, portion=100, full_refresh=True) == "partial"
    # an edit that only a full scan sees
    mirror.provider.change(5)
    assert mirror.run() == "complete"
    assert mirror.table["job00006"] == mirror.provider.jobs[5].version


def test_since_bounds_what_is_covered_and_an_earlier_one_extends_it() -> None:
    provider = Provider(page_size=10)
    provider.add(400, apart=HOUR)
    for index in range(400):
        provider.end(index)
    provider.clock += DAY
    mirror = Mirror(provider)
    newest = provider.jobs[-1].created
    assert mirror.run(since=newest - 50 * HOUR) == "complete"
    assert 50 <= len(mirror.table) <= 70
    assert mirror.run(since=newest - 20 * HOUR) == "complete"
    provider.requests = 0
    assert mirror.run(since=newest - 100 * HOUR) == "complete"
    assert 100 <= len(mirror.table) <= 120
    assert mirror.run() == "complete"
    assert len(mirror.table) == 400


def test_a_list_that_is_read_to_its_end_is_covered_whatever_was_asked_for() -> None:
    mirror = ended_list(350)
    mirror.state = None
    oldest = mirror.provider.jobs[0].created
    assert mirror.run(since=oldest - HOUR) == "complete"
    mirror.provider.requests = 0
    assert mirror.run() == "complete"
    assert mirror.provider.requests == 1


def test_a_full_refresh_that_is_asked_for_again_goes_on() -> None:
    mirror = ended_list(1_000)
    for _ in range(2):
        assert mirror.run(yields=3, portion=100, full_refresh=True) == "partial"
    mirror.provider.requests = 0
    assert mirror.run(portion=100, full_refresh=True) == "complete"
    # the last pages, and an incremental scan, instead of all ten again
    assert mirror.provider.requests <= 6


def test_a_since_later_than_an_open_row_does_not_raise_the_low_watermark() -> None:
    provider = Provider(page_size=10)
    provider.add(400, apart=HOUR)
    for index in range(390):
        provider.end(index)
    mirror = Mirror(provider)
    assert mirror.run() == "complete"
    provider.end(391)
    assert mirror.run(since=provider.clock) == "complete"
    assert mirror.table["job00392"] == provider.jobs[391].version


def test_a_stuck_row_does_not_hide_a_younger_open_one() -> None:
    provider = Provider(page_size=10)
    provider.add(1_000, apart=HOUR)
    for index in range(1_000):
        if index not in (300, 600):
            provider.end(index)
    mirror = Mirror(provider)
    assert mirror.run() == "complete"
    # 700 hours and 400 hours old; the first passes the age of 30 days
    provider.clock += 30 * HOUR
    assert mirror.run() == "complete"
    provider.clock += 2 * HOUR
    provider.end(600)
    assert mirror.run() == "complete"
    assert mirror.table["job00601"] == provider.jobs[600].version


def test_a_row_from_the_future_hides_nothing() -> None:
    mirror = ended_list(500)
    provider = mirror.provider
    provider.page_size = 2
    provider.clock += 100 * DAY
    provider.add(1, late=-100 * DAY, ended_ago=101 * DAY)
    provider.clock -= 100 * DAY
    assert mirror.run() == "complete"
    for _ in range(5):
        provider.clock += 2 * HOUR
        provider.add(5, ended_ago=2 * HOUR)
        # becomes visible below the row from the future and what was read
        provider.add(1, late=HOUR // 2, ended_ago=2 * HOUR)
        assert mirror.run() == "complete"
    provider.clock += HOUR
    assert mirror.run() == "complete"
    assert len(mirror.table) == len(provider.jobs)


def test_a_deleted_anchor_costs_one_full_scan() -> None:
    mirror = ended_list(1_000)
    mirror.provider.jobs.pop()
    mirror.provider.add(5)
    assert mirror.run() == "complete"
    assert mirror.provider.requests == 11
    mirror.provider.requests = 0
    mirror.provider.add(5)
    assert mirror.run() == "complete"
    assert mirror.provider.requests <= 2


def test_another_projects_key_is_noticed_by_the_missing_anchor() -> None:
    mirror = ended_list(1_000)
    other = Provider(page_size=100, made=5_000)
    other.add(500)
    other.clock += 3 * DAY
    mirror.provider = other
    assert mirror.run() == "complete"
    assert {job.id for job in other.jobs} <= set(mirror.table)


def test_whole_now_and_then() -> None:
    mirror = ended_list(1_000)
    mirror.provider.change(3)
    assert mirror.run() == "complete"
    assert mirror.table["job00004"] < mirror.provider.jobs[3].version
    mirror.provider.clock += 7 * DAY
    assert mirror.run() == "complete"
    assert mirror.table["job00004"] == mirror.provider.jobs[3].version


@pytest.mark.parametrize(
    "wider", [ScanSettings(settle_window=2 * HOUR), ScanSettings(max_open_age=100 * DAY)]
)
def test_a_looser_setting_causes_one_full_scan(wider: ScanSettings) -> None:
    mirror = ended_list(1_000)
    assert mirror.run(settings=wider) == "complete"
    assert mirror.provider.requests == 10
    assert mirror.run(settings=wider) == "complete"
    assert mirror.provider.requests <= 12


@pytest.mark.parametrize(
    "stored",
    [
        {"version": 99, "scan": {}},
        {"cursor": "x"},
        {"version": 1},
        {},
        {"version": 1, "complete": {"started": 1}, "scan": {"run": "x"}},
        {"version": 1, "complete": [1], "scan": "x"},
    ],
)
def test_foreign_state_means_one_full_scan(stored: dict[str, object]) -> None:
    provider = Provider(page_size=100)
    provider.add(300)
    mirror = Mirror(provider, state=stored)
    assert mirror.run() == "complete"
    assert len(mirror.table) == 300


@pytest.mark.parametrize("paging", ["cursor", "offset"])
def test_no_livelock_with_a_budget_and_a_list_that_moves(paging: str) -> None:
    provider = Provider(page_size=2, paging=paging)
    provider.add(100)
    mirror = Mirror(provider)
    for _ in range(70):
        mirror.run(yields=2, portion=2)
        provider.add(1, 0)
    assert len(mirror.table) >= 100


@pytest.mark.parametrize("lost_cursor", ["error", "empty", "page one"])
@pytest.mark.parametrize("says_more", [True, False])
def test_a_cursor_row_that_is_deleted_between_runs_or_pages_loses_nothing(
    lost_cursor: str, says_more: bool
) -> None:
    provider = Provider(page_size=5, lost_cursor=lost_cursor, says_more=says_more)
    provider.add(100)
    mirror = Mirror(provider)

    def delete_last_seen() -> None:
        seen = [job for job in provider.listed() if job.id in mirror.table]
        if seen:
            provider.jobs.remove(seen[-1])

    for _ in range(8):
        mirror.run(yields=2, portion=5)
        delete_last_seen()
    assert mirror.run() == "complete"
    assert {job.id for job in provider.jobs} <= set(mirror.table)
    # page one in place of the next page is no break of the order
    assert mirror.state is not None
    assert mirror.state["complete"]["is_ordered"]


@pytest.mark.parametrize("says_more", [True, False])
def test_pages_of_one_row_make_progress_under_a_budget_of_one(says_more: bool) -> None:
    provider = Provider(page_size=1, says_more=says_more)
    provider.add(15)
    mirror = Mirror(provider)
    for _ in range(40):
        mirror.run(yields=1)
    assert len(mirror.table) == 15


@pytest.mark.parametrize("page_size", [2, 5])
@pytest.mark.parametrize("ahead", [0, 5 * HOUR, -5 * HOUR])
def test_a_batch_that_becomes_visible_late_is_read(page_size: int, ahead: int) -> None:
    mirror = ended_list(500)
    # a provider's clock may run hours behind, and before, that of the machine
    mirror.ahead = ahead
    provider = mirror.provider
    provider.page_size = page_size
    provider.add(1, late=HOUR // 2)
    provider.end(500)
    provider.clock += 600 * SECOND
    provider.add(10, apart=SECOND, ended_ago=3 * HOUR)
    provider.clock += 600 * SECOND
    # newer ones, already ended, hold no low_watermark down; the late one is pages below the head
    provider.add(20, apart=SECOND)
    for index in range(511, 531):
        provider.change(index, is_open=False, ended=provider.clock - 3 * HOUR)
    assert mirror.run() == "complete"
    assert "job00501" not in mirror.table
    provider.clock += HOUR // 2
    assert mirror.run() == "complete"
    assert "job00501" in mirror.table


def test_a_page_that_looks_newest_first_proves_nothing_about_the_list() -> None:
    provider = Provider(order="by id", page_size=2)
    provider.add(1, ended_ago=0, prefix="y")
    provider.clock += DAY
    provider.add(50, ended_ago=0)
    provider.clock += DAY
    provider.add(1, ended_ago=0, prefix="z")
    provider.clock += DAY
    mirror = Mirror(provider)
    assert mirror.run() == "complete"
    # the first page is the newest row and the oldest one, as before; the new ones come after them
    provider.add(3, ended_ago=0)
    assert mirror.run() == "complete"
    assert len(mirror.table) == 55


def test_rows_of_one_moment_may_stand_on_two_pages() -> None:
    settings = ScanSettings(lookback=0)
    mirror = ended_list(100)
    provider = mirror.provider
    provider.page_size = 2
    provider.add(3, apart=0)
    provider.clock += DAY
    provider.add(1, ended_ago=0)
    provider.clock += DAY
    assert mirror.run(settings=settings) == "complete"
    for index in (100, 101, 102):
        provider.end(index)
    assert mirror.run(settings=settings) == "complete"
    assert mirror.table == {job.id: job.version for job in provider.jobs}


def test_rows_of_the_moment_at_which_the_place_was_lost_are_read() -> None:
    provider = Provider(page_size=5)
    provider.add(60, apart=0)
    mirror = Mirror(provider)
    assert mirror.run(yields=4, portion=5) == "partial"
    gone = provider.listed()[7:20]
    provider.jobs = [job for job in provider.jobs if job not in gone]
    assert mirror.run() == "complete"
    assert {job.id for job in provider.jobs} <= set(mirror.table)


@pytest.mark.parametrize("order", ["newest first", "oldest first"])
def test_no_livelock_where_the_place_is_lost_between_runs(order: str) -> None:
    provider = Provider(order, page_size=5, forgets=True)
    provider.add(400)
    mirror = Mirror(provider)
    for _ in range(30):
        mirror.run(yields=5, portion=5)
    assert len(mirror.table) == 400


def test_a_place_that_is_lost_in_a_list_of_another_order_hides_nothing() -> None:
    provider = Provider("oldest first", page_size=5, forgets=True)
    # equal times prove no order
    provider.add(20, apart=0, ended_ago=0)
    provider.clock += 100 * HOUR
    provider.add(80, ended_ago=0)
    mirror = Mirror(provider)
    assert mirror.run(portion=5, package=20) == "complete"
    assert len(mirror.table) == 100
    provider.clock += HOUR
    provider.add(5)
    assert mirror.run(portion=5, package=20) == "complete"
    assert len(mirror.table) == 105


@pytest.mark.parametrize(("page_size", "burst"), [(7, 920), (3, 2)])
def test_many_inserts_in_an_offset_list_are_no_end_of_it(page_size: int, burst: int) -> None:
    provider = Provider(paging="offset", page_size=page_size)
    provider.add(4_00 * page_size, ended_ago=2 * HOUR)
    provider.clock += DAY
    mirror = Mirror(provider)

    def insert() -> None:
        if provider.requests in ((250,) if burst > 2 else (10, 11, 12, 13)):
            provider.add(burst, apart=0, ended_ago=2 * HOUR)

    provider.on_request = insert
    # doubt is an error, never an end; and the next run goes on
    outcomes = [mirror.run(portion=50) for _ in range(3)]
    assert outcomes[-1] == "complete"
    assert mirror.table == {job.id: job.version for job in provider.jobs}


@pytest.mark.integration
def test_deletions_in_an_offset_list_that_is_oldest_first_cost_little() -> None:
    provider = Provider("oldest first", paging="offset", page_size=100)
    provider.add(20_000, ended_ago=2 * HOUR)
    mirror = Mirror(provider)

    def delete() -> None:
        if provider.requests == 100:
            del provider.jobs[:150]

    provider.on_request = delete
    assert mirror.run(portion=5_000) == "complete"
    assert {job.id for job in provider.jobs} <= set(mirror.table)
    assert provider.requests <= 200 + 20


def test_a_list_that_is_a_little_out_of_order_is_newest_first_all_the_same() -> None:
    provider = Provider(order="by id", page_size=100)
    provider.add(1_000, ended_ago=0)
    # stored in another order than created, within a minute
    for index in range(10, 1_000, 50):
        job, next_job = provider.jobs[index : index + 2]
        provider.jobs[index] = replace(job, created=next_job.created)
        provider.jobs[index + 1] = replace(next_job, created=job.created)
    provider.clock += DAY
    mirror = Mirror(provider)
    assert mirror.run() == "complete"
    provider.requests = 0
    assert mirror.run() == "complete"
    assert provider.requests <= 2


def test_an_open_batch_below_one_that_is_a_little_older_is_not_frozen() -> None:
    settings = ScanSettings(lookback=0)
    provider = Provider(order="by id", page_size=2)
    provider.add(100, ended_ago=0)
    provider.clock += DAY
    provider.add(1)
    provider.add(1, ended_ago=0)
    provider.jobs[101] = replace(provider.jobs[101], created=provider.clock - 30 * SECOND)
    provider.clock += 60 * SECOND
    provider.add(1, ended_ago=0)
    provider.clock += HOUR
    mirror = Mirror(provider)
    assert mirror.run(settings=settings) == "complete"
    provider.end(100)
    # the first page ends with the older one, the second one begins with the batch that was open
    assert mirror.run(settings=settings) == "complete"
    assert mirror.table["job00101"] == provider.jobs[100].version


def test_a_batch_that_is_stuck_costs_nothing() -> None:
    provider = Provider(page_size=100)
    provider.add(2_000, apart=HOUR, ended_ago=0)
    # open for longer than 30 days
    provider.change(500, is_open=True, ended=None)
    provider.clock += 3 * HOUR
    mirror = Mirror(provider)
    assert mirror.run() == "complete"
    for _ in range(2):
        provider.requests = 0
        assert mirror.run() == "complete"
        # down to the age of 30 days, and then to what is held
        assert provider.requests <= 8


def test_a_full_refresh_is_owed_until_one_is_complete() -> None:
    mirror = ended_list(1_000)
    provider = mirror.provider
    assert mirror.run(yields=2, portion=100, full_refresh=True) == "partial"
    provider.change(5)

    provider.on_request = failing(BadPageError)
    for _ in range(2):
        assert mirror.run() == "BadPageError"
    provider.on_request = lambda: None
    assert mirror.run() == "complete"
    assert mirror.table["job00006"] == provider.jobs[5].version


def test_a_full_refresh_is_owed_where_it_was_cut_in_an_earlier_scan() -> None:
    provider = Provider(page_size=100)
    provider.add(1_000, ended_ago=0)
    provider.clock += DAY
    mirror = Mirror(provider)
    assert mirror.run(yields=5, portion=100) == "partial"
    # read already, and on none of the pages that each run reads
    provider.change(700)
    assert mirror.run(yields=2, portion=100, full_refresh=True) == "partial"
    assert mirror.run() == "complete"
    assert mirror.table["job00701"] == provider.jobs[700].version


def test_a_bad_reply_costs_no_position() -> None:
    provider = Provider(page_size=100)
    provider.add(2_000, ended_ago=2 * HOUR)
    mirror = Mirror(provider)
    assert mirror.run(yields=15, portion=100) == "partial"

    for _ in range(2):
        provider.on_request = failing(BadPageError)
        assert mirror.run() == "BadPageError"
        provider.on_request = lambda: None
        assert mirror.run(yields=1, portion=100) == "partial"
    provider.requests = 0
    assert mirror.run(portion=100) == "complete"
    # the last three pages, a look back and an incremental scan
    assert provider.requests <= 3 + 1 + 2


def test_settings_that_change_while_a_scan_is_cut_count_from_the_next_scan_on() -> None:
    provider = Provider(page_size=10)
    provider.add(100, ended_ago=2 * DAY)
    provider.clock += DAY
    provider.add(1, ended_ago=HOUR // 2)
    provider.clock += HOUR
    provider.add(30, apart=100 * SECOND, ended_ago=2 * DAY)
    mirror = Mirror(provider)
    narrow, wide = (
        ScanSettings(lookback=0, settle_window=0),
        ScanSettings(lookback=0, settle_window=3 * HOUR),
    )
    assert mirror.run(yields=4, portion=10, settings=narrow) == "partial"
    provider.change(100)
    assert mirror.run(settings=wide) == "complete"
    assert mirror.table["job00101"] == provider.jobs[100].version


def test_a_run_with_a_clock_far_ahead_does_not_put_off_full_scans() -> None:
    mirror = ended_list(300)
    mirror.ahead = 365 * DAY
    assert mirror.run() == "complete"
    mirror.ahead = 0
    mirror.provider.change(3)
    assert mirror.run() == "complete"
    assert mirror.table["job00004"] == mirror.provider.jobs[3].version


def test_what_is_filled_in_after_the_end_is_read_within_the_settle_window() -> None:
    mirror = ended_list(500)
    provider = mirror.provider
    provider.page_size = 2
    provider.add(1)
    provider.clock += 2 * HOUR
    provider.add(30, apart=SECOND)
    provider.clock += 2 * HOUR
    provider.add(30, apart=SECOND)
    for index in range(501, 561):
        provider.change(index, is_open=False, ended=provider.clock - 3 * HOUR)
    assert mirror.run() == "complete"
    provider.end(500)
    assert mirror.run() == "complete"
    provider.clock += HOUR // 2
    provider.change(500)
    assert mirror.run() == "complete"
    assert mirror.table["job00501"] == provider.jobs[500].version


@pytest.mark.parametrize("lost_cursor", ["error", "empty", "page one"])
@pytest.mark.parametrize("says_more", [True, False])
@pytest.mark.parametrize("gone", [1, 2, 6])
def test_rows_deleted_between_two_pages_of_a_scan_hide_nothing(
    lost_cursor: str, says_more: bool, gone: int
) -> None:
    provider = Provider(page_size=10, lost_cursor=lost_cursor, says_more=says_more)
    provider.add(100)
    mirror = Mirror(provider)

    def delete_read_rows() -> None:
        if provider.requests == 4:
            listed = provider.listed()[30 - gone : 30]
            provider.jobs = [job for job in provider.jobs if job not in listed]

    provider.on_request = delete_read_rows
    assert mirror.run() == "complete"
    assert {job.id for job in provider.jobs} <= set(mirror.table)


@pytest.mark.parametrize("move", [-15, -9, -3, 3, 9, 15, 40])
def test_an_offset_list_that_moves_between_pages_or_runs_hides_nothing(move: int) -> None:
    provider = Provider(page_size=10, paging="offset")
    provider.add(100)
    mirror = Mirror(provider)

    def shift() -> None:
        if provider.requests == 4:
            if move > 0:
                provider.add(move, 0)
            else:
                read = provider.listed()[:-move]
                provider.jobs = [job for job in provider.jobs if job not in read]

    provider.on_request = shift
    assert mirror.run(yields=5, portion=10) == "partial"
    provider.requests = 4
    assert mirror.run() == "complete"
    # what was left, a search, and an incremental scan over what is open
    assert provider.requests <= 4 + 25
    assert {job.id for job in provider.jobs} <= set(mirror.table)


def test_a_scan_that_is_cut_remembers_only_what_was_loaded() -> None:
    provider = Provider(page_size=10)
    provider.add(200)
    for index in range(200):
        provider.end(index)
    provider.clock += 2 * HOUR
    mirror = Mirror(provider)
    for _ in range(8):
        mirror.run(yields=1, portion=10)
        mirror.run(yields=1, portion=10, is_killed=True)
    assert mirror.run() == "complete"
    assert len(mirror.table) == 200


def test_a_batch_that_ends_between_two_scans_of_one_package_is_not_frozen() -> None:
    provider = Provider(page_size=10)
    provider.add(40, apart=HOUR, ended_ago=2 * HOUR)
    provider.change(5, is_open=True, ended=None)
    mirror = Mirror(provider)
    assert mirror.run(yields=2, portion=10) == "partial"

    def end_it() -> None:
        # the rest of the list has been read, and the incremental scan begins
        if provider.last_sent == "job00001" and provider.jobs[5].is_open:
            provider.change(5, is_open=False, ended=provider.clock - 2 * HOUR)

    provider.on_request = end_it
    assert mirror.run(portion=10) == "complete"
    assert not provider.jobs[5].is_open
    provider.clock += 2 * HOUR
    assert mirror.run() == "complete"
    assert mirror.table["job00006"] == provider.jobs[5].version


def test_an_incremental_scan_that_is_cut_is_begun_again() -> None:
    mirror = ended_list(500)
    provider = mirror.provider
    provider.add(300, apart=SECOND)
    before = mirror.state
    assert mirror.run(yields=1, portion=100) == "partial"
    assert mirror.state is not None
    assert before is not None
    assert mirror.state["complete"] == before["complete"]
    assert mirror.run() == "complete"
    assert {job.id for job in provider.jobs} == set(mirror.table)


def test_a_bad_position_is_forgotten() -> None:
    provider = Provider(page_size=10)
    provider.add(100)
    mirror = Mirror(provider)
    assert mirror.run(yields=3, portion=10) == "partial"
    assert mirror.state is not None
    mirror.state["scan"]["position"] = {"nonsense": True}
    assert [mirror.run() for _ in range(3)] == ["KeyError", "KeyError", "complete"]
    assert len(mirror.table) == 100


def test_a_list_with_rows_without_a_time_is_read_to_its_end() -> None:
    mirror = ended_list(300)
    provider = mirror.provider
    # such a row stands last, below every low_watermark, so that only a full scan finds it
    provider.add(1, has_time=False)
    provider.clock += 7 * DAY
    assert mirror.run() == "complete"
    provider.end(300)
    assert mirror.run() == "complete"
    assert mirror.table == {job.id: job.version for job in provider.jobs}


@pytest.mark.parametrize("order", ["newest first", "oldest first"])
@pytest.mark.parametrize("lost_cursor", ["error", "empty", "page one"])
@pytest.mark.parametrize("apart", [0, HOUR])
@pytest.mark.parametrize(("page_size", "package"), [(5, 20), (2, 4)])
def test_a_server_that_knows_only_its_last_cursor_is_read_in_packages_all_the_same(
    order: str, lost_cursor: str, apart: int, page_size: int, package: int
) -> None:
    provider = Provider(order, lost_cursor=lost_cursor, forgets=True, page_size=page_size)
    provider.add(100, apart)
    mirror = Mirror(provider)
    assert mirror.run(portion=5, package=package) == "complete"
    assert len(mirror.table) == 100


def test_a_break_of_the_order_above_the_low_watermark_is_a_reason_to_read_on() -> None:
    provider = Provider(order="by id", page_size=90)
    provider.add(100, ended_ago=0)
    provider.clock += DAY
    mirror = Mirror(provider)
    assert mirror.run() == "complete"
    # the first one comes third, and so shows that the list is not newest first; the other one last
    provider.add(2, ended_ago=0, prefix="job00098-")
    provider.jobs[-1] = replace(provider.jobs[-1], id="a")
    provider.history["a", 1] = provider.jobs[-1]
    assert mirror.run() == "complete"
    assert mirror.table == {job.id: job.version for job in provider.jobs}
