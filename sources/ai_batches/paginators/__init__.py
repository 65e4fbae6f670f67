"""How a page of a list leads to the next one.

A list changes while it is read: rows are added, and rows that a position refers to are deleted. So
a position is a hint: a paginator remembers the rows that it handed on last, and searches for its
position if none of them comes again. It hands on the rows after that position and drops the others
from the page. If it cannot continue with confidence, it raises `UntrustedPageError`: a list is
never cut short silently. Rows are dicts that each have an id, which the client has checked.
"""

from .base import BatchListPaginator, UntrustedPageError
from .cursor import CursorPaginator
from .envelope import reports_failure
from .offset import OffsetPaginator
from .page_number import PageNumberPaginator
from .reply import Reply
from .single_page import SinglePagePaginator
from .token import TokenPaginator

__all__ = [
    "BatchListPaginator",
    "CursorPaginator",
    "OffsetPaginator",
    "PageNumberPaginator",
    "Reply",
    "SinglePagePaginator",
    "TokenPaginator",
    "UntrustedPageError",
    "reports_failure",
]
