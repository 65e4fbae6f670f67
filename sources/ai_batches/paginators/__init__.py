"""How a page of a list leads to the next one, as dlt paginators.

A list moves while it is read: rows are added, rows that a position hangs on are deleted. So a
position is a hint: a paginator remembers the rows that it handed on last, and looks for its place
where it does not see one of them again. It hands on what follows that place, and takes the other
rows out of the page. What cannot be followed with confidence raises `UntrustedPageError`: a list is
never cut short in silence. Rows come as dicts that each have an id; `client.py` sees to that.
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
