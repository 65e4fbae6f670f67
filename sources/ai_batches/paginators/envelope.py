"""The fields of a reply beside its rows that promise more rows, whatever the server calls them.

Servers that copy a vendor's list often page in their own way. A declaration names the fields of its
vendor; any other promise of more rows is found here, so that it is followed or refused, and never
overlooked.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from .reply import Reply


def _named(pattern: str) -> re.Pattern[str]:
    """A pattern for names of fields, however they are spelled: `has_more`, `hasMore`, `HasMore`."""
    return re.compile(pattern.replace("_", "_?"), re.IGNORECASE)


_PROMISES = _named("next|cursor|token(?!s|i[sz])|more(?!_info)|(?<!dis)continu")
_FORWARD = _named("next|more(?!_info)|(?<!dis)continu")
_BACKWARD = _named("prev|before|first|start|self|current")
_COUNTS = _named("count|limit|usage|total|max|type")
"""Words beside `token` that make it a unit of text, or a kind of key."""
_IS_LAST = _named("(is_)?last(_page)?")
_IS_CUT = _named("((is|was)_)?(truncated|partial|incomplete(_results)?)")
_TOTAL = _named(
    "total|count|total_(count|size|items|results|rows|records|elements|batches|number)"
    "|(item|row|record|result|batch)_count"
)
_PAGE_SIZE = _named("((page|max)_)?(limit|size)|max_(results|items)|per_page|take")
_NEXT_HEADER = re.compile("x-.*next-(page|cursor|token|offset)", re.IGNORECASE)
_ADDRESS = re.compile(r"\w+://|[/?]")

_ERROR = _named("errors?|exceptions?|failures?|fault")
_REPORT = _named("((error|status)_)?(message|msg|details?|reason|code|status)")
_SUCCESS = _named("(is_)?(success|successful|ok)")
_FINE = frozenset({"0", "200", "ok", "success", "successful", "succeeded", "completed", "done"})


class Promise(NamedTuple):
    """A field of a reply that promises more rows."""

    path: str
    """Path of the field, nested ones with dots; a header by its name."""
    value: Any


class Envelope:
    """A reply without its rows.

    Args:
        reply (Reply): The reply.
        rows (object): The list of rows in the body, which is not looked into.
        known (Collection[str]): Paths of fields that mean something else, or that are followed.
    """

    def __init__(self, reply: Reply, rows: object, known: Collection[str] = ()) -> None:
        self._reply = reply
        self._rows = rows
        self._known = known

    @property
    def promise(self) -> Promise | None:
        """The field that promises more rows; None if there is none, or another one denies it.

        Null, empty, zero and false promise nothing; nor does a position that was sent and is
        repeated.
        """
        promises = [*self._promises(), *self._promises_of_headers()]
        certain = next((each for each in promises if each.value is True), None)
        if certain is None and any(_says_end(key, value) for _, key, value in self._leaves()):
            return None
        return certain or next(iter(promises), None)

    def cursor(self, ids: Collection[str]) -> Promise | None:
        """A text that can be sent to get the next page, and is not the id of a row.

        Args:
            ids (Collection[str]): Ids of the rows of the page.

        Returns:
            Promise | None: None if there is no such text, or the reply says that the list ends.
        """
        for each in self._promises() if self.promise else ():
            text = each.value
            is_text = isinstance(text, str) and text not in ids and not _ADDRESS.match(text)
            if is_text and "[]" not in each.path:
                return each
        return None

    @property
    def total(self) -> int | None:
        """How many rows the list has, by the largest number that the reply gives for that."""
        return max(self._numbers(_TOTAL), default=None)

    def names_page_size(self, rows: int) -> bool:
        """Whether the reply gives this number of rows as the size of a page."""
        return rows in self._numbers(_PAGE_SIZE)

    def _numbers(self, names: re.Pattern[str]) -> Iterator[int]:
        for path, key, value in self._leaves():
            if names.fullmatch(key) and path not in self._known:
                if type(value) is int:
                    yield value
                elif type(value) is str and value.isdecimal() and len(value) < 19:
                    yield int(value)

    def _promises(self) -> Iterator[Promise]:
        sent = {value for _, value in parse_qsl(urlsplit(self._reply.url).query)}
        for path, key, value in self._leaves():
            is_repeated = not _FORWARD.search(key) and str(value) in sent
            if path not in self._known and not is_repeated and _is_promise(path, key, value):
                yield Promise(path, value)

    def _promises_of_headers(self) -> Iterator[Promise]:
        if "next" in self._reply.links:
            yield Promise("Link", self._reply.links["next"]["url"])
        for name, value in self._reply.headers.items():
            if _NEXT_HEADER.fullmatch(name) and value.strip():
                yield Promise(name, value)

    def _leaves(self) -> Iterator[tuple[str, str, Any]]:
        """Path, name and value of each field of the reply except for the rows, in their order."""
        left = [("", "", self._reply.body)]
        while left:
            path, key, value = left.pop()
            if value is self._rows:
                continue
            if isinstance(value, Mapping):
                prefix = f"{path}." if path else ""
                if value.get("rel") == "next":
                    yield f"{prefix}next", "next", value.get("href") or value.get("url")
                inner = [(f"{prefix}{name}", str(name), each) for name, each in value.items()]
                left += reversed(inner)
            elif isinstance(value, list):
                left += [(f"{path}[]", key, each) for each in reversed(value)]
            else:
                yield path, key, value


def reports_failure(body: Mapping[str, Any]) -> bool:
    """Whether a reply without rows reports a failure, rather than an empty list.

    Args:
        body (Mapping[str, Any]): The decoded reply.

    Returns:
        bool: True for an error, a flag that denies success, and a message, code or status other
            than those of success.
    """
    for key, value in body.items():
        word = str(value).strip().lower()
        if _SUCCESS.fullmatch(key) and word in ("false", "0"):
            return True
        if not value or value is True:
            continue
        if _ERROR.fullmatch(key) or (_REPORT.fullmatch(key) and word not in _FINE):
            return True
    return False


def _is_promise(path: str, key: str, value: Any) -> bool:
    """Whether a value promises more rows, by its name and the names of the objects around it."""
    if _IS_LAST.fullmatch(key):
        return value is False
    if _IS_CUT.fullmatch(key):
        return value is True
    if not value or (isinstance(value, str) and not value.strip()):
        return False
    if _FORWARD.search(key):
        return True
    if _BACKWARD.search(key) or not _PROMISES.search(path):
        return False
    return bool(_FORWARD.search(path)) or not _COUNTS.search(path)


def _says_end(key: str, value: Any) -> bool:
    """Whether a flag states that no rows follow."""
    if _IS_LAST.fullmatch(key):
        return value is True
    return value is False and bool(_FORWARD.search(key))
