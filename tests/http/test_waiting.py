"""Waits: as long as a server asks, and never past the end of a run, which then is partial."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.utils import formatdate
from typing import Any

import pytest
from dlt import Pipeline
from starlette.requests import Request
from starlette.responses import Response
from urllib3.util import connection

import servers
from ai_batches import PROVIDERS, RunRequest, ai_batches_source
from ai_batches.errors import TimeUpError
from ai_batches.http.client import BatchListClient
from ai_batches.http.retry_after import seconds_asked
from ai_batches_runner.run.report import read_metrics
from commands import keys, run, summary
from hostile import dripping_body, hostile
from support import CutOff, Lists, TAnswer, batch, cursor_list, failure, page, stored

DAY = "86400"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("20", 20),
        ("20.5", 21),
        ("0.2", 1),
        (" 20 ", 20),
        ("20s", 20),
        ("20 seconds", 20),
        ("1m30s", 90),
        ("1500ms", 2),
        ("5, 10", 10),
        ("1e3", 1_000),
        ("0", None),
        ("0.0", None),
        ("-3.5", None),
        ("", None),
        ("soon", None),
        ("inf", None),
        ("nan", None),
        ("Fri, 31 Dec 99999 23:59:59 GMT", None),
        ("Sun, 06 Nov 1994 08:49:37 GMT", None),
    ],
)
def test_retry_after_is_read_as_it_is_sent(header: str, seconds: int | None) -> None:
    assert seconds_asked(header) == seconds


@pytest.mark.parametrize("header", ["9" * 30, "9" * 60_000, "Fri, 31 Dec 2999 23:59:59 GMT"])
def test_a_wait_of_years_is_one(header: str) -> None:
    assert (seconds_asked(header) or 0) > 86_400


@pytest.mark.parametrize("is_iso", [False, True])
def test_a_date_to_try_again_at_is_waited_for(is_iso: bool) -> None:
    moment = time.time() + 50
    iso = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))
    assert 5 < (seconds_asked(iso if is_iso else formatdate(moment, usegmt=True)) or 0) <= 50


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waits that were asked for, without waiting."""
    waits: list[float] = []
    monkeypatch.setattr("tenacity.nap.sleep", waits.append)
    return waits


@pytest.mark.parametrize(("header", "wait"), [("20.5", 21), ("7s", 7), ("5, 10", 10)])
def test_a_session_waits_as_asked(
    pipeline: Pipeline, lists: Lists, slept: list[float], header: str, wait: float
) -> None:
    lists.serve("openai", [failure(429, retry_after=header), page([batch(1)])])
    pipeline.run(ai_batches_source(lists.settings("openai")))
    assert sum(slept) == pytest.approx(wait)
    assert list(stored(pipeline, "openai")) == ["batch_1"]


@pytest.mark.parametrize("header", ["inf", "nan", "-5", "soon", "0"])
def test_what_is_no_wait_is_dlts_own(
    pipeline: Pipeline, lists: Lists, slept: list[float], header: str
) -> None:
    lists.serve("openai", [failure(503, retry_after=header), page([batch(1)])])
    pipeline.run(ai_batches_source(lists.settings("openai")))
    assert [seconds for seconds in slept if seconds == 0.001] == [0.001]


@contextmanager
def silent(start: bytes = b"") -> Iterator[str]:
    """A server that begins an answer to every request, and never ends one."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        taken: list[socket.socket] = []

        def take() -> None:
            with suppress(OSError):
                while True:
                    taken.append(listener.accept()[0])
                    taken[-1].sendall(start)

        threading.Thread(target=take, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        for connection in taken:
            connection.close()


def ask(lists: Lists, seconds: float, **settings: Any) -> str:
    """Asks for a list that does not come within a limit of time; returns what is said of it."""
    chosen = lists.settings("openai", **settings)["openai"]
    started = time.monotonic()
    account, deadline = chosen.accounts[0], started + seconds
    client = BatchListClient(PROVIDERS["openai"], chosen, account, None, deadline)
    try:
        with pytest.raises(TimeUpError) as caught:
            list(client.pages())
    finally:
        client.close()
    # slow machines take their time, but not that of the waits
    assert time.monotonic() - started < seconds + 30
    assert caught.value.__cause__ is caught.value.__context__ is None
    return str(caught.value)


@pytest.mark.sample(2)
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("header", [DAY, "60.5", "Fri, 31 Dec 2999 23:59:59 GMT"])
def test_a_wait_longer_than_the_run_ends_it_as_partial(
    lists: Lists, status: int, header: str
) -> None:
    lists.serve("openai", failure(status, {"error": "later"}, retry_after=header))
    lists.serve("kimi", page([batch(1)]))
    code, printed, log = run("load", "--time-limit", "60", **keys(lists, "openai", "kimi"))
    assert code == 3, printed + log
    assert "FAILED" not in printed
    assert summary(printed, "openai")[-1] == "partial"
    assert summary(printed, "kimi")[-1] == "ok"
    assert f"(HTTP {status})" in log
    assert lists.count("openai") == 1


@pytest.mark.parametrize(
    ("answer", "said"), [(failure(500), "HTTP 500"), (failure(429), "HTTP 429"), (CutOff(), "")]
)
def test_a_backoff_longer_than_the_time_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, lists: Lists, answer: TAnswer, said: str
) -> None:
    monkeypatch.setenv("RUNTIME__REQUEST_BACKOFF_FACTOR", "100")
    lists.serve("openai", answer)
    assert said in ask(lists, 20)
    assert lists.count("openai") == 1


def test_a_silent_server_is_waited_for_until_the_time_is_up(lists: Lists) -> None:
    with silent() as url:
        said = ask(lists, 2, base_url=url)
    assert "the time was up" in said
    assert "no answer in time" in said


def test_a_reply_that_stops_in_its_middle_is_waited_for_until_the_time_is_up(
    lists: Lists,
) -> None:
    with silent(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{") as url:
        assert "the time was up" in ask(lists, 2, base_url=url)


def test_a_server_that_is_down_is_asked_again_until_the_time_is_up(
    monkeypatch: pytest.MonkeyPatch, lists: Lists
) -> None:
    monkeypatch.setenv("RUNTIME__REQUEST_BACKOFF_FACTOR", "100")
    said = ask(lists, 20, base_url=f"http://127.0.0.1:{servers.free_port()}")
    assert "Connection refused" in said


def test_what_fails_within_the_limit_has_failed(lists: Lists) -> None:
    lists.serve("openai", failure(503, {"error": "out of order"}))
    variables = keys(lists, "openai")
    # conftest makes backoffs short: all tries are made
    code, printed, _ = run("load", "--time-limit", "60", **variables)
    assert code == 1
    assert "HTTP 503" in printed
    assert lists.count("openai") == 5


def test_rows_before_the_end_are_kept_and_the_next_run_goes_on(
    pipeline: Pipeline, lists: Lists
) -> None:
    right = cursor_list([batch(number) for number in range(250, 0, -1)])
    is_limited = True

    def answer(request: Request) -> TAnswer:
        if is_limited and lists.count("openai") > 2:
            return failure(429, retry_after=DAY)
        return right(request)

    lists.serve("openai", answer)
    limited = RunRequest(deadline=time.monotonic() + 60)
    pipeline.run(ai_batches_source(lists.settings("openai"), run=limited))
    trace = pipeline.last_trace
    assert trace
    assert trace.last_extract_info
    (done,) = read_metrics(trace.last_extract_info).values()
    assert (done["error"], done["is_partial"], done["rows"]) == (None, True, 200)
    assert len(stored(pipeline, "openai")) == 200
    is_limited = False
    lists.requests.clear()
    pipeline.run(ai_batches_source(lists.settings("openai")))
    assert len(stored(pipeline, "openai")) == 250
    # from where it was with a look back, not from the head
    assert lists.requests[0].query_params["after"] == "batch_52"


def test_an_account_that_has_to_wait_is_not_asked_again_by_the_run(lists: Lists) -> None:
    right = cursor_list([batch(number) for number in range(250, 0, -1)])

    def answer(request: Request) -> Response | TAnswer:
        return failure(429, retry_after=DAY) if lists.count("openai") > 1 else right(request)

    lists.serve("openai", answer)
    lists.serve("kimi", page([batch(1)]))
    code, printed, _ = run(
        "load", "--time-limit", "60", "--log-format", "json", **keys(lists, "openai", "kimi")
    )
    assert code == 3
    assert lists.count("openai") == 2
    events = [json.loads(line) for line in printed.splitlines()]
    (told,) = [e for e in events if e.get("provider") == "openai" and "is_partial" in e]
    assert (told["read"], told["is_partial"]) == (100, True)


def test_other_accounts_are_read_all_the_same(lists: Lists) -> None:
    """One that has to wait keeps nobody else of the provider waiting."""

    def answer(request: Request) -> TAnswer:
        waits = "first" in request.headers["authorization"]
        return failure(429, retry_after=DAY) if waits else page([batch(1)])

    lists.serve("openai", answer)
    accounts = {"a": "first-0123456789", "b": "second-0123456789"}
    variables = keys(lists, "openai")
    del variables["SOURCES__AI_BATCHES__OPENAI__API_KEY"]
    variables["SOURCES__AI_BATCHES__OPENAI__ACCOUNTS"] = json.dumps(accounts)
    code, printed, log = run("load", "--time-limit", "60", **variables)
    assert code == 3, printed + log
    lines = {line.split()[1]: line.split()[-1] for line in printed.splitlines() if "openai" in line}
    assert (lines["a"], lines["b"]) == ("partial", "ok")


@pytest.mark.timeout(60)
def test_an_end_reaches_a_connection_that_is_being_made(
    lists: Lists, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server never answers, and nothing but the end of the reading ends the wait."""
    with hostile(dripping_body) as url:
        settings = lists.settings("openai")["openai"]._replace(base_url=url)
        client = BatchListClient(PROVIDERS["openai"], settings, settings.accounts[0])
        connect = connection.create_connection

        def connect_too_late(*given: Any, **named: Any) -> socket.socket:
            made = connect(*given, **named)
            client.end()
            return made

        monkeypatch.setattr(connection, "create_connection", connect_too_late)
        with pytest.raises(TimeUpError):
            next(client.pages())
