"""A server of result files that misbehaves as told, on bare sockets, and short ways to read it."""

import gzip
import socket
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import responses
from typing import Any, NamedTuple

import orjson

from ai_batches import Account, ProviderSettings, ai_batches_results_source
from ai_batches.results.settings import ResultSettings
from support import KEY, TRow

ETAG = '"version-1"'

TTables = dict[str, list[TRow]]
"""Rows by the name of their table."""


class Asked(NamedTuple):
    """A request."""

    path: str
    headers: Mapping[str, str]
    """Names in lower case."""

    @property
    def start(self) -> int:
        """The first byte that it asks for."""
        return int(self.headers.get("range", "bytes=0-").removeprefix("bytes=").rstrip("-"))


TAnswer = bytes | Iterable[bytes]
TAnswerer = Callable[[Asked], TAnswer]
"""What is sent, status line and headers included; then the connection is closed."""


class FileServer:
    """Answers each path as told, and 404 for others."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        """Every request so far."""
        self.answers: dict[str, TAnswerer] = {}
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=50)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> "FileServer":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *error: Any) -> None:
        # who waits for a connection does not notice that the socket is closed
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def serve(self, file: str, answer: TAnswerer | bytes) -> None:
        """Sets how the content of a file is answered: by a function, or always the same."""
        answerer = (lambda asked: answer) if isinstance(answer, bytes) else answer
        self.answers[f"/files/{file}/content"] = answerer

    def serve_list(self, *rows: TRow) -> None:
        """Sets what the list of batches has."""
        body = orjson.dumps({"data": rows, "has_more": False})
        self.answers["/batches"] = lambda asked: reply(body, content_type="application/json")

    def variables(
        self, mode: str = "all", provider: str = "openai", **settings: str
    ) -> dict[str, str]:
        """The environment of a run that reads a provider's list and results here."""
        prefix = f"SOURCES__AI_BATCHES__{provider.upper()}__"
        chosen = {"API_KEY": KEY, "BASE_URL": self.url, "RESULTS": mode, **settings}
        return {prefix + name: value for name, value in chosen.items()}

    def count(self, file: str) -> int:
        """Requests for a file."""
        return sum(asked.path == f"/files/{file}/content" for asked in self.asked)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection = self._listener.accept()[0]
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        # a process that was killed leaves a connection without a request
        with suppress(OSError, IndexError), connection, connection.makefile("rb") as lines:
            path = lines.readline().decode().split(" ")[1].partition("?")[0]
            headers = {}
            while line := lines.readline().decode("latin-1").strip():
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            asked = Asked(path, headers)
            self.asked.append(asked)
            answer = self.answers.get(path, _missing)(asked)
            for part in (answer,) if isinstance(answer, bytes) else answer:
                connection.sendall(part)


def _missing(asked: Asked) -> bytes:
    return reply(b'{"error": {"message": "There is no such file."}}', 404)


def head(status: int, headers: Mapping[str, str | int | None], version: str = "1.1") -> bytes:
    """Status line and headers, without those that are None."""
    lines = [f"HTTP/{version} {status} {responses[status]}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def reply(body: bytes, status: int = 200, **headers: str | int | None) -> bytes:
    """A whole reply with its length; names of headers are written with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return head(status, {"content-length": len(body), **named}) + body


def chunked(body: bytes, is_whole: bool = True) -> bytes:
    """A reply in chunks, with or without the last one."""
    parts = [body[at : at + 10_000] for at in range(0, len(body), 10_000)]
    sent = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    return head(200, {"transfer-encoding": "chunked"}) + sent + b"0\r\n\r\n" * is_whole


def gzipped(body: bytes, sent: int | None = None) -> bytes:
    """A compressed reply with its length, or so many bytes of it."""
    packed = gzip.compress(body, 1)
    headers: dict[str, str | int | None] = {
        "content-length": len(packed),
        "content-encoding": "gzip",
        "etag": ETAG,
        "accept-ranges": "bytes",
    }
    return head(200, headers) + packed[:sent]


@dataclass
class ServedFile:
    """A file of a server that knows ranges, and breaks off as often as told.

    Args:
        content (bytes): The file.
        cuts (Sequence[int]): After so many bytes each reply breaks off, in this order; later
            replies are whole.
        etag (str | None): Of the file.
        accept_ranges (str | None): The header.
    """

    content: bytes
    cuts: Sequence[int] = ()
    etag: str | None = ETAG
    accept_ranges: str | None = "bytes"
    starts: list[int] = field(default_factory=list)
    """The first byte of each request, in their order."""

    def __call__(self, asked: Asked) -> bytes:
        """Answers with the file, or with the rest of it if it is still the same."""
        self.starts.append(asked.start)
        is_same = asked.headers.get("if-range") == self.etag
        start = asked.start if is_same else 0
        body = self.content[start:]
        return self.part(start, body, self.etag)

    def part(
        self, start: int, body: bytes, etag: str | None, content_range: str | None = None
    ) -> bytes:
        """A reply from some byte on, which breaks off if it is its turn."""
        total = len(self.content)
        headers = {
            "content-length": len(body),
            "accept-ranges": self.accept_ranges,
            "etag": etag,
            "content-range": content_range or f"bytes {start}-{total - 1}/{total}",
        }
        if not start and content_range is None:
            del headers["content-range"]
        turn = len(self.starts) - 1
        cut = self.cuts[turn] if turn < len(self.cuts) else len(body)
        is_part = "content-range" in headers
        return head(206 if is_part else 200, headers) + body[:cut]


def line(number: int, size: int = 5_000, **fields: Any) -> bytes:
    """A line of OpenAI's shape with a reply of some length."""
    usage = {
        "prompt_tokens": 10 + number,
        "completion_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": number % 3},
    }
    body = {
        "model": "small-1",
        "choices": [{"finish_reason": "stop", "message": {"content": "x" * size}}],
        "usage": usage,
    }
    response = {"status_code": 200, "request_id": f"req_{number}", "body": body}
    value = {"custom_id": f"request-{number}", "response": response, "error": None, **fields}
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)


def failed_line(number: int, code: str = "rate_limit", **fields: Any) -> bytes:
    """A line of an error file."""
    error = {"code": code, "message": f"Request {number} is refused.", "type": "invalid"}
    value = {"custom_id": f"request-{number}", "response": None, "error": error, **fields}
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)


def lines(count: int, size: int = 5_000) -> bytes:
    """A file of lines of OpenAI's shape."""
    return b"".join(line(number, size) for number in range(count))


def ended_batch(
    name: str = "batch_1", output: str | None = "out", error: str | None = None, **fields: Any
) -> TRow:
    """A batch as the table has it, which ended yesterday."""
    now = datetime.now(UTC)
    return {
        "provider": "openai",
        "account": "default",
        "id": name,
        "output_file_id": output,
        "error_file_id": error,
        "created_at": now - timedelta(days=1, hours=1),
        "ended_at": now - timedelta(days=1),
        **fields,
    }


def read_results(
    server: FileServer,
    *batches: TRow,
    base_url: str | None = None,
    headers: Mapping[str, str] | None = None,
    **chosen: Any,
) -> TTables:
    """Runs the source of results without a pipeline, as far as settings want; returns all rows."""
    settings = ResultSettings(**{"mode": "all", **chosen})
    account = Account("default", KEY, "the test", results=settings)
    given = ProviderSettings(
        (account,), base_url or server.url, headers=headers or {}, concurrency=1
    )
    providers = {batch["provider"] for batch in batches}
    source = ai_batches_results_source(batches, dict.fromkeys(providers, given))
    found: TTables = defaultdict(list)
    for table in source:
        kind = {"request_key": "batch_requests", "requests": "batch_usage"}
        name = next((kind[c] for c in kind if c in table.column_names), "batch_files")
        found[name] += table.to_pylist()
    found["batch_requests"].sort(key=lambda row: str(row["request_key"]))
    return found
