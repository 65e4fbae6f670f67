"""A provider's list on loopback whose own cost is small and known: rows are made from a template.

    python benchmarks/server.py --batches 100000 --latency 0.05

It speaks as OpenAI does, for any number of providers: `/<provider>/v1/batches?after=&limit=`. Batch
1 is the oldest. `GET /requests` tells and resets how many requests came; `POST /advance` adds ten
new batches and ends half of those that are open.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import uvicorn

MINUTE = 60
DAY = 1_440 * MINUTE
OPEN, LATEST = 50, 100

_ROW = (
    '{"id":"batch_%08d","object":"batch","endpoint":"/v1/responses","model":"gpt-5-2025-08-07",'
    '"errors":null,"input_file_id":"file-in%08d","completion_window":"24h","status":"%s",'
    '"output_file_id":%s,"error_file_id":null,"created_at":%d,"in_progress_at":%d,'
    '"expires_at":%d,"finalizing_at":%s,"completed_at":%s,"failed_at":null,"expired_at":null,'
    '"cancelling_at":null,"cancelled_at":null,"request_counts":{"total":%d,"completed":%d,'
    '"failed":0},"usage":{"input_tokens":%d,"input_tokens_details":{"cached_tokens":0},'
    '"output_tokens":%d,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":%d},'
    '"metadata":{"team":"search","job":"nightly-%d"}}'
)


class BatchList:
    """The list of one account: all ended long ago, but for fifty of the latest hundred.

    Args:
        size (int): How many batches there are.
        stuck_days (int): Days since which one more batch is open; 0 for none.
    """

    def __init__(self, size: int, stuck_days: int = 0) -> None:
        self.size = size
        self._newest = int(time.time()) - 3 * 60 * MINUTE
        self._last = size
        self._stuck = size - stuck_days * 1_440 if stuck_days else 0
        self._open_above = size - LATEST

    def advance(self) -> None:
        """Adds ten batches, and ends each open one."""
        self.size += 10
        self._open_above = self._last

    def status(self, number: int) -> str:
        """Status of a batch."""
        is_open = (number > self._open_above and number % 2) or number == self._stuck
        return "in_progress" if is_open else "completed"

    def statuses(self) -> Iterator[tuple[str, str]]:
        """What a mirror of the list must say: id and status of each batch."""
        return ((_id(n), self.status(n)) for n in range(1, self.size + 1))

    def page(self, after: str | None, limit: int) -> bytes:
        """The rows that follow an id, newest first, as a reply."""
        start = self.size if after is None else int(after[6:]) - 1
        end = max(0, start - limit)
        rows = ",".join(self._row(number) for number in range(start, end, -1))
        first, last, more = _id(start), _id(end + 1), str(end > 0).lower()
        return (
            f'{{"object":"list","data":[{rows}],"first_id":"{first}","last_id":"{last}",'
            f'"has_more":{more}}}'
        ).encode()

    def _row(self, number: int) -> str:
        created = self._newest - (self._last - number) * MINUTE
        status = self.status(number)
        ended: Any = "null" if status == "in_progress" else created + 40
        file = "null" if status == "in_progress" else f'"file-out{number:08d}"'
        done = 0 if status == "in_progress" else 1_000
        return _ROW % (
            number, number, status, file, created, created + 10, created + DAY, ended, ended,
            1_000, done, done * 700, done * 90, done * 790, number % 50,
        )  # fmt: skip


def _id(number: int) -> str:
    return f"batch_{number:08d}"


class Server:
    """An ASGI application that serves a list to each provider that asks.

    Args:
        size (int): Batches of each list.
        latency (float): Seconds before each reply.
        stuck_days (int): Days since which one batch of each list is open.
    """

    def __init__(self, size: int, latency: float, stuck_days: int = 0) -> None:
        self._latency = latency
        self._requests = 0
        self._make = lambda: BatchList(size, stuck_days)
        self._lists: dict[str, BatchList] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            return
        name = scope["path"].split("/")[1]
        if name == "requests":
            body, self._requests = str(self._requests).encode(), 0
        elif name == "advance":
            for batches in self._lists.values():
                batches.advance()
            body = b"done"
        else:
            self._requests += 1
            query = parse_qs(scope["query_string"].decode())
            batches = self._lists.setdefault(name, self._make())
            limit = min(100, int(query.get("limit", ["20"])[0]))
            body = batches.page(query.get("after", [None])[0], limit)
            if self._latency:
                await asyncio.sleep(self._latency)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def main() -> None:
    """Serves on a free port, which it prints first."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--batches", type=int, default=10_000)
    parser.add_argument("--latency", type=float, default=0)
    parser.add_argument("--stuck-days", type=int, default=0)
    options = parser.parse_args()
    app = Server(options.batches, options.latency, options.stuck_days)
    config = uvicorn.Config(app, port=0, log_level="error", access_log=False, lifespan="off")
    socket = config.bind_socket()
    sys.stdout.write(f"http://127.0.0.1:{socket.getsockname()[1]}\n")
    sys.stdout.flush()
    uvicorn.Server(config).run(sockets=[socket])


if __name__ == "__main__":
    main()
