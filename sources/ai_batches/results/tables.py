"""The tables of results: `batch_requests`, `batch_usage` and `batch_files`."""

from collections.abc import Mapping
from typing import NamedTuple

import pyarrow as pa
from dlt.common.schema.typing import TTableSchemaColumns

from ..providers.results import RequestFacts

_TEXT = pa.string()
_BIGINT = pa.int64()
_BOOL = pa.bool_()
_MOMENT = pa.timestamp("us", tz="UTC")
_DOLLARS = pa.decimal128(18, 9)

Columns = Mapping[str, tuple[pa.DataType, str]]
"""Type and description of every column, in order."""

_LOAD = (_TEXT, "Load in which it was last read; `_dlt_loads` has its time")

_BATCH: Columns = {
    "provider": (_TEXT, "Vendor API that lists the batch"),
    "account": (_TEXT, "Name of the API key whose list shows the batch"),
    "batch_id": (_TEXT, "The provider's identifier of the batch"),
}

_TOKENS: Columns = {
    "input_tokens": (_BIGINT, "Input tokens, cached ones included, at every vendor"),
    "cached_input_tokens": (_BIGINT, "Input tokens read from a cache"),
    "cache_write_tokens": (_BIGINT, "Input tokens written to a cache"),
    "output_tokens": (_BIGINT, "Output tokens, reasoning included"),
    "reasoning_tokens": (_BIGINT, "Output tokens spent on reasoning"),
    "web_searches": (_BIGINT, "Web searches that the model made"),
    "reported_cost_usd": (_DOLLARS, "Cost that the vendor reports, in US dollars"),
}

_FACTS: Columns = {
    "outcome": (_TEXT, "succeeded, failed, expired, cancelled or unknown"),
    "status_code": (_BIGINT, "HTTP status of the reply to the request"),
    "error_type": (_TEXT, "Kind of the error, as the vendor names it"),
    "error_code": (_TEXT, "Code of the error, as the vendor names it"),
    "error_message": (_TEXT, "What the vendor says of the error, 500 characters at most"),
    "request_id": (_TEXT, "The vendor's identifier of the request"),
    "model": (_TEXT, "Model that answered"),
    "finish_reason": (_TEXT, "Why the model stopped"),
    "service_tier": (_TEXT, "Tier at which the request was run"),
    "has_output": (_BOOL, "Whether there is an answer, which is not kept"),
    **_TOKENS,
}

REQUEST_COLUMNS: Columns = {
    **_BATCH,
    "request_key": (
        _TEXT,
        "`custom_id`; or the kind of file and the line's number, such as `output:17`, if that is"
        " missing, repeated or not kept",
    ),
    "custom_id": (_TEXT, "Identifier that was given to the request"),
    **_FACTS,
    "line_number": (_BIGINT, "Number of its line in the file, from 1 on"),
    "line_bytes": (_BIGINT, "Length of its line in bytes; null if it came in a page"),
    "_dlt_load_id": _LOAD,
}

LONG_CONTEXT = 200_000
"""Input tokens beyond which a request counts as one of long context."""

USAGE_COLUMNS: Columns = {
    **_BATCH,
    "model": (_TEXT, "Model that answered; empty if not reported"),
    "outcome": (_TEXT, "succeeded, failed, expired, cancelled or unknown"),
    "requests": (_BIGINT, "Requests with this model and outcome"),
    **_TOKENS,
    "top_error_code": (_TEXT, "Most frequent code, or else type, of an error"),
    "top_error_count": (_BIGINT, "Requests with that error"),
    "requests_long_context": (
        _BIGINT,
        f"Requests with more than {LONG_CONTEXT:,} input tokens; null if only sums are reported",
    ),
    "_dlt_load_id": _LOAD,
}

FILE_COLUMNS: Columns = {
    **_BATCH,
    "kind": (
        _TEXT,
        "output, error, results (one place for both), manifest (sums only) or batch (a single batch"
        " that was asked for its files)",
    ),
    "file_ref": (_TEXT, "Identifier or path of the file; never a signed address"),
    "results": (_TEXT, "The setting `results` under which it was read: errors, totals or all"),
    "etag": (_TEXT, "Version of the file that was read, as the server names it"),
    "outcome": (
        _TEXT,
        "loaded, not_ready, expired, too_large, refused, broken or unsupported; only `loaded` says"
        " that all of it was read",
    ),
    "error": (_TEXT, "Why it was not loaded, and what to do"),
    "bytes": (_BIGINT, "Length in bytes, decompressed, as far as it was read"),
    "lines": (_BIGINT, "Lines that are not blank"),
    "bad_lines": (_BIGINT, "Those that could not be read, or are too long to be"),
    "attempts": (_BIGINT, "Runs that tried to read it"),
    "not_found": (_BIGINT, "Runs in a row, up to the last one, in which there was no such file"),
    "loaded_at": (_MOMENT, "When all of it was read (UTC)"),
    "available_until": (_MOMENT, "When the vendor deletes it, as documented (UTC)"),
    "listed_ended_at": (_MOMENT, "`ended_at` of the batch as it was listed then (UTC)"),
    "listed_total": (_BIGINT, "`requests_total` of the batch as it was listed then"),
    "listed_completed": (_BIGINT, "`requests_completed` of the batch as it was listed then"),
    "listed_failed": (_BIGINT, "`requests_failed` of the batch as it was listed then"),
    "_dlt_load_id": _LOAD,
}


class ResultTable(NamedTuple):
    """A table of results."""

    name: str
    description: str
    columns: Columns
    primary_key: tuple[str, ...]

    @property
    def schema(self) -> pa.Schema:
        """The columns of Arrow."""
        required = {*self.primary_key, "_dlt_load_id"}
        return pa.schema(
            pa.field(name, kind, nullable=name not in required)
            for name, (kind, _) in self.columns.items()
        )

    @property
    def read_schema(self) -> pa.Schema:
        """The columns of what was read: all but the load, which is known later."""
        return self.schema.remove(len(self.columns) - 1)

    @property
    def hints(self) -> TTableSchemaColumns:
        """Descriptions of the columns, as hints of dlt."""
        return {name: {"description": text} for name, (_, text) in self.columns.items()}


_KEY = tuple(_BATCH)

REQUESTS = ResultTable(
    "batch_requests",
    "One row per request of a batch whose results were read: facts, no prompts or outputs",
    REQUEST_COLUMNS,
    (*_KEY, "request_key"),
)
USAGE = ResultTable(
    "batch_usage",
    "One row per batch, model and outcome of its requests, for batches whose results were read",
    USAGE_COLUMNS,
    (*_KEY, "model", "outcome"),
)
FILES = ResultTable(
    "batch_files",
    "One row per file of results: what was to be read, and the proof of what was",
    FILE_COLUMNS,
    (*_KEY, "kind"),
)
TABLES = (REQUESTS, USAGE, FILES)

LISTED = {
    "listed_ended_at": "ended_at",
    "listed_total": "requests_total",
    "listed_completed": "requests_completed",
    "listed_failed": "requests_failed",
}
"""Columns of `batch_files` by which a batch is known to have changed since, and their origin in
`batches`."""

SUMMED = tuple(_TOKENS)
"""Columns of `batch_usage` that are sums of those of `batch_requests`."""

assert RequestFacts._fields == tuple(_FACTS)  # noqa: S101
