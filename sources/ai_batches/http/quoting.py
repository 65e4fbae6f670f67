"""What a server says instead of a page of the list, made fit to be shown: short, no secrets."""

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from requests import RequestException, Response

from . import lenient_json

LENGTH = 300
"""Characters that are quoted at most."""

_READ = 20_000
"""Characters of what a server says that are looked at."""


class Said(NamedTuple):
    """What a server said instead of a page of the list."""

    text: str | None
    """In one line of any length; it may hold secrets. Of a web page only the title."""
    is_page: bool = False
    """Whether it is a web page: the word of a proxy, a firewall or a login, not the vendor's."""


def read_reply(response: Response) -> Said:
    """Reads the body of a reply that is none of a list: JSON of any shape, text or a web page.

    Args:
        response (Response): The reply.

    Returns:
        Said: What it says.
    """
    try:
        content = response.content
    except (RequestException, RuntimeError):
        # it broke off
        return Said(None)
    try:
        sentences = dict.fromkeys(_sentences(lenient_json.loads(content)))
        return Said("; ".join(sentences)[:_READ] or None)
    except ValueError:
        pass
    text = _decoded(content, response).lstrip("\ufeff \t\r\n")[:_READ]
    kind = response.headers.get("Content-Type", "")
    if "html" in kind.lower() or re.match(r"<(!doctype html|html|head|body)\b", text, re.I):
        title = re.search(r"<title[^>]*>(.*?)</title", text, re.I | re.S)
        return Said(html.unescape(title[1]).strip() or None if title else None, is_page=True)
    if text.startswith("<"):
        text = html.unescape(re.sub(r"<[^>]*>", " ", text))
    if text[:1] in ("{", "["):
        # JSON that broke off
        return Said(None)
    return Said(text.strip() or None)


_SAYING = (
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
"""Fields of error bodies that hold a sentence, or an object that does, in the order of telling."""

_NAMING = ("description", "details", "code", "type", "status")
"""Fields of an error that say something where there is no sentence."""


def _sentences(said: Any, is_error: bool = True, depth: int = 0) -> Iterator[str]:
    if isinstance(said, bool) or said is None or depth > 8:
        return
    if isinstance(said, (str, int, float)):
        text = str(said).strip()
        # some put JSON into the text of their JSON
        if text[:1] in ("{", "["):
            with suppress(ValueError):
                yield from _sentences(lenient_json.loads(text.encode()), is_error, depth + 1)
                return
        if text:
            yield text
    elif isinstance(said, list):
        for item in said[:5]:
            yield from _sentences(item, is_error, depth + 1)
    elif isinstance(said, Mapping):
        fields = {str(name).lower(): value for name, value in said.items()}
        found = [
            sentence
            for name in _SAYING
            if name in fields
            for sentence in _sentences(fields[name], True, depth + 1)
        ]
        if not found and depth:
            for name in _NAMING:
                found = found or list(_sentences(fields.get(name), True, depth + 1))
        yield from found


def _decoded(content: bytes, response: Response) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        with suppress(LookupError):
            return content.decode(response.encoding or "latin-1", errors="replace")
        return content.decode("latin-1")


_PART = 6
"""Characters of a secret in a row that are not quoted; what is shorter, everything quotes."""

_END = 4
"""Characters at either end of a long secret that are not quoted where they stand alone."""

_LONG = 12

_GONE = "***"

_WORD = re.compile(r"[^\s\"'`(),;]+")
_MASK = re.compile(r"\*{2,}|\.{3,}|…+|[•●▪#]{3,}|x{4,}")
"""What stands for a hidden part, as in `sk-abc...wxyz`."""

_TELLING = re.compile(r"[A-Za-z\u00c0-\u024f]{2,}|[^\W\d_]{2}")
"""A word, or two letters of a script that has no spaces."""


def quotable(text: str | None, secrets: Iterable[str]) -> str | None:
    """Makes what a server said fit to be shown: in one short line, without a part of a secret.

    Args:
        text (str | None): What it said.
        secrets (Iterable[str]): What may not be read from it, nor any part of six characters, nor
            what a mask leaves of it. One of less than six characters is none.

    Returns:
        str | None: The text; None where it says no more than a secret.
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
        if len(_TELLING.findall(redacted)) < 3:
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
