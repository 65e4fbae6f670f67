"""Texts of servers and settings as they are shown: visible, short, without a key in any form."""

import logging
import unicodedata
from base64 import b32encode, b64encode, urlsafe_b64encode
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_batches import protect_log, shown, shown_fields, shown_message, shown_trace
from ai_batches.redaction import keep_secret

SECRET = "sk-test-Qm7vT2xLp9Zr4Wc8Kd3Y"  # noqa: S105
OTHER = "wq83-hZ"
"""A short one, as passwords of proxies are."""

keep_secret([SECRET, OTHER])


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("batch_1", "batch_1"),
        ("a\nFAILED b\r\n\tc", r"a\nFAILED b\r\n\tc"),
        ("\x1b]0;title\x07\x9b31m", r"\x1b]0;title\x07\x9b31m"),
        ("a\u202eb\u2066c\u061cd", r"a\u202eb\u2066c\u061cd"),
        ("a\u200bb\u2060c\ufeffd\u00ade", r"a\u200bb\u2060c\ufeffd\xade"),
        ("a\U000e0041b", r"a\U000e0041b"),
        ("a\ufe0fb\U000e0100c\u3164d\u034fe", r"a\ufe0fb\U000e0100c\u3164d\u034fe"),
        ("a\u2028b\u2029c\x85d\xa0e", r"a\u2028b\u2029c\x85d\xa0e"),
        ("a\ud800b\x00", r"a\ud800b\x00"),
        ("研究 é 😀 [b]:x:", "研究 é 😀 [b]:x:"),
        (r"\x1b", r"\x1b"),
        (None, "None"),
        (7, "7"),
    ],
)
def test_what_hides_is_made_visible_once(text: object, seen: str) -> None:
    assert shown(text) == seen
    assert shown(shown(text)) == shown_message(shown(text)) == seen


@given(st.text() | st.text("\n\x1b\u202e\U000e0041\ud800a\\", max_size=2_000))
def test_a_value_is_one_short_line_that_hides_nothing(text: str) -> None:
    line = shown(text)
    assert line.isprintable()
    assert len(line) <= 300
    assert shown(line) == line
    assert all(unicodedata.category(each)[0] != "C" for each in line)
    message = shown_message(text)
    assert message.replace("\n", "").isprintable()
    assert message.count("\n") == text.count("\n")


def test_long_texts_are_shortened_in_no_time() -> None:
    """The test's time limit is the assertion: each takes milliseconds."""
    for text in ("x" * 20_000_000, "%" * 2_000_000, SECRET * 100_000, "\\x" * 1_000_000):
        assert len(shown(text)) <= 300
        assert shown(text).endswith("...")
        shown_message(text)


def _spaced(between: str) -> Callable[[str], str]:
    return between.join


def _escaped(form: str) -> Callable[[str], str]:
    return lambda text: "".join(form.format(ord(each)) for each in text)


def _hex(text: str) -> str:
    return text.encode().hex()


FORMS: list[Callable[[str], str]] = [
    str,
    str.upper,
    str.lower,
    lambda text: text[::-1],
    *map(_spaced, (" ", "-", ".", "\n", "\u200b", "_", ", ", "\x1b", "***")),
    _hex,
    lambda text: _hex(text).upper(),
    lambda text: text.encode().hex(" "),
    lambda text: text.encode().hex(":", 2),
    lambda text: _hex(text[::-1]),
    *map(
        _escaped,
        ("%{:02x}", "%25{:02X}", "\\x{:02x}", "\\u{:04x}", "0x{:02x} ", "&#{};", "&#x{:x};"),
    ),
    lambda text: quote(text, safe=""),
    lambda text: text.replace("-", "%2D"),
    lambda text: "".join(chr(ord(each) + 0xFEE0) for each in text),
    lambda text: b64encode(text.encode()).decode()[::-1],
    lambda text: "\n".join(b64encode(text.encode()).decode()),
    lambda text: b32encode(text.encode()).decode(),
    *(
        (
            lambda text, encode=encode, before=before, after=after: (
                encode(before + text.encode() + after).decode().rstrip("=" if after else "")
            )
        )
        for encode in (b64encode, urlsafe_b64encode, b32encode)
        for before in (b"", b"a", b"us", b"user:", b"\xff\xfe\xfd\xfc")
        for after in (b"", b"\xff\xff", b"xyz")
    ),
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("secret", [SECRET, OTHER])
def test_a_secret_is_not_shown_in_any_form(form: Callable[[str], str], secret: str) -> None:
    if secret == OTHER and form is str.lower:
        # what it is without its case is no secret's
        secret = OTHER.upper()
    echo = form(secret)
    text = f"the key {echo} is unknown"
    for seen in (shown(text), shown_message(text), shown_fields([text])[0]):
        assert "***" in seen
        assert echo not in seen
        # at either end, characters of Base64 may hold some bits of it beside others
        left = "".join(seen.removeprefix("the key ").removesuffix(" is unknown").split("***"))
        assert len(left) <= 16


@pytest.mark.parametrize(
    "text",
    [
        "production 2024-10-01",
        "message batches of the endpoint",
        "batch_69fd12ab77cd90aa12345678",
        "sk-test-",
        "2026-11-28T12:00:00Z",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    keep_secret(["production", "2024-10-01", "message-batches-2024-09-24", "a1b2", "", "12345678"])
    assert shown(text) == text


class Broken:
    """An object that has a secret in its text."""

    def __str__(self) -> str:
        return f"{SECRET}\x1b[2J\nWARNING: forged"


def test_whatever_is_logged_is_fit_to_show(caplog: pytest.LogCaptureFixture) -> None:
    protect_log()
    protect_log()
    traces: list[str] = []
    for name in ("dlt", "ai_batches_runner"):
        logger = logging.getLogger(name)
        logger.addHandler(caplog.handler)
        try:
            raise ValueError(str(Broken()))
        except ValueError as ex:
            logger.warning("%s of 100%%", Broken(), exc_info=ex)
            traces.append(shown_trace(ex))
        finally:
            logger.removeHandler(caplog.handler)
    assert SECRET not in caplog.text + "".join(traces)
    assert "\x1b" not in caplog.text
    assert r"***\x1b[2J" in caplog.text
    assert "of 100%" in caplog.text
    assert "ValueError" in caplog.text
    assert not [line for line in caplog.text.splitlines() if line.startswith("WARNING: forged")]


def test_a_record_for_machines_keeps_its_shape() -> None:
    record = {"ids": ("a\nb", 1, None), "error": {"x\u202e": SECRET}, "is_good": True}
    assert shown_fields(record) == {
        "ids": [r"a\nb", 1, None],
        "error": {r"x\u202e": "***"},
        "is_good": True,
    }
