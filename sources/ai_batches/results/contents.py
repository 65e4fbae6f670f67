"""Reads what a file of results holds: lines, pages of JSON, a vendor's sums, or further files."""

from collections.abc import Callable, Set
from typing import Any, NamedTuple

from ..errors import RequestError
from ..http.files import BeginAgainError, Download, FileClient, FileTooLargeError, NotReadyError
from ..paginators import Reply, UntrustedPageError
from ..providers import Provider
from ..providers.results import (
    FILE_COLUMNS,
    Batch,
    ResultFile,
    ResultPages,
    Results,
    Totals,
    path_part,
)
from ..settings import Account
from .facts import FileFacts, TBatch
from .lines import LineSplitter
from .settings import ResultSettings


class Content(NamedTuple):
    """What was read of a file."""

    facts: FileFacts | None = None
    etag: str | None = None
    size: int | None = None
    """Bytes, decompressed."""
    files: tuple[ResultFile, ...] = ()
    """Further ones, if it was asked for them."""
    not_ready: str = ""
    """Why there is nothing yet; empty if there is."""


def wanted_files(
    results: Results | None, settings: ResultSettings, batch: Batch
) -> list[ResultFile]:
    """The files of a batch that are to be read.

    Args:
        results (Results | None): How the vendor hands results out; None: in no known way.
        settings (ResultSettings): What is kept.
        batch (Batch): The batch.

    Returns:
        list[ResultFile]: If the list names no files, what is to be asked for them.
    """
    if results is None:
        return [ResultFile("results", "", "")]
    if results.batch_path and not any(batch.get(column) for column in FILE_COLUMNS):
        return [ResultFile("batch", "", results.batch_path.format(path_part(str(batch["id"]))))]
    is_wanted = settings.mode != "errors"
    return [file for file in results.files(batch) if is_wanted or file.kind != "output"]


class FileContents:
    """Reads files of one batch.

    Args:
        client (FileClient): Asks for them.
        provider (Provider): Whose batch it is.
        account (Account): What is kept.
        batch (TBatch): The batch.
        seen (Set[str]): Keys of requests that earlier files of the batch have.
    """

    def __init__(
        self,
        client: FileClient,
        provider: Provider,
        account: Account,
        batch: TBatch,
        seen: Set[str],
    ) -> None:
        self._client = client
        self._provider = provider
        self._account = account
        self._batch = batch
        self._seen = seen
        self._max_bytes = account.results.max_mb * 1_000_000

    def read(self, file: ResultFile, results: Results) -> Content:
        """Reads a file to its end.

        Args:
            file (ResultFile): The file.
            results (Results): How the vendor hands results out.

        Returns:
            Content: What it holds.

        Raises:
            FileTooLargeError: If it is larger than `results_max_mb`.
            Exception: As of `FileClient`, if it could not be read.
        """
        if file.kind == "batch":
            return self._look_up(file, results)
        facts = self._new_facts(file, results)
        if results.totals:
            totals = self._totals(results.totals, file)
            if totals is None:
                return Content(not_ready="It is not there yet.")
            facts.add_totals(totals)
            return Content(facts)
        address = results.address(self._client.root, file.path) if results.address else file.path
        pages = results.pages(file) if results.pages else None
        if pages:
            return Content(facts, size=self._read_pages(address, pages, facts))
        download = self._client.download(address, self._max_bytes, results.links.get(file.kind, ""))
        return self._read_lines(download, file, results, facts)

    def _new_facts(self, file: ResultFile, results: Results) -> FileFacts:
        return FileFacts(self._batch, file, results, self._account.results, self._seen)

    def _look_up(self, file: ResultFile, results: Results) -> Content:
        """Asks for the files of a single batch, which the list does not name."""
        reply = self._client.reply(file.path, {})
        fields = self._provider.fields
        named = {column: reply.field(fields[column]) or None for column in FILE_COLUMNS}
        if not any(named.values()):
            # it is done with
            return Content()
        batch = {"id": self._batch[2], **named}
        return Content(files=tuple(wanted_files(results, self._account.results, batch)))

    def _read_lines(
        self, download: Download, file: ResultFile, results: Results, facts: FileFacts
    ) -> Content:
        while True:
            lines = LineSplitter()
            try:
                for chunk in download.chunks():
                    for line in lines.feed(chunk):
                        facts.add(line)
                break
            except BeginAgainError:
                facts.close()
                facts = self._new_facts(file, results)
            except NotReadyError:
                facts.close()
                return Content(not_ready="The vendor has no address for it yet.")
        for line in lines.end():
            facts.add(line)
        mark = results.incomplete_header
        if mark and download.headers.get(mark, "").lower() == "true":
            facts.close()
            return Content(not_ready="The vendor is still writing it.")
        return Content(facts, download.etag, download.read)

    def _totals(
        self, read: Callable[[ResultFile], Totals | None], file: ResultFile
    ) -> Totals | None:
        problem = "its library is not installed"
        try:
            return read(file)
        except ImportError:
            pass
        except Exception as ex:
            # what libraries say of credentials may quote them
            problem = f"its library fails ({type(ex).__name__})"
        raise RequestError(
            self._provider.name,
            self._account.name,
            f"the {file.kind} of a batch cannot be read: {problem}",
            "See docs/results.md for what it needs; its credentials must be allowed to read there.",
        )

    def _read_pages(self, address: str, pages: ResultPages, facts: FileFacts) -> int:
        """Reads pages to the last one; returns their bytes."""
        position: Any = None
        met, size = set(), 0
        while True:
            params = dict(pages.params)
            if position is not None:
                params[pages.position_param] = str(position)
            reply = self._client.reply(address, params)
            size += reply.size
            if size > self._max_bytes:
                raise FileTooLargeError(size)
            for row in _rows(reply, pages):
                facts.add_value(row, facts.lines + 1)
            position = reply.field(pages.next_field) if pages.next_field else None
            if position in (None, "", False):
                if isinstance(reply.body, dict) and reply.body.get("has_more") is True:
                    raise UntrustedPageError("a page of results promises more, and not where")
                return size
            if str(position) in met:
                raise UntrustedPageError("the pages of results go in a circle")
            met.add(str(position))


def _rows(reply: Reply, pages: ResultPages) -> list[Any]:
    rows, body = reply.field(pages.data_selector), reply.body
    if rows is None and isinstance(body, dict) and pages.empty_reply is not None:
        # an error with a status of success is not an empty list
        rows = [] if body.keys() <= pages.empty_reply else None
    if not isinstance(rows, list):
        raise UntrustedPageError(f"the reply has no list of results under `{pages.data_selector}`")
    return rows
