"""A Singer tap on singer-sdk, as its documentation shows; `target-duckdb` loads what it emits."""

from collections.abc import Iterable
from typing import Any

import requests
from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import BearerTokenAuthenticator
from singer_sdk.pagination import BaseAPIPaginator

LAG = 86_400

_INTEGERS = (
    "created_at", "in_progress_at", "expires_at", "finalizing_at", "completed_at", "failed_at",
    "expired_at", "cancelling_at", "cancelled_at",
)  # fmt: skip
_TEXTS = (
    "object", "endpoint", "model", "input_file_id", "completion_window", "status",
    "output_file_id", "error_file_id",
)  # fmt: skip


class _Cursor(BaseAPIPaginator[str | None]):
    def __init__(self) -> None:
        super().__init__(None)

    def get_next(self, response: requests.Response) -> str | None:
        """The id to go on after."""
        body = response.json()
        return body["last_id"] if body.get("has_more") else None

    def has_more(self, response: requests.Response) -> bool:
        """Whether there is another page."""
        return bool(response.json().get("has_more"))


class Batches(RESTStream[str | None]):
    """The list of batches."""

    name = "batches"
    path = "/batches"
    primary_keys = ("id",)
    replication_key = "created_at"
    is_sorted = False
    records_jsonpath = "$.data[*]"
    schema = th.PropertiesList(
        th.Property("id", th.StringType, required=True),
        *(th.Property(name, th.StringType) for name in _TEXTS),
        *(th.Property(name, th.IntegerType) for name in _INTEGERS),
        *(
            th.Property(name, th.ObjectType(additional_properties=True))
            for name in ("request_counts", "usage", "metadata", "errors")
        ),
    ).to_dict()

    @property
    def url_base(self) -> str:
        """API root."""
        return str(self.config["url_base"])

    @property
    def authenticator(self) -> BearerTokenAuthenticator:
        """Sends the key."""
        return BearerTokenAuthenticator(token="key-of-nobody")  # noqa: S106

    def get_new_paginator(self) -> BaseAPIPaginator[str | None]:
        """Pages by cursor."""
        return _Cursor()

    def get_url_params(self, context: Any, next_page_token: str | None) -> dict[str, Any]:
        """Page size and cursor."""
        return {"limit": 100, **({"after": next_page_token} if next_page_token else {})}

    def get_records(self, context: Any) -> Iterable[dict[str, Any]]:
        """Rows down to a day before the bookmark."""
        bound = (self.get_starting_replication_key_value(context) or 0) - LAG
        for row in self.request_records(context):
            if row["created_at"] < bound:
                return
            yield row


class TapOpenAI(Tap):
    """The tap."""

    name = "tap-openai"
    config_jsonschema = th.PropertiesList(
        th.Property("url_base", th.StringType, required=True)
    ).to_dict()

    def discover_streams(self) -> list[Batches]:
        """One stream."""
        return [Batches(self)]


if __name__ == "__main__":
    TapOpenAI.cli()
