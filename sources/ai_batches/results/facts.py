"""Reads the lines of one file of results: counts them, and keeps facts as far as the user wants."""

from collections import Counter
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from typing import Any

import orjson
import pyarrow as pa

from .. import lenient_json
from ..display import shown
from ..providers.results import RequestFacts, ResultFile, Results, Totals
from .lines import Line
from .settings import ResultSettings
from .spool import Spool, storable
from .tables import LONG_CONTEXT, REQUESTS, SUMMED, USAGE

_MESSAGE = 500
"""Characters of an error's message that are kept."""
_SUMMED = tuple(RequestFacts._fields.index(name) for name in SUMMED)

_LARGEST_COST = Decimal(10) ** 9
"""Dollars that a column does not hold."""

_UNREADABLE = RequestFacts(outcome="unknown")

TBatch = tuple[str, str, str]
"""Provider, account and id."""


@dataclass
class Sums:
    """Sums of the requests of a batch with one model and outcome."""

    requests: int = 0
    totals: list[Any] = field(default_factory=lambda: [None] * len(SUMMED))
    errors: Counter[str] = field(default_factory=Counter)
    long_context: int | None = 0

    def add(self, facts: RequestFacts) -> None:
        """Adds a request."""
        self.requests += 1
        for place, index in enumerate(_SUMMED):
            value = facts[index]
            if value is not None:
                total = self.totals[place]
                self.totals[place] = value if total is None else total + value
        if facts.outcome != "succeeded" and (error := facts.error_code or facts.error_type):
            self.errors[storable(error)] += 1
        if self.long_context is not None and (facts.input_tokens or 0) > LONG_CONTEXT:
            self.long_context += 1

    def add_sums(self, other: "Sums") -> None:
        """Adds the sums of another file."""
        self.requests += other.requests
        for place, value in enumerate(other.totals):
            if value is not None:
                self.totals[place] = (self.totals[place] or 0) + value
        self.errors += other.errors
        if self.long_context is not None and other.long_context is not None:
            self.long_context += other.long_context
        else:
            self.long_context = None


Usage = dict[tuple[str, str], Sums]
"""Sums by model, empty if it is not reported, and outcome."""


class FileFacts:
    """What was read of one file so far.

    Args:
        batch (TBatch): Whose file it is.
        file (ResultFile): The file.
        results (Results): How the vendor's lines are read.
        settings (ResultSettings): What is kept.
        seen (Set[str]): Keys of requests that earlier files of the batch have.
    """

    def __init__(
        self,
        batch: TBatch,
        file: ResultFile,
        results: Results,
        settings: ResultSettings,
        seen: Set[str],
    ) -> None:
        self.lines = 0
        self.bad_lines = 0
        self.usage: Usage = {}
        self.keys: set[str] = set()
        self._sums: dict[tuple[str | None, str], Sums] = {}
        """The same as `usage`, by the model as it was sent."""
        self._batch = batch
        self._file = file
        self._read: Any = results.read
        self._custom_id = results.custom_id
        self._settings = settings
        self._seen = seen
        self._keeps_all = settings.mode == "all"
        self._keeps_failed = settings.mode == "errors"
        self._spool = Spool(REQUESTS.read_schema)

    def add(self, line: Line) -> None:
        """Reads a line of a file."""
        value: Any = None
        if line.text is not None:
            try:
                value = orjson.loads(line.text)
            except orjson.JSONDecodeError:
                value = _loaded(line.text)
        self.add_value(value, line.number, line.size)

    def add_value(self, value: Any, number: int, size: int | None = None) -> None:
        """Reads the value of a line.

        Args:
            value (Any): What the line holds; anything but an object counts as unreadable.
            number (int): Of the line, from 1 on.
            size (int | None): Bytes of the line.
        """
        self.lines += 1
        facts, custom_id = _UNREADABLE, None
        try:
            if isinstance(value, dict):
                facts, custom_id = self._read(value, self._file.kind), self._custom_id(value)
        except Exception:
            # of a shape that nobody documents
            value = None
        if not isinstance(value, dict):
            self.bad_lines += 1
        if facts.error_message is not None:
            said = shown(facts.error_message, _MESSAGE) if self._settings.error_text else None
            facts = facts._replace(error_message=said)
        key = (facts.model, facts.outcome)
        sums = self._sums.get(key)
        if sums is None:
            name = storable(facts.model or "")
            sums = self._sums[key] = self.usage.setdefault((name, facts.outcome), Sums())
        sums.add(facts)
        if self._keeps_all or (self._keeps_failed and facts.outcome != "succeeded"):
            request_key, kept_id = self._key(custom_id, number)
            self._spool.add((*self._batch, request_key, kept_id, *facts, number, size))

    def add_totals(self, totals: Totals) -> None:
        """Takes a vendor's own sums; what succeeded has all tokens, as nobody else has."""
        tokens = [None] * len(SUMMED)
        succeeded, failed = totals.succeeded or 0, totals.failed or 0
        self.lines = succeeded + failed
        if totals.succeeded is not None:
            known: list[Any] = list(tokens)
            known[SUMMED.index("input_tokens")] = totals.input_tokens
            known[SUMMED.index("output_tokens")] = totals.output_tokens
            self.usage["", "succeeded"] = Sums(succeeded, known, long_context=None)
        if failed:
            self.usage["", "failed"] = Sums(failed, list(tokens), long_context=None)

    def tables(self) -> Iterator[pa.Table]:
        """Yields rows of `batch_requests`, without the load, once."""
        return self._spool.tables()

    def close(self) -> None:
        """Forgets the rows."""
        self._spool.close()

    def _key(self, custom_id: Any, number: int) -> tuple[str, str | None]:
        """The request's key, which stands once in its batch; and what is kept of its own id."""
        place = f"{self._file.kind}:{number}"
        if custom_id is None or custom_id == "" or isinstance(custom_id, (dict, list)):
            return place, None
        kept = str(custom_id)
        if "\x00" in kept:
            kept = kept.replace("\x00", lenient_json.REPLACEMENT)
        if self._settings.custom_id == "hash":
            kept = sha256(kept.encode("utf-8", "replace")).hexdigest()
        elif self._settings.custom_id == "drop":
            return place, None
        kind, _, digits = kept.partition(":")
        # an id that looks like a place would be taken for it
        is_place = digits.isdecimal() and kind in ("output", "error", "results")
        if is_place or kept in self.keys or kept in self._seen:
            return place, kept
        self.keys.add(kept)
        return kept, kept


def usage_table(batch: TBatch, usage: Usage) -> pa.Table:
    """Rows of `batch_usage` for one batch, without the load."""
    rows: list[Mapping[str, Any]] = []
    for (model, outcome), sums in usage.items():
        top = sums.errors.most_common(1)
        rows.append(
            {
                **dict(zip(USAGE.columns, batch, strict=False)),
                "model": model,
                "outcome": outcome,
                "requests": sums.requests,
                **dict(zip(SUMMED, map(_storable_sum, sums.totals), strict=True)),
                "top_error_code": top[0][0] if top else None,
                "top_error_count": top[0][1] if top else None,
                "requests_long_context": sums.long_context,
            }
        )
    return pa.Table.from_pylist(rows, USAGE.read_schema)


def _storable_sum(total: Any) -> Any:
    """A sum; None if it is larger than its column, as only senseless numbers make it."""
    if total is None:
        return None
    return total if total < (_LARGEST_COST if isinstance(total, Decimal) else 2**63) else None


def _loaded(text: bytes) -> Any:
    """A line that only a patient parser can read; None if nobody can."""
    try:
        return lenient_json.loads(text)
    except ValueError:
        return None
