"""Result files in OpenAI's shape: an output and an error file of JSON lines."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import orjson
from starlette.requests import Request
from starlette.responses import Response

from ..batches import MODELS, Batch, BatchList, ShownIds
from ..results import MEAN_TOKENS, Outcome, Results, Tokens
from ..serving import Content
from .bodies import reply_body
from .vendor import ResultRoute, ShowRow, error_lines, json_response

MakeLine = Callable[[Batch, Outcome, str, str], dict[str, Any]]
"""Makes a line of a batch, an outcome, an endpoint and a model."""


class _Found(NamedTuple):
    """A file that exists."""

    batch: Batch
    kind: Literal["output", "error"]


def file_ids(batch: Batch) -> tuple[str, str]:
    """Ids of the output and the error file, as most vendors show them."""
    return f"file-out{batch.id}", f"file-err{batch.id}"


def missing_file(file_id: str) -> Any:
    """Body of the 404, as OpenAI sends it."""
    message = f"There is no file `{file_id}`."
    error = {"message": message, "type": "invalid_request_error", "param": "id", "code": None}
    return {"error": error}


def openai_line(batch: Batch, outcome: Outcome, endpoint: str, model: str) -> dict[str, Any]:
    """A line of OpenAI's files; the errors of requests that ran are in the body, others beside it.

    Args:
        batch (Batch): The batch.
        outcome (Outcome): What became of the request.
        endpoint (str): Path of the endpoint, as the batch names it.
        model (str): The model that answered.

    Returns:
        dict[str, Any]: The line.
    """
    request = f"{batch.number:06d}{outcome.number:06d}"
    line: dict[str, Any] = {
        "id": f"batch_req_{request}",
        "custom_id": outcome.custom_id,
        "response": None,
        "error": None,
    }
    failure = outcome.failure
    if failure is None:
        body = reply_body(batch, outcome, endpoint, model)
        line["response"] = {"status_code": 200, "request_id": f"req_{request}", "body": body}
    elif failure.status == 500 and outcome.number % 2:
        # seen in a user's files: nothing is said at all
        line["response"] = {"status_code": 0, "request_id": "", "body": {}}
    elif failure.status in (0, 504):
        line["error"] = {"code": failure.code, "message": failure.message}
    else:
        error = {
            "message": failure.message,
            "type": "server_error" if failure.status >= 500 else "invalid_request_error",
            "param": None,
            "code": failure.code,
        }
        line["response"] = {
            "status_code": failure.status,
            "request_id": f"req_{request}",
            "body": {"error": error},
        }
    return line


def no_headers(lines: int) -> dict[str, str]:
    """Most vendors send no headers of their own."""
    return {}


@dataclass(frozen=True)
class ResultFiles:
    """How a vendor hands out result files.

    Args:
        row (ShowRow): How its list shows a batch; the lines have the row's endpoint and model.
        missing (Callable[[str], Any]): Body of the 404, given the file's id.
        ids (ShownIds): Ids of the output and the error file of a batch.
        line (MakeLine): Makes a line.
        mean (Tokens): Tokens of a request that succeeded, on average.
        kept (int | None): Seconds after its end for which a batch's files are kept; None: for ever.
        headers (Callable[[int], Mapping[str, str]]): Headers for a number of lines.
    """

    row: ShowRow
    missing: Callable[[str], Any] = missing_file
    ids: ShownIds = file_ids
    line: MakeLine = openai_line
    mean: Tokens = MEAN_TOKENS
    kept: int | None = None
    headers: Callable[[int], Mapping[str, str]] = no_headers

    def routes(self, path: str = "/files/{file_id}/content") -> tuple[ResultRoute, ...]:
        """The one route that most vendors have."""
        return (ResultRoute(path, self.answer),)

    def answer(self, batches: BatchList, request: Request) -> Response:
        """Answers with a file, or says that there is none."""
        file_id = request.path_params["file_id"]
        content = self.content(batches, file_id)
        if content is None:
            return json_response(404, self.missing(file_id))
        return content.answer(request)

    def content(self, batches: BatchList, file_id: str) -> Content | None:
        """The file of an id; None if there is none, not yet or no longer."""
        found = self._find(batches, file_id)
        if found is None:
            return None
        results = Results(found.batch, batches.clock, self.mean)
        count = (
            results.succeeded if found.kind == "output" else error_lines(found.batch, batches.clock)
        )
        if not count:
            return None
        row = self.row(found.batch, batches.clock)
        endpoint = row.get("endpoint") or "/v1/chat/completions"
        model = row.get("model") or MODELS[found.batch.number % len(MODELS)]

        def lines() -> Iterator[bytes]:
            for outcome in self._outcomes(results, found.kind, count):
                line = self.line(found.batch, outcome, endpoint, model)
                yield orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)

        return Content(lines, count, file_id, headers=self.headers(count))

    def _find(self, batches: BatchList, file_id: str) -> _Found | None:
        batch = batches.find(file_id, self.ids)
        if batch is None or not batch.is_ended(batches.clock):
            return None
        ended = batch.steps[batch.status(batches.clock)]
        if self.kept is not None and ended + self.kept <= batches.clock:
            return None
        return _Found(batch, "output" if file_id == self.ids(batch)[0] else "error")

    def _outcomes(self, results: Results, kind: str, count: int) -> Iterator[Outcome]:
        if kind == "output":
            yield from results.successes()
            return
        yield from results.failures()
        if count > results.failed:
            yield from results.cut()
