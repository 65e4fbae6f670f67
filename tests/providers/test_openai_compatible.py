"""Known faults of servers that list batches as OpenAI does: a whole list, or an error."""

import random
import uuid
from collections.abc import Callable

import pytest
from dlt import Pipeline
from starlette.requests import Request

from ai_batches import (
    PROVIDERS,
    Account,
    AccountMetrics,
    SettingsError,
    provider_settings,
)
from support import (
    FIRST,
    KEY,
    Lists,
    TAnswer,
    TAnswerer,
    TRow,
    batch,
    cursor_list,
    failure,
    load,
    page,
    stored,
)

NAME = "openai_compatible"


@pytest.fixture
def read(pipeline: Pipeline, lists: Lists) -> Callable[..., AccountMetrics]:
    """Serves an answer as the server, and loads it."""

    def run(answer: TAnswerer | TAnswer | list[TAnswer], page_size: int = 100) -> AccountMetrics:
        lists.serve(NAME, answer)
        done = load(pipeline, lists.settings(NAME, page_size=page_size))[NAME, "default"]
        assert len(lists.requests) < 60
        return done

    return run


def rows(count: int) -> list[TRow]:
    """So many batches, newest first."""
    return [batch(number) for number in range(count, 0, -1)]


def place(full: list[TRow], request: Request) -> int | None:
    """Where the page behind `after` starts; None where there is no such row."""
    after = request.query_params.get("after")
    found = [row["id"] for row in full]
    return 0 if after is None else found.index(after) + 1 if after in found else None


def limit(request: Request) -> int:
    """Rows that the request asks for."""
    return int(request.query_params.get("limit", 20))


@pytest.mark.parametrize(("count", "size"), [(250, 100), (99, 10), (30, 20), (20, 10)])
def test_litellm_compared_the_cursor_with_an_id_that_it_does_not_show(
    read: Callable[..., AccountMetrics], count: int, size: int
) -> None:
    """BerriAI/litellm#37150: any cursor let the rows through whose inner id is the greater text.

    So what comes behind any row is the same, begins among the rows before, and leaves some out.
    """
    chance = random.Random(1)  # noqa: S311
    full = [
        batch(n, id=f"bGl0ZWxsbV9wcm94e{n:03}", inner=str(uuid.UUID(int=chance.getrandbits(128))))
        for n in range(count, 0, -1)
    ]

    def answer(request: Request) -> TAnswer:
        after = request.query_params.get("after", "")
        shown = [row for row in full if row["inner"] > after][: limit(request)]
        return page(shown, len(shown) == limit(request))

    done = read(answer, size)
    assert (done["error_type"], done["rows"]) == ("BadPageError", size)


def test_litellm_promised_more_behind_a_page_that_was_full(
    read: Callable[..., AccountMetrics],
) -> None:
    """The same code took a full page for one that others follow, also where it was the last."""
    full = rows(200)

    def answer(request: Request) -> TAnswer:
        start = place(full, request)
        shown = [] if start is None else full[start : start + limit(request)]
        return page(shown, len(shown) == limit(request))

    done = read(answer)
    assert (done["error"], done["rows"]) == (None, 200)


@pytest.mark.parametrize("full_pages", [0, 1])
def test_litellm_gave_nothing_for_rows_that_it_could_not_read(
    read: Callable[..., AccountMetrics], full_pages: int
) -> None:
    """BerriAI/litellm#38738: a page without rows, and without a place to go on from."""
    first: list[TAnswer] = [page(rows(100), True)]
    done = read([*first[:full_pages], page([], True)])
    assert "an empty page promises that more rows follow" in (done["error"] or "")
    assert done["rows"] == 100 * full_pages


@pytest.mark.parametrize("knows", ["ogx", "aibrix", "portkey"])
@pytest.mark.parametrize("at", [2, 3])
def test_a_cursor_that_the_server_does_not_know_anymore(
    pipeline: Pipeline, lists: Lists, knows: str, at: int
) -> None:
    """What comes is the first page (ogx), no row and no more to come (aibrix), or an error.

    Rows that stood in the list all the time are read nevertheless.
    """
    full = rows(60)

    def answer(request: Request) -> TAnswer:
        if len(lists.requests) == at:
            # the last row that was handed on, and the one before
            del full[10 * (at - 1) - 2 : 10 * (at - 1)]
        start = place(full, request)
        if start is None and knows == "portkey":
            return failure(404, {"error": {"message": "No such batch"}})
        start = len(full) if start is None and knows == "aibrix" else start or 0
        shown = full[start : start + limit(request)]
        return page(shown, start + len(shown) < len(full))

    lists.serve(NAME, answer)
    done = load(pipeline, lists.settings(NAME, page_size=10))[NAME, "default"]
    assert done["error"] is None
    assert {row["id"] for row in full} <= set(stored(pipeline, NAME))


@pytest.mark.sample(3)
@pytest.mark.parametrize("after", ["ignored", "unknown"])
@pytest.mark.parametrize("count", [3, 13, 20, 100])
def test_a_gateway_that_says_nothing_of_more_rows(
    read: Callable[..., AccountMetrics], after: str, count: int
) -> None:
    """Portkey passes the first page of Bedrock's and Cohere's lists on, which go on by tokens.

    Of few rows it is the whole list; of a size that pages are cut to, it may be a part of it.
    """
    full = rows(count)

    def answer(request: Request) -> TAnswer:
        if after == "unknown" and "after" in request.query_params:
            return failure(400, {"error": {"message": "The token is not valid."}})
        return page(full, None)

    done = read(answer)
    assert done["rows"] == count
    if count in (20, 100):
        assert done["error"] is not None
    elif after == "ignored":
        assert done["error"] is None


def test_a_gateway_whose_next_page_cannot_be_asked_for(
    read: Callable[..., AccountMetrics],
) -> None:
    """Portkey says that Vertex has more, and passes on as a token what is the id of a row."""

    def answer(request: Request) -> TAnswer:
        if "after" in request.query_params:
            return failure(400, {"error": {"message": "The page token is not valid."}})
        return page(rows(100), True)

    done = read(answer)
    assert (done["error_type"], done["rows"]) == ("RequestError", 100)


def test_clocks_may_differ_from_row_to_row(pipeline: Pipeline, lists: Lists) -> None:
    """Portkey gives other vendors' rows milliseconds, and 0 for an end that is null."""
    second = batch(1, in_progress_at=FIRST + 90, completed_at=FIRST + 120)
    millisecond = batch(
        2,
        status="in_progress",
        created_at=(FIRST + 120) * 1_000 + 250,
        in_progress_at=(FIRST + 150) * 1_000,
        completed_at=0,
    )
    lists.serve(NAME, page([millisecond, second]))
    assert load(pipeline, lists.settings(NAME))[NAME, "default"]["error"] is None
    found = stored(pipeline, NAME)
    assert found["batch_1"]["completed_at"].timestamp() == FIRST + 120
    assert found["batch_2"]["created_at"].timestamp() == FIRST + 120.25
    assert found["batch_2"]["completed_at"] is None


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    ("word", "status", "is_open"),
    [
        ("scheduling", "validating", True),
        ("queued", "validating", True),
        ("pending", "validating", True),
        ("processing", "in_progress", True),
        ("canceling", "cancelling", True),
        ("canceled", "cancelled", False),
        ("COMPLETED", "completed", False),
        ("paused", "in_progress", True),
        ("ended", "completed", False),
    ],
)
def test_words_of_smaller_servers(
    pipeline: Pipeline, lists: Lists, word: str, status: str, is_open: bool
) -> None:
    # aibrix leaves out what is not set, the counts included
    lists.serve(NAME, page([batch(1, status=word)]))
    load(pipeline, lists.settings(NAME))
    row = stored(pipeline, NAME)["batch_1"]
    assert (row["status_raw"], row["status"], row["is_open"]) == (word, status, is_open)
    assert row["requests_total"] is None


def test_it_needs_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_COMPATIBLE_API_KEY", KEY)
    with pytest.raises(SettingsError, match="it needs `base_url`"):
        provider_settings(PROVIDERS[NAME])
    monkeypatch.setenv("SOURCES__AI_BATCHES__OPENAI_COMPATIBLE__BASE_URL", "http://gateway:4000/v1")
    assert provider_settings(PROVIDERS[NAME]).base_url == "http://gateway:4000/v1"


def test_openais_own_key_is_not_sent_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert provider_settings(PROVIDERS[NAME]).accounts == ()


def test_each_server_is_an_account(pipeline: Pipeline) -> None:
    """Two servers side by side; what is a secret of one of them does not reach the other."""

    def guarded(request: Request) -> TAnswer:
        assert request.headers["x-portkey-provider"] == "openai"
        return cursor_list(rows(120))(request)

    with Lists() as one, Lists() as other:
        one.serve(NAME, guarded)
        other.serve(NAME, cursor_list(rows(120)))
        headers = {"x-portkey-provider": "openai"}
        accounts = (
            Account("portkey", KEY, "the test", base_url=one.url(NAME), headers=headers),
            Account("ogx", "none", "the test", base_url=other.url(NAME)),
        )
        shared = {"x-shared": "of the provider's own address"}
        settings = one.settings(NAME, accounts=accounts, base_url="", headers=shared)
        done = load(pipeline, settings)
        assert {key: entry["rows"] for key, entry in done.items()} == {
            (NAME, "portkey"): 120,
            (NAME, "ogx"): 120,
        }
        sent = {name for each in (one, other) for r in each.requests for name in r.headers}
        assert "x-shared" not in sent
        assert all("x-portkey-provider" not in request.headers for request in other.requests)
        sent = {request.headers["authorization"] for request in other.requests}
        assert sent == {"Bearer none"}
