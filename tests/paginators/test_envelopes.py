"""What a reply says beside its rows: followed, refused by name, or without meaning."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import orjson
import pytest
from dlt import Pipeline
from starlette.requests import Request
from starlette.responses import Response

from ai_batches import PROVIDERS, AiBatchesError, Provider
from ai_batches.http.client import BatchListClient
from ai_batches.paginators import CursorPaginator, SinglePagePaginator
from support import Lists, TAnswer, TAnswerer, TRow, batch, failure, load, page, stored

GATEWAY = "openai_compatible"


class Read(NamedTuple):
    """What came of reading a list."""

    error: str
    """Empty where all is well."""
    error_type: str
    rows: int
    requests: int


TRead = Callable[..., Read]


@pytest.fixture
def read(lists: Lists) -> TRead:
    """Serves an answer as a provider, and reads its list."""

    def run(answer: TAnswerer | TAnswer, provider: Provider | str = GATEWAY) -> Read:
        declared = PROVIDERS[provider] if isinstance(provider, str) else provider
        lists.requests.clear()
        lists.serve(declared.name, answer)
        settings = lists.settings(declared.name)[declared.name]
        client = BatchListClient(declared, settings, settings.accounts[0])
        found: set[str] = set()
        error: AiBatchesError | None = None
        try:
            for each in client.pages():
                found |= {str(row[declared.fields["id"]]) for row in each.rows}
        except AiBatchesError as ex:
            error = ex
        finally:
            client.close()
        assert len(lists.requests) < 40
        kind = type(error).__name__ if error else ""
        return Read(str(error or ""), kind, len(found), client.requests)

    return run


def rows(count: int) -> list[TRow]:
    """So many batches, newest first."""
    return [batch(number) for number in range(count, 0, -1)]


PROMISES: dict[str, dict[str, Any]] = {
    "next_cursor": {"next_cursor": "18"},
    "nextCursor": {"nextCursor": "eyJ2IjoxfQ=="},
    "NextToken": {"NextToken": "AAA/BBB"},
    "next_page_token": {"next_page_token": "18"},
    "continuation_token": {"continuation_token": "abc"},
    "cursor": {"cursor": "abc"},
    "next_page": {"next_page": 2},
    "next_offset": {"next_offset": 18},
    "next_url": {"next_url": "/v1/batches?page=2"},
    "nextLink": {"nextLink": "https://vendor.example/v1/batches?skip=18"},
    "hasMore": {"hasMore": True},
    "more": {"more": True},
    "has_next": {"has_next": True},
    "truncated": {"truncated": True},
    "is_last_page": {"is_last_page": False},
    "paging.next_cursor": {"paging": {"next_cursor": "18", "limit": 18}},
    "meta.pagination.hasNextPage": {"meta": {"pagination": {"hasNextPage": True}}},
    "links.next.href": {"links": {"next": {"href": "/v1/batches?page=2"}}},
    "links[].next": {"links": [{"rel": "self", "href": "/1"}, {"rel": "next", "href": "/2"}]},
    "page_info.end_cursor": {"page_info": {"end_cursor": "x", "start_cursor": "y"}},
    "50": {"total": 50},
    "ignores `after`": {"limit": 18},
}


@pytest.mark.parametrize("named", PROMISES)
def test_a_list_that_promises_more_and_ignores_the_cursor_is_never_whole(
    read: TRead, named: str
) -> None:
    """PostHog/posthog#69994: `after` is ignored, and `has_more` is left out."""
    done = read({"object": "list", "data": rows(18), **PROMISES[named]})
    assert (done.error_type, done.rows) == ("BadPageError", 18)
    assert named in done.error


@pytest.mark.parametrize("named", [name for name in PROMISES if name != "ignores `after`"])
def test_nor_is_one_that_shows_a_single_row(read: TRead, named: str) -> None:
    done = read({"object": "list", "data": rows(1), **PROMISES[named]})
    assert (done.error_type, done.rows) == ("BadPageError", 1)
    assert named in done.error


@pytest.mark.parametrize("named", ["Link", "X-Next-Page"])
def test_a_header_may_promise_more(read: TRead, named: str) -> None:
    headers = {"Link": '<http://vendor.example/batches?page=2>; rel="next"', "X-Next-Page": "2"}
    body = orjson.dumps({"data": rows(18)})
    done = read(
        lambda request: Response(
            body, headers={named: headers[named]}, media_type="application/json"
        )
    )
    assert done.error_type == "BadPageError"
    assert named.lower() in done.error.lower()


@pytest.mark.parametrize(
    "said",
    [
        {"next_cursor": None, "nextPageToken": "", "next": {}, "links": [], "more": 0},
        {"paging": {"next_cursor": None, "previous_cursor": "abc"}},
        {"links": {"self": "/v1/batches", "prev": "/v1/batches?page=0", "next": None}},
        {"page_info": {"has_next_page": False, "end_cursor": "abc"}},
        {"is_last_page": True, "next_page": 1},
        {"usage": {"total_tokens": 12, "token_count": 3}, "token_type": "bearer"},
        {"total": 18, "limit": 100, "request_id": "req_18"},
        {"more_info": "https://vendor.example/docs"},
        {"next_cursor": " "},
    ],
)
def test_what_promises_nothing_stands_in_no_ones_way(read: TRead, said: dict[str, Any]) -> None:
    done = read({"object": "list", "data": rows(18), **said})
    assert (done.error, done.rows) == ("", 18)


@pytest.mark.parametrize(
    "said",
    [
        {"next_cursor": "18"},
        {"paging": {"next": "/v1/batches?page=2"}},
        {"total": 50, "nextPageToken": "abc"},
    ],
)
def test_an_explicit_end_is_the_end_whatever_stands_beside_it(
    read: TRead, said: dict[str, Any]
) -> None:
    done = read(page(rows(18), False, **said))
    assert (done.error, done.rows, done.requests) == ("", 18, 1)


@pytest.mark.parametrize(
    ("provider", "body"),
    [
        ("gemini", {"operations": [{"name": "batches/a"}], "next_page_token": "x"}),
        ("cohere", {"batches": [{"id": "a"}], "nextPageToken": "x"}),
        ("bedrock", {"invocationJobSummaries": [{"jobArn": "a"}], "paging": {"next": "x"}}),
        ("mistral", {"data": [{"id": "a"}], "total": 1, "has_more": True}),
        ("bland", {"data": [], "errors": None, "next_cursor": "x"}),
        ("groq", {"object": "list", "data": [{"id": "a"}], "next_cursor": "x"}),
    ],
)
def test_a_vendor_that_begins_to_page_otherwise_is_noticed(
    read: TRead, provider: str, body: TAnswer
) -> None:
    done = read(body, provider)
    assert done.error_type == "BadPageError"
    assert "promises more rows" in done.error


def test_a_promise_that_the_ids_of_rows_keep_is_no_fault(read: TRead) -> None:
    """The cursor is the id of the last row, and given for the last page, too."""
    full = rows(45)

    def answer(request: Request) -> TAnswer:
        ids = [row["id"] for row in full]
        after = request.query_params.get("after")
        start = ids.index(after) + 1 if after else 0
        shown = full[start : start + 20]
        return {"data": shown, "next_cursor": shown[-1]["id"] if shown else None}

    done = read(answer)
    assert (done.error, done.rows) == ("", 45)


def opaque_list(
    full: list[TRow], requests: list[Request], status: int = 400, **always: Any
) -> TAnswerer:
    """Answers as a list that takes its own cursors only, 20 rows a page."""

    def answer(request: Request) -> TAnswer:
        after = request.query_params.get("after", "cursor:0")
        if not after.startswith("cursor:"):
            return failure(status, {"error": {"message": "invalid cursor"}})
        end = int(after.removeprefix("cursor:")) + 20
        more = end < len(full)
        cursor = f"cursor:{end}" if more else always.get("at_end")
        return page(full[end - 20 : end], more, next_cursor=cursor)

    return answer


@pytest.mark.parametrize("status", [400, 404, 422])
@pytest.mark.parametrize("at_end", [None, "", "cursor:60"])
def test_a_server_that_refuses_ids_is_read_by_its_own_cursor(
    lists: Lists, read: TRead, at_end: str | None, status: int
) -> None:
    """maximhq/bifrost: `has_more`, an opaque `next_cursor`, and 400 for the id of a row."""
    done = read(opaque_list(rows(50), lists.requests, status, at_end=at_end))
    assert (done.error, done.rows) == ("", 50)
    # the first page, the refused id, the first page again, and the two others
    assert done.requests == 5


@pytest.mark.parametrize("fails_at", [4, 5])
def test_a_scan_by_the_servers_own_cursor_goes_on_where_it_was_cut(
    pipeline: Pipeline, lists: Lists, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    monkeypatch.setenv("RUNTIME__REQUEST_MAX_ATTEMPTS", "1")
    right = opaque_list(rows(90), lists.requests)
    lists.serve(
        GATEWAY,
        lambda request: failure(500) if len(lists.requests) == fails_at else right(request),
    )
    first = load(pipeline, lists.settings())[GATEWAY, "default"]
    assert (first["error_type"], first["rows"]) == ("TransientRequestError", 20 * (fails_at - 3))
    lists.serve(GATEWAY, right)
    second = load(pipeline, lists.settings())[GATEWAY, "default"]
    assert second["error"] is None
    assert len(stored(pipeline, GATEWAY)) == 90
    # the page that was handed on last comes again
    asked = lists.requests[fails_at].query_params.get("after")
    assert asked == (None if fails_at == 4 else "cursor:20")


def test_a_cursor_of_the_servers_own_that_is_refused_too_is_an_error(read: TRead) -> None:
    def answer(request: Request) -> TAnswer:
        if "after" in request.query_params:
            return failure(400, {"error": {"message": "after is not supported"}})
        return page(rows(20), True, next_cursor="abc")

    done = read(answer)
    assert (done.error_type, done.rows) == ("RequestError", 20)
    assert "after is not supported" in done.error


@pytest.mark.parametrize("says_more", [True, None])
def test_a_cursor_that_leads_to_nothing_behind_any_row_is_named(
    read: TRead, says_more: bool | None
) -> None:
    """vllm-project/production-stack: `has_more` says that the page is full, `after` finds none."""

    def answer(request: Request) -> TAnswer:
        return page([]) if "after" in request.query_params else page(rows(20), says_more)

    done = read(answer)
    assert (done.error_type, done.rows) == ("BadPageError", 20)
    assert "the server's `after` does not work" in done.error


def test_what_means_nothing_can_be_declared(read: TRead) -> None:
    body = {"data": rows(18), "paging": {"next_cursor": "static"}}
    assert read(body, "openai").error_type == "BadPageError"
    paginator = partial(CursorPaginator, known={"paging.next_cursor"})
    done = read(body, replace(PROVIDERS["openai"], paginator=paginator))
    assert (done.error, done.rows) == ("", 18)


# what an empty list has beside its rows, where it has anything
BESIDE: list[dict[str, Any]] = [
    {},
    {"object": "list", "has_more": False},
    {"first_id": None, "last_id": "", "errors": None, "error": "", "total": 0, "count": 0},
    {"success": True, "code": 200, "message": "success", "status": "ok", "request_id": "req_1"},
]


@pytest.mark.parametrize("unset", [None, {}], ids=["null", "object"])
@pytest.mark.parametrize(
    "name", [name for name, each in PROVIDERS.items() if each.data_selector != "$"]
)
def test_no_list_of_rows_is_an_empty_one(
    read: TRead, name: str, unset: dict[str, Any] | None
) -> None:
    for beside in BESIDE:
        # lists of numbered pages have to have it
        totals = {"total": 0, "metadata": {"totalItems": 0}}
        reply = {PROVIDERS[name].data_selector: unset, **totals, **beside}
        done = read(reply, name)
        assert (done.error, done.rows, done.requests) == ("", 0, 1), beside


@pytest.mark.parametrize(
    ("beside", "said"),
    [
        ({"error": {"message": "quota exceeded"}}, "quota exceeded"),
        ({"errors": ["quota exceeded"]}, "quota exceeded"),
        ({"code": 20012, "message": "quota exceeded"}, "quota exceeded"),
        ({"success": False}, "no list of rows"),
        ({"status": "error"}, "no list of rows"),
        ({"has_more": True}, "promises that more rows follow"),
        ({"next_cursor": "abc"}, "promises that more rows follow"),
        ({"paging": {"hasNext": True}}, "promises that more rows follow"),
    ],
)
def test_no_list_of_rows_beside_trouble_or_a_promise_is_an_error(
    read: TRead, beside: dict[str, Any], said: str
) -> None:
    done = read({"object": "list", "data": None, **beside})
    assert done.error_type == "BadPageError"
    assert said in done.error


def test_one_reply_that_says_it_is_not_all_is_an_error(read: TRead) -> None:
    single = replace(PROVIDERS["openai"], paginator=SinglePagePaginator)
    for beside in ({"has_more": True}, {"total": 19}):
        done = read({"data": rows(18), **beside}, single)
        assert (done.error_type, done.requests) == ("BadPageError", 1)
    assert read({"data": rows(18), "total": 18}, single).error == ""
