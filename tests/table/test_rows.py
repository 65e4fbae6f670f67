"""What becomes of values that gateways send in their own way: a right row, and no false alarm."""

import json
import logging
import time
from collections.abc import Iterator
from math import inf
from typing import Any

import pytest
from dlt import Pipeline

from ai_batches import PROVIDERS, Run, RunRequest, ai_batches_source
from ai_batches.errors import BadPageError
from ai_batches.http.client import BatchListClient
from ai_batches.table.rows import RowReader
from documented_rows import iso
from support import Lists, TRow, batch, cursor_list, load, page, read_row, select, stored

NAME = "openai_compatible"
NOW = int(time.time())
ENDS = ("completed_at", "failed_at", "expired_at", "cancelled_at", "ended_at")
ALWAYS = ("provider", "account", "id", "_dlt_load_id", "status_raw")


def read(row: TRow, provider: str = NAME) -> TRow:
    """The columns that a row fills, with times in Unix seconds, if all of it can be read."""
    found, unreadable = read_row(provider, row)
    assert unreadable == {}
    return {name: _plain(name, value) for name, value in found.items() if name not in ALWAYS}


def _plain(name: str, value: Any) -> Any:
    if name.endswith("_at"):
        return value and int(value.timestamp())
    return json.loads(value) if value and name in ("errors", "metadata", "extra") else value


def state(row: TRow, provider: str = NAME) -> tuple[Any, ...]:
    """Status, whether it is open, and the end of a row."""
    found = read({"id": "1", "created_at": NOW - 900} | row, provider)
    return found["status"], found["is_open"], found["ended_at"]


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """What dlt's log, which does not propagate, was warned of."""
    said: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    handler = Handler(logging.WARNING)
    logging.getLogger("dlt").addHandler(handler)
    yield said
    logging.getLogger("dlt").removeHandler(handler)


@pytest.mark.parametrize(
    "unset",
    [
        *(0, "0", 0.0, -62135596800000, 946656000000, 86_400),
        *("1970-01-01T00:00:00Z", "1970-01-01T08:00:00+08:00", "0001-01-01T08:05:43+08:05:43"),
        *("0000-00-00 00:00:00", {}, []),
    ],
)
@pytest.mark.parametrize("provider", [NAME, "together", "mistral"])
def test_a_time_that_is_none_leaves_no_trace(unset: Any, provider: str) -> None:
    row = {"id": "1", "status": "IN_PROGRESS", "created_at": NOW, "completed_at": unset}
    found = read(row | ({"failed_at": unset} if provider == NAME else {}), provider)
    assert [found[name] for name in ENDS] == [None] * 5
    assert found["extra"] is None
    assert (found["is_open"], found["created_at"]) == (True, NOW)


@pytest.mark.parametrize(
    ("provider", "row", "kept"),
    [
        ("together", {"id": "1", "status": "IN_PROGRESS", "completed_at": iso(3)}, "completed_at"),
        ("openrouter", {"id": "1", "status": "in_progress", "finalized_at": NOW}, "finalized_at"),
        ("bedrock", {"jobArn": "1", "status": "Stopping", "endTime": iso(3)}, "endTime"),
        ("mistral", {"id": "1", "status": "RUNNING", "completed_at": NOW}, "completed_at"),
    ],
)
def test_an_open_row_has_no_end_and_keeps_what_was_sent(
    provider: str, row: TRow, kept: str
) -> None:
    found = read(row, provider)
    assert found["is_open"] is True
    assert [found[name] for name in ENDS] == [None] * 5
    assert found["extra"] == {kept: row[kept]}


def test_a_nested_end_of_an_open_row_is_kept_where_it_stood() -> None:
    metadata = {"state": "BATCH_STATE_RUNNING", "endTime": iso(3), "expires": 1}
    found = read({"name": "1", "metadata": metadata}, "gemini")
    assert (found["is_open"], found["ended_at"]) == (True, None)
    assert found["extra"] == {"metadata": {"endTime": iso(3), "expires": 1}}


@pytest.mark.parametrize("unset", ["0001-01-01", "1970-01-01T00:00:00Z", 0, "", {}])
def test_a_batch_of_xai_is_not_cancelled_by_a_time_that_is_none(unset: Any) -> None:
    row = {"batch_id": "1", "state": {"num_requests": 3, "num_pending": 1}, "cancel_time": unset}
    found = read(row, "xai")
    assert (found["status"], found["is_open"], found["ended_at"]) == ("in_progress", True, None)


def test_a_deadline_of_an_open_row_stays() -> None:
    found = read({"id": "1", "status": "in_progress", "expires_at": NOW + 86_400})
    assert (found["expires_at"], found["ended_at"]) == (NOW + 86_400, None)


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("created submitted queued in_queue Pending SCHEDULED JOB_STATE_QUEUED", "validating"),
        ("InProgress in-progress BATCH_STATUS_IN_PROGRESS running Processing", "in_progress"),
        ("active paused inProgress JobState.Running STATUS_PROCESSING", "in_progress"),
        ("finalising BatchStatus.FINALIZING", "finalizing"),
        ("done ended finalized finished complete Success JOB_STATE_SUCCEEDED", "completed"),
        ("PartiallyCompleted partially_succeeded completed-with-errors batch.done", "completed"),
        ("error Errored FAILURE BATCH_STATE_FAILED job_failed", "failed"),
        ("timeout timed_out TimedOut TIMEOUT_EXCEEDED timed-out", "expired"),
        ("canceling stopping CANCELLATION_REQUESTED BATCH_STATE_CANCELLING", "cancelling"),
        ("canceled stopped aborted JOB_STATE_CANCELLED batch_status_canceled", "cancelled"),
    ],
)
@pytest.mark.parametrize("provider", ["nebius", "kimi", NAME])
def test_a_word_means_the_same_whoever_writes_it(words: str, status: str, provider: str) -> None:
    read_as = {word: state({"status": word}, provider)[:2] for word in words.split()}
    is_open = status in ("validating", "in_progress", "finalizing", "cancelling")
    assert read_as == dict.fromkeys(words.split(), (status, is_open))


@pytest.mark.parametrize("word", ["In Progress", " in progress ", "Job State: running"])
def test_spaces_do_not_matter(word: str) -> None:
    assert state({"status": word}) == ("in_progress", True, None)


def test_a_vendors_own_word_goes_first() -> None:
    words = {"JOB_STATE_IDLE": "validating", "JOB_STATE_DELETED": "cancelled"}
    assert {w: state({"name": "1", "state": w}, "fireworks")[0] for w in words} == words
    # the others do not know it
    assert state({"status": "JOB_STATE_IDLE"}) == ("job_state_idle", True, None)


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ({}, ("completed", False, None)),
        ({"completed_at": NOW - 9}, ("completed", False, NOW - 9)),
        ({"cancelled_at": NOW - 9}, ("cancelled", False, NOW - 9)),
        ({"failed_at": NOW - 9, "expired_at": NOW - 5}, ("failed", False, NOW - 9)),
        ({"completed_at": NOW - 9, "expired_at": NOW - 5}, ("completed", False, NOW - 9)),
        # a deadline that is to come
        ({"expired_at": NOW + 86_400}, ("completed", False, None)),
    ],
)
@pytest.mark.parametrize("word", ["ended", "FINALIZED", "done"])
def test_how_a_batch_ended_is_what_its_times_say(
    word: str, ends: TRow, expected: tuple[Any, ...]
) -> None:
    assert state({"status": word} | ends) == expected


@pytest.mark.parametrize("word", ["zapped", "UNKNOWN_TO_ALL", 7, None, ""])
@pytest.mark.parametrize("end", ENDS[:4])
def test_a_word_that_nobody_knows_is_closed_by_an_end(word: Any, end: str) -> None:
    status = str(word).lower() if word else None
    assert state({"status": word, end: NOW - 9}) == (status, False, NOW - 9)
    # neither one that is to come nor what is no end
    open_still = (status, True if word else None, None)
    assert state({"status": word, end: NOW + 86_400}) == open_still
    others = {"finalizing_at": NOW - 9, "cancelling_at": NOW - 9, "expires_at": NOW - 9}
    assert state({"status": word} | others) == open_still


@pytest.mark.parametrize(
    ("provider", "row"),
    [
        ("bedrock", {"jobArn": "1", "status": "Zapped", "endTime": NOW - 9}),
        ("together", {"id": "1", "status": "ZAPPED", "completed_at": NOW - 9}),
        ("gemini", {"name": "1", "metadata": {"state": "ZAPPED", "endTime": NOW - 9}}),
    ],
)
def test_the_end_of_a_vendor_that_tells_one_closes_it_too(provider: str, row: TRow) -> None:
    found = read(row, provider)
    assert (found["status"], found["is_open"], found["ended_at"]) == ("zapped", False, NOW - 9)
    assert [found[name] for name in ENDS[:4]] == [None] * 4


def test_an_end_to_come_closes_no_row_of_an_unknown_word() -> None:
    found = read({"jobArn": "1", "status": "Zapped", "endTime": NOW + 86_400}, "bedrock")
    assert (found["is_open"], found["ended_at"]) == (True, None)
    assert found["extra"] == {"endTime": NOW + 86_400}


def test_a_closed_row_of_an_unknown_word_does_not_hold_the_next_run(
    pipeline: Pipeline, lists: Lists
) -> None:
    rows = [batch(n) for n in range(300, 1, -1)]
    rows.append(batch(1, status="zapped", failed_at=batch(1)["created_at"] + 60))
    lists.serve("openai", cursor_list(rows))
    load(pipeline, lists.settings())
    before = lists.count("openai")
    load(pipeline, lists.settings())
    assert before == 3
    assert lists.count("openai") - before < before
    assert not select(pipeline, "SELECT id FROM batches WHERE is_open")


def test_an_unknown_word_is_named_once(
    pipeline: Pipeline, lists: Lists, warnings: list[str]
) -> None:
    rows = [batch(n, status="zapped", failed_at=batch(n)["created_at"] + 9) for n in range(5)]
    rows += [batch(n, status="ZIP\u001b[31m" + 90 * "P") for n in range(5, 7)]
    lists.serve(NAME, cursor_list(rows + [batch(n) for n in range(7, 9)]))
    load(pipeline, lists.settings(page_size=2))
    (said,) = warnings
    assert said.startswith(f"{NAME}, account default: unknown status 'zapped' (5 rows), 'ZIP")
    assert "(2 rows)" in said
    assert "\u001b" not in said
    assert len(said) < 300
    assert stored(pipeline, NAME)["batch_5"]["is_open"] is True


def test_several_packages_of_one_run_name_it_once(
    pipeline: Pipeline, lists: Lists, warnings: list[str]
) -> None:
    rows = [batch(n, status="zapped") for n in range(250, 0, -1)]
    lists.serve(NAME, cursor_list(rows))
    run = Run(RunRequest(rows_per_load=100))
    packages = 0
    while not (packages and run.is_complete):
        pipeline.run(ai_batches_source(lists.settings(page_size=50), run=run))
        packages += 1
    assert packages > 1
    (said,) = [text for text in warnings if "zapped" in text]
    assert "unknown status 'zapped' (250 rows)" in said
    # the next run says it again
    warnings.clear()
    load(pipeline, lists.settings())
    assert len([text for text in warnings if "zapped" in text]) == 1


CHAT = {
    "prompt_tokens": 35,
    "completion_tokens": 110,
    "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 2},
    "completion_tokens_details": {"reasoning_tokens": 9},
    "total_tokens": 145,
}
CHAT_COLUMNS = {
    "input_tokens": 35,
    "cached_input_tokens": 4,
    "output_tokens": 110,
    "reasoning_tokens": 9,
    "total_tokens": 145,
}
AUDIO = {"usage": {"prompt_tokens_details": {"audio_tokens": 2}}}


@pytest.mark.parametrize(
    ("usage", "columns", "extra"),
    [
        (CHAT, CHAT_COLUMNS, AUDIO),
        # the first set that is not all zero
        (CHAT | {"input_tokens": None, "output_tokens": None}, CHAT_COLUMNS, AUDIO),
        (
            CHAT | {"input_tokens": 0, "output_tokens": 0},
            CHAT_COLUMNS,
            {"usage": AUDIO["usage"] | {"input_tokens": 0, "output_tokens": 0}},
        ),
        # the same twice
        (CHAT | {"input_tokens": 35, "output_tokens": 110}, CHAT_COLUMNS, AUDIO),
        # what differs is not mixed, and not lost
        (
            CHAT | {"input_tokens": 35, "output_tokens": 0},
            CHAT_COLUMNS | {"output_tokens": 0},
            {"usage": AUDIO["usage"] | {"completion_tokens": 110}},
        ),
        # what is missing is filled
        (
            CHAT | {"input_tokens": 36},
            CHAT_COLUMNS | {"input_tokens": 36},
            {"usage": AUDIO["usage"] | {"prompt_tokens": 35}},
        ),
        # no number at all
        (
            {"prompt_tokens": "many", "total_tokens": 9},
            {"total_tokens": 9},
            {"usage": {"prompt_tokens": "many"}},
        ),
        (
            {"prompt_tokens": 0, "completion_tokens": 0},
            {"input_tokens": 0, "output_tokens": 0},
            None,
        ),
    ],
)
@pytest.mark.parametrize("provider", [NAME, "openai", "openrouter"])
def test_tokens_by_the_names_of_chats(
    usage: TRow, columns: TRow, extra: TRow | None, provider: str
) -> None:
    row = {"id": "1", "status": "completed", "request_counts": None, "usage": usage}
    found = read(row, provider)
    assert {k: v for k, v in found.items() if k.endswith("_tokens") and v is not None} == columns
    assert found["extra"] == extra


@pytest.mark.parametrize(
    ("row", "counts", "extra"),
    [
        (
            {"request_counts": {"total": 3, "completed": 0, "failed": 1, "succeeded": 2}},
            (3, 2, 1),
            {"request_counts": {"completed": 0}},
        ),
        ({"request_counts": {"total": 3, "success": 2, "errored": 1}}, (3, 2, 1), None),
        ({"request_counts": {"total": 3, "successful": 2, "failures": 1}}, (3, 2, 1), None),
        (
            {"request_counts": {"total": 3, "completed": 3, "succeeded": 0}},
            (3, 3, None),
            {"request_counts": {"succeeded": 0}},
        ),
        ({"request_counts": {"total": 2, "completed": 2, "succeeded": 2}}, (2, 2, None), None),
        ({"request_counts": None, "total": 3, "completed": 2, "failed": 1}, (3, 2, 1), None),
        ({"total": "3", "completed": 2, "failed": 0}, (3, 2, 0), None),
        # no counts: whether it is complete, and when it failed
        (
            {"completed": True, "failed": "never"},
            (None, None, None),
            {"completed": True, "failed": "never"},
        ),
        # beside right ones, others are something else
        (
            {"request_counts": {"total": 3, "completed": 3, "failed": 0}, "total": 12},
            (3, 3, 0),
            {"total": 12},
        ),
    ],
)
def test_counts_by_other_names(row: TRow, counts: tuple[Any, ...], extra: TRow | None) -> None:
    found = read({"id": "1", "status": "completed"} | row)
    names = ("requests_total", "requests_completed", "requests_failed")
    assert tuple(found[name] for name in names) == counts
    assert found["extra"] == extra


def test_rows_of_a_page_may_differ_in_their_names() -> None:
    rows: list[TRow] = [
        {"id": "1", "status": "completed", "usage": CHAT},
        {"id": "2", "status": "completed", "usage": {"input_tokens": 1, "output_tokens": 2}},
        {"id": "3", "status": "in_progress", "usage": {"prompt_tokens": 0, "completion_tokens": 0}},
        {"id": "4", "status": "completed"},
    ]
    sent = json.dumps(rows)
    reader = RowReader(PROVIDERS[NAME], "default")
    found = reader.to_arrow(reader.read(rows).records).to_pylist()
    tokens = [(row["input_tokens"], row["output_tokens"]) for row in found]
    # an open one is not metered yet
    assert tokens == [(35, 110), (1, 2), (None, None), (None, None)]
    assert json.dumps(rows) == sent


def test_a_vendor_whose_tokens_mean_something_else_is_left_alone() -> None:
    found = read({"id": "1", "status": "completed", "usage": {"prompt_tokens": 0}}, "doubleword")
    assert (found["input_tokens"], found["extra"]) == (None, {"usage": {"prompt_tokens": 0}})


@pytest.mark.parametrize("empty", [{}, []])
@pytest.mark.parametrize("provider", [NAME, "openai", "nebius", "mistral", "bedrock", "gemini"])
def test_empty_where_a_value_belongs_is_unset(provider: str, empty: Any) -> None:
    known = PROVIDERS[provider].fields
    kept = {known["id"], known["status_raw"], known.get("metadata")}
    fields = {path.split(".")[0] for path in known.values()} - {p.split(".")[0] for p in kept if p}
    row = {known["id"]: "1"} | dict.fromkeys(fields, empty)
    if provider != "gemini":
        row |= {known["status_raw"]: "completed"}
    found = read(row, provider)
    filled = {name: value for name, value in found.items() if value is not None}
    assert filled == ({"status": "completed", "is_open": False} if provider != "gemini" else {})


def test_an_empty_status_is_none() -> None:
    assert state({"status": {}}) == state({"status": []}) == (None, None, None)


def test_empty_metadata_is_what_was_attached() -> None:
    found = read({"id": "1", "status": "completed", "metadata": {}, "errors": {}})
    assert (found["metadata"], found["errors"]) == ({}, None)


def test_an_empty_value_gives_no_warning(
    pipeline: Pipeline, lists: Lists, warnings: list[str]
) -> None:
    unset = ("errors", "metadata", "output_file_id", "failed_at", "usage")
    empty: TRow = {name: {} for name in unset}
    lists.serve(NAME, page([batch(1, **empty), batch(2, request_counts={"total": {}})]))
    load(pipeline, lists.settings())
    assert warnings == []
    assert [row["extra"] for row in stored(pipeline, NAME).values()] == [None, None]


# hostile rows


def seconds_to_read(provider: str, parent: str, count: int) -> float:
    """The processor's time for rows that have 40 keys of their own each, in the best of three."""
    keys, best = 40, inf
    rows = []
    for n in range(count):
        own = {f"own_{n}_{key}": key for key in range(keys)}
        rows.append(batch(n, **({parent: own} if parent else own)))
    for _ in range(3):
        reader = RowReader(PROVIDERS[provider], "default")
        started = time.thread_time()
        records = reader.read(rows).records
        best = min(best, time.thread_time() - started)
        assert len(records) == count
        assert all(str(record[-1]).count("own_") == keys for record in records[::50])
    return best


@pytest.mark.parametrize("parent", ["", "usage", "request_counts"])
@pytest.mark.parametrize("provider", ["openai", NAME])
def test_rows_with_keys_of_their_own_are_read_in_linear_time(provider: str, parent: str) -> None:
    """Looked up in each row, four times the rows would take sixteen times as long and more."""
    few, many = (seconds_to_read(provider, parent, count) for count in (200, 800))
    assert many < 12 * few


def test_unreadable_fields_of_many_names_are_counted_together() -> None:
    deep: Any = []
    for _ in range(5_000):
        deep = [deep]
    reader = RowReader(PROVIDERS[NAME], "default")
    reader.read([batch(n, **{f"own_{n}": deep}) for n in range(100)])
    assert sum(reader.unreadable.values()) == 100
    assert len(reader.unreadable) < 30


@pytest.mark.parametrize(
    ("ids", "other"),
    [
        (("a\0b", "a\ufffdb"), None),
        (("a\0b",), "a\ufffdb"),
        (("a\ud800b",), "a\udfffb"),
        ((1, "1"), None),
        ((1, 2), "1"),
        (("1", "x"), 1),
        ((True, "True"), None),
    ],
)
def test_ids_that_would_become_one_are_refused(
    lists: Lists, ids: tuple[Any, ...], other: Any
) -> None:
    first = page([batch(n, id=row_id) for n, row_id in enumerate(ids)], other is not None)
    pages = [first, *([page([batch(9, id=other)])] if other is not None else [])]
    lists.serve("openai", [json.dumps(each).encode() for each in pages])
    chosen = lists.settings("openai")["openai"]
    client = BatchListClient(PROVIDERS["openai"], chosen, chosen.accounts[0])
    with pytest.raises(BadPageError) as caught:
        list(client.pages())
    client.close()
    assert "id" in caught.value.problem
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "ids",
    [
        (
            *("abc", "ABC", "abc ", " abc", "\u00e9", "e\u0301", "\uff45"),
            *("1", "01", "1.0", "\u0661", "x" * 200_000 + "1", "x" * 200_000 + "2"),
            *("a\x01b", "a\x02b", "a\u200bb", "ab", "a\\u0000b"),
        ),
        (1, 2, "x"),
    ],
)
def test_ids_that_differ_stay_apart(pipeline: Pipeline, lists: Lists, ids: tuple[Any, ...]) -> None:
    lists.serve("openai", page([batch(n, id=row_id) for n, row_id in enumerate(ids)]))
    for _ in range(2):
        assert load(pipeline, lists.settings())["openai", "default"]["error"] is None
    assert stored(pipeline, "openai").keys() == set(map(str, ids))
