"""Airbyte's declarative connector, run by PyAirbyte into its DuckDB cache.

    python pyairbyte.py <base url> <folder>

Incremental on `created_at` with a lookback of a day, as a feed that is newest first.
"""

import os
import sys
from pathlib import Path
from typing import Any

os.environ |= {"AIRBYTE_OFFLINE_MODE": "1", "DO_NOT_TRACK": "1"}

import airbyte
from airbyte.caches import DuckDBCache

_INTEGER = {"type": ["null", "integer"]}
_TEXT = {"type": ["null", "string"]}
_OBJECT = {"type": ["null", "object"], "additionalProperties": True}
SCHEMA = {
    "type": "object",
    "additionalProperties": True,
    "properties": {
        **dict.fromkeys(("id", "endpoint", "model", "status", "input_file_id"), _TEXT),
        **dict.fromkeys(("output_file_id", "error_file_id", "completion_window"), _TEXT),
        **dict.fromkeys(("created_at", "in_progress_at", "expires_at", "finalizing_at"), _INTEGER),
        **dict.fromkeys(("completed_at", "failed_at", "expired_at", "cancelled_at"), _INTEGER),
        **dict.fromkeys(("request_counts", "usage", "metadata", "errors"), _OBJECT),
    },
}


def manifest(url: str) -> dict[str, Any]:
    """The connector."""
    return {
        "version": "6.0.0",
        "type": "DeclarativeSource",
        "check": {"type": "CheckStream", "stream_names": ["batches"]},
        "spec": {
            "type": "Spec",
            "connection_specification": {"type": "object", "properties": {}},
        },
        "streams": [
            {
                "type": "DeclarativeStream",
                "name": "batches",
                "primary_key": ["id"],
                "schema_loader": {"type": "InlineSchemaLoader", "schema": SCHEMA},
                "incremental_sync": {
                    "type": "DatetimeBasedCursor",
                    "cursor_field": "created_at",
                    "datetime_format": "%s",
                    "start_datetime": "0",
                    "lookback_window": "P1D",
                    "is_data_feed": True,
                },
                "retriever": {
                    "type": "SimpleRetriever",
                    "requester": {
                        "type": "HttpRequester",
                        "url_base": url,
                        "path": "/batches",
                        "http_method": "GET",
                        "authenticator": {
                            "type": "BearerAuthenticator",
                            "api_token": "key-of-nobody",
                        },
                    },
                    "record_selector": {
                        "type": "RecordSelector",
                        "extractor": {"type": "DpathExtractor", "field_path": ["data"]},
                    },
                    "paginator": {
                        "type": "DefaultPaginator",
                        "page_token_option": {
                            "type": "RequestOption",
                            "inject_into": "request_parameter",
                            "field_name": "after",
                        },
                        "page_size_option": {
                            "type": "RequestOption",
                            "inject_into": "request_parameter",
                            "field_name": "limit",
                        },
                        "pagination_strategy": {
                            "type": "CursorPagination",
                            "page_size": 100,
                            "cursor_value": "{{ response.last_id }}",
                            "stop_condition": "{{ not response.has_more }}",
                        },
                    },
                },
            }
        ],
    }


def main(url: str, folder: str) -> None:
    """Reads the stream into the cache."""
    cache = DuckDBCache(db_path=Path(folder) / "batches.duckdb", schema_name="peer")
    source = airbyte.get_source(
        "source-openai-batches",
        source_manifest=manifest(url),
        config={},
        streams=["batches"],
    )
    source.read(cache=cache)


if __name__ == "__main__":
    main(*sys.argv[1:])
