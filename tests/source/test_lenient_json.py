"""JSON that no odd value can break."""

import json
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_batches.lenient_json import decoded, dumps, loads


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
        (b'{"a":{"b":[[1],[18446744073709551616]]}}', {"a": {"b": [[1], [18446744073709551616]]}}),
        (b"[-9223372036854775809,-9223372036854775808]", [-(2**63) - 1, -(2**63)]),
        (b'{"a" :\n\t-9223372036854775809 }', {"a": -(2**63) - 1}),
        (rb'{"a\"": "\\", "b": [0, 36893488147419103232]}', {'a"': "\\", "b": [0, 2**65]}),
        (b"36893488147419103232", 2**65),
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


@pytest.mark.parametrize("bom", [True, False])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_json_in_any_unicode_is_read(encoding: str, bom: bool) -> None:
    value = {"data": [{"id": "研究 é", "n": 2**70}]}
    body = ("\ufeff" * bom + json.dumps(value, ensure_ascii=False)).encode(encoding)
    for charset in (None, "utf-8", "utf-16", "latin-1"):
        assert loads(body, charset) == value
    # cut off within a character
    text = "\ufeff" * bom + "no such key: 研究é"
    for charset in (None, "latin-1"):
        assert decoded(text.encode(encoding)[:-1], charset).startswith(text[:-1].lstrip("\ufeff"))


@pytest.mark.parametrize("charset", ["latin-1", "shift_jis", "gb18030", "cp037", "koi8-r"])
def test_another_encoding_is_read_as_declared(charset: str) -> None:
    word = {"latin-1": "naïve", "cp037": "naïve", "koi8-r": "ключ"}.get(charset, "研究")
    assert loads(json.dumps({"a": word}, ensure_ascii=False).encode(charset), charset) == {
        "a": word
    }
    # UTF-8 is what it is, whatever is declared
    body = json.dumps({"a": "研究"}, ensure_ascii=False).encode()
    assert loads(body, charset) == {"a": "研究"}


@pytest.mark.parametrize(
    "charset", [None, "no-such", "hex", "idna", "punycode", "unicode_escape", "a\0"]
)
def test_an_encoding_that_is_none_is_not_believed(charset: str | None) -> None:
    assert loads(b'{"a": "x\xffy"}', charset) == {"a": "x\ufffdy"}


def test_names_that_differ_in_what_is_replaced_stay_apart() -> None:
    """The test's time limit is the assertion: it is linear in the number of such names."""
    body = rb'{"a\u0000": 1, "a\ufffd": 2, "a\ud800": 3, "b": 4}'
    assert sorted(loads(body).values()) == [1, 2, 3, 4]
    names = [rf'"\ud800\ud8{a:02x}\ud8{b:02x}": 0' for a in range(256) for b in range(256)]
    assert len(loads(b"{" + ",".join(names).encode() + b"}")) == 256 * 256


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a": 1', b"[" * 100_000, b"{} {}"])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="."):
        loads(body)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"id": "batch_1791490810192076800"}', {"id": "batch_1791490810192076800"}),
        (b'["179149081019207680012345", 7]', ["179149081019207680012345", 7]),
        (b'{"a-179149081019207680012345": 1}', {"a-179149081019207680012345": 1}),
        (b'["job:179149081019207680012345", -3]', ["job:179149081019207680012345", -3]),
        (rb'["\"[ -179149081019207680012345, \\", 1]', ['"[ -179149081019207680012345, \\', 1]),
        (b'{"at": 1791490810192076800}', {"at": 1791490810192076800}),
        (b"[9999999999999999999]", [9999999999999999999]),
        (b'{"rate": 0.12345678901234567890123}', {"rate": 0.12345678901234568}),
        (b'{"rate": 12345678901234567890123.5}', {"rate": 1.2345678901234568e22}),
    ],
)
def test_digits_in_texts_and_numbers_that_fit_cost_nothing(
    monkeypatch: pytest.MonkeyPatch, body: bytes, value: Any
) -> None:
    """Vendors give ids of nineteen digits and more, in every row of a page."""

    def slow(*arguments: Any, **options: Any) -> Any:
        raise AssertionError("the standard library was asked")

    monkeypatch.setattr("ai_batches.lenient_json.json.loads", slow)
    assert loads(body) == value


DIGITS = st.integers(10**17, 10**24).map(str)
PIECES = st.sampled_from(["-", ":", ": ", ",", ", ", "[", "]", "}", "{", '"', "\\", "\n", ".", "e"])
LARGE = st.recursive(
    st.integers(-(10**24), 10**24)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.lists(DIGITS | PIECES).map("".join),
    lambda inner: st.lists(inner) | st.dictionaries(st.lists(DIGITS | PIECES).map("".join), inner),
    max_leaves=20,
)


@given(LARGE, st.sampled_from([None, 1]), st.sampled_from([(",", ":"), (", ", ": ")]))
def test_integers_keep_their_digits_wherever_they_stand(
    value: Any, indent: int | None, separators: tuple[str, str]
) -> None:
    body = json.dumps(value, indent=indent, separators=separators).encode()
    found = loads(body)
    assert found == value
    assert repr(found) == repr(json.loads(body))


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
