"""Lists are read side by side: bounded, without deadlock, and ended when nobody takes them."""

import asyncio
import json
import threading
import time
from typing import Any

import pytest
from dlt import Pipeline
from dlt.pipeline.exceptions import PipelineStepFailed
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ai_batches import Account, ProviderSettings, Run, RunRequest, ai_batches_source
from ai_batches_runner.run.load import load
from commands import keys, run
from hostile import dripping_body, hostile
from support import KEY, Late, Lists, TAnswer, batch, cursor_list, failure, page, select

PREFIX = "SOURCES__AI_BATCHES__OPENAI__"


class Slow(Response):
    """Replies that take a moment, and know how many are under way."""

    under_way: dict[str, int]
    most: dict[str, int]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Waits first."""
        for key in (scope["path"].split("/")[1], "all"):
            self.under_way[key] = self.under_way.get(key, 0) + 1
            self.most[key] = max(self.most.get(key, 0), self.under_way[key])
        await asyncio.sleep(0.1)
        await super().__call__(scope, receive, send)
        for key in (scope["path"].split("/")[1], "all"):
            self.under_way[key] -= 1


@pytest.fixture
def most(lists: Lists) -> dict[str, int]:
    """The largest number of requests under way at a time, by provider and of all."""
    Slow.under_way, Slow.most = {}, {}
    for name in ("openai", "kimi", "deepinfra"):
        lists.serve(name, lambda request: Slow(json.dumps(page([batch(1)]))))
    return Slow.most


def accounts(count: int) -> tuple[Account, ...]:
    """So many accounts."""
    return tuple(Account(f"team-{n:02}", f"{KEY}-{n:02}", "the test") for n in range(count))


def test_accounts_are_read_side_by_side_up_to_a_bound(
    pipeline: Pipeline, lists: Lists, most: dict[str, int]
) -> None:
    settings = lists.settings("openai", "kimi", "deepinfra", accounts=accounts(12))
    settings["kimi"] = settings["kimi"]._replace(concurrency=3)
    pipeline.run(ai_batches_source(settings))
    assert select(pipeline, "SELECT count(*) FROM batches") == [(36,)]
    assert 1 < most["openai"] <= 8
    assert 1 < most["kimi"] <= 3
    assert 8 < most["all"] <= 16


def test_the_setting_is_looked_up(lists: Lists, most: dict[str, int]) -> None:
    variables = keys(lists, "openai")
    del variables[PREFIX + "API_KEY"]
    variables[PREFIX + "ACCOUNTS"] = json.dumps({each.name: each.api_key for each in accounts(6)})
    assert run("load", **variables, **{PREFIX + "CONCURRENCY": "2"})[0] == 0
    assert most["openai"] == 2
    code, printed, _ = run("load", **variables, **{PREFIX + "CONCURRENCY": "0"})
    assert code == 1
    assert "concurrency is not a whole number of at least 1" in printed


@pytest.mark.integration
@pytest.mark.sample(1)
@pytest.mark.parametrize("rows_per_load", [40, 90, 250])
def test_lists_that_fill_a_package_hold_nobody_up(
    pipeline: Pipeline, lists: Lists, rows_per_load: int
) -> None:
    """More of them than there are workers, of several providers, and one that has to wait."""
    names = ("openai", "kimi", "deepinfra")
    for name in names:
        lists.serve(name, cursor_list([batch(number) for number in range(90, 0, -1)]))
    lists.serve("novita", failure(429, retry_after="3600"))
    settings = lists.settings(*names, accounts=accounts(9), page_size=20)
    settings |= lists.settings("novita")
    begun = Run(RunRequest(rows_per_load=rows_per_load))
    reports = load(pipeline, [*names, "novita"], settings, begun)
    assert {each.error for each in reports if each.provider != "novita"} == {None}
    assert [each.result for each in reports if each.provider == "novita"] == ["FAILED"]
    assert select(
        pipeline, "SELECT count(*), count(DISTINCT (provider, account, id)) FROM batches"
    ) == [(27 * 90, 27 * 90)]
    assert sum(each.read for each in reports) == 27 * 90


def workers() -> list[str]:
    """Names of the threads that read lists."""
    return [each.name for each in threading.enumerate() if each.name.startswith("dlt-pool")]


def with_slow_provider(lists: Lists, url: str) -> dict[str, ProviderSettings]:
    """A healthy provider, and one whose replies do not end."""
    slow = ProviderSettings((Account("default", KEY, "the test"),), url, 100)
    return {**lists.settings("kimi"), "openai": slow}


def test_an_error_ends_all_reading_at_once(pipeline: Pipeline, lists: Lists) -> None:
    lists.serve("kimi", failure(404))
    with hostile(dripping_body) as url:
        with pytest.raises(PipelineStepFailed, match="kimi, account default: HTTP 404"):
            pipeline.run(ai_batches_source(with_slow_provider(lists, url)))
        assert not workers()


@pytest.mark.integration
def test_a_limit_ends_the_reading(pipeline: Pipeline, lists: Lists) -> None:
    lists.serve("kimi", cursor_list([batch(number) for number in range(20_000, 0, -1)]))
    source = ai_batches_source(lists.settings("kimi"))
    pipeline.run(source.add_limit(1))
    assert not workers()
    ((stored,),) = select(pipeline, "SELECT count(*) FROM batches")
    assert 5_000 <= stored < 20_000
    # what was read and not handed on is read again
    lists.requests.clear()
    pipeline.run(ai_batches_source(lists.settings("kimi")))
    assert select(pipeline, "SELECT count(*) FROM batches") == [(20_000,)]
    assert lists.count("kimi") < 200 - stored // 100 + 20


def test_rows_are_stored_while_another_list_is_read(pipeline: Pipeline, lists: Lists) -> None:
    """A package closes by time: the state of the slow list is stored with its own rows."""
    fast = [batch(number) for number in range(50, 0, -1)]
    slow = cursor_list([batch(number) for number in range(60, 0, -1)])

    def answer(request: Request) -> TAnswer:
        body = slow(request)
        return Late(json.dumps(body)) if lists.count("openai") == 3 else body

    lists.serve("kimi", cursor_list(fast))
    lists.serve("openai", answer)
    settings = lists.settings("openai", "kimi", page_size=20)
    reports = load(pipeline, ["openai", "kimi"], settings, Run(RunRequest(seconds_per_load=0.2)))
    assert {each.result for each in reports} == {"ok"}
    query = "SELECT provider, count(*), count(DISTINCT _dlt_load_id) FROM batches GROUP BY 1"
    loads: Any = select(pipeline, query + " ORDER BY 1")
    assert loads == [("kimi", 50, 1), ("openai", 60, 1)]
    assert select(pipeline, "SELECT count(DISTINCT _dlt_load_id) FROM batches") == [(2,)]
    # nothing of what is stored is read twice as new
    assert [each.new for each in load(pipeline, ["openai", "kimi"], settings)] == [0, 0]


def test_accounts_of_one_key_wait_together(pipeline: Pipeline, lists: Lists) -> None:
    """A server that limits the rate of a key counts all its accounts together."""
    asked: list[tuple[str, float]] = []

    def answer(request: Request) -> TAnswer:
        project = request.headers["x-project"]
        asked.append((project, time.monotonic()))
        is_first = len(asked) == 1
        return failure(429, retry_after="2") if is_first else Slow(json.dumps(page([batch(1)])))

    Slow.under_way, Slow.most = {}, {}
    lists.serve("openai", answer)
    same = [Account(n, KEY, "the test", headers={"X-Project": n}) for n in "abcd"]
    other = Account("e", f"{KEY}-of-e", "the test", headers={"X-Project": "e"})
    settings = lists.settings("openai", accounts=(*same, other), concurrency=2)
    pipeline.run(ai_batches_source(settings))
    assert select(pipeline, "SELECT count(*) FROM batches") == [(5,)]
    limited, started = asked[0]
    later = [moment - started for name, moment in asked[2:] if name != "e" or limited == "e"]
    # one request may have been under way; a clock may tick a little early
    assert limited == "e" or all(seconds > 1.9 for seconds in later)
    assert {name for name, _ in asked} == set("abcde")


@pytest.mark.integration
def test_a_provider_that_is_stuck_keeps_no_other_from_beginning(
    pipeline: Pipeline, lists: Lists
) -> None:
    """Two of them, with more accounts than there are workers."""
    lists.serve("kimi", page([batch(1)]))
    with hostile(dripping_body) as url:
        stuck = ProviderSettings(accounts(10), url, 100, page_timeout=6)
        settings = {**lists.settings("kimi"), "openai": stuck, "deepinfra": stuck}
        names = ["openai", "deepinfra", "kimi"]
        asked = Run(RunRequest(seconds_per_load=0.1, deadline=time.monotonic() + 3))
        reports = load(pipeline, names, settings, asked)
    assert {each.result for each in reports if each.provider == "kimi"} == {"ok"}
    assert {each.result for each in reports if each.provider != "kimi"} == {"partial"}
    assert not workers()
