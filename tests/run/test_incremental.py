"""Runs that read only what is new or open, over HTTP into DuckDB: cut, killed, moved, verified."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import duckdb
import pytest
from dlt import Pipeline
from dlt.extract import DltSource
from dlt.pipeline.exceptions import PipelineStepFailed
from starlette.requests import Request

from ai_batches import Run, ai_batches_source
from commands import COMMAND, keys, run, summary, table
from killing import run_and_kill
from support import (
    FIRST,
    KEY,
    Lists,
    TAnswer,
    TRow,
    batch,
    cursor_list,
    failure,
    few_of,
    load,
    page,
    select,
)

DAY = 86_400
FILE = "ai_batches.duckdb"


def ended(count: int, apart: int = 600) -> list[TRow]:
    """Batches that ended long ago, newest first."""
    newest = int(time.time()) - 2 * DAY
    return [
        batch(
            n,
            created_at=newest - (count - n) * apart,
            completed_at=newest - (count - n) * apart + 60,
        )
        for n in range(count, 0, -1)
    ]


def statuses(folder: Path) -> dict[str, str]:
    """Status by id, none where there is no table yet; fails where a batch stands twice."""
    try:
        rows = table(folder / FILE, "SELECT id, status FROM ai_batches_dataset.batches")
    except (duckdb.IOException, duckdb.CatalogException):
        return {}
    found = {str(row[0]): str(row[1]) for row in rows}
    assert len(found) == len(rows)
    return found


def in_pipeline(step: str, variables: dict[str, str]) -> None:
    """Takes a step of dlt in a process of its own, as a run does that is killed after it."""
    code = (
        "from ai_batches import ai_batches_source\n"
        "from ai_batches_runner import open_pipeline\n"
        f"with open_pipeline() as pipeline: pipeline.{step}(ai_batches_source())\n"
    )
    subprocess.run(  # noqa: S603
        [sys.executable, "-c", code],
        env={**os.environ, **variables},
        check=True,
    )


def checkpointed(folder: Path) -> int:
    """How many rows came in loads that were completed, with the state that stands for them."""
    try:
        query = (
            "SELECT count(*) FROM ai_batches_dataset.batches"
            " WHERE _dlt_load_id IN (SELECT load_id FROM ai_batches_dataset._dlt_loads)"
        )
        return int(str(table(folder / FILE, query)[0][0]))
    except (duckdb.IOException, duckdb.CatalogException):
        return 0


def test_a_second_run_asks_for_what_is_new_or_open(pipeline: Pipeline, lists: Lists) -> None:
    rows = ended(3_000)
    now = int(time.time())
    rows[:0] = [batch(3_050 - n, status="in_progress", created_at=now - 600 * n) for n in range(50)]
    lists.serve("openai", cursor_list(rows))
    first = load(pipeline, lists.settings())["openai", "default"]
    rows[:0] = [batch(4_010 - n, status="validating", created_at=now) for n in range(10)]
    for row in rows[30:60]:
        row.update(status="completed", completed_at=now)
    second = load(pipeline, lists.settings())["openai", "default"]
    assert (first["requests"], first["is_partial"]) == (31, False)
    assert second["requests"] <= 2
    found = dict(select(pipeline, "SELECT id, status FROM batches"))
    assert found == {row["id"]: row["status"] for row in rows}
    load_ids = select(pipeline, "SELECT count(*) FROM batches GROUP BY _dlt_load_id")
    assert sorted(count for (count,) in load_ids) == [40, 3_020]


def test_add_limit_leaves_a_state_from_which_the_next_run_goes_on(
    pipeline: Pipeline, lists: Lists
) -> None:
    rows = ended(12_000)
    lists.serve("openai", cursor_list(rows))
    source = ai_batches_source(lists.settings())
    pipeline.run(source.add_limit(1))
    assert select(pipeline, "SELECT count(*) FROM batches") == [(5_000,)]
    lists.requests.clear()
    done = load(pipeline, lists.settings())["openai", "default"]
    assert select(pipeline, "SELECT count(*) FROM batches") == [(12_000,)]
    assert not done["is_partial"]
    assert done["requests"] <= 73


def test_a_failed_scan_goes_on_where_it_was(pipeline: Pipeline, lists: Lists) -> None:
    rows = ended(2_000)
    inner = cursor_list(rows)
    down = [True]

    def answer(request: Request) -> TAnswer:
        return failure(404) if down[0] and len(lists.requests) > 15 else inner(request)

    lists.serve("openai", answer)
    assert load(pipeline, lists.settings())["openai", "default"]["error"]
    kept = select(pipeline, "SELECT count(*) FROM batches")[0][0]
    assert kept == 1_500
    down[0] = False
    done = load(pipeline, lists.settings())["openai", "default"]
    assert done["requests"] <= 8
    assert select(pipeline, "SELECT count(*) FROM batches") == [(2_000,)]


@pytest.mark.parametrize("refresh", ["drop_data", "drop_resources"])
def test_a_refresh_that_would_leave_a_gap_is_refused(
    pipeline: Pipeline, lists: Lists, refresh: Literal["drop_data", "drop_resources"]
) -> None:
    lists.serve("openai", cursor_list(ended(300)))
    lists.serve("kimi", cursor_list(ended(300)))
    load(pipeline, lists.settings())

    def source() -> DltSource:
        return ai_batches_source(lists.settings()).with_resources("openai")

    # dlt counts a table as its last writer's, and drops no other's
    pipeline.run(source())
    with pytest.raises(PipelineStepFailed, match="--full-refresh"):
        pipeline.run(source(), refresh=refresh)
    assert select(pipeline, "SELECT count(*) FROM batches") == [(600,)]
    lists.requests.clear()
    load(pipeline, lists.settings())
    assert lists.count("kimi") <= 2


def test_a_refresh_of_everything_is_allowed(pipeline: Pipeline, lists: Lists) -> None:
    lists.serve("openai", cursor_list(ended(300)))
    lists.serve("kimi", cursor_list(ended(300)))
    load(pipeline, lists.settings())
    pipeline.run(ai_batches_source(lists.settings()), refresh="drop_sources")
    assert select(pipeline, "SELECT count(*) FROM batches") == [(600,)]


def test_accounts_have_scans_of_their_own(pipeline: Pipeline, lists: Lists) -> None:
    from ai_batches import Account

    lists.serve("openai", cursor_list(ended(300)))
    one, two = Account("one", "key-of-account-one", "t"), Account("two", "key-of-account-two", "t")
    load(pipeline, lists.settings(accounts=(one,)))
    done = load(pipeline, lists.settings(accounts=(one, two)))
    assert done["openai", "one"]["requests"] < done["openai", "two"]["requests"] == 3


def test_long_scans_come_in_several_loads(lists: Lists, tmp_path: Path) -> None:
    lists.serve("openai", cursor_list(ended(12_000)))
    code, printed, _ = run("load", "--rows-per-load", "5000", **keys(lists, "openai"))
    assert code == 0
    assert summary(printed, "openai")[2:5] == ["12,000", "12,000", "0"]
    loads = table(
        tmp_path / FILE, "SELECT count(DISTINCT _dlt_load_id) FROM ai_batches_dataset.batches"
    )
    assert loads == [(3,)]


def test_since_and_full_refresh(lists: Lists, tmp_path: Path) -> None:
    rows = ended(1_000, apart=3_600)
    lists.serve("openai", cursor_list(rows))
    variables = keys(lists, "openai")
    since = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 12 * DAY))
    assert run("load", "--since", since, **variables)[0] == 0
    assert 240 < len(statuses(tmp_path)) < 400
    assert run("load", **variables)[0] == 0
    assert len(statuses(tmp_path)) == 1_000
    # an edit of a finished batch, far below the low_watermark
    rows[900]["status"] = "failed"
    assert run("load", **variables)[0] == 0
    assert statuses(tmp_path)[rows[900]["id"]] == "completed"
    code, printed, log = run("load", "--full-refresh", **variables)
    assert code == 0, log
    assert summary(printed, "openai")[2:5] == ["1,000", "0", "1"]
    assert statuses(tmp_path)[rows[900]["id"]] == "failed"
    assert run("load", "--since", "yesterday", **variables)[0] == 2


@pytest.mark.integration
def test_a_schedulers_interval_says_since_when(lists: Lists, tmp_path: Path) -> None:
    rows = ended(1_000, apart=3_600)
    lists.serve("openai", cursor_list(rows))
    start = datetime.fromtimestamp(rows[432]["created_at"], UTC)
    interval = {
        "DLT_INTERVAL_START": start.isoformat(),
        "DLT_INTERVAL_END": (start + timedelta(days=1)).isoformat(),
    }
    variables = keys(lists, "openai")
    assert run("load", **variables, **interval, DLT_ALLOW_EXTERNAL_SCHEDULERS="true")[0] == 0
    # to the page
    assert len(statuses(tmp_path)) == 500
    wrong = {**interval, "DLT_INTERVAL_START": "yesterday"}
    code, _, log = run("load", **variables, **wrong, DLT_ALLOW_EXTERNAL_SCHEDULERS="true")
    assert code == 2
    assert "DLT_INTERVAL_START and DLT_INTERVAL_END have to be dates" in log
    # dlt heeds it only where that is allowed; without it, what is missing is loaded
    assert run("load", **variables, **interval)[0] == 0
    assert len(statuses(tmp_path)) == 1_000


def test_verify_finds_what_is_missing_stale_or_gone_and_changes_nothing(
    lists: Lists, tmp_path: Path
) -> None:
    rows = ended(500)
    lists.serve("openai", cursor_list(rows))
    lists.serve("kimi", cursor_list(ended(5)))
    variables = keys(lists, "openai", "kimi")
    assert run("load", **variables)[0] == 0
    code, printed, _ = run("verify", **variables)
    assert code == 0
    assert summary(printed, "openai") == ["openai", "default", "500", "0", "0", "0", "ok"]
    before = (tmp_path / FILE).read_bytes()
    gone = rows.pop(100)["id"]
    rows[200]["status"] = "failed"
    rows.insert(0, batch(9_999))
    code, printed, _ = run("verify", **variables)
    assert code == 1
    assert summary(printed, "openai") == ["openai", "default", "500", "1", "1", "1", "FAILED"]
    assert summary(printed, "kimi")[-1] == "ok"
    assert "openai, account default, missing: batch_9999" in printed
    assert f"stale: {rows[201]['id']}" in printed
    assert f"no longer listed: {gone}" in printed
    assert (tmp_path / FILE).read_bytes() == before


def test_verify_does_not_judge_what_it_cannot_read(lists: Lists) -> None:
    lists.serve("openai", page([batch(1)]))
    variables = keys(lists, "openai")
    assert run("load", **variables)[0] == 0
    wrong = {"SOURCES__AI_BATCHES__OPENAI__PAGE_SIZE": "1"}
    code, printed, _ = run("verify", **variables, **wrong)
    assert code == 1
    assert "not read" in printed
    assert "is not a whole number of at least 2" in printed
    accounts = json.dumps({"renamed": variables.pop("SOURCES__AI_BATCHES__OPENAI__API_KEY")})
    code, printed, _ = run(
        "verify", "openai", "openai", **variables, SOURCES__AI_BATCHES__OPENAI__ACCOUNTS=accounts
    )
    assert code == 1
    assert "not read" in printed
    assert "no longer listed:" not in printed


@pytest.mark.integration
def test_a_run_whose_time_is_up_is_partial_and_says_so(lists: Lists, tmp_path: Path) -> None:
    inner = cursor_list(ended(3_000))

    def slow(request: Request) -> TAnswer:
        time.sleep(4.1 if len(lists.requests) == 5 else 0)
        return inner(request)

    lists.serve("openai", slow)
    accounts = json.dumps({"one": "key-of-account-one", "two": "key-of-account-two"})
    variables = {**keys(lists, "openai"), "SOURCES__AI_BATCHES__OPENAI__ACCOUNTS": accounts}
    del variables["SOURCES__AI_BATCHES__OPENAI__API_KEY"]
    code, printed, _ = run("load", "--time-limit", "4", **variables)
    assert code == 3
    assert summary(printed, "openai")[-1] == "partial"
    # the last one of either account was under way
    assert len(lists.requests) <= 6
    # the account that was cut does not keep the other one waiting
    lists.requests.clear()
    assert run("load", "--time-limit", "4", **variables)[0] == 3
    query = "SELECT DISTINCT account FROM ai_batches_dataset.batches ORDER BY 1"
    assert table(tmp_path / FILE, query) == [("one",), ("two",)]
    lists.serve("openai", inner)
    assert run("load", **variables)[0] == 0
    query = "SELECT count(*) FROM ai_batches_dataset.batches"
    assert table(tmp_path / FILE, query) == [(6_000,)]


def test_a_fresh_machine_goes_on_from_the_destination(lists: Lists, tmp_path: Path) -> None:
    lists.serve("openai", cursor_list(ended(1_000)))
    variables = keys(lists, "openai")
    assert run("load", **variables)[0] == 0
    shutil.rmtree(tmp_path / "dlt")
    lists.requests.clear()
    assert run("load", **variables)[0] == 0
    assert len(lists.requests) <= 2


@pytest.mark.integration
def test_a_left_package_that_is_older_than_the_destination_is_dropped(
    lists: Lists, tmp_path: Path
) -> None:
    rows = [batch(1, status="in_progress")]
    lists.serve("openai", cursor_list(rows))
    variables = keys(lists, "openai")
    assert run("load", **variables)[0] == 0
    rows[0] = batch(1, status="finalizing", created_at=FIRST)
    in_pipeline("extract", variables)
    rows[0] = batch(1, status="completed", created_at=FIRST)
    for _ in range(2):
        assert run("load", **variables, DLT_DATA_DIR=str(tmp_path / "another"))[0] == 0
    exit_code, _, log = run("load", **variables)
    assert exit_code == 0, log
    assert "the destination has other state" in log
    assert statuses(tmp_path) == {"batch_1": "completed"}


@pytest.mark.integration
def test_a_row_never_goes_back_in_time(lists: Lists, tmp_path: Path) -> None:
    rows = [batch(2, status="in_progress"), batch(1)]
    lists.serve("openai", cursor_list(rows))
    variables = keys(lists, "openai")
    other = {**variables, "DLT_DATA_DIR": str(tmp_path / "other")}
    assert run("load", **variables)[0] == 0
    assert run("load", **other)[0] == 0
    assert run("load", **variables)[0] == 0
    # one folder has read and not loaded; the other one loads, and fails on its way
    rows[0] = batch(2, status="finalizing")
    in_pipeline("extract", variables)
    rows[0] = batch(2, status="completed")
    lists.serve("openai", [page(rows, has_more=True), failure(404)])
    assert run("load", **other)[0] == 1
    assert statuses(tmp_path)["batch_2"] == "completed"
    lists.serve("openai", failure(401))
    assert run("load", **variables)[0] == 1
    assert statuses(tmp_path)["batch_2"] == "completed"


@pytest.mark.integration
def test_a_database_that_was_restored_from_a_backup_is_filled_up(
    lists: Lists, tmp_path: Path
) -> None:
    rows = ended(300)
    lists.serve("openai", cursor_list(rows))
    variables = keys(lists, "openai")
    assert run("load", **variables)[0] == 0
    shutil.copy(tmp_path / FILE, tmp_path / "backup")
    now = int(time.time())
    rows[:0] = [batch(9_400 - n, created_at=now - DAY, completed_at=now - DAY) for n in range(400)]
    # a new folder loads, and is killed before it notes what it did
    other = {**variables, "DLT_DATA_DIR": str(tmp_path / "other")}
    in_pipeline("run", other)
    assert len(statuses(tmp_path)) == 700
    shutil.copy(tmp_path / "backup", tmp_path / FILE)
    assert run("load", **other)[0] == 0
    assert len(statuses(tmp_path)) == 700


CHANCE = random.Random(os.environ.get("PYTEST_XDIST_TESTRUNUID"))  # noqa: S311
TOUCHES: dict[str, int] = {}
"""How often a whole run touches files of its folder, by its kind."""


@pytest.mark.integration
@pytest.mark.parametrize("part", few_of([n / 10 for n in range(10)], quick=[0.4, 0.8]))
def test_a_run_that_is_killed_anywhere_loses_doubles_and_ages_nothing(
    lists: Lists, tmp_path: Path, part: float
) -> None:
    now = int(time.time())
    rows = [batch(3_001, status="in_progress", created_at=now - DAY), *ended(3_000)]
    lists.serve("openai", cursor_list(rows))
    folder = tmp_path / "folder"
    folder.mkdir()

    def pipeline_run(place: Path, touches: int | None = None) -> tuple[int, int]:
        variables = {**os.environ, **keys(lists, "openai"), "DLT_DATA_DIR": str(place / "dlt")}
        return run_and_kill(["load", "--rows-per-load", "1000"], place, variables, touches)

    def killed_run(kind: str) -> None:
        if kind not in TOUCHES:
            code, TOUCHES[kind] = pipeline_run(shutil.copytree(folder, tmp_path / kind))
            assert code == 0
        moment = 1 + int(TOUCHES[kind] * (part + CHANCE.random() / 10))
        assert pipeline_run(folder, moment) == (-signal.SIGKILL, moment)

    killed_run("first")
    kept = checkpointed(folder)
    lists.requests.clear()
    assert pipeline_run(folder)[0] == 0
    assert statuses(folder) == {row["id"]: row["status"] for row in rows}
    # one page per hundred rows above the checkpoint, one look back per load, an incremental scan
    assert len(lists.requests) <= (len(rows) - kept) / 100 + 6

    before = statuses(folder)
    rows[0]["status"] = "finalizing"
    rows[:0] = [batch(5_000 + n, created_at=now) for n in range(250)]
    killed_run("second")
    after = statuses(folder)
    assert set(before) <= set(after)
    assert after["batch_3001"] in ("in_progress", "finalizing")
    rows[250]["status"] = "completed"
    lists.requests.clear()
    assert pipeline_run(folder)[0] == 0
    assert statuses(folder) == {row["id"]: row["status"] for row in rows}
    # the 250 new ones and what stood at the head before
    assert len(lists.requests) <= 4


@pytest.mark.integration
@pytest.mark.parametrize("part", few_of([n / 8 for n in range(8)], quick=[0.5]))
def test_a_run_of_many_accounts_that_is_killed_anywhere_loses_nothing(
    lists: Lists, tmp_path: Path, part: float
) -> None:
    """They are read side by side, in several load packages, some of which close by time."""
    now, names = int(time.time()), [f"team-{n}" for n in range(12)]
    served = {
        f"Bearer {KEY}-{name}": [
            batch(4_000, status="in_progress", created_at=now - DAY, endpoint=name),
            *(row | {"endpoint": name} for row in ended(300)),
        ]
        for name in names
    }
    lists.serve("openai", lambda asked: cursor_list(served[asked.headers["authorization"]])(asked))
    variables = {**os.environ, **keys(lists, "openai")}
    prefix = "SOURCES__AI_BATCHES__OPENAI__"
    del variables[prefix + "API_KEY"]
    variables[prefix + "ACCOUNTS"] = json.dumps({name: f"{KEY}-{name}" for name in names})

    def load_into(place: Path, touches: int | None = None) -> tuple[int, int]:
        place.mkdir(exist_ok=True)
        own = {**variables, "DLT_DATA_DIR": str(place / "dlt")}
        return run_and_kill(["load", "--rows-per-load", "120"], place, own, touches)

    code, touches = load_into(tmp_path / "whole")
    assert code == 0
    for moment in (1 + int(touches * part), 1 + int(touches * (part + CHANCE.random() / 8) / 2)):
        load_into(tmp_path / "folder", moment)
    for rows in served.values():
        rows[0]["status"] = "completed"
    assert load_into(tmp_path / "folder")[0] == 0
    query = "SELECT account, endpoint, id, status FROM ai_batches_dataset.batches"
    loaded = table(tmp_path / "folder" / FILE, query)
    expected = {
        (row["endpoint"], row["endpoint"], row["id"], row["status"])
        for rows in served.values()
        for row in rows
    }
    assert len(loaded) == len(expected)
    assert set(loaded) == expected


@pytest.mark.integration
def test_a_full_disk_is_a_clear_error_and_then_recovers(lists: Lists, tmp_path: Path) -> None:
    lists.serve(
        "openai",
        cursor_list([{**row, "metadata": {"k": os.urandom(300).hex()}} for row in ended(3_000)]),
    )
    variables = {**os.environ, **keys(lists, "openai")}
    # no file may grow beyond this, as on a disk that is full
    script = f"ulimit -f 600; exec {COMMAND} load"
    done = subprocess.run(  # noqa: S603
        ["/bin/bash", "-c", script], env=variables, capture_output=True, text=True
    )
    assert done.returncode == 1
    # dlt logs a traceback of its own before
    assert "FAILED at dlt's step" in done.stderr
    assert run("load", **keys(lists, "openai"))[0] == 0
    assert len(statuses(tmp_path)) == 3_000


def test_a_working_folder_that_cannot_be_written_is_named(lists: Lists, tmp_path: Path) -> None:
    lists.serve("openai", page([batch(1)]))
    folder = tmp_path / "file"
    # root may write in any folder, but in none that is a file
    folder.touch()
    variables = {**keys(lists, "openai"), "DLT_DATA_DIR": str(folder)}
    code, _, log = run("load", **variables)
    assert code == 2
    assert str(folder) in log
    assert "Traceback" not in log
    folder.unlink()
    assert run("load", **variables)[0] == 0


def test_looking_at_a_resource_without_a_pipeline_reads_and_stores_nothing(lists: Lists) -> None:
    lists.serve("openai", page([batch(2), batch(1)]))
    for _ in range(2):
        resource = ai_batches_source(lists.settings(), run=Run()).resources["openai"]
        assert [table.num_rows for table in resource] == [2]
