"""Gemini API: as on its page, with the times of a recorded reply."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from ..batches import ENDS, MODELS, Batch, BatchList
from ..results import Outcome, Results
from ..serving import Content
from .google import CODES, list_reply, missing, refusal
from .paging import token_page
from .vendor import FAILURES, DemoVendor, Reply, ResultRoute, iso, json_response, latest

WORDS = {
    "validating": "PENDING",
    "in_progress": "RUNNING",
    "finalizing": "RUNNING",
    "cancelling": "RUNNING",
    "completed": "SUCCEEDED",
    "failed": "FAILED",
    "expired": "EXPIRED",
    "cancelled": "CANCELLED",
}


def _row(batch: Batch, now: int) -> dict[str, Any]:
    name = f"batches/{batch.id}"
    status = batch.status(now)
    done, failed = batch.done(now), batch.failed(now)
    counts = {
        "requestCount": batch.requests,
        "successfulRequestCount": done,
        "failedRequestCount": failed,
        "pendingRequestCount": batch.requests - done - failed,
    }
    metadata = {
        "@type": "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch",
        "model": f"models/{MODELS[batch.number % len(MODELS)]}",
        "displayName": f"nightly {batch.number}",
        "inputConfig": {"fileName": f"files/in{batch.id}"},
        "createTime": _nanoseconds(batch.created_at),
        "updateTime": _nanoseconds(latest(batch, now)),
        # a count of zero is left out
        "batchStats": {key: str(value) for key, value in counts.items() if value},
        "state": f"BATCH_STATE_{WORDS[status]}",
        "name": name,
    }
    row: dict[str, Any] = {"name": name, "metadata": metadata}
    if status not in ENDS:
        return row
    metadata["endTime"] = _nanoseconds(batch.steps[status])
    row["done"] = True
    if status == "completed":
        # assumed: the list leaves out responses that are not a file
        output = {} if _is_inline(batch) else {"responsesFile": f"files/{_file_ids(batch)[0]}"}
        metadata["output"] = output
        row["response"] = {"@type": f"{metadata['@type']}Output", **output}
    else:
        code = {"failed": 3, "expired": 4, "cancelled": 1}[status]
        row["error"] = {"code": code, "message": FAILURES[batch.number % len(FAILURES)][1]}
    return row


def _nanoseconds(at: int) -> str | None:
    return iso(at, f".{at % 1000:03d}870162")


def _page(batches: BatchList, query: Mapping[str, str]) -> Reply:
    taken = token_page(_row, batches, query, "pageToken", "pageSize", largest=100, default=50)
    return list_reply("operations", taken)


def _is_inline(batch: Batch) -> bool:
    return batch.number % 2 == 0


def _ids(batch: Batch) -> tuple[str, ...]:
    return (batch.id,)


def _file_ids(batch: Batch) -> tuple[str, ...]:
    return (f"batch-out{batch.id}",)


def _operation(batches: BatchList, request: Request) -> Response:
    """One batch, with its responses if they are in the reply; cut ones have an error in place."""
    batch = batches.find(request.path_params["id"], _ids)
    if batch is None:
        return json_response(404, missing("batch"))
    row = _row(batch, batches.clock)
    if "response" not in row or not _is_inline(batch):
        return json_response(200, row)
    results = Results(batch, batches.clock)
    row["metadata"]["output"] = {"inlinedResponses": {"inlinedResponses": HERE}}
    row["response"]["inlinedResponses"] = {"inlinedResponses": HERE}
    frame = orjson.dumps(row).split(orjson.dumps(HERE))

    def pieces() -> Iterator[bytes]:
        for number, part in enumerate(frame):
            if number:
                yield from _array(results)
            yield part

    count = 2 * batch.requests
    return Content(pieces, count, row["name"], "application/json").answer(request)


HERE = "the responses' place"


def _array(results: Results) -> Iterator[bytes]:
    for number, outcome in enumerate(results.of(range(results.reached))):
        item = _outcome(results.batch, outcome) | {"metadata": {"key": outcome.custom_id}}
        yield (b"," if number else b"[") + orjson.dumps(item)
    yield b"]"


def _outcome(batch: Batch, outcome: Outcome) -> dict[str, Any]:
    if outcome.failure:
        code = CODES[outcome.failure.status][0]
        return {"error": {"code": code, "message": outcome.failure.message}}
    tokens = outcome.tokens
    return {
        "response": {
            "candidates": [
                {
                    "content": {"parts": [{"text": outcome.text}], "role": "model"},
                    "finishReason": "STOP" if outcome.number % 20 else "MAX_TOKENS",
                    "index": 0,
                }
            ],
            "usageMetadata": {
                "promptTokenCount": tokens.input,
                "cachedContentTokenCount": tokens.cached,
                # what it thought is not among them
                "candidatesTokenCount": tokens.output - tokens.reasoning,
                "thoughtsTokenCount": tokens.reasoning,
                "totalTokenCount": tokens.input + tokens.output,
            },
            "modelVersion": MODELS[batch.number % len(MODELS)],
            "responseId": f"response-{outcome.number}",
        }
    }


def _file(batches: BatchList, request: Request) -> Response:
    name = request.path_params["file_id"]
    batch = batches.find(name, _file_ids)
    if batch is None or _is_inline(batch) or batch.status(batches.clock) != "completed":
        return json_response(404, missing("file"))
    results = Results(batch, batches.clock)

    def lines() -> Iterator[bytes]:
        for outcome in results.of(range(results.reached)):
            line = {"key": outcome.custom_id} | _outcome(batch, outcome)
            yield orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)

    return Content(lines, results.reached, name).answer(request)


GEMINI = DemoVendor(
    root="/gemini/v1beta",
    path="/batches",
    row=_row,
    page=_page,
    refusal=refusal,
    key_header="x-goog-api-key",
    key_value=str,
    read_as={"finalizing": "in_progress", "cancelling": "in_progress"},
    results=(
        ResultRoute("/batches/{id}", _operation),
        ResultRoute("/gemini/download/v1beta/files/{file_id}:download", _file, is_elsewhere=True),
        # where the vendor's client asks
        ResultRoute("/files/{file_id}:download", _file),
    ),
)
