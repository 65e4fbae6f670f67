"""What a server sends instead of a page of the list, made fit to show: short, without secrets."""

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from requests import RequestException, Response

from .. import lenient_json
from ..display import shown
from ..redaction import GONE

_READ = 20_000
"""Characters of a message that are looked at."""

_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE | re.ASCII)


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
    charset = charset_of(response)
    try:
        return ServerMessage(message_in(lenient_json.loads(content, charset)))
    except ValueError:
        pass
    text = lenient_json.decoded(content[: 4 * _READ], charset).lstrip("\ufeff \t\r\n")[:_READ]
    kind = response.headers.get("Content-Type", "")
    if "html" in kind.lower() or re.match(r"<(!doctype html|html|head|body)\b", text, re.I):
        title = re.search(r"<title[^>]*>(.*?)</title", text, re.I | re.S)
        title_text = _in_one_line(html.unescape(title[1])) if title else None
        return ServerMessage(title_text or None, is_web_page=True)
    if text.startswith("<"):
        text = _in_one_line(html.unescape(re.sub(r"<[^>]*>", " ", text)))
    if text[:1] in ("{", "["):
        # JSON that broke off
        return ServerMessage(None)
    return ServerMessage(text.strip() or None)


def charset_of(response: Response) -> str | None:
    """The encoding that a response declares."""
    found = _CHARSET.search(response.headers.get("Content-Type", ""))
    return found[1] if found else None


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


def _in_one_line(text: str) -> str:
    """Text of a document in markup, where line ends mean nothing."""
    return " ".join(text.split())


_INFORMATIVE = re.compile(r"[A-Za-z\u00c0-\u024f]{2,}|[^\W\d_]{2}")
"""A word, or two letters of a script that has no spaces."""


def quotable(text: str | None, secrets: Iterable[str]) -> str | None:
    """Makes a server's message fit to show, without any part of a secret.

    Args:
        text (str | None): The message.
        secrets (Iterable[str]): Secrets that must not show; see `shown`.

    Returns:
        str | None: The text; None if nothing but a secret is left.
    """
    line = shown((text or "").strip(), secrets=secrets)
    if GONE in line:
        line = re.sub(r"(?:\*{3,}[\s.…*]*)+", GONE + " ", line).strip()
        line = re.sub(r"\*{3} (?=[\"'`,;:.)\]}])", GONE, line)
        if len(_INFORMATIVE.findall(line)) < 3:
            return None
    return line or None
