"""The recorded and documented replies, served over HTTP, through the pipeline into DuckDB."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from dlt import Pipeline

from ai_batches import PROVIDERS
from ai_batches.providers.declaration import BATCH_OBJECT_ALTERNATIVES
from ai_batches.timestamps import to_microseconds
from support import Lists, load, page, select, stored

REPLIES = {
    "openai": ["openai-1.json", "openai-5.json"],
    "respan": ["respan.json"],
    "novita": ["novita-single.json"],
    "bland": ["bland-v2.json"],
    "anthropic": ["anthropic-1.json"],
    "groq": ["groq.json"],
}
COUNTS = BATCH_OBJECT_ALTERNATIVES[-1]
"""Columns to the counts that a row may have beside those of `request_counts`."""


def leaves(value: Any, path: str = "") -> dict[str, Any]:
    """Every value of a row by its path; a list is one value."""
    if not isinstance(value, dict):
        return {path: value}
    return {k: v for key, inner in value.items() for k, v in leaves(inner, f"{path}.{key}").items()}


def read_rows(recorded: Callable[[str], bytes], provider: str) -> list[dict[str, Any]]:
    """All rows of a provider's replies."""
    bodies = [json.loads(recorded(name)) for name in REPLIES[provider]]
    return [row for body in bodies for row in body.get("data", [body])]


@pytest.mark.parametrize("provider", list(REPLIES))
def test_every_field_of_a_recorded_reply_lands(
    pipeline: Pipeline, lists: Lists, recorded: Callable[[str], bytes], provider: str
) -> None:
    sent = read_rows(recorded, provider)
    lists.serve(provider, page(sent) if provider != "bland" else {"data": sent, "errors": None})
    done = load(pipeline, lists.settings())
    assert done[provider, "default"]["error"] is None
    found = stored(pipeline, provider)
    assert set(found) == {row["id"] for row in sent}
    columns = {field: column for column, field in PROVIDERS[provider].fields.items()}
    for row in sent:
        extra = leaves(json.loads(found[row["id"]]["extra"] or "{}"))
        for path, value in leaves(row).items():
            column = columns.get(path[1:]) or columns.get(path[1:].split(".")[0])
            if column is None:
                # the same count again, beside the others
                copy = next((c for c, f in COUNTS.items() if f == path[1:]), "id")
                assert extra.get(path) == value or found[row["id"]][copy] == value
                continue
            there = found[row["id"]][column]
            if column.endswith("_at"):
                there = there and round(there.timestamp() * 10**6)
                assert there == to_microseconds(value)
            elif column in ("errors", "metadata"):
                assert there is None
                assert not value
            else:
                assert there == (value or None if isinstance(value, str) else value)


def test_the_recorded_page_of_openai_as_it_came(
    pipeline: Pipeline, lists: Lists, recorded: Callable[[str], bytes]
) -> None:
    body = recorded("openai-5.json")
    lists.serve("openai", body)
    load(pipeline, lists.settings())
    query = "SELECT status, is_open, requests_total, created_at FROM batches ORDER BY status"
    rows = select(pipeline, query)
    assert [row[:3] for row in rows] == [("in_progress", True, 2), ("validating", True, 0)]
    assert rows[0][3].isoformat() == "2024-04-27T13:02:28+00:00"


def test_the_masked_reply_of_novita(
    pipeline: Pipeline, lists: Lists, recorded: Callable[[str], bytes]
) -> None:
    lists.serve("novita", page(read_rows(recorded, "novita")))
    load(pipeline, lists.settings())
    (row,) = stored(pipeline, "novita").values()
    assert row["created_at"].isoformat() == "2025-08-11T08:31:52.949816+00:00"
    assert (row["status"], row["is_open"]) == ("validating", True)
    assert row["output_file_id"] is row["error_file_id"] is row["errors"] is None


def test_the_example_of_respan_leaves_out_what_is_not_reached(
    pipeline: Pipeline, lists: Lists, recorded: Callable[[str], bytes]
) -> None:
    lists.serve("respan", recorded("respan.json"))
    load(pipeline, lists.settings())
    query = "SELECT status, is_open, completed_at, ended_at FROM batches ORDER BY created_at"
    ended, going = select(pipeline, query)
    assert ended[2] == ended[3]
    assert (ended[1], going[1:]) == (False, (True, None, None))
