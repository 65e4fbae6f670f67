"""What tests share: a server that answers as told, and short ways to load and to look."""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import orjson
import pyarrow as pa
import pytest
from dlt import Pipeline
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ai_batches import (
    PROVIDERS,
    Account,
    AccountMetrics,
    ProviderSettings,
    ai_batches_source,
)
from ai_batches.table.rows import RowReader
from ai_batches_demo import LoopbackServer
from ai_batches_runner.run.report import read_metrics

NOW = int(time.time())
HOUR = 3_600
DAY = 24 * HOUR

FIRST = NOW - 20 * DAY
"""When batch 0 was created, in Unix seconds."""

KEY = "key-with-0123456789-abcdef"

COUNTS = {"total": 5, "completed": 5, "failed": 0}
"""Of a batch; vendors of OpenAI's shape have them in each row."""

TRow = dict[str, Any]
TAnswer = Response | Mapping[str, Any] | bytes
TAnswerer = Callable[[Request], TAnswer]


def few_of(values: Iterable[Any], quick: Collection[Any]) -> list[Any]:
    """Parameters of which `make test` takes the quick ones, and `make test-long` the others."""
    return [
        pytest.param(
            *(value if isinstance(value, tuple) else (value,)),
            marks=() if value in quick else pytest.mark.long,
        )
        for value in values
    ]


class CutOff(Response):
    """A reply whose connection closes in the middle of the body."""

    def __init__(self, status: int = 200) -> None:
        super().__init__(status_code=status)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends less than was announced."""
        headers = [(b"content-length", b"1000"), (b"content-type", b"application/json")]
        status = self.status_code
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"data": [{"id"', "more_body": False})


class Late(Response):
    """A reply that comes after some seconds."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Waits first."""
        await asyncio.sleep(3)
        await super().__call__(scope, receive, send)


class Lists:
    """Serves each provider's list on loopback, answered by a function of the test's."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        """Every request so far."""
        self._answerers: dict[str, TAnswerer] = {}
        paths = {provider.path for provider in PROVIDERS.values()}
        self._server = LoopbackServer(
            Starlette(routes=[Route("/{provider}" + path, self._answer) for path in paths])
        )

    def __enter__(self) -> "Lists":
        self._server.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._server.__exit__(*error)

    def forget(self) -> None:
        """Starts anew: no request was made, and no provider answers."""
        self.requests = []
        self._answerers = {}

    def serve(self, provider: str, answer: TAnswerer | TAnswer | list[TAnswer]) -> None:
        """Sets what a provider answers: a function, one reply for ever, or replies in turn."""
        if callable(answer) and not isinstance(answer, Response):
            self._answerers[provider] = answer
        elif isinstance(answer, list):
            left = list(answer)
            self._answerers[provider] = lambda request: left.pop(0) if len(left) > 1 else left[0]
        else:
            self._answerers[provider] = lambda request: answer

    def url(self, provider: str) -> str:
        """The base URL to set for a provider."""
        return f"{self._server.url}/{provider}"

    def settings(self, *providers: str, **changes: Any) -> dict[str, ProviderSettings]:
        """Settings that point the source here, with one account of the key `KEY`."""
        defaults = {"accounts": (Account("default", KEY, "the test"),)}
        return {
            name: ProviderSettings(
                **{
                    **defaults,
                    "base_url": self.url(name),
                    "page_size": PROVIDERS[name].page_size,
                    **changes,
                }
            )
            for name in providers or self._answerers
        }

    def count(self, provider: str) -> int:
        """Requests that a provider got."""
        return sum(request.path_params["provider"] == provider for request in self.requests)

    async def _answer(self, request: Request) -> Response:
        self.requests.append(request)
        answerer = self._answerers.get(request.path_params["provider"])
        if answerer is None:
            return Response(status_code=404)
        answer = answerer(request)
        if isinstance(answer, Response):
            return answer
        body = answer if isinstance(answer, bytes) else orjson.dumps(answer)
        return Response(body, media_type="application/json")


def failure(status: int, body: Any = None, **headers: str) -> Response:
    """A reply with a status that is none of success."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(orjson.dumps(body), status, names, "application/json")


def page(rows: list[TRow], has_more: bool | None = False, **fields: Any) -> dict[str, Any]:
    """A page of a cursor list."""
    return {"data": rows, **({} if has_more is None else {"has_more": has_more}), **fields}


def batch(number: int, **fields: Any) -> TRow:
    """A row in OpenAI's shape; a higher number is newer."""
    return {
        "id": f"batch_{number}",
        "status": "completed",
        "created_at": FIRST + 60 * number,
        **fields,
    }


def ended_ago(number: int, status: str, seconds: int, **fields: Any) -> TRow:
    """A batch of an hour that ended so many seconds ago."""
    created = NOW - seconds - HOUR
    times = {"created_at": created, "expires_at": created + DAY, f"{status}_at": NOW - seconds}
    return batch(number, status=status, **{**times, **fields})


def cursor_list(rows: list[TRow], has_more: bool = True) -> TAnswerer:
    """Answers as a right cursor list of these rows would, as they are when asked."""

    def answer(request: Request) -> TAnswer:
        ids = [row["id"] for row in rows]
        after = request.query_params.get("after")
        start = ids.index(after) + 1 if after else 0
        end = start + int(request.query_params.get("limit", 20))
        return page(rows[start:end], end < len(rows) if has_more else None)

    return answer


def offset_list(rows: list[TRow]) -> TAnswerer:
    """Answers as a right offset list of these rows would, as they are when asked."""

    def answer(request: Request) -> TAnswer:
        start = int(request.query_params["skip"])
        return {"data": rows[start : start + int(request.query_params["take"])], "errors": None}

    return answer


def read_row(provider: str, row: TRow) -> tuple[TRow, dict[str, int]]:
    """What becomes of a row, and how many of its values could not be read, or be computed."""
    reader = RowReader(PROVIDERS[provider], "default")
    (found,) = reader.to_arrow(reader.read([row]).records).to_pylist()
    return found, dict(reader.unreadable + reader.uncomputable)


def load(
    pipeline: Pipeline, settings: Mapping[str, ProviderSettings]
) -> dict[tuple[str, str], AccountMetrics]:
    """Runs the source with these settings; returns what each provider and account did."""
    pipeline.run(ai_batches_source(settings, fail_fast=False))
    trace = pipeline.last_trace
    info = trace and trace.last_extract_info
    return dict(read_metrics(info)) if info else {}


def extract(
    pipeline: Pipeline, settings: Mapping[str, ProviderSettings]
) -> tuple[dict[tuple[str, str], AccountMetrics], list[TRow]]:
    """Runs the source as `load` does, and loads nothing: what each account did, and its rows."""
    source = ai_batches_source(settings, fail_fast=False)
    tables: list[pa.Table] = []

    def keep(table: pa.Table) -> pa.Table:
        tables.append(table)
        return table

    for resource in source.selected_resources.values():
        resource.add_map(keep)
    metrics = read_metrics(pipeline.extract(source))
    rows = [row for table in tables for row in table.to_pylist()]
    return dict(metrics), rows


def select(pipeline: Pipeline, query: str) -> list[tuple[Any, ...]]:
    """Runs SQL in the pipeline's dataset."""
    with pipeline.sql_client() as client:
        return [tuple(row) for row in client.execute_sql(query) or ()]


def stored(pipeline: Pipeline, provider: str) -> dict[str, TRow]:
    """The rows of a provider as dicts by id."""
    with (
        pipeline.sql_client() as client,
        client.execute_query("SELECT * FROM batches WHERE provider = %s", provider) as cursor,
    ):
        names = [column[0] for column in cursor.description]
        return {
            row["id"]: row for row in (dict(zip(names, r, strict=True)) for r in cursor.fetchall())
        }
