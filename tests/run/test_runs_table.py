"""The table `runs`: what each run did."""

import time
from pathlib import Path
from typing import Any

from starlette.requests import Request

from commands import keys, run, table
from support import Lists, TAnswer, batch, cursor_list, failure, offset_list, page

RUNS = "SELECT {} FROM ai_batches_dataset.runs ORDER BY started_at, provider, account"


def runs(tmp_path: Path, columns: str) -> list[tuple[Any, ...]]:
    """What the table of the runs says."""
    return table(tmp_path / "ai_batches.duckdb", RUNS.format(columns))


def test_each_run_leaves_a_row_for_each_account(lists: Lists, tmp_path: Path) -> None:
    rows = [batch(2, status="in_progress"), batch(1)]
    lists.serve("openai", cursor_list(rows))
    lists.serve("bland", offset_list([{"id": "b1", "created_at": "2025-05-08T19:28:12.627Z"}]))
    lists.serve("kimi", failure(401))
    started = time.time()
    variables = keys(lists, "openai", "bland", "kimi")
    assert run("load", **variables)[0] == 1
    rows[:] = [batch(3), batch(2), batch(1)]
    assert run("load", "openai", **variables)[0] == 0
    counts = "batches_read, batches_new, batches_changed, batches_open, requests"
    assert runs(tmp_path, f"provider, account, result, {counts}, error_type") == [
        ("bland", "default", "ok", 1, 1, 0, None, lists.count("bland"), None),
        ("kimi", "default", "failed", 0, 0, 0, None, 1, "AuthenticationError"),
        ("openai", "default", "ok", 2, 2, 0, 1, 1, None),
        ("openai", "default", "ok", 3, 1, 1, 0, 1, None),
    ]
    moments = runs(tmp_path, "epoch(started_at), epoch(ended_at), seconds")
    for begun, done, seconds in moments:
        assert started < begun < done < time.time()
        assert 0 < seconds < done - begun
    assert len({row[0] for row in runs(tmp_path, "run_id")}) == 2
    assert "refused the key" in str(runs(tmp_path, "error"))
    # what a run changed can be found by the load
    changed = """
        SELECT batches.id FROM ai_batches_dataset.batches JOIN ai_batches_dataset.runs
        ON _dlt_load_id = load_id WHERE batches_read = 3 ORDER BY 1
    """
    assert table(tmp_path / "ai_batches.duckdb", changed) == [("batch_2",), ("batch_3",)]


def test_a_run_in_many_packages_is_one_row(lists: Lists, tmp_path: Path) -> None:
    lists.serve("openai", cursor_list([batch(n) for n in range(950, 0, -1)]))
    assert run("load", "--rows-per-load", "300", **keys(lists, "openai"))[0] == 0
    counts = runs(tmp_path, "batches_read, batches_new, requests, result")
    assert counts == [(950, 950, lists.count("openai"), "ok")]


def test_a_run_that_is_cut_says_so(lists: Lists, tmp_path: Path) -> None:
    def slow(request: Request) -> TAnswer:
        time.sleep(0.3)
        return inner(request)

    inner = cursor_list([batch(n) for n in range(5_000, 0, -1)])
    lists.serve("openai", slow)
    assert run("load", "--time-limit", "0.5", **keys(lists, "openai"))[0] == 3
    assert runs(tmp_path, "result") == [("partial",)]


def test_settings_that_cannot_be_used_leave_a_row(lists: Lists, tmp_path: Path) -> None:
    lists.serve("openai", page([batch(1)]))
    wrong = {"SOURCES__AI_BATCHES__KIMI__PAGE_SIZE": "many"}
    assert run("load", **keys(lists, "openai", "kimi"), **wrong)[0] == 1
    assert runs(tmp_path, "provider, account, result, error_type") == [
        ("kimi", "", "failed", "SettingsError"),
        ("openai", "default", "ok", None),
    ]
