"""What a vendor's endpoint on the demo server declares, and what several of them share.

The shapes are the vendors'; the values are made up. Where a page leaves something open, the oddest
answer that was seen or is allowed is given.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from ..batches import DAY, ENDPOINTS, MODELS, Batch, BatchList
from ..results import MEAN_TOKENS, Tokens

Reply = tuple[int, Any]
"""HTTP status and JSON body."""

ShowRow = Callable[[Batch, int], dict[str, Any]]
"""Makes the row of a batch as it stands at a moment, in Unix seconds."""

Answer = Callable[[BatchList, Request], Response]
"""Answers a request for results."""

TIMES = (
    "in_progress",
    "finalizing",
    "completed",
    "failed",
    "expired",
    "cancelling",
    "cancelled",
)

MOST_UNREACHED = 500
"""Requests that never ran, above which error files do not name them."""

FAILURES = (
    ("invalid_json_line", "This line is not parseable as valid JSON."),
    ("duplicate_custom_id", "Another line of the file has the same custom_id."),
    ("token_limit_exceeded", "The enqueued tokens are beyond the limit of the organization."),
    ("model_not_found", "The model does not exist, or cannot be used in a batch."),
    ("mismatched_model", "The lines of the file name more than one model."),
)
"""Why a batch failed as a whole: code and message."""


def batch_id(batch: Batch) -> str:
    """The id that most vendors show."""
    return f"batch_{batch.id}"


def batch_ids(batch: Batch) -> tuple[str, ...]:
    """The same, to find a batch by."""
    return (batch_id(batch),)


def bearer(key: str) -> str:
    """The header of most vendors."""
    return f"Bearer {key}"


def error_object(key: str) -> Any:
    """A refusal that quotes the key, as some vendors do."""
    message = f"Incorrect API key provided: {key}."
    return {"error": {"message": message, "type": "invalid_request_error", "code": None}}


def json_response(status: int, body: object) -> Response:
    """A reply of JSON."""
    return Response(orjson.dumps(body), status, media_type="application/json")


@dataclass(frozen=True)
class ResultRoute:
    """Where a vendor hands out results.

    Args:
        path (str): Path below the vendor's root, with parameters as in Starlette's routes.
        answer (Answer): Answers a request that has the right key.
        is_elsewhere (bool): Whether the path begins at the root of the server instead.
        needs_key (bool): Whether a request without the key is refused.
    """

    path: str
    answer: Answer
    is_elsewhere: bool = False
    needs_key: bool = True


@dataclass(frozen=True)
class DemoVendor:
    """One vendor's endpoint on the demo server.

    Args:
        root (str): Path of the vendor's base URL; the first part is the provider's name.
        path (str): Path of the list below it.
        row (ShowRow): How a batch is shown in the list.
        page (Callable[[BatchList, Mapping[str, str]], Reply]): Answers the query parameters of a
            request.
        refusal (Callable[[str], Any]): Body of the 401, given what came in place of the key.
        key_header (str): Header that carries the key.
        key_value (Callable[[str], str]): What stands in it.
        further_headers (Mapping[str, str]): Headers without which a request is refused, too.
        read_as (Mapping[str, str | None]): Status words of the plan that the vendor has no word
            for, to those that its rows are read as.
        clock (int): Seconds in the unit of its times.
        is_newest_first (bool): Whether its list is.
        largest_list (int): Batches beyond which its list cannot be read to the end.
        results (tuple[ResultRoute, ...]): Where it hands out results; none if it has no way.
        origin (str): Address that its rows link to, which the demo replaces by its own.
    """

    root: str
    path: str
    row: ShowRow
    page: Callable[[BatchList, Mapping[str, str]], Reply]
    refusal: Callable[[str], Any] = error_object
    key_header: str = "authorization"
    key_value: Callable[[str], str] = bearer
    further_headers: Mapping[str, str] = field(default_factory=dict)
    read_as: Mapping[str, str | None] = field(default_factory=dict)
    clock: int = 1
    is_newest_first: bool = True
    largest_list: int = 1_000_000
    results: tuple[ResultRoute, ...] = ()
    origin: str = ""

    @property
    def name(self) -> str:
        """Name of the provider."""
        return self.root.split("/")[1]


def batch_object(batch: Batch, now: int) -> dict[str, Any]:
    """The batch object that most vendors share, as a moment in Unix seconds shows it."""
    status = batch.status(now)
    row: dict[str, Any] = {
        "id": batch_id(batch),
        "object": "batch",
        "endpoint": ENDPOINTS[batch.number % len(ENDPOINTS)],
        "errors": _validation_errors(batch) if status == "failed" else None,
        "input_file_id": f"file-in{batch.id}",
        "completion_window": "24h",
        "status": status,
        "output_file_id": f"file-out{batch.id}" if batch.done(now) else None,
        # one clean batch was seen with an empty text here
        "error_file_id": f"file-err{batch.id}"
        if error_lines(batch, now)
        else [None, ""][batch.number % 2],
        "created_at": batch.created_at,
        "expires_at": batch.created_at + DAY,
        **{f"{word}_at": batch.reached(word, now) for word in TIMES},
        "request_counts": {
            "total": batch.requests if status != "validating" else 0,
            "completed": batch.done(now),
            "failed": batch.failed(now),
        },
        "metadata": [None, {"team": "search", "run": str(batch.number)}][batch.number % 2],
    }
    # older batches have neither key
    if batch.number >= 40:
        ended = status == "completed"
        row["model"] = MODELS[batch.number % len(MODELS)] if ended else None
        row["usage"] = _usage(batch.done(now) if ended else 0, row["endpoint"])
    return row


def error_lines(batch: Batch, now: int) -> int:
    """Lines of a batch's error file: requests that failed, and those that never ran.

    The latter are there for small batches only: 50,000 lines that differ in nothing but their
    number would make the demo slow.
    """
    unreached = batch.unreached(now)
    return batch.failed(now) + (unreached if unreached <= MOST_UNREACHED else 0)


def _validation_errors(batch: Batch) -> dict[str, Any]:
    code, message = FAILURES[batch.number % len(FAILURES)]
    return {
        "object": "list",
        "data": [
            {
                "code": code,
                "line": batch.number,
                "message": message,
                "param": None,
            }
        ],
    }


def mean_tokens(endpoint: str) -> Tokens:
    """Tokens of a request that succeeded, on average; embeddings have input only."""
    is_embedding = endpoint.endswith("/embeddings")
    return MEAN_TOKENS._replace(cached=0, output=0, reasoning=0) if is_embedding else MEAN_TOKENS


def _usage(requests: int, endpoint: str) -> dict[str, Any]:
    tokens = mean_tokens(endpoint)
    return {
        "input_tokens": tokens.input * requests,
        "input_tokens_details": {"cached_tokens": tokens.cached * requests},
        "output_tokens": tokens.output * requests,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning * requests},
        "total_tokens": (tokens.input + tokens.output) * requests,
    }


def latest(batch: Batch, now: int) -> int:
    """When a batch last changed, in Unix seconds."""
    return max(at for at in batch.steps.values() if at <= now)


def iso(at: int | None, fraction: str = "", zone: str = "Z", hours_ahead: int = 0) -> str | None:
    """Unix seconds as ISO 8601 text, with whatever stands behind the seconds."""
    if at is None:
        return None
    moment = datetime.fromtimestamp(at, timezone(timedelta(hours=hours_ahead)))
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}{zone}"
