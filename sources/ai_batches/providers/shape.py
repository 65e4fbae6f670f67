"""What a user may say of a server that lists batches almost as OpenAI does."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from ..paginators import CursorPaginator, TokenPaginator
from .declaration import MakePaginator, Provider


class Shape(NamedTuple):
    """How the list of an account's server differs; what is empty is as declared."""

    path: str = ""
    """Path of the list below the API root."""
    rows_field: str = ""
    """Field of a reply that holds the list of rows."""
    fields: Mapping[str, str] = {}
    """Columns of `batches` to the row's fields, nested ones with dots."""
    statuses: Mapping[str, str] = {}
    """Status words of the server, to the words of the column `status`."""
    next_field: str = ""
    """Field of a reply that holds a token for the next page, nested ones with dots; empty: a page
    continues after the id of a row."""
    cursor_param: str = "after"
    """Query parameter for that token, or for the id of a row."""
    limit_param: str = "limit"
    """Query parameter for the page size."""


def shaped(provider: Provider, shape: Shape) -> Provider:
    """Declares a provider anew for an account.

    Args:
        provider (Provider): The provider.
        shape (Shape): How the account's server differs.

    Returns:
        Provider: The same one if nothing differs.
    """
    if shape == Shape():
        return provider
    paginator: MakePaginator
    if shape.next_field:
        paginator = partial(
            TokenPaginator,
            position_param=shape.cursor_param,
            next_field=shape.next_field,
            limit_param=shape.limit_param,
        )
    else:
        paginator = partial(
            CursorPaginator, cursor_param=shape.cursor_param, limit_param=shape.limit_param
        )
    return replace(
        provider,
        path=shape.path or provider.path,
        data_selector=shape.rows_field or provider.data_selector,
        fields={**provider.fields, **shape.fields},
        statuses={**provider.statuses, **shape.statuses},
        paginator=paginator,
    )
