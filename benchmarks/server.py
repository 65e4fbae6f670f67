"""A provider's list on loopback whose own cost is small and known: rows are made from a template.

    python benchmarks/server.py --batches 100000 --latency 0.05

It speaks as OpenAI does (`/<provider>/v1/batches?after=&limit=`) to any number of providers, and
takes an offset as well (`skip=&take=`). Batch 1 is the oldest. `GET /requests` returns the number
of requests. With `--varied`, batches are worth asking questions and pages may be long. With
`--advanced`, ten batches are new and those that were open have ended. With `--fault`, it misbehaves
as vendors, or what stands between them and their users, were seen to.
"""

import argparse
import asyncio
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qs
from zlib import crc32

import uvicorn

MINUTE = 60
DAY = 1_440 * MINUTE
LATEST = 100
"""Batches of which every other one is open."""

_ROW = (
    '{"id":"%s","object":"batch","endpoint":"/v1/responses","model":"gpt-5-2025-08-07",'
    '"errors":null,"input_file_id":"file-in%08d","completion_window":"24h","status":"%s",'
    '"output_file_id":%s,"error_file_id":null,"created_at":%s,"in_progress_at":%d,'
    '"expires_at":%d,"finalizing_at":%s,"completed_at":%s,"failed_at":null,"expired_at":null,'
    '"cancelling_at":null,"cancelled_at":null,"request_counts":{"total":%d,"completed":%d,'
    '"failed":0},"usage":{"input_tokens":%d,"input_tokens_details":{"cached_tokens":0},'
    '"output_tokens":%d,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":%d},'
    '"metadata":{"team":"search","job":"nightly-%d"}}'
)
_VARIED_ROW = (
    '{"id":"batch_%016x","object":"batch","endpoint":"/v1/responses","model":"%s",'
    '"errors":null,"input_file_id":"file-in%08d","completion_window":"24h","status":"%s",'
    '"output_file_id":%s,"error_file_id":null,"created_at":%d,"in_progress_at":%d,'
    '"expires_at":%d,"finalizing_at":null,"completed_at":%s,"failed_at":%s,"expired_at":%s,'
    '"cancelling_at":null,"cancelled_at":%s,"request_counts":{"total":%d,"completed":%d,'
    '"failed":%d},"usage":{"input_tokens":%d,"input_tokens_details":{"cached_tokens":0},'
    '"output_tokens":%d,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":%d},'
    '"metadata":{"team":"search","job":"nightly-%d"}}'
)
_MODELS = ("large", "medium", "small", "reasoning", "embedding")
_LOTS = ((1, "in_progress"), (240, "failed"), (360, "expired"), (460, "cancelled"))
"""Below which number of 10,007 a batch has which status; the others completed."""

_IDS = 2**64
_MIX = 0x9E3779B97F4A7C15
"""Odd, so that it can be taken back."""
_MIX_BACK = pow(_MIX, -1, _IDS)


class Ids(NamedTuple):
    """How the ids of a list are written, each with the number of its batch."""

    write: Callable[[int], str]
    read: Callable[[str], int]


_FIRST = 1_791_490_810_190_000_000
"""Of ids with nineteen digits in a row."""

IDS: dict[str, Ids] = {
    "plain": Ids(lambda n: f"batch_{n:08d}", lambda i: int(i[6:])),
    "hex": Ids(lambda n: f"batch_{n:08x}8190a1b2c3d4e5f60718293a", lambda i: int(i[6:14], 16)),
    "nineteen digits": Ids(lambda n: f"batch_{_FIRST + n}", lambda i: int(i[6:]) - _FIRST),
    "uuid": Ids(lambda n: f"{n:08x}-0000-4000-8000-0123456789ab", lambda i: int(i[:8], 16)),
    "resource name": Ids(
        lambda n: f"projects/9/locations/l/batchPredictionJobs/{_FIRST + n}",
        lambda i: int(i.rpartition("/")[2]) - _FIRST,
    ),
}
"""Forms of ids that vendors use."""


class BatchList:
    """The list of one account, newest first: one batch a minute, ended but for the latest ones.

    Args:
        size (int): How many batches there are.
        newest (int): When the newest one was created, in Unix seconds.
        open_days (int): Age in days of one more batch that is open; 0 for none.
        ids (str): How ids are written: one of `IDS`.
    """

    def __init__(self, size: int, newest: int, open_days: int = 0, ids: str = "plain") -> None:
        self._ids = IDS[ids]
        self.size = size
        self.has_mixed_times = False
        """Whether times of creation are written by several clocks."""
        self.largest_page = 100
        self._newest = newest
        self._last = size
        self._old_open = size - open_days * DAY // MINUTE if open_days else 0
        self._open_above = size - LATEST

    def advance(self) -> None:
        """Adds ten batches, and ends each open one."""
        self.size += 10
        self._open_above = self._last
        self._old_open = 0

    def status(self, number: int) -> str:
        """Status of a batch."""
        is_open = (number > self._open_above and number % 2) or number == self._old_open
        return "in_progress" if is_open else "completed"

    def id(self, number: int) -> str:
        """Id of a batch."""
        return self._ids.write(number)

    def number(self, batch_id: str) -> int:
        """The batch that has this id."""
        return self._ids.read(batch_id)

    def statuses(self) -> Iterator[tuple[str, str]]:
        """What a mirror of the list must say: id and status of each batch."""
        return ((self.id(number), self.status(number)) for number in range(1, self.size + 1))

    def rows(self, start: int, limit: int) -> list[str]:
        """Rows from a batch on downwards, as JSON."""
        return [self._row(number) for number in range(start, max(0, start - limit), -1)]

    def _row(self, number: int) -> str:
        created = self._newest - (self._last - number) * MINUTE
        status = self.status(number)
        ended: Any = "null" if status == "in_progress" else created + 40
        file = "null" if status == "in_progress" else f'"file-out{number:08d}"'
        done = 0 if status == "in_progress" else 1_000
        told = str(created)
        if self.has_mixed_times and number % 3:
            moment = datetime.fromtimestamp(created, UTC)
            told = f'"{moment:%Y-%m-%dT%H:%M:%SZ}"' if number % 3 == 1 else f"{created}000"
        return _ROW % (
            self.id(number), number, status, file, told, created + 10, created + DAY, ended, ended,
            1_000, done, done * 700, done * 90, done * 790, number % 50,
        )  # fmt: skip


class VariedList(BatchList):
    """A list that is worth asking questions: five models, batches that fail, and some stuck ones.

    Ids say nothing of the order, as real ones do not. All else is made of the id.

    Args:
        size (int): How many batches there are.
        newest (int): When the newest one was created, in Unix seconds.
        provider (str): Whose list it is; each has its own batches.
    """

    def __init__(self, size: int, newest: int, provider: str) -> None:
        super().__init__(size, newest)
        self.largest_page = 10_000
        self._seed = crc32(provider.encode()) << 32

    def id(self, number: int) -> str:
        """Id of a batch."""
        return f"batch_{self._mixed(number):016x}"

    def number(self, batch_id: str) -> int:
        """The batch that has this id."""
        mixed = int(batch_id.removeprefix("batch_"), 16)
        return (mixed * _MIX_BACK - self._seed) % _IDS

    def status(self, number: int) -> str:
        """Status of a batch."""
        if number > self._open_above:
            return super().status(number)
        lot = self._mixed(number) % 10_007
        return next((status for bound, status in _LOTS if lot < bound), "completed")

    def _mixed(self, number: int) -> int:
        return (number + self._seed) * _MIX % _IDS

    def _row(self, number: int) -> str:
        mixed, status = self._mixed(number), self.status(number)
        created = self._newest - (self._last - number) * MINUTE
        took = DAY if status == "expired" else 60 + (mixed >> 24) % 57_000
        ends = {name: "null" for name in ("completed", "failed", "expired", "cancelled")}
        total, has_ended = 1 + (mixed >> 40) % 5_000, status != "in_progress"
        if has_ended:
            ends[status] = str(created + took)
        done = total - (mixed >> 20) % 3 if status == "completed" and total > 3 else 0
        input_tokens, output_tokens = done * (200 + mixed % 900), done * (20 + mixed % 410)
        return _VARIED_ROW % (
            mixed, _MODELS[(mixed >> 50) % len(_MODELS)], number, status,
            f'"file-out{number:08d}"' if done else "null", created, created + 10, created + DAY,
            ends["completed"], ends["failed"], ends["expired"], ends["cancelled"],
            total, done, total - done if has_ended else 0,
            input_tokens, output_tokens, input_tokens + output_tokens, number % 50,
        )  # fmt: skip


class Reply:
    """A page of a list, to be changed by a fault.

    Args:
        batches (BatchList): The list.
        query (Mapping[str, Sequence[str]]): What was asked for, by cursor or by offset.
        request (int): How many requests came before.
    """

    def __init__(
        self, batches: BatchList, query: Mapping[str, Sequence[str]], request: int
    ) -> None:
        self.batches, self.request = batches, request
        asked = int(query.get("limit", query.get("take", ["100"]))[0])
        self.limit = min(batches.largest_page, asked)
        self.start = batches.size - int(query.get("skip", ["0"])[0])
        if "after" in query:
            self.start = batches.number(query["after"][0]) - 1
        self.status = 200
        self.retry_after: str | None = None
        self.is_cut = False
        self.names_last = True
        self.body: bytes | None = None
        """Something else than a page."""

    @property
    def row(self) -> int:
        """How many rows of the list come before this page."""
        return self.batches.size - self.start

    def encode(self) -> bytes:
        """The body."""
        if self.body is not None:
            return self.body
        rows = self.batches.rows(self.start, self.limit)
        more = str(self.start > self.limit).lower()
        last_id = self.batches.id(self.start - len(rows) + 1)
        last = f'"last_id":"{last_id}",' if self.names_last else ""
        text = f'{{"object":"list","data":[{",".join(rows)}],{last}"has_more":{more}}}'
        return text.encode()


def _does_not_advance(reply: Reply) -> None:
    reply.start = reply.batches.size


def _promises_more(reply: Reply) -> None:
    if reply.row >= 300:
        reply.body = b'{"object":"list","data":[],"last_id":null,"has_more":true}'


def _names_no_last(reply: Reply) -> None:
    reply.names_last = False


def _sends_html(reply: Reply) -> None:
    if reply.row >= 300:
        reply.body = b"<html><body>Scheduled maintenance</body></html>"


def _overlaps(reply: Reply) -> None:
    reply.start += reply.row > 0


def _breaks_off(reply: Reply) -> None:
    reply.is_cut = reply.request == 3


def _limits_rate(reply: Reply) -> None:
    if reply.request % 3 == 2:
        reply.status, reply.retry_after = 429, "1"
        reply.body = b'{"error":{"message":"Slow down"}}'


def _mixes_times(reply: Reply) -> None:
    reply.batches.has_mixed_times = True


FAULTS: dict[str, Callable[[Reply], None]] = {
    "a cursor that does not advance": _does_not_advance,
    "an empty page that promises more": _promises_more,
    "no last_id": _names_no_last,
    "HTML with status 200": _sends_html,
    "pages that overlap": _overlaps,
    "a reply that breaks off, once": _breaks_off,
    "429 on every third request": _limits_rate,
    "created_at by several clocks": _mixes_times,
}


class Server:
    """An ASGI application that serves a list to each provider that asks.

    Args:
        make (Callable[[str], BatchList]): Makes the list of a provider.
        latency (float): Seconds before each reply.
        fault (Callable[[Reply], None] | None): What is wrong with the replies.
    """

    def __init__(
        self,
        make: Callable[[str], BatchList],
        latency: float = 0,
        fault: Callable[[Reply], None] | None = None,
    ) -> None:
        self._make, self._latency, self._fault = make, latency, fault
        self._requests = 0
        self._lists: dict[str, BatchList] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            return
        name = scope["path"].split("/")[1]
        status, body, is_cut = 200, b"", False
        headers: list[tuple[bytes, bytes]] = []
        if name == "requests":
            body = str(self._requests).encode()
        else:
            query = parse_qs(scope["query_string"].decode())
            batches = self._lists.setdefault(name, self._make(name))
            reply = Reply(batches, query, self._requests)
            self._requests += 1
            if self._fault:
                self._fault(reply)
            status, body, is_cut = reply.status, reply.encode(), reply.is_cut
            if reply.retry_after:
                headers.append((b"retry-after", reply.retry_after.encode()))
            if self._latency:
                await asyncio.sleep(self._latency)
        headers += [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body[:1_000] if is_cut else body})


def main() -> None:
    """Serves on a free port, which it prints first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=10_000)
    parser.add_argument("--newest", type=int, required=True, help="Unix seconds")
    parser.add_argument("--latency", type=float, default=0, help="seconds")
    parser.add_argument("--open-days", type=int, default=0)
    parser.add_argument("--ids", choices=IDS, default="plain")
    parser.add_argument("--advanced", action="store_true", help="some time later")
    parser.add_argument("--varied", action="store_true", help="worth asking questions; long pages")
    parser.add_argument("--fault", choices=FAULTS)
    options = parser.parse_args()

    def make(provider: str) -> BatchList:
        if options.varied:
            return VariedList(options.batches, options.newest, provider)
        batches = BatchList(options.batches, options.newest, options.open_days, options.ids)
        if options.advanced:
            batches.advance()
        return batches

    app = Server(make, options.latency, FAULTS[options.fault] if options.fault else None)
    config = uvicorn.Config(app, port=0, log_level="critical", access_log=False, lifespan="off")
    socket = config.bind_socket()
    sys.stdout.write(f"http://127.0.0.1:{socket.getsockname()[1]}\n")
    sys.stdout.flush()
    uvicorn.Server(config).run(sockets=[socket])


if __name__ == "__main__":
    main()
