"""What a provider declares: the rest of the source knows no provider by name."""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from requests.auth import AuthBase

from ..paginators import BatchListPaginator
from .authentication import EnvironmentAuth
from .results import Results

BATCH_OBJECT_FIELDS: Mapping[str, str] = {
    "id": "id",
    "status_raw": "status",
    "endpoint": "endpoint",
    "model": "model",
    "completion_window": "completion_window",
    "input_file_id": "input_file_id",
    "output_file_id": "output_file_id",
    "error_file_id": "error_file_id",
    "requests_total": "request_counts.total",
    "requests_completed": "request_counts.completed",
    "requests_failed": "request_counts.failed",
    "input_tokens": "usage.input_tokens",
    "cached_input_tokens": "usage.input_tokens_details.cached_tokens",
    "output_tokens": "usage.output_tokens",
    "reasoning_tokens": "usage.output_tokens_details.reasoning_tokens",
    "total_tokens": "usage.total_tokens",
    "created_at": "created_at",
    "in_progress_at": "in_progress_at",
    "finalizing_at": "finalizing_at",
    "completed_at": "completed_at",
    "failed_at": "failed_at",
    "expired_at": "expired_at",
    "cancelling_at": "cancelling_at",
    "cancelled_at": "cancelled_at",
    "expires_at": "expires_at",
    "errors": "errors",
    "metadata": "metadata",
}
"""Columns of `batches` to the fields of the batch object that most vendors share."""

_COUNTS = "request_counts"

BATCH_OBJECT_ALTERNATIVES: Sequence[Mapping[str, str]] = (
    {
        "input_tokens": "usage.prompt_tokens",
        "cached_input_tokens": "usage.prompt_tokens_details.cached_tokens",
        "output_tokens": "usage.completion_tokens",
        "reasoning_tokens": "usage.completion_tokens_details.reasoning_tokens",
    },
    *(
        {"requests_completed": f"{_COUNTS}.{name}"}
        for name in ("succeeded", "success", "successful", "successes")
    ),
    *(
        {"requests_failed": f"{_COUNTS}.{name}"}
        for name in ("errored", "errors", "error", "failure", "failures")
    ),
    {"requests_total": "total", "requests_completed": "completed", "requests_failed": "failed"},
)
"""Other names that gateways give to fields of the batch object: tokens as in chats, counts by other
words, and counts beside `request_counts`."""


WHOLE_LIST_MAX_MB = 256


class MakePaginator(Protocol):
    """Makes the paginator of one scan: a class of `ai_batches.paginators`, or a `partial` of it."""

    def __call__(self, limit: int | None, *, id_field: str) -> BatchListPaginator:
        """Makes a paginator that requests pages of `limit` rows."""


class ReportedCost(NamedTuple):
    """What a vendor's list reports as the cost of a batch."""

    field: str
    """Field of a row that stays in `extra`, nested ones with dots."""
    per_usd: int = 1
    """How many of its units are a US dollar."""
    is_lost_as_zero: bool = False
    """Whether the vendor reports zero once it no longer knows the cost."""


@dataclass(frozen=True)
class Provider:
    """One vendor's list-batches endpoint.

    Args:
        name (str): Name of the resource, of the configuration section and in the column `provider`.
        title (str): The vendor's name as people write it.
        docs (str): Where the vendor documents the endpoint.
        base_url (str): API root; users may set another, for a gateway or a region. Names in braces
            are settings of `url_settings`; a query goes with each request, also with those for
            results. If it is empty, users must set one.
        path (str): Path of the list below the root.
        api_key_env (str): Environment variable in which the vendor's users have their key; empty if
            it holds keys for other products, too, and is `shared_key_env`.
        auth (Callable[[str], AuthBase]): How a request carries a key.
        environment_auth (Callable[[], EnvironmentAuth] | None): How requests are signed if the
            key is set to `environment`; None if that is not supported.
        paginator (MakePaginator): Makes the paginator of one scan, given the page size and the
            field of the id.
        page_size (int | None): Rows to request per page; None if the vendor documents no
            parameter for it.
        fields (Mapping[str, str]): Columns of `batches` to the row's fields, nested ones with dots.
            `id` is a top-level field. If `ended_at` has one, it also fills the column of the
            outcome, such as `failed_at`, that has none.
        alternatives (Sequence[Mapping[str, str]] | None): Sets of columns, each with another field
            that may fill it. A set counts as a whole in rows in which its columns are all null or
            zero so far, and it is not; in others it fills columns that are null. A value that fills
            no column stays in `extra` if it differs. None: the sets of `BATCH_OBJECT_ALTERNATIVES`
            for columns that have their field of `BATCH_OBJECT_FIELDS`.
        computed (Mapping[str, Callable[[Mapping[str, Any]], Any]]): Columns that no single field
            holds, each with a function that derives its value from a row. Fields without a column
            stay in `extra`. A `status` may be any word that `statuses` or the list for all vendors
            knows.
        statuses (Mapping[str, str]): Status words that are the vendor's own, to the words of the
            column `status`. They go before the list for all vendors, `ai_batches.table.statuses`,
            and are compared like its words: without case, separators and prefix.
        data_selector (str): Field of a reply that holds the list of rows; `$` if the reply is it.
        empty_reply (Set[str] | None): Fields of which a reply without rows may consist if it leaves
            the list out, or is `null`; None if it has an empty list.
        envelope (Set[str]): Further fields beside the rows that its replies have, and that mean
            nothing to how the list goes on; any other is pointed out as new.
        params (Mapping[str, str]): Further query parameters of each request.
        headers (Mapping[str, str]): Further headers of each request.
        header_settings (Mapping[str, tuple[str, str]]): Headers of which each request needs one,
            each to the setting that holds its value and the environment variable in which the
            vendor's users have it. Accounts may have values of their own.
        url_settings (Mapping[str, str]): Settings that `base_url` needs, to the environment
            variables in which the vendor's users have them.
        other_base_url (Callable[[str, Mapping[str, str]], str | None] | None): Gives the API root
            for a key and the values of `url_settings`, in the form of `base_url`, if a vendor
            has several; None if it is `base_url`.
        own_hosts (Sequence[str]): Hosts of the vendor that `base_url` does not give; with a dot at
            the beginning, all names below it. Keys that go elsewhere are pointed out.
        shared_key_env (str | None): Variable that may hold a key for the vendor's other products,
            and into which its clients look first: it is used if the provider is named, and does not
            select it.
        has_settable_shape (bool): Whether users may set where its list differs, as `Shape` has it.
        gateway_to (str | None): The provider that runs the batches which a gateway lists, under the
            same ids.
        names_own_models (bool): Whether its rows name as model what a user called so, such as a
            deployment, which may be of any model.
        reported_cost (ReportedCost | None): What it reports of costs; None: nothing.
        results (Results | None): How it hands out what became of each request; None: no way is
            documented.
        page_max_mb (int): Megabytes beyond which a page is refused, unless users set another
            number: `WHOLE_LIST_MAX_MB` for a list that comes in one reply, or with outputs.
    """

    name: str
    title: str
    docs: str
    base_url: str
    path: str
    api_key_env: str
    auth: Callable[[str], AuthBase]
    paginator: MakePaginator
    page_size: int | None
    fields: Mapping[str, str]
    alternatives: Sequence[Mapping[str, str]] | None = None
    statuses: Mapping[str, str] = field(default_factory=dict)
    computed: Mapping[str, Callable[[Mapping[str, Any]], Any]] = field(default_factory=dict)
    data_selector: str = "data"
    empty_reply: Set[str] | None = None
    envelope: Set[str] = frozenset()
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    header_settings: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    url_settings: Mapping[str, str] = field(default_factory=dict)
    other_base_url: Callable[[str, Mapping[str, str]], str | None] | None = None
    own_hosts: Sequence[str] = ()
    shared_key_env: str | None = None
    environment_auth: Callable[[], EnvironmentAuth] | None = None
    has_settable_shape: bool = False
    gateway_to: str | None = None
    names_own_models: bool = False
    reported_cost: ReportedCost | None = None
    results: Results | None = None
    page_max_mb: int = 16

    @property
    def id_field(self) -> str:
        """Field of a row that holds its id."""
        return self.fields["id"]

    def new_paginator(self, page_size: int | None) -> BatchListPaginator:
        """Makes the paginator of one scan.

        Args:
            page_size (int | None): Rows to request per page; None sends no limit.

        Returns:
            BatchListPaginator: A new one, at the head of the list.
        """
        return self.paginator(page_size, id_field=self.id_field)

    @property
    def key_variables(self) -> tuple[str, ...]:
        """The environment variables that may hold its key, in the order in which they are tried."""
        return tuple(filter(None, (self.shared_key_env, self.api_key_env)))

    @property
    def setting_variables(self) -> Mapping[str, str]:
        """Settings that addresses and headers need, to the vendor's variables for them."""
        return {**self.url_settings, **dict(self.header_settings.values())}

    @property
    def list_address(self) -> str:
        """Address of the list, with the names of settings in braces."""
        root, _, query = (self.base_url or "{base_url}").partition("?")
        return f"{root}{self.path}{'?' if query else ''}{query}"

    @property
    def used_alternatives(self) -> tuple[Mapping[str, str], ...]:
        """The sets of `alternatives` that apply to its rows."""
        if self.alternatives is not None:
            return tuple(self.alternatives)
        return tuple(
            each
            for each in BATCH_OBJECT_ALTERNATIVES
            if all(self.fields.get(column) == BATCH_OBJECT_FIELDS[column] for column in each)
        )
