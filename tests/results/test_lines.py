"""Lines of results: odd ones are counted and cost no other line, whatever is in them."""

import resource
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_batches import PROVIDERS
from ai_batches.providers.results import RequestFacts, ResultFile
from ai_batches.results.facts import FileFacts, Sums, usage_table
from ai_batches.results.lines import Line, LineSplitter
from ai_batches.results.settings import ResultSettings
from ai_batches.results.tables import SUMMED
from file_server import (
    Asked,
    FileServer,
    TTables,
    ended_batch,
    failed_line,
    head,
    line,
    read_results,
    reply,
)
from support import TRow

LONG = 50_000_000
WITH_LINES = [
    name
    for name, provider in PROVIDERS.items()
    if provider.results and provider.results.read is not None
]
NAMES = (
    *("custom_id", "response", "body", "usage", "error", "code", "message", "model", "type"),
    *("status_code", "choices", "output", "prompt_tokens", "input_tokens", "completion_tokens"),
    *("cost", "result", "metadata", "key", "batch_result", "batch_request_id", "candidates"),
    *("usageMetadata", "promptTokenCount", "cost_in_usd_ticks"),
)
"""Fields that lines of vendors have."""
BATCH = ("openai", "default", "batch_1")


def read(
    file_server: FileServer, output: bytes, error: bytes | None = None, **chosen: Any
) -> TTables:
    """Reads these files of a batch."""
    file_server.serve("out", reply(output))
    file_server.serve("err", reply(error or b""))
    return read_results(file_server, ended_batch(error="err" if error else None), **chosen)


def keys_of(tables: TTables) -> dict[str, str | None]:
    """Ids that are kept, by the key of the request."""
    return {row["request_key"]: row["custom_id"] for row in tables["batch_requests"]}


def output_file(tables: TTables) -> TRow:
    """The row of the output file."""
    return next(row for row in tables["batch_files"] if row["kind"] == "output")


def test_blank_torn_and_odd_lines_are_counted_and_the_rest_is_read(file_server: FileServer) -> None:
    odd = [
        b"\n",
        b"   \t\r\n",
        b"no JSON\n",
        b'{"custom_id": "torn", "respon\n',
        b"[1, 2]\n",
        b'"text"\n',
        b"null\n",
        b"\xff\xfe\x00\n",
        b"[" * 100_000 + b"\n",
        b'{"custom_id": "odd", "response": [], "error": 5}\n',
        b"{}\n",
    ]
    content = line(1) + b"".join(odd) + line(2)[:-1]
    tables = read(file_server, content)
    row = output_file(tables)
    assert (row["outcome"], row["lines"], row["bad_lines"]) == ("loaded", 11, 7)
    assert row["bytes"] == len(content)
    found = {row["line_number"]: row["outcome"] for row in tables["batch_requests"]}
    assert found[1] == found[13] == "succeeded"
    assert {found[number] for number in range(4, 11)} == {"unknown"}
    assert found[11] == "failed"
    assert sum(row["requests"] for row in tables["batch_usage"]) == 11


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(file_server: FileServer) -> None:
    content = b"\xef\xbb\xbf" + line(1).replace(b"\n", b"\r\n") + line(2).replace(b"\n", b"\r\n")
    tables = read(file_server, content)
    assert output_file(tables)["bad_lines"] == 0
    assert keys_of(tables) == {"request-1": "request-1", "request-2": "request-2"}


def test_a_line_of_50_mb_is_counted_not_kept_and_memory_is_bounded(file_server: FileServer) -> None:
    def answer(asked: Asked) -> Iterator[bytes]:
        start, end = line(1), line(3)
        yield head(200, {"content-length": len(start) + LONG + 1 + len(end)})
        yield start
        for _ in range(LONG // 1_000_000):
            yield b"x" * 1_000_000
        yield b"\n" + end

    file_server.serve("out", answer)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tables = read_results(file_server, ended_batch())
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 60_000
    row = output_file(tables)
    assert (row["lines"], row["bad_lines"]) == (3, 1)
    sizes = {row["line_number"]: row["line_bytes"] for row in tables["batch_requests"]}
    assert sizes[2] == LONG


def test_texts_that_no_database_stores_are_replaced(file_server: FileServer) -> None:
    error = b'"error": {"code": "c\\u0000\\udc00", "message": "m\\u0000"}'
    odd = b'{"custom_id": "a\\u0000b\\ud800", ' + error + b"}\n"
    model = line(2).replace(b"small-1", b"sm\\u0000all")
    tables = read(file_server, odd + model)
    rows = {row["line_number"]: row for row in tables["batch_requests"]}
    assert rows[1]["custom_id"] == "a\ufffdb\ufffd"
    assert rows[1]["error_code"] == "c\ufffd\ufffd"
    assert rows[2]["model"] == "sm\ufffdall"
    for name in ("batch_requests", "batch_usage"):
        assert "\x00" not in str(tables[name])
        assert not any("\ud800" <= char <= "\udfff" for char in str(tables[name]))


def test_ids_that_are_missing_repeated_or_look_like_a_place_get_the_lines_place(
    file_server: FileServer,
) -> None:
    ids: list[Any] = [
        "a",
        "a",
        None,
        "",
        "output:3",
        "error:1",
        {"an": "object"},
        7,
        "7",
        True,
        1.5,
    ]
    content = b"".join(line(number, custom_id=id) for number, id in enumerate(ids))
    value = orjson.loads(line(99))
    del value["custom_id"]
    content += orjson.dumps(value)
    assert keys_of(read(file_server, content)) == {
        "a": "a",
        "output:2": "a",
        "output:3": None,
        "output:4": None,
        "output:5": "output:3",
        "output:6": "error:1",
        "output:7": None,
        "7": "7",
        "output:9": "7",
        "True": "True",
        "1.5": "1.5",
        "output:12": None,
    }


def test_a_request_in_both_files_has_two_rows(file_server: FileServer) -> None:
    tables = read(file_server, line(1) + line(2), failed_line(2) + failed_line(3))
    found = {row["request_key"]: row["outcome"] for row in tables["batch_requests"]}
    assert found == {
        "request-1": "succeeded",
        "request-2": "succeeded",
        "error:1": "failed",
        "request-3": "failed",
    }
    assert sum(row["requests"] for row in tables["batch_usage"]) == 4


def test_what_the_user_does_not_want_to_keep_is_not_kept(file_server: FileServer) -> None:
    tables = read(file_server, line(1), failed_line(2), error_text=False, custom_id="drop")
    assert keys_of(tables) == {"output:1": None, "error:1": None}
    assert {row["error_message"] for row in tables["batch_requests"]} == {None}
    assert {row["error_code"] for row in tables["batch_requests"]} == {None, "rate_limit"}
    assert "request-" not in str(tables["batch_requests"])
    hashed = read(file_server, line(1) + line(1), failed_line(2), custom_id="hash")
    kept = keys_of(hashed)
    assert len(kept) == 3
    assert all(len(str(value)) == 64 for value in kept.values())
    assert len(set(kept.values())) == 2
    assert "request-1" not in str(hashed["batch_requests"])


@pytest.mark.parametrize("mode", ["errors", "totals", "all"])
def test_a_mode_keeps_what_it_says(file_server: FileServer, mode: str) -> None:
    tables = read(
        file_server, line(1) + line(2), failed_line(3) + failed_line(4, "other"), mode=mode
    )
    kinds = {row["kind"] for row in tables["batch_files"]}
    outcomes = [row["outcome"] for row in tables["batch_requests"]]
    usage = {row["outcome"]: row["requests"] for row in tables["batch_usage"]}
    if mode == "errors":
        assert (kinds, outcomes, usage) == ({"error"}, ["failed"] * 2, {})
        assert file_server.count("out") == 0
    else:
        assert kinds == {"output", "error"}
        assert usage == {"succeeded": 2, "failed": 2}
        assert len(outcomes) == (4 if mode == "all" else 0)


def test_errors_of_a_single_place_are_those_of_its_lines(file_server: FileServer) -> None:
    """Anthropic has one file for all outcomes."""
    results = [
        {"type": "succeeded", "message": {"model": "m", "usage": {"input_tokens": 5}}},
        {"type": "errored", "error": {"error": {"type": "overloaded", "message": "Too much."}}},
        {"type": "expired"},
    ]
    content = b"\n".join(
        orjson.dumps({"custom_id": str(number), "result": each})
        for number, each in enumerate(results)
    )
    file_server.answers["/v1/messages/batches/batch_1/results"] = lambda asked: reply(content)
    given = ended_batch(provider="anthropic", output=None)
    tables = read_results(file_server, given, mode="errors")
    found = {row["request_key"]: row["outcome"] for row in tables["batch_requests"]}
    assert found == {"1": "failed", "2": "expired"}


def test_senseless_numbers_are_null_and_end_no_run(file_server: FileServer) -> None:
    numbers = [2**62, 2**63, 2**70, -1, 1.5, "7", None, [], 2**53 - 1, 1e308]
    content = b"".join(
        line(at, 10).replace(b'"prompt_tokens":%d' % (10 + at), b'"prompt_tokens":' + text)
        for at, text in enumerate(
            str(n).encode() if type(n) is int else orjson.dumps(n) for n in numbers
        )
    )
    tables = read(file_server, content * 1_100)
    assert output_file(tables)["outcome"] == "loaded"
    assert {row["input_tokens"] for row in tables["batch_requests"]} == {None, 2**53 - 1}
    ((total, made),) = [
        (row["input_tokens"], row["output_tokens"]) for row in tables["batch_usage"]
    ]
    assert (total, made) == (None, 5 * 1_100 * len(numbers))


def splits(content: bytes) -> st.SearchStrategy[list[int]]:
    """Places at which a content is cut."""
    return st.lists(st.integers(0, len(content))).map(sorted)


def cut_into_lines(chunks: list[bytes]) -> list[Line]:
    """The lines of a stream that comes in these parts."""
    splitter = LineSplitter()
    found = [each for chunk in chunks for each in splitter.feed(chunk)]
    return [*found, *splitter.end()]


texts = st.lists(st.sampled_from([b"\n", b" ", b"{}", b"\r", b'{"a": "\xc3\xa9"}', b"\x00"])).map(
    b"".join
)


@given(st.data(), texts)
def test_any_split_of_the_bytes_gives_the_same_lines(data: st.DataObject, content: bytes) -> None:
    at = [0, *data.draw(splits(content)), len(content)]
    chunks = [content[start:end] for start, end in pairwise(at)]
    expected = [
        Line(number, text, len(text))
        for number, text in enumerate(content.split(b"\n"), 1)
        if text.strip()
    ]
    assert cut_into_lines(chunks) == expected


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(NAMES),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)


@given(st.sampled_from(WITH_LINES), st.lists(values, max_size=6), st.booleans())
def test_no_value_breaks_a_file_and_sums_are_those_of_its_requests(
    name: str, found: list[Any], is_error: bool
) -> None:
    results = PROVIDERS[name].results
    assert results
    file = ResultFile("error" if is_error else "output", "file", "/file")
    facts = FileFacts(BATCH, file, results, ResultSettings("all"), set())
    for number, value in enumerate(found, 1):
        facts.add_value(value, number)
    rows = [row for table in facts.tables() for row in table.to_pylist()]
    usage = usage_table(BATCH, facts.usage).to_pylist()
    assert facts.lines == len(rows) == len(found)
    assert len({row["request_key"] for row in rows}) == len(rows)
    assert len({(row["model"], row["outcome"]) for row in usage}) == len(usage)
    for total in usage:
        own = [
            row
            for row in rows
            if ((row["model"] or ""), row["outcome"]) == (total["model"], total["outcome"])
        ]
        assert total["requests"] == len(own)
        for column in SUMMED:
            known = [row[column] for row in own if row[column] is not None]
            limit = Decimal(10) ** 9 if column == "reported_cost_usd" else 2**63
            expected = sum(known) if known else None
            assert total[column] == (expected if expected is None or expected < limit else None)


def test_sums_of_several_files_are_those_of_all_their_requests() -> None:
    found = [
        RequestFacts("failed", error_code="a", input_tokens=300_000, output_tokens=2),
        RequestFacts("failed", error_code="a", input_tokens=5, reasoning_tokens=7),
        RequestFacts("failed", error_code="b", input_tokens=400_000, output_tokens=11),
    ]
    whole, first, second = Sums(), Sums(), Sums()
    for number, facts in enumerate(found):
        whole.add(facts)
        (first if number else second).add(facts)
    first.add_sums(second)
    assert first == whole
