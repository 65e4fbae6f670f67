"""What a server sends instead of a page of the list, made fit to show: short, without secrets."""

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from requests import RequestException, Response

from .. import lenient_json

LENGTH = 300
"""Characters that are quoted at most."""

_READ = 20_000
"""Characters of a message that are looked at."""


class ServerMessage(NamedTuple):
    """What a server sent instead of a page of the list."""

    text: str | None
    """Text of any length, which may hold secrets; of a web page only the title. None: nothing."""
    is_web_page: bool = False
    """Whether it is a web page: sent by a proxy, a firewall or a login rather than the vendor."""


def read_message(response: Response) -> ServerMessage:
    """Reads a response that is not a page of a list: JSON of any shape, text or a web page.

    Args:
        response (Response): The response.

    Returns:
        ServerMessage: Its message.
    """
    try:
        content = response.content
    except (RequestException, RuntimeError):
        # it broke off
        return ServerMessage(None)
    try:
        return ServerMessage(message_in(lenient_json.loads(content)))
    except ValueError:
        pass
    text = _decoded(content, response).lstrip("\ufeff \t\r\n")[:_READ]
    kind = response.headers.get("Content-Type", "")
    if "html" in kind.lower() or re.match(r"<(!doctype html|html|head|body)\b", text, re.I):
        title = re.search(r"<title[^>]*>(.*?)</title", text, re.I | re.S)
        title_text = html.unescape(title[1]).strip() if title else None
        return ServerMessage(title_text or None, is_web_page=True)
    if text.startswith("<"):
        text = html.unescape(re.sub(r"<[^>]*>", " ", text))
    if text[:1] in ("{", "["):
        # JSON that broke off
        return ServerMessage(None)
    return ServerMessage(text.strip() or None)


def message_in(body: Any) -> str | None:
    """The message in decoded JSON of any shape.

    Args:
        body (Any): The decoded body.

    Returns:
        str | None: Its sentences, which may hold secrets; None if it has none.
    """
    return "; ".join(dict.fromkeys(_sentences(body)))[:_READ] or None


_MESSAGE_FIELDS = (
    "error",
    "errors",
    "title",
    "message",
    "msg",
    "detail",
    "error_description",
    "error_message",
    "errormessage",
    "fault",
    "faultstring",
    "reason",
)
"""Fields of error bodies that hold a sentence, or an object that does, in the order of output."""

_FALLBACK_FIELDS = ("description", "details", "code", "type", "status")
"""Fields of an error that stand in for a sentence if it has none."""


def _sentences(value: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(value, bool) or value is None or depth > 8:
        return
    if isinstance(value, (str, int, float)):
        text = str(value).strip()
        # some put JSON into the text of their JSON
        if text[:1] in ("{", "["):
            with suppress(ValueError):
                yield from _sentences(lenient_json.loads(text.encode()), depth + 1)
                return
        if text:
            yield text
    elif isinstance(value, list):
        for item in value[:5]:
            yield from _sentences(item, depth + 1)
    elif isinstance(value, Mapping):
        fields = {str(name).lower(): field for name, field in value.items()}
        found = [
            sentence
            for name in _MESSAGE_FIELDS
            if name in fields
            for sentence in _sentences(fields[name], depth + 1)
        ]
        if not found and depth:
            for name in _FALLBACK_FIELDS:
                found = found or list(_sentences(fields.get(name), depth + 1))
        yield from found


def _decoded(content: bytes, response: Response) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        with suppress(LookupError):
            return content.decode(response.encoding or "latin-1", errors="replace")
        return content.decode("latin-1")


_PART = 6
"""Consecutive characters of a secret that are not quoted; any text may contain shorter ones."""

_END = 4
"""Characters at either end of a long secret that are not quoted if they stand alone."""

_LONG = 12

_GONE = "***"

_WORD = re.compile(r"[^\s\"'`(),;]+")
_MASK = re.compile(r"\*{2,}|\.{3,}|…+|[•●▪#]{3,}|x{4,}")
"""What stands for a hidden part, as in `sk-abc...wxyz`."""

_INFORMATIVE = re.compile(r"[A-Za-z\u00c0-\u024f]{2,}|[^\W\d_]{2}")
"""A word, or two letters of a script that has no spaces."""


def quotable(text: str | None, secrets: Iterable[str]) -> str | None:
    """Makes a server's message fit to show: one short line, without any part of a secret.

    Args:
        text (str | None): The message.
        secrets (Iterable[str]): Secrets that must not show, nor any six consecutive characters of
            them, nor what a mask leaves of them. Those of less than six characters are ignored.

    Returns:
        str | None: The text; None if nothing but a secret is left.
    """
    if not text:
        return None
    line = one_line(text[: 10 * LENGTH])
    redacted = line
    for secret in sorted({each for each in secrets if len(each) >= _PART}, key=len, reverse=True):
        redacted = _without(redacted, secret)
    if redacted != line:
        redacted = re.sub(r"(?:\*{3,}[\s.…*]*)+", _GONE + " ", redacted).strip()
        redacted = re.sub(r"\*{3} (?=[\"'`,;:.)\]}])", _GONE, redacted)
        if len(_INFORMATIVE.findall(redacted)) < 3:
            return None
    if len(redacted) > LENGTH:
        redacted = redacted[: LENGTH - 3].rstrip() + "..."
    return redacted or None


def _without(text: str, secret: str) -> str:
    """The text without parts of a secret, masked ones included."""
    hidden = [False] * len(text)
    lower, parts = text.lower(), secret.lower()
    if len(lower) != len(text):
        lower, parts = text, secret
    pieces = {parts[i : i + _PART] for i in range(len(parts) - _PART + 1)}
    for i in range(len(lower) - _PART + 1):
        if lower[i : i + _PART] in pieces:
            hidden[i : i + _PART] = [True] * _PART
    for word in _WORD.finditer(lower):
        if _is_masked(word[0], parts):
            hidden[word.start() : word.end()] = [True] * len(word[0])
    if len(parts) >= _LONG:
        for end in (parts[:_END], parts[-_END:]):
            for alone in re.finditer(rf"(?<![^\W_]){re.escape(end)}(?![^\W_])", lower):
                hidden[alone.start() : alone.end()] = [True] * _END
    shown = ["\0" if is_hidden else c for c, is_hidden in zip(text, hidden, strict=True)]
    return re.sub("\0+", _GONE, "".join(shown))


def _is_masked(word: str, secret: str) -> bool:
    """Whether a word with a mask in it shows one of the ends of a secret, or nothing at all."""
    if "***" in word:
        return True
    head, *masked = _MASK.split(word)
    return bool(masked) and any(
        head.endswith(secret[:size]) or masked[-1].startswith(secret[-size:])
        for size in range(2, _PART)
    )


def one_line(text: str) -> str:
    """The text in one line: what cannot be printed is taken out, so that nothing hides in it."""
    spaced = re.sub(r"[\s\x00-\x1f\x7f-\x9f]+", " ", text)
    return "".join(c for c in spaced if c.isprintable()).strip()
