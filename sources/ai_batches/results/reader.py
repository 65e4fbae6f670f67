"""Reads the results of an account's batches, one batch after the other, in a worker."""

from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pyarrow as pa
from requests import HTTPError, RequestException

from ..account_feed import AccountFeed
from ..errors import (
    AiBatchesError,
    AuthenticationError,
    RequestError,
    TimeUpError,
    TransientRequestError,
)
from ..http.files import FileClient, FileTooLargeError
from ..http.session import BrokenFileError
from ..http.time_limit import Pause
from ..paginators import UntrustedPageError
from ..providers import Provider
from ..providers.authentication import CredentialsError
from ..providers.results import (
    Batch,
    ResultFile,
)
from ..settings import Account, ProviderSettings
from ..timestamps import to_microseconds
from .contents import FileContents, wanted_files
from .facts import FileFacts, TBatch, Usage, usage_table
from .run import AccountWork, ResultsRun
from .tables import FILES, LISTED, REQUESTS, USAGE, ResultTable

_GONE = (404, 410)
_READY_AFTER = timedelta(days=2)
"""After the end of a batch: what is not there then does not come."""
_RUNS_BEFORE_GONE = 3
"""Runs in a row in which a file is not found before it counts as deleted early."""


class ResultPortion(NamedTuple):
    """Rows of one table."""

    table: ResultTable
    rows: pa.Table
    """Without the load."""
    replaces: bool = False
    """Of `batch_files`: as of `Proof`."""


class _Outcome(NamedTuple):
    """What came of a file."""

    word: str
    error: str | None = None
    etag: str | None = None
    size: int | None = None
    facts: FileFacts | None = None
    files: tuple[ResultFile, ...] = ()
    """Further ones, if it was asked for them."""
    not_found: int = 0
    """Runs in a row in which there was no such file."""


class ResultReader(AccountFeed[ResultPortion, FileClient]):
    """Reads results of batches of one account, which it shares with other readers.

    Args:
        provider (Provider): Whose batches they are.
        settings (ProviderSettings): The user's settings for it.
        account (Account): Whose key to send.
        run (ResultsRun): The run that reads.
        work (AccountWork): What is left to be read.
        pause (Pause): Shared with readers of the same key.
    """

    def __init__(
        self,
        provider: Provider,
        settings: ProviderSettings,
        account: Account,
        run: ResultsRun,
        work: AccountWork,
        pause: Pause,
    ) -> None:
        super().__init__(provider, settings, account, FileClient)
        self._run = run
        self._work = work
        self._pause = pause

    def read(self) -> Iterator[ResultPortion]:
        """Reads what is left.

        Yields:
            ResultPortion: The rows of a batch, and in the end what says that they are loaded.
        """
        deadline = self._run.request.deadline
        with self._connected(None, deadline, None, self._pause) as client:
            while client and self._work.batches and not self._is_over:
                try:
                    batch = self._work.batches.popleft()
                except IndexError:
                    # another reader was faster
                    break
                try:
                    yield from self._read_batch(client, batch)
                except TimeUpError:
                    # what was read of it does not count
                    self._work.batches.appendleft(batch)
                    break

    def fail(self, error: Exception) -> AiBatchesError:
        """Has nothing more be read of the account in this run.

        Args:
            error (Exception): What `read` raised.

        Returns:
            AiBatchesError: The error to raise or to report, which says what to do.
        """
        explained = self.explain(error)
        self._work.stop(explained)
        return explained

    @property
    def _is_over(self) -> bool:
        return self.is_cut or self._run.is_over or self._work.is_stopped

    def _read_batch(self, client: FileClient, batch: Batch) -> Iterator[ResultPortion]:
        """Reads all files of a batch, also those that were read before: its sums need them."""
        key = (self.provider.name, self.account.name, str(batch["id"]))
        usage: Usage = {}
        seen: set[str] = set()
        records: list[dict[str, Any]] = []
        # of what was loaded before, and cannot be read now
        is_kept = False
        files = deque(wanted_files(self.provider.results, self.account.results, batch))
        with ExitStack() as stack:
            found = []
            while files and not self._work.is_stopped:
                file = files.popleft()
                asked = client.requests
                done = self._read_file(client, batch, key, file, seen)
                self._work.note_requests(client.requests - asked)
                self._work.note_outcome(done.word)
                # what was loaded before, and is gone or broken now, stays so
                if done.word == "loaded" or not batch.get(f"{file.kind}_loaded"):
                    records.append(self._record(batch, key, file, done))
                else:
                    is_kept = True
                files.extend(done.files)
                if done.facts:
                    stack.callback(done.facts.close)
                    found.append(done.facts)
                    if files:
                        # else nobody asks, and there may be millions
                        seen |= done.facts.keys
            for facts in found:
                self._work.note_lines(facts.lines)
                for table in facts.tables():
                    yield ResultPortion(REQUESTS, table)
                for name, sums in facts.usage.items():
                    if name in usage:
                        usage[name].add_sums(sums)
                    else:
                        usage[name] = sums
        if files:
            # another reader has found that nothing more can be read: it is tried again
            records = [row for row in records if row["kind"] != "batch"]
        if usage and self.account.results.mode != "errors" and not is_kept:
            yield ResultPortion(USAGE, usage_table(key, usage))
        if records:
            replaces = bool(found) and not is_kept and not files
            rows = pa.Table.from_pylist(records, FILES.read_schema)
            yield ResultPortion(FILES, rows, replaces)

    def _read_file(
        self, client: FileClient, batch: Batch, key: TBatch, file: ResultFile, seen: set[str]
    ) -> _Outcome:
        results = self.provider.results
        if results is None:
            why = f"No results of {self.provider.title} are read. docs/results.md says why."
            return _Outcome("unsupported", why)
        if "://" in file.ref and results.totals is None:
            return _Outcome(
                "unsupported",
                "It lies in storage of your own, which this source does not read.",
            )
        contents = FileContents(client, self.provider, self.account, key, seen)
        try:
            read = contents.read(file, results)
        except TimeUpError:
            raise
        except FileTooLargeError as ex:
            limit = self.account.results.max_mb
            return _Outcome(
                "too_large",
                f"It is larger than {limit:,} MB. Raise `results_max_mb` to read it.",
                size=ex.size,
            )
        except Exception as ex:
            return self._failed(client, batch, file, ex)
        self._work.note_success()
        if read.not_ready:
            ended = _moment(batch.get("ended_at"))
            if ended and datetime.now(UTC) - ended > _READY_AFTER:
                return _Outcome("expired", f"{read.not_ready} The batch ended days ago.")
            return _Outcome("not_ready", read.not_ready)
        return _Outcome("loaded", None, read.etag, read.size, read.facts, read.files)

    def _failed(
        self, client: FileClient, batch: Batch, file: ResultFile, error: Exception
    ) -> _Outcome:
        """What came of a file that could not be read."""
        is_gone = (
            isinstance(error, HTTPError)
            and error.response is not None
            and error.response.status_code in _GONE
        )
        until = self._available_until(batch)
        not_found = is_gone + is_gone * int(batch.get(f"{file.kind}_not_found") or 0)
        is_late = until is not None and until <= datetime.now(UTC)
        if not_found >= _RUNS_BEFORE_GONE or (is_gone and is_late):
            return _Outcome("expired", "The vendor has deleted it.", not_found=not_found)
        explained = self._explained(client, file, error)
        self._work.note_failure(explained, is_of_file=is_gone)
        is_refused = isinstance(explained, (AuthenticationError, RequestError)) and not is_gone
        word = "refused" if is_refused else "broken"
        return _Outcome(word, f"{explained.problem}. {explained.remedy}", not_found=not_found)

    def _explained(self, client: FileClient, file: ResultFile, error: Exception) -> AiBatchesError:
        if isinstance(error, BrokenFileError):
            return TransientRequestError(
                self.provider.name,
                self.account.name,
                f"the file {file.kind} of a batch breaks off again and again",
                "The next run tries again.",
            )
        if isinstance(error, (RequestException, UntrustedPageError, CredentialsError)):
            error = client.explained(error, file.path)
        if isinstance(error, TimeUpError):
            raise error
        return self.explain(error)

    def _available_until(self, batch: Batch) -> datetime | None:
        results = self.provider.results
        start = _moment(batch.get(results.kept_from)) if results else None
        start = start or _moment(batch.get("created_at"))
        return start + timedelta(days=results.days) if start and results else None

    def _record(
        self, batch: Batch, key: TBatch, file: ResultFile, done: _Outcome
    ) -> dict[str, Any]:
        """A row of `batch_files`."""
        facts = done.facts
        is_foreign = "://" in file.ref and not file.ref.startswith("s3://")
        return {
            **dict(zip(FILES.columns, key, strict=False)),
            "kind": file.kind,
            "file_ref": None if is_foreign or not file.ref else file.ref,
            "results": self.account.results.mode,
            "etag": done.etag,
            "outcome": done.word,
            "error": done.error,
            "bytes": done.size,
            "lines": facts.lines if facts else None,
            "bad_lines": facts.bad_lines if facts else None,
            "attempts": int(batch.get("attempts") or 0) + 1,
            "not_found": done.not_found,
            "loaded_at": datetime.now(UTC) if done.word == "loaded" else None,
            "available_until": self._available_until(batch),
            **{name: batch.get(column) for name, column in LISTED.items()},
            "listed_ended_at": _moment(batch.get("ended_at")),
        }


def _moment(value: Any) -> datetime | None:
    """A moment as databases return it: with a time zone or in UTC, or as a text."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    microseconds = to_microseconds(value)
    if microseconds is None:
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
