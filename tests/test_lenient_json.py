"""JSON that no odd value can break."""

import json
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_batches.lenient_json import dumps, loads


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (rb'{"a": "\ud800"}', {"a": "\ufffd"}),
        (rb'{"\udfff": 1}', {"\ufffd": 1}),
        (rb'{"a": "x\u0000y"}', {"a": "x\ufffdy"}),
        (b'{"a": "x\x00y"}', {"a": "x\ufffdy"}),
        (b'{"a": NaN, "b": -Infinity, "c": 1e999}', {"a": "NaN", "b": "-Infinity", "c": "1e999"}),
        (b'{"a": 123456789012345678901234567890}', {"a": 123456789012345678901234567890}),
        (b'{"a": 18446744073709551616}', {"a": 18446744073709551616}),
        (b'{"a": ' + b"9" * 5000 + b"}", {"a": "9" * 5000}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{"a": "\xff"}', {"a": "\ufffd"}),
        (rb'{"a": "\ud83d\ude00"}', {"a": "\U0001f600"}),
    ],
)
def test_odd_json_is_read_whole_and_stored_as_json(body: bytes, value: Any) -> None:
    assert loads(body) == value
    text = dumps(loads(body))
    assert duckdb.execute("SELECT CAST(? AS JSON)", [text]).fetchall() == [(text,)]


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a": 1', b"[" * 100_000, b"{} {}"])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="."):
        loads(body)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_ordinary_json_comes_through_unchanged(value: Any) -> None:
    body = json.dumps(value)
    if "Infinity" in body or r"\u0000" in body:
        return
    assert loads(body.encode()) == value
    assert loads(dumps(loads(body.encode())).encode()) == value
