"""Lists that misbehave: each is read whole, or fails with a sentence that says why."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from dlt import Pipeline
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ai_batches import AccountMetrics
from ai_batches.paginators.base import LoopGuard, RecentIds
from support import (
    KEY,
    CutOff,
    Late,
    Lists,
    TAnswer,
    TRow,
    batch,
    cursor_list,
    extract,
    failure,
    few_of,
    load,
    offset_list,
    page,
    stored,
)


def rows(count: int) -> list[TRow]:
    """So many batches, newest first."""
    return [batch(number) for number in range(count, 0, -1)]


def numbered_list(full: list[TRow], largest: int = 100) -> Callable[[Request], dict[str, Any]]:
    """Answers as a right list of numbered pages would."""

    def answer(request: Request) -> dict[str, Any]:
        size = min(int(request.query_params["page_size"]), largest)
        start = int(request.query_params["page"]) * size
        return {"object": "list", "data": full[start : start + size], "total": len(full)}

    return answer


class ListReader:
    """Serves an answer as one provider, beside a healthy other one, and reads both lists."""

    def __init__(self, pipeline: Pipeline, lists: Lists) -> None:
        self._pipeline, self._lists = pipeline, lists
        self._found: dict[tuple[str, str], TRow] = {}

    def __call__(self, provider: str, answer: Any, **changes: Any) -> AccountMetrics:
        """Reads; returns what was done for the provider's account."""
        lists = self._lists
        lists.serve(provider, answer)
        lists.serve("respan", cursor_list(rows(3)))
        lists.requests.clear()
        settings = lists.settings(provider, **changes) | lists.settings("respan")
        done, found = extract(self._pipeline, settings)
        keys = [(row["provider"], row["id"]) for row in found]
        assert len(keys) == len(set(keys)), "a key stands twice in a load package"
        self._found |= zip(keys, found, strict=True)
        assert done["respan", "default"]["error"] is None
        assert self.ids("respan") == [3, 2, 1]
        counted = len(lists.requests) - lists.count("respan")
        assert done[provider, "default"]["requests"] == counted
        return done[provider, "default"]

    def ids(self, provider: str) -> list[int]:
        """Numbers of the batches read so far, newest first."""
        found = [row_id for name, row_id in self._found if name == provider]
        return sorted((int(each.removeprefix("batch_")) for each in found), reverse=True)


@pytest.fixture
def read(pipeline: Pipeline, lists: Lists) -> ListReader:
    """Reads what the test answers."""
    return ListReader(pipeline, lists)


@pytest.mark.parametrize("has_more", [True, False])
@pytest.mark.parametrize("count", [0, 1, 2, 99, 100, 101, 250])
def test_a_cursor_list_is_read_to_its_end(read: ListReader, has_more: bool, count: int) -> None:
    done = read("kimi", cursor_list(rows(count), has_more))
    assert done["error"] is None
    assert read.ids("kimi") == list(range(count, 0, -1))


@pytest.mark.sample(9)
@pytest.mark.parametrize("page_size", [2, 3, 100])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 99, 100, 101, 250])
def test_an_offset_list_is_read_to_its_end(read: ListReader, count: int, page_size: int) -> None:
    done = read("bland", offset_list(rows(count)), page_size=page_size)
    assert done["error"] is None
    assert read.ids("bland") == list(range(count, 0, -1))


def test_a_server_may_send_fewer_rows_than_asked(read: ListReader) -> None:
    full = rows(30)

    def short_pages(request: Request) -> TAnswer:
        start = int(request.query_params["skip"])
        return {"data": full[start : start + 7]}

    assert read("bland", short_pages)["error"] is None
    assert len(read.ids("bland")) == 30


def test_nothing_behind_a_single_row_may_be_a_404(read: ListReader) -> None:
    def strict(request: Request) -> TAnswer:
        beyond = int(request.query_params["skip"]) > 0
        return failure(404) if beyond else {"data": rows(1)}

    assert read("bland", strict)["error"] is None
    assert read.ids("bland") == [1]


@pytest.mark.parametrize("status", [400, 404])
def test_an_error_behind_the_last_row_of_a_cursor_list_is_its_end(
    read: ListReader, status: int
) -> None:
    inner = cursor_list(rows(150), False)

    def strict(request: Request) -> TAnswer:
        body: Any = inner(request)
        return body if body["data"] else failure(status, {"detail": "Nothing follows."})

    done = read("kimi", strict)
    # two pages, the error, and a look back
    assert (done["error"], done["requests"]) == (None, 4)
    assert len(read.ids("kimi")) == 150


def test_a_short_page_in_the_middle_of_an_offset_list_is_not_its_end(read: ListReader) -> None:
    full = rows(60)
    sizes = [7, 1, 1, 9, 2]

    def uneven(request: Request) -> TAnswer:
        start = int(request.query_params["skip"])
        size = sizes.pop(0) if sizes else 10
        return {"data": full[start : start + size]}

    assert read("bland", uneven)["error"] is None
    assert len(read.ids("bland")) == 60


@pytest.mark.parametrize("kind", ["swapped", "shuffled", "growing"])
def test_an_offset_that_is_ignored_is_noticed_even_if_replies_differ(
    read: ListReader, kind: str
) -> None:
    full = rows(100)

    def answer(request: Request) -> TAnswer:
        if kind == "swapped":
            full[3], full[4] = full[4], full[3]
        elif kind == "shuffled":
            random.shuffle(full)
        else:
            full.insert(0, batch(len(full) + 1))
        return {"data": full[:100]}

    done = read("bland", answer)
    assert "ignores `skip`" in (done["error"] or "")
    assert done["requests"] < 30


@pytest.mark.parametrize("count", [1, 5])
def test_an_offset_list_may_come_row_by_row(read: ListReader, count: int) -> None:
    full = rows(count)

    def single_rows(request: Request) -> TAnswer:
        start = int(request.query_params["skip"])
        return {"data": full[start : start + 1]}

    assert read("bland", single_rows)["error"] is None
    assert len(read.ids("bland")) == count


def test_last_id_of_the_reply_is_not_needed(read: ListReader) -> None:
    full = rows(150)
    inner = cursor_list(full)

    def misleading(request: Request) -> TAnswer:
        answer = inner(request)
        assert isinstance(answer, dict)
        return answer | {"last_id": "nonsense", "first_id": None}

    assert read("openai", misleading)["error"] is None
    assert len(read.ids("openai")) == 150


def test_pages_that_overlap_store_each_batch_once(read: ListReader) -> None:
    full = rows(150)

    def inclusive(request: Request) -> TAnswer:
        after = request.query_params.get("after")
        start = [row["id"] for row in full].index(after) if after else 0
        return page(full[start : start + 100], start + 100 < len(full))

    assert read("openai", inclusive)["error"] is None
    assert len(read.ids("openai")) == 150


@pytest.mark.parametrize("count", [1, 2, 7])
@pytest.mark.parametrize("provider", ["kimi", "bland"])
def test_a_page_that_comes_at_every_position_may_be_the_whole_list(
    read: ListReader, provider: str, count: int
) -> None:
    done = read(provider, page(rows(count), None))
    assert done["error"] is None
    assert done["requests"] <= 12
    assert len(read.ids(provider)) == count


@pytest.mark.sample(8)
@pytest.mark.parametrize(
    ("provider", "answers", "complaint", "kept"),
    [
        ("openai", [b"<html>Down for maintenance</html>"], "not JSON", 0),
        ("openai", [b'"fine"'], "no list of rows under `data`", 0),
        ("openai", [{"object": "list"}], "no list of rows under `data`", 0),
        ("openai", [{"data": None, "errors": ["quota"]}], "no list of rows under `data`", 0),
        ("openai", [{"error": "Try later"}], "saying: Try later", 0),
        ("bland", [{"data": {"id": "b"}}], "no list of rows under `data`", 0),
        ("openai", [page([batch(1), {"status": "completed"}])], "has no `id`", 0),
        ("openai", [page([batch(1, id="")])], "has no `id`", 0),
        ("openai", [page([batch(1, id=None)])], "has no `id`", 0),
        ("openai", [{"data": ["batch_1"]}], "has no `id`", 0),
        ("openai", [page([], True)], "an empty page promises", 0),
        ("openai", [page(rows(3), True), page([], True)], "an empty page promises", 3),
        ("openai", [page(rows(3), True)], "does not advance", 3),
        ("novita", [page(rows(20), True)], "does not advance", 20),
        ("openai", [page(rows(3)) | {"has_more": "maybe"}], "neither true nor false", 0),
        ("openai", [page(rows(50), True), page(rows(50))], "does not advance", 50),
        ("openai", [page(rows(5), True), page(rows(5))], "does not advance", 5),
        ("openai", [b'{"data": ' + b"[" * 5000 + b"]" * 5000 + b"}"], "nested too deeply", 0),
        ("kimi", [page(rows(10), None)], "ignores `after`", 10),
        ("kimi", [page(rows(20), None)], "ignores `after`", 20),
        ("kimi", [page(rows(30), None)], "ignores `after`", 30),
        ("kimi", [page(rows(100), None)], "ignores `after`", 100),
        ("bland", [{"data": rows(50)}], "ignores `skip`", 50),
        (
            "openai",
            [page([batch(9), batch(8)], True), page([batch(7)], True), page([batch(9)], True)],
            "does not advance",
            3,
        ),
    ],
)
def test_a_page_that_is_not_what_it_should_be(
    pipeline: Pipeline,
    read: ListReader,
    provider: str,
    answers: list[TAnswer],
    complaint: str,
    kept: int,
) -> None:
    done = read(provider, answers)
    assert complaint in (done["error"] or "")
    assert done["requests"] <= 10
    assert len(read.ids(provider)) == done["rows"] == kept


def test_cursors_that_go_round_in_circles_are_found(read: ListReader) -> None:
    def circle(request: Request) -> TAnswer:
        after = request.query_params.get("after", "batch_9")
        number = int(after.removeprefix("batch_"))
        # 9, 8, ..., 4, 3 and back to 7
        return page([batch(number - 1 if number > 3 else 7)], True)

    done = read("openai", circle)
    assert "more than 3 times" in (done["error"] or "") or "advance" in (done["error"] or "")
    assert done["requests"] < 60
    assert read.ids("openai") == [8, 7, 6, 5, 4, 3]


@pytest.mark.parametrize("length", [1, 2, 7, 5_000])
def test_a_loop_of_any_length_is_found(length: int) -> None:
    guard = LoopGuard()
    turns = ["head", *map(str, range(length))] + [str(n % length) for n in range(4 * length)]
    found = [guard.is_closed_by(cursor) for cursor in turns]
    assert any(found)
    # not before a value came again
    assert found.index(True) > length


def test_the_last_ids_are_recognized_and_not_many_more() -> None:
    recent = RecentIds(10)
    for last in range(100):
        recent.extend([str(last)])
        assert all(str(number) in recent for number in range(max(0, last - 9), last + 1))
        assert str(last - 20) not in recent


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_passing_failure_is_retried(read: ListReader, status: int) -> None:
    answers = [failure(status), failure(status, retry_after="0"), page(rows(2))]
    done = read("openai", answers)
    assert done["error"] is None
    assert done["requests"] == 3
    assert read.ids("openai") == [2, 1]


def test_retry_after_is_honoured(monkeypatch: pytest.MonkeyPatch, read: ListReader) -> None:
    slept: list[float] = []
    monkeypatch.setattr("tenacity.nap.sleep", slept.append)
    read("openai", [failure(429, retry_after="7"), page(rows(1))])
    assert sum(slept) == pytest.approx(7)


@pytest.mark.parametrize("broken", [CutOff(), Response(b'{"data": [{"id": "batch_2"', 200)])
def test_a_reply_that_breaks_off_is_read_again(read: ListReader, broken: Response) -> None:
    assert read("openai", [broken, page(rows(2))])["error"] is None
    assert read.ids("openai") == [2, 1]


def test_a_reply_that_always_breaks_off_is_an_error(
    monkeypatch: pytest.MonkeyPatch, read: ListReader
) -> None:
    monkeypatch.setenv("RUNTIME__REQUEST_MAX_ATTEMPTS", "3")
    done = read("openai", CutOff())
    assert "broke off" in (done["error"] or "")
    assert done["requests"] == 3


def test_a_silent_server_is_given_up_in_time(
    monkeypatch: pytest.MonkeyPatch, read: ListReader
) -> None:
    monkeypatch.setenv("RUNTIME__REQUEST_TIMEOUT", "0.5")
    monkeypatch.setenv("RUNTIME__REQUEST_MAX_ATTEMPTS", "2")
    done = read("openai", Late())
    assert "no answer in time" in (done["error"] or "")


def test_a_server_that_is_down_is_named(
    monkeypatch: pytest.MonkeyPatch, pipeline: Pipeline, lists: Lists
) -> None:
    monkeypatch.setenv("RUNTIME__REQUEST_MAX_ATTEMPTS", "2")
    lists.serve("kimi", page(rows(1)))
    settings = lists.settings("openai", base_url="http://127.0.0.1:9") | lists.settings("kimi")
    done = load(pipeline, settings)
    error = done["openai", "default"]["error"] or ""
    assert "no connection ([Errno 111] Connection refused), asking http://127.0.0.1:9" in error
    assert set(stored(pipeline, "kimi")) == {"batch_1"}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_lasting_failure_is_not_retried(read: ListReader, status: int) -> None:
    done = read("openai", failure(status, {"error": {"message": "No such thing"}}))
    assert done["requests"] == 1
    assert f"HTTP {status}" in (done["error"] or "")


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "too much", "code": 7}},
        {"error": "too much"},
        {"errors": [{"message": "too much"}]},
        {"message": "too much", "type": "rate_limited"},
        "too much",
    ],
)
def test_what_the_provider_says_is_passed_on(read: ListReader, body: Any) -> None:
    assert "too much" in (read("openai", failure(400, body))["error"] or "")


def test_rows_of_a_failed_run_are_kept_and_the_next_run_completes_them(read: ListReader) -> None:
    inner = cursor_list(rows(250))
    down = [True]

    def breaks_on_page_three(request: Request) -> TAnswer:
        broken = down[0] and int(request.query_params.get("after", "batch_250")[6:]) < 80
        return failure(404) if broken else inner(request)

    done = read("openai", breaks_on_page_three)
    assert "HTTP 404" in (done["error"] or "")
    assert len(read.ids("openai")) == 200
    down[0] = False
    assert read("openai", breaks_on_page_three)["error"] is None
    assert len(read.ids("openai")) == 250


@pytest.mark.parametrize(
    "answer",
    [
        CutOff(404),
        Response(status_code=302, headers={"Location": "http://[::1"}),
        failure(429, retry_after="Fri, 31 Dec 99999 23:59:59 GMT"),
        page([batch(1, completed_at="9999-12-31T23:59-10:00")]),
        b'{"data": [{"id": "batch_1", "deep": ' + b"[" * 800 + b"]" * 800 + b"}]}",
    ],
)
def test_nothing_that_a_provider_sends_stops_the_others(read: ListReader, answer: TAnswer) -> None:
    assert read("openai", answer)["rows"] in (0, 1)


def test_a_redirect_on_the_same_server_is_followed(read: ListReader, lists: Lists) -> None:
    lists.serve("kimi", page(rows(2)))
    target = f"{lists.url('kimi')}/batches"
    assert read("openai", RedirectResponse(target, 307))["error"] is None
    assert read.ids("openai") == [2, 1]


def test_a_redirect_to_another_host_gets_no_key(read: ListReader) -> None:
    with Lists() as other:
        other.serve("openai", page(rows(2)))
        done = read("openai", RedirectResponse(f"{other.url('openai')}/batches", 302))
        assert other.requests == []
    assert "redirects to another one" in (done["error"] or "")
    assert KEY not in (done["error"] or "")


@pytest.mark.parametrize("at", [1, 2, 3])
@pytest.mark.parametrize("kind", ["insert", "delete"])
def test_an_offset_list_may_move_while_it_is_read(read: ListReader, kind: str, at: int) -> None:
    full = rows(30)
    inner = offset_list(full)
    asked = [0]

    def moving(request: Request) -> TAnswer:
        asked[0] += 1
        if asked[0] == at + 1:
            if kind == "insert":
                full[:0] = [batch(100 + n) for n in range(4)]
            else:
                del full[2:6]
        return inner(request)

    assert read("bland", moving, page_size=10)["error"] is None
    present = {int(row["id"].removeprefix("batch_")) for row in full if row in rows(30)}
    assert present <= set(read.ids("bland"))


@pytest.mark.sample(4)
@pytest.mark.parametrize("lost", ["error", "empty", "page one"])
@pytest.mark.parametrize("has_more", [True, False])
@pytest.mark.parametrize("gone", few_of([1, 2, 6], quick=[2]))
@pytest.mark.parametrize("size", [1, 5])
def test_rows_that_are_deleted_under_the_cursor_hide_nothing(
    pipeline: Pipeline, lists: Lists, lost: str, has_more: bool, gone: int, size: int
) -> None:
    full = rows(40)

    def answer(request: Request) -> TAnswer:
        if len(lists.requests) == 4:
            # the last rows that were read, the cursor's own among them
            del full[max(0, 3 * size - gone) : 3 * size]
        present = [row["id"] for row in full]
        after = request.query_params.get("after")
        if after is not None and after not in present:
            if lost == "error":
                return failure(404)
            start = 0 if lost == "page one" else len(full)
        else:
            start = present.index(after) + 1 if after else 0
        return page(full[start : start + size], start + size < len(full) if has_more else None)

    lists.serve("openai", answer)
    assert load(pipeline, lists.settings())["openai", "default"]["error"] is None
    assert {row["id"] for row in full} <= set(stored(pipeline, "openai"))


@given(
    count=st.integers(0, 40),
    page_size=st.integers(2, 12),
    moves=st.dictionaries(st.integers(1, 12), st.integers(-8, 8), max_size=6),
)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@pytest.mark.parametrize(("name", "answers"), [("bland", offset_list), ("mistral", numbered_list)])
def test_no_batch_is_missed_in_a_counted_list_that_moves(
    lists: Lists,
    name: str,
    answers: Callable[[list[TRow]], Callable[[Request], TAnswer]],
    count: int,
    page_size: int,
    moves: dict[int, int],
) -> None:
    """Rows that stand in the list throughout are read, however it moves; or it is an error."""
    from ai_batches import PROVIDERS, Account
    from ai_batches.errors import BadPageError
    from ai_batches.http.client import BatchListClient

    full = rows(count)
    asked = [0]
    gone: set[str] = set()
    inner = answers(full)

    def moving(request: Request) -> TAnswer:
        asked[0] += 1
        move = moves.get(asked[0] - 1, 0)
        if move > 0:
            full[:0] = [batch(1000 * asked[0] + n) for n in range(move)]
        else:
            gone.update(row["id"] for row in full[:-move])
            del full[:-move]
        return inner(request)

    lists.serve(name, moving)
    chosen = lists.settings(name, page_size=page_size)[name]
    client = BatchListClient(PROVIDERS[name], chosen, Account("default", KEY, "the test"))
    try:
        found = {row["id"] for one in client.pages() for row in one.rows}
    except BadPageError:
        assert len(moves) > 2
        return
    assert {row["id"] for row in rows(count)} - gone <= found
    assert asked[0] < 200


def test_a_batch_that_moves_on_while_the_list_is_read_is_true_after_the_next_run(
    pipeline: Pipeline, lists: Lists
) -> None:
    full = [batch(n, status="in_progress") for n in range(150, 0, -1)]
    lists.serve("openai", cursor_list(full))
    load(pipeline, lists.settings())
    full[:] = [batch(n) for n in range(150, 0, -1)]
    load(pipeline, lists.settings())
    assert {row["status"] for row in stored(pipeline, "openai").values()} == {"completed"}


def test_a_short_numbered_page_is_doubted(read: ListReader) -> None:
    full = rows(250)

    def answer(request: Request) -> TAnswer:
        body = numbered_list(full)(request)
        if request.query_params["page"] == "1":
            del body["data"][60:]
        return body

    error = read("mistral", answer)["error"] or ""
    assert "page 1 has 60 rows instead of 100 of the 250" in error


@pytest.mark.parametrize("total", [None, 0, 40])
@pytest.mark.parametrize("lowered_at", [1, 3])
def test_a_server_may_cut_numbered_pages_smaller(
    pipeline: Pipeline,
    read: ListReader,
    lists: Lists,
    lowered_at: int,
    total: int | None,
) -> None:
    full = rows(570)

    def answer(request: Request) -> TAnswer:
        size = 100 if lists.count("mistral") < lowered_at else 50
        body = numbered_list(full, largest=size)(request)
        # a total that is too low ends nothing
        return body if total is None else body | {"total": total}

    assert read("mistral", answer)["error"] is None
    assert len(read.ids("mistral")) == 570


def test_a_numbered_list_that_was_cut_goes_on_with_pages_of_another_size(
    pipeline: Pipeline, lists: Lists, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNTIME__REQUEST_MAX_ATTEMPTS", "1")
    inner = numbered_list(rows(370))
    lists.serve(
        "mistral",
        lambda request: failure(500) if lists.count("mistral") == 3 else inner(request),
    )
    assert load(pipeline, lists.settings(page_size=50))["mistral", "default"]["error"]
    assert load(pipeline, lists.settings(page_size=100))["mistral", "default"]["error"] is None
    assert len(stored(pipeline, "mistral")) == 370


def test_an_error_behind_the_last_numbered_page_is_its_end(read: ListReader) -> None:
    inner = numbered_list(rows(200))

    def answer(request: Request) -> TAnswer:
        body = inner(request)
        return body if body["data"] else failure(404, {"detail": "Invalid page."})

    assert read("mistral", answer)["error"] is None
    assert len(read.ids("mistral")) == 200


@pytest.mark.parametrize(
    ("provider", "body", "said"),
    [
        (
            "groq",
            page(rows(100), True),
            "`has_more` in the reply promises more rows, and there is no `paging.next_cursor`",
        ),
        ("fireworks", {"totalSize": 250, "nextPageToken": ""}, "ends after 0 rows"),
        (
            "fireworks",
            {"batchInferenceJobs": [{"name": "a"}], "totalSize": 250},
            "ends after 1 rows, but reports a total of 250",
        ),
    ],
)
def test_a_token_list_that_denies_its_end_is_doubted(
    read: ListReader, provider: str, body: TAnswer, said: str
) -> None:
    assert said in (read(provider, body)["error"] or "")


def test_a_token_list_may_grow_while_it_is_read(read: ListReader) -> None:
    full = [{"name": row["id"], "state": "COMPLETED"} for row in rows(250)]

    def answer(request: Request) -> TAnswer:
        start = int(request.query_params.get("pageToken", 0))
        token = str(start + 100) if start + 100 < len(full) else ""
        # rows come above, where it was read before
        total = len(full) + start
        rest = {"nextPageToken": token, "totalSize": total}
        return {"batchInferenceJobs": full[start : start + 100], **rest}

    assert read("fireworks", answer)["error"] is None
    assert len(read.ids("fireworks")) == 250


def test_a_token_that_stays_the_same_may_bring_new_rows(read: ListReader) -> None:
    left = rows(250)

    def scroll(request: Request) -> TAnswer:
        taken = left[:50]
        del left[:50]
        return {"batches": taken, "next_page_token": "scroll" if left else None}

    assert read("cohere", scroll)["error"] is None
    assert len(read.ids("cohere")) == 250


@pytest.mark.parametrize("status", [400, 404, 410, 422])
def test_a_token_that_is_forgotten_begins_the_list_again(
    read: ListReader, lists: Lists, status: int
) -> None:
    full = rows(250)

    def answer(request: Request) -> TAnswer:
        if lists.count("cohere") == 3:
            return failure(status, {"message": "invalid page_token"})
        start = int(request.query_params.get("page_token", 0))
        token = str(start + 100) if start + 100 < len(full) else None
        return {"batches": full[start : start + 100], "next_page_token": token}

    done = read("cohere", answer)
    assert (done["error"], done["requests"]) == (None, 6)
    assert len(read.ids("cohere")) == 250


def test_a_token_that_is_refused_twice_is_an_error_with_the_servers_words(
    read: ListReader,
) -> None:
    def answer(request: Request) -> TAnswer:
        if "page_token" in request.query_params:
            return failure(400, {"message": "page_token: unknown field"})
        return {"batches": rows(100), "next_page_token": "a"}

    done = read("cohere", answer)
    assert "saying: page_token: unknown field" in (done["error"] or "")
    assert done["requests"] == 4


def test_a_page_size_does_not_cut_a_list_of_one_reply(
    read: ListReader,
) -> None:
    def answer(request: Request) -> TAnswer:
        return failure(200, rows(30)[: int(request.query_params.get("limit", 30))])

    assert read("together", answer, page_size=10)["rows"] == 30
