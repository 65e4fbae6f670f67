"""State that an earlier version stored is read, and rewritten in the form of this one."""

import json
from typing import Any

import pytest
from dlt import Pipeline

from ai_batches import Run, RunRequest, ai_batches_source
from support import Lists, TRow, cursor_list, select

NOW = 1_796_000_000
"""When the recorded runs began, in Unix seconds."""

# stored for this list by version 1 (commit cddf42e), by a whole run and by one of `add_limit(1)`
COMPLETE = json.loads("""
{"version": 1, "complete": {"read_up_to": 1795827200000000, "landmark": "batch_12000",
"oldest_held": null, "since": null, "is_ordered": true, "whole_at": 1796000000000000,
"settle": 3600000000, "max_open_age": 2592000000000}, "walk": null, "owes_refresh": false,
"is_gone": false, "run": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}
""")
INTERRUPTED = json.loads("""
{"version": 1, "complete": null, "walk": {"run": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
"is_refresh": false, "since": null, "started": 1796000000000000, "settle": 3600000000,
"max_open_age": 2592000000000, "newest": 1795827200000000, "landmark": "batch_12000",
"oldest_held": null, "rows": 5000, "pages": 50, "descents": 4999, "in_order": true,
"oldest": 1792827800000000, "is_lost": false, "is_doubted": false, "position": {"trail":
["batch_7012", "batch_7011", "batch_7010", "batch_7009", "batch_7008", "batch_7007", "batch_7006",
"batch_7005", "batch_7004", "batch_7003", "batch_7002", "batch_7001"], "handed_on": 5000}},
"owes_refresh": false, "is_gone": false, "run": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}
""")


def recorded_list() -> list[TRow]:
    """The list that the recorded runs read: 12,000 batches that ended, newest first."""
    return [
        {
            "id": f"batch_{number}",
            "status": "completed",
            "created_at": NOW - 2 * 86_400 - (12_000 - number) * 600,
            "completed_at": NOW - 2 * 86_400 - (12_000 - number) * 600 + 60,
        }
        for number in range(12_000, 0, -1)
    ]


def run(pipeline: Pipeline, lists: Lists, limit: int | None = None, **asked: Any) -> None:
    """Runs the source an hour after the recorded run."""
    lists.requests.clear()
    started = Run(RunRequest(**asked), started=(NOW + 3_600) * 1_000_000)
    source = ai_batches_source(lists.settings("openai"), run=started)
    pipeline.run(source.add_limit(limit) if limit else source)


def accounts(state: Any) -> Any:
    """What dlt stores for each account."""
    return state["sources"]["ai_batches"]["resources"]["openai"]


def store(pipeline: Pipeline, state: Any) -> None:
    """Puts a recorded state into the place of that of the account."""
    with pipeline.managed_state() as whole:
        accounts(whole)["default"] = state


@pytest.mark.sample(1)
@pytest.mark.parametrize("owes", [False, True])
def test_a_list_that_was_complete_is_not_read_to_its_end_again(
    pipeline: Pipeline, lists: Lists, owes: bool
) -> None:
    rows = recorded_list()
    lists.serve("openai", cursor_list(rows))
    run(pipeline, lists)
    written = set(accounts(pipeline.state)["default"])
    store(pipeline, {**COMPLETE, "owes_refresh": owes})
    rows.insert(0, {**rows[0], "id": "batch_new", "created_at": NOW})
    run(pipeline, lists)
    # a refresh that is owed stays owed
    assert len(lists.requests) == (121 if owes else 1)
    assert select(pipeline, "SELECT count(*) FROM batches") == [(12_001,)]
    state = accounts(pipeline.state)["default"]
    assert (state["version"], state["complete"]["anchor"]) == (2, "batch_new")
    assert (state["complete"]["last_full_scan"] == NOW * 1_000_000) is not owes
    assert set(state) == written


@pytest.mark.sample(1)
@pytest.mark.parametrize("resumes_with", [{}, {"full_refresh": True}])
def test_an_interrupted_scan_resumes(
    pipeline: Pipeline, lists: Lists, resumes_with: dict[str, bool]
) -> None:
    lists.serve("openai", cursor_list(recorded_list()))
    run(pipeline, lists, limit=1)
    written = accounts(pipeline.state)["default"]
    assert select(pipeline, "SELECT count(*) FROM batches") == [(5_000,)]
    store(pipeline, INTERRUPTED)
    run(pipeline, lists, limit=1, **resumes_with)
    # from the last row but one on
    assert lists.requests[0].query_params["after"] == "batch_7002"
    state = accounts(pipeline.state)["default"]
    assert set(state) == set(written)
    assert set(state["scan"]) == set(written["scan"])
    assert state["owes_refresh"] is bool(resumes_with)
    run(pipeline, lists)
    assert select(pipeline, "SELECT count(*) FROM batches") == [(12_000,)]
    assert accounts(pipeline.state)["default"]["complete"]["anchor"] == "batch_12000"


@pytest.mark.integration
def test_an_interrupted_scan_of_lost_rows_is_not_resumed(pipeline: Pipeline, lists: Lists) -> None:
    lists.serve("openai", cursor_list(recorded_list()))
    run(pipeline, lists, limit=1)
    store(pipeline, INTERRUPTED)
    started = Run(started=(NOW + 3_600) * 1_000_000, holding=frozenset())
    lists.requests.clear()
    pipeline.run(ai_batches_source(lists.settings("openai"), run=started))
    assert len(lists.requests) == 120
    assert "walk" not in accounts(pipeline.state)["default"]
