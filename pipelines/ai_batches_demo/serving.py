"""Files that are made while they are sent: whole or in ranges, with a length if it is cheap."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

CHUNK_BYTES = 64 * 1024
MOST_LINES_COUNTED = 1_000
"""Up to this many lines are made twice, so that their length is known before they are sent."""

Range = tuple[int, int]
"""First byte, and the one behind the last."""


@dataclass(frozen=True)
class Content:
    """A file that is made while it is sent.

    Args:
        pieces (Callable[[], Iterator[bytes]]): Makes its lines or other pieces, anew at each call.
        count (int): How many pieces there are, more or less.
        version (str): What the strong ETag is made of: the same only for the same bytes.
        media_type (str): Media type.
        headers (Mapping[str, str]): Headers of the vendor's own.
    """

    pieces: Callable[[], Iterator[bytes]]
    count: int
    version: str
    media_type: str = "application/octet-stream"
    headers: Mapping[str, str] = field(default_factory=dict)

    def answer(self, request: Request) -> Response:
        """Answers with the whole or, if the request asks for it, with one range of bytes.

        Args:
            request (Request): The request.

        Returns:
            Response: 200, 206 or 416.
        """
        etag = f'"{sha256(self.version.encode()).hexdigest()[:32]}"'
        headers = {"accept-ranges": "bytes", "etag": etag, **self.headers}
        asked = request.headers.get("range", "")
        if asked and request.headers.get("if-range", etag) == etag:
            length = self._length()
            found = parse_range(asked, length)
            if found == (0, 0):
                headers["content-range"] = f"bytes */{length}"
                return Response(status_code=416, headers=headers)
            if found:
                start, end = found
                headers["content-range"] = f"bytes {start}-{end - 1}/{length}"
                headers["content-length"] = str(end - start)
                return self._stream(206, headers, cut(self.pieces(), start, end))
        if self.count <= MOST_LINES_COUNTED:
            headers["content-length"] = str(self._length())
        return self._stream(200, headers, self.pieces())

    def _length(self) -> int:
        return sum(map(len, self.pieces()))

    def _stream(
        self, status: int, headers: Mapping[str, str], pieces: Iterator[bytes]
    ) -> StreamingResponse:
        return StreamingResponse(in_chunks(pieces), status, headers, self.media_type)


def parse_range(header: str, length: int) -> Range | None:
    """Reads a `Range` header.

    Args:
        header (str): The header's value.
        length (int): Bytes of the whole.

    Returns:
        Range | None: The range, (0, 0) if none of its bytes exists, and None if the header is to be
            ignored: it has several ranges, or is not valid.
    """
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", header.strip())
    if not match or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        start, end = max(length - int(last), 0), length
    else:
        start, end = int(first), min(int(last) + 1, length) if last else length
        if last and int(last) < start:
            return None
    return (start, end) if start < end else (0, 0)


def cut(pieces: Iterator[bytes], start: int, end: int) -> Iterator[bytes]:
    """Takes the bytes of a range out of pieces."""
    at = 0
    for piece in pieces:
        if at >= end:
            return
        if at + len(piece) > start:
            yield piece[max(start - at, 0) : end - at]
        at += len(piece)


def in_chunks(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Joins small pieces: each chunk that is sent costs a change of threads."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= CHUNK_BYTES:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)
