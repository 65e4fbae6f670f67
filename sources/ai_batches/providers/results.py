"""What a provider declares of results: where the outcome of each request is, and how it reads."""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from decimal import Decimal
from operator import methodcaller
from typing import Any, Literal, NamedTuple, get_args
from urllib.parse import quote

FileKind = Literal["output", "error", "results", "manifest", "batch"]
"""What is read: `results` is one place for both outcomes, `manifest` has sums only, and `batch` is
a single batch that is asked for its files."""

FILE_KINDS: tuple[FileKind, ...] = get_args(FileKind)

BATCH_COLUMNS = (
    "provider",
    "account",
    "id",
    "status",
    "model",
    "endpoint",
    "output_file_id",
    "error_file_id",
    "requests_total",
    "requests_completed",
    "requests_failed",
    "created_at",
    "ended_at",
)
"""Columns of `batches` that a batch has whose results are to be read."""

FILE_COLUMNS = ("output_file_id", "error_file_id")
"""Columns of `batches` that name files, at most vendors."""

Batch = Mapping[str, Any]
"""An ended batch, with `BATCH_COLUMNS`; and, of what was tried before, the number of `attempts`
and by kind of file `<kind>_loaded` (whether it was loaded once) and `<kind>_not_found` (runs in a
row in which there was no such file)."""


class ResultFile(NamedTuple):
    """Something to be read that holds outcomes of requests."""

    kind: FileKind
    ref: str
    """Its id or path, as it is stored; never a signed address."""
    path: str
    """Where it is, below the API root."""


class RequestFacts(NamedTuple):
    """What is kept of one request's line: facts, never what was asked or answered."""

    outcome: str
    """succeeded, failed, expired, cancelled or unknown."""
    status_code: int | None = None
    error_type: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    request_id: str | None = None
    model: str | None = None
    finish_reason: str | None = None
    service_tier: str | None = None
    has_output: bool = False
    input_tokens: int | None = None
    """Cached ones included, whatever the vendor's own number includes."""
    cached_input_tokens: int | None = None
    cache_write_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    web_searches: int | None = None
    reported_cost_usd: Decimal | None = None


class ResultPages(NamedTuple):
    """Results that come in pages of JSON instead of a file of lines."""

    data_selector: str
    """Field of a reply that holds the list, nested ones with dots."""
    position_param: str = ""
    """Query parameter that asks for the next page; empty: there is one page."""
    next_field: str = ""
    """Field of a reply that holds its value; unset on the last page."""
    params: Mapping[str, str] = {}
    """Further query parameters."""
    empty_reply: Set[str] | None = None
    """Fields of which a reply may consist that leaves the list out; None if it has an empty one."""


class Totals(NamedTuple):
    """A vendor's own sums, if it gives no lines."""

    succeeded: int | None
    """Requests."""
    failed: int | None
    """Requests."""
    input_tokens: int | None
    output_tokens: int | None


@dataclass(frozen=True)
class Results:
    """How a vendor hands out what became of each request of a batch.

    Args:
        files (Callable[[Batch], Iterable[ResultFile]]): The files of an ended batch.
        read (Callable[[Mapping[str, Any], FileKind], RequestFacts] | None): Reads a line. It may
            raise whatever an odd line makes it raise. None: there are `totals`.
        custom_id (Callable[[Mapping[str, Any]], Any]): Gives the id of a line's request that its
            user chose.
        batch_path (str): Path of a single batch below the API root, with `{}` for its id, which is
            asked for its files; empty if the list names them.
        file_columns (Sequence[str]): Columns of `batches` that name its files; a batch without any
            has no results. Empty: each ended batch has some.
        days (int): Days for which the vendor keeps results, from `kept_from` on.
        kept_from (str): Column of `batches`: `created_at`, or `ended_at`.
        address (Callable[[str, str], str] | None): Gives the address of a file, from the API root
            and its path; None: the path is below the root.
        links (Mapping[FileKind, str]): By kind of file, field of the JSON at its path that holds
            an address, signed for a short while, to read it at; empty: the path is the file's own.
        pages (Callable[[ResultFile], ResultPages | None] | None): How a file that is not one of
            lines is read; None: all are.
        incomplete_header (str): Header that is `true` while a file is being written.
        totals (Callable[[ResultFile], Totals | None] | None): Reads sums in place of lines, with a
            library of the vendor; returns None if they are not there yet.
    """

    files: Callable[[Batch], Iterable[ResultFile]]
    read: Callable[[Mapping[str, Any], FileKind], RequestFacts] | None = None
    custom_id: Callable[[Mapping[str, Any]], Any] = methodcaller("get", "custom_id")
    batch_path: str = ""
    file_columns: Sequence[str] = ()
    days: int = 30
    kept_from: str = "ended_at"
    address: Callable[[str, str], str] | None = None
    links: Mapping[FileKind, str] = field(default_factory=dict)
    pages: Callable[[ResultFile], ResultPages | None] | None = None
    incomplete_header: str = ""
    totals: Callable[[ResultFile], Totals | None] | None = None


def path_part(ref: str) -> str:
    """An id, quoted so that it stays one part of a path."""
    quoted = quote(ref, safe="")
    # a client would take dots for folders
    return quoted.replace(".", "%2E") if set(quoted) == {"."} else quoted


def file_contents(path: str = "/files/{}/content") -> Callable[[Batch], list[ResultFile]]:
    """Output and error file, by the ids in the row of a batch, as most vendors have them.

    Args:
        path (str): Path of a file's content below the API root, with `{}` for the id of the file,
            or `{batch}` for that of the batch.

    Returns:
        Callable[[Batch], list[ResultFile]]: For `Results.files`.
    """

    def files(batch: Batch) -> list[ResultFile]:
        refs: Sequence[tuple[FileKind, str | None]] = (
            ("output", batch["output_file_id"]),
            ("error", batch["error_file_id"]),
        )
        batch_id = path_part(str(batch["id"]))
        return [
            ResultFile(kind, ref, path.format(path_part(ref), batch=batch_id))
            for kind, ref in refs
            if ref
        ]

    return files


def results_of_batch(path: str) -> Callable[[Batch], list[ResultFile]]:
    """One place for all results of a batch, by its id.

    Args:
        path (str): Its path below the API root.

    Returns:
        Callable[[Batch], list[ResultFile]]: For `Results.files`.
    """
    return lambda batch: [
        ResultFile("results", batch["id"], path.format(path_part(str(batch["id"]))))
    ]
