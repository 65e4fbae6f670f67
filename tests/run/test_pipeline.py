"""The pipeline as a schedule runs it: a process, its exit code, what it prints and leaves."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import dlt
import duckdb
import pytest
from filelock import FileLock
from starlette.requests import Request

from commands import COMMAND, keys, run, run_process, summary, table
from support import (
    KEY,
    CutOff,
    Lists,
    TAnswer,
    batch,
    cursor_list,
    failure,
    few_of,
    offset_list,
    page,
)


def test_it_loads_all_providers_that_have_a_key(lists: Lists, tmp_path: Path) -> None:
    rows = [batch(2, status="in_progress"), batch(1)]
    lists.serve("openai", cursor_list(rows))
    lists.serve("bland", offset_list([{"id": "b1", "created_at": "2025-05-08T19:28:12.627Z"}]))
    variables = keys(lists, "openai", "bland")
    code, printed, log = run("load", **variables)
    assert code == 0, log
    assert summary(printed, "openai")[:7] == ["openai", "default", "2", "2", "0", "1", "1"]
    assert summary(printed, "bland")[:7] == ["bland", "default", "1", "1", "0", "?", "3"]
    assert log == ""
    rows[:] = [batch(3), batch(2), batch(1)]
    code, printed, _ = run("load", **variables)
    assert code == 0
    assert summary(printed, "openai")[:6] == ["openai", "default", "3", "1", "1", "0"]
    file = tmp_path / "ai_batches.duckdb"
    query = "SELECT provider, id, status FROM ai_batches_dataset.batches ORDER BY ALL"
    assert table(file, query) == [
        ("bland", "b1", None),
        ("openai", "batch_1", "completed"),
        ("openai", "batch_2", "completed"),
        ("openai", "batch_3", "completed"),
    ]


def test_it_goes_where_dlt_is_told(lists: Lists, tmp_path: Path) -> None:
    lists.serve("kimi", page([batch(1)]))
    lists.serve("openai", page([batch(1)]))
    file = tmp_path / "warehouse.duckdb"
    code, printed, _ = run(
        "load", "kimi", **keys(lists, "kimi", "openai"), DESTINATION__DUCKDB__CREDENTIALS=str(file)
    )
    assert code == 0
    assert "ai_batches.batches in" in printed
    assert table(file, "SELECT provider FROM ai_batches.batches") == [("kimi",)]
    assert lists.count("openai") == 0
    # storage versions up to 64 are what DuckDB 1.2 reads; bytes 12 to 20 of the file hold it
    assert int.from_bytes(file.read_bytes()[12:20], "little") <= 65


@pytest.mark.integration
def test_another_destination_is_one_flag(lists: Lists, tmp_path: Path) -> None:
    lists.serve("openai", cursor_list([batch(2, metadata={"team": "a"}), batch(1)]))
    url = f"sqlite:///{tmp_path / 'other.sqlite'}"
    variables = keys(lists, "openai") | {"DESTINATION__SQLALCHEMY__CREDENTIALS": url}
    for new in ("2", "0"):
        code, printed, log = run(
            "load", "--destination", "sqlalchemy", "--dataset", "b", **variables
        )
        assert code == 0, log
        assert summary(printed, "openai")[2:5] == ["2", new, "?"]
    code, printed, log = run("verify", "--destination", "sqlalchemy", "--dataset", "b", **variables)
    assert code == 0, printed + log
    with sqlite3.connect(tmp_path / "other__b.sqlite") as connection:
        query = "SELECT json_extract(metadata, '$.team') FROM batches ORDER BY id"
        assert connection.execute(query).fetchall() == [(None,), ("a",)]


@pytest.mark.parametrize("dataset", ["ai_batches", "ai-batches"])
def test_a_dataset_that_duckdb_cannot_tell_from_its_file_is_refused(
    lists: Lists, dataset: str
) -> None:
    code, _, log = run("load", "--dataset", dataset, **keys(lists, "openai"))
    assert code == 2
    assert "Choose another dataset or another file" in log


def test_without_any_key_it_says_where_it_looked() -> None:
    code, printed, log = run("load")
    assert code == 2
    for variable in ("BLAND", "RESPAN", "OPENAI", "NOVITA", "MOONSHOT"):
        assert f"{variable}_API_KEY" in log
    assert "ai-batches demo" in log
    assert printed == ""
    assert ", ," not in log


def test_a_provider_asked_for_without_a_key_is_an_error(lists: Lists) -> None:
    code, _, log = run("load", "openai", "kimi", **keys(lists, "openai"))
    assert code == 2
    assert "No API key for kimi" in log
    assert lists.requests == []


def test_an_unknown_provider_is_wrong_usage() -> None:
    code, _, log = run("load", "opnai")
    assert code == 2
    assert "no such provider: opnai" in log


def test_a_destination_that_cannot_merge_is_refused_before_anything_is_read(lists: Lists) -> None:
    bucket = {"DESTINATION__FILESYSTEM__BUCKET_URL": "file://bucket"}
    code, _, log = run("load", "--destination", "filesystem", **keys(lists, "openai"), **bucket)
    assert code == 2
    assert "cannot merge" in log
    assert lists.requests == []


@pytest.mark.integration
def test_a_table_keeps_its_format(lists: Lists, tmp_path: Path) -> None:
    lists.serve("openai", cursor_list([batch(1)]))
    bucket = {"DESTINATION__FILESYSTEM__BUCKET_URL": str(tmp_path / "bucket")}
    variables = {**keys(lists, "openai"), **bucket}
    to_files = ("--destination", "filesystem", "--table-format")
    assert run("load", *to_files, "delta", **variables)[0] == 0
    lists.requests.clear()
    code, _, log = run("load", *to_files, "iceberg", **variables)
    assert code == 2
    assert "ai_batches.batches is kept as `delta`" in log
    assert not lists.requests
    assert run("load", *to_files, "delta", **variables)[0] == 0


def test_there_is_nothing_to_verify_without_a_table(lists: Lists) -> None:
    lists.serve("openai", cursor_list([batch(1)]))
    code, _, log = run("verify", **keys(lists, "openai"))
    assert code == 2
    assert "There is no table ai_batches_dataset.batches" in log
    assert not lists.requests


def test_a_pipelines_name_is_plain(lists: Lists) -> None:
    # dlt would fold names that differ in this into one staging dataset
    for name in ("EU", "_eu", "e__u", ""):
        code, _, log = run("load", "--pipeline-name", name, **keys(lists, "openai"))
        assert code == 2
        assert "cannot be called" in log


def test_a_server_that_does_not_answer_is_named(lists: Lists) -> None:
    lists.serve("openai", cursor_list([batch(1)]))
    # nobody listens there
    url = "postgresql://loader:pass-word-0123456789@127.0.0.1:9/db"
    variables = {**keys(lists, "openai"), "DESTINATION__POSTGRES__CREDENTIALS": url}
    code, _, log = run("load", "--destination", "postgres", **variables)
    assert code == 1
    assert "127.0.0.1" in log
    assert "Traceback" not in log
    assert "pass-word" not in log
    assert not lists.requests


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (failure(401, {"error": f"bad key {KEY}"}), "refused the key (HTTP 401)"),
        (failure(503), "HTTP 503"),
        (CutOff(), "broke off"),
        (page([], True), "an empty page promises"),
        (b"<html></html>", "not JSON"),
    ],
)
def test_a_provider_that_fails_does_not_stop_the_others(
    lists: Lists, tmp_path: Path, answer: object, complaint: str
) -> None:
    lists.serve("openai", answer)  # type: ignore[arg-type]
    lists.serve("kimi", page([batch(1)]))
    code, printed, log = run("load", **keys(lists, "openai", "kimi"))
    assert code == 1
    assert summary(printed, "openai")[-1] == "FAILED"
    assert summary(printed, "kimi")[-1] == "ok"
    assert "FAILED openai, account default: " in printed
    assert complaint in printed
    assert KEY not in printed + log
    assert "Traceback" not in printed + log
    file = tmp_path / "ai_batches.duckdb"
    assert table(file, "SELECT provider FROM ai_batches_dataset.batches") == [("kimi",)]


def test_a_wrong_setting_concerns_its_provider_only(lists: Lists) -> None:
    lists.serve("kimi", page([batch(1)]))
    variables = keys(lists, "openai", "kimi")
    variables["SOURCES__AI_BATCHES__OPENAI__PAGE_SIZE"] = "none"
    code, printed, _ = run("load", **variables)
    assert code == 1
    assert "FAILED openai: the setting sources.ai_batches.openai.page_size" in printed
    assert summary(printed, "kimi")[-1] == "ok"


def test_an_account_may_have_any_name(lists: Lists) -> None:
    lists.serve("openai", page([batch(1)]))
    variables = keys(lists, "openai")
    del variables["SOURCES__AI_BATCHES__OPENAI__API_KEY"]
    variables["SOURCES__AI_BATCHES__OPENAI__ACCOUNTS"] = f'{{"[/eu]": "{KEY}"}}'
    code, printed, _ = run("load", **variables)
    assert code == 0
    assert summary(printed, "openai")[1] == "[/eu]"


def test_empty_lists_still_make_the_table(lists: Lists, tmp_path: Path) -> None:
    lists.serve("openai", page([]))
    for _ in range(2):
        code, printed, _ = run("load", **keys(lists, "openai"))
        assert code == 0
        assert summary(printed, "openai")[2:5] == ["0", "0", "0"]
    query = "SELECT count(*) FROM ai_batches_dataset.batches WHERE is_open"
    assert table(tmp_path / "ai_batches.duckdb", query) == [(0,)]


@pytest.mark.integration
def test_each_working_folder_has_its_own_database(
    lists: Lists, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists.serve("openai", page([batch(1)]))
    monkeypatch.delenv("DLT_DATA_DIR")
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        assert run("load", **keys(lists, "openai"))[0] == 0
        file = tmp_path / name / "ai_batches.duckdb"
        assert table(file, "SELECT count(*) FROM ai_batches_dataset.batches") == [(1,)]


LOCAL_FILES: dict[str, tuple[list[str], dict[str, str]]] = {
    "duckdb": ([], {}),
    "sqlalchemy": ([], {"DESTINATION__SQLALCHEMY__CREDENTIALS": "sqlite:///batches.db"}),
    "filesystem": (["--table-format", "delta"], {"DESTINATION__FILESYSTEM__BUCKET_URL": "lake"}),
}
"""Destinations whose files are in the current folder, with options and variables for them."""


@pytest.mark.parametrize("destination", few_of(list(LOCAL_FILES), quick=["duckdb"]))
def test_a_project_that_was_copied_or_moved_keeps_to_its_own_files(
    lists: Lists, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, destination: str
) -> None:
    rows = [batch(1)]
    lists.serve("openai", cursor_list(rows))
    options, variables = LOCAL_FILES[destination]
    for name, value in {**keys(lists, "openai"), **variables}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("DLT_DATA_DIR")

    def code_in(folder: str, command: str) -> int:
        with monkeypatch.context() as there:
            there.chdir(tmp_path / folder)
            return run(command, "--destination", destination, *options)[0]

    (tmp_path / "first").mkdir()
    assert code_in("first", "load") == 0
    shutil.copytree(tmp_path / "first", tmp_path / "copy")
    rows.insert(0, batch(2))
    assert code_in("copy", "load") == 0
    assert (code_in("copy", "verify"), code_in("first", "verify")) == (0, 1)

    (tmp_path / "first").rename(tmp_path / "moved")
    rows.insert(0, batch(3))
    assert code_in("moved", "load") == 0
    assert (code_in("moved", "verify"), code_in("copy", "verify")) == (0, 1)
    assert not (tmp_path / "first").exists()


@pytest.mark.integration
@pytest.mark.parametrize("is_moved", [False, True])
def test_an_iceberg_table_in_another_place_is_refused(
    lists: Lists, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_moved: bool
) -> None:
    """It would go on in the old place."""
    rows = [batch(1)]
    lists.serve("openai", cursor_list(rows))
    monkeypatch.delenv("DLT_DATA_DIR")
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    options = ("--destination", "filesystem", "--table-format", "iceberg")
    variables = {**keys(lists, "openai"), "DESTINATION__FILESYSTEM__BUCKET_URL": "lake"}
    monkeypatch.chdir(first)
    assert run("load", *options, **variables)[0] == 0
    rows.insert(0, batch(2))
    files = sorted(first.glob("lake/**/*"))
    if is_moved:
        first.rename(second)
    else:
        shutil.copytree(first, second)
    monkeypatch.chdir(second)
    lists.requests.clear()
    code, _, log = run("load", *options, **variables)
    assert code == 2
    assert f"puts its new files into {first / 'lake' / 'ai_batches' / 'batches'}" in log
    assert lists.requests == []
    assert sorted(first.glob("lake/**/*")) == ([] if is_moved else files)


@pytest.mark.parametrize("is_moved", [False, True])
def test_what_an_interrupted_run_left_is_loaded_before_reading_on(
    lists: Lists, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_moved: bool
) -> None:
    lists.serve("openai", cursor_list([batch(1)]))
    for name, value in keys(lists, "openai").items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("DLT_DATA_DIR")
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert run("load")[0] == 0
    lists.serve("openai", cursor_list([batch(2), batch(1)]))
    # as if the run had been killed after reading
    code = (
        "from ai_batches import ai_batches_source\n"
        "from ai_batches_runner import open_pipeline\n"
        "with open_pipeline() as pipeline:\n"
        "    pipeline.extract(ai_batches_source().with_resources('openai'))\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603
    if is_moved:
        folder = folder.rename(tmp_path / "moved")
        monkeypatch.chdir(folder)
    lists.serve("openai", cursor_list([batch(3), batch(2), batch(1)]))
    exit_code, printed, log = run("load")
    assert exit_code == 0
    # a file in another place counts as another one: what waits for the first is not loaded into it
    done, new = ("Dropped", "2") if is_moved else ("Loaded first", "1")
    assert f"{done} what an interrupted run left" in log
    assert summary(printed, "openai")[2:4] == ["3", new]
    query = "SELECT count(*) FROM ai_batches_dataset.batches"
    assert table(folder / "ai_batches.duckdb", query) == [(3,)]
    # also for dlt's own commands
    attached = dlt.attach("ai_batches", pipelines_dir=str(folder / ".dlt" / "pipelines"))
    assert attached.dataset()("SELECT count(*) FROM batches").fetchall() == [(3,)]
    attached.deactivate()


def test_a_locked_database_is_a_clear_error_and_nothing_is_lost(
    lists: Lists, tmp_path: Path
) -> None:
    lists.serve("openai", page([batch(1)]))
    file = tmp_path / "ai_batches.duckdb"
    variables = keys(lists, "openai")
    with duckdb.connect(str(file)):
        code, _, log = run_process("load", "--lock-timeout", "1", **variables)
    assert code == 1
    assert f"{file} is open in process {os.getpid()}. Close it there" in log
    assert "Traceback" not in log
    assert run("load", **variables)[0] == 0


@pytest.mark.integration
def test_what_was_read_before_a_lock_is_loaded_by_the_next_run(
    lists: Lists, tmp_path: Path
) -> None:
    held: list[duckdb.DuckDBPyConnection] = []

    def answer(request: Request) -> TAnswer:
        held.append(duckdb.connect(str(tmp_path / "ai_batches.duckdb")))
        return page([batch(1)])

    lists.serve("openai", answer)
    variables = keys(lists, "openai")
    code, _, log = run_process("load", "--lock-timeout", "1", **variables)
    assert code == 1
    assert "the next run loads what was read" in log
    held[0].close()
    # the list is not asked for what is loaded first
    lists.serve("openai", failure(401))
    code, _, log = run("load", **variables)
    assert code == 1
    assert "Loaded first what an interrupted run left" in log
    file = tmp_path / "ai_batches.duckdb"
    assert table(file, "SELECT count(*) FROM ai_batches_dataset.batches") == [(1,)]


@pytest.mark.integration
def test_a_database_that_is_opened_while_lists_are_read_is_waited_for(
    lists: Lists, tmp_path: Path
) -> None:
    rows = [batch(n) for n in range(1_200, 0, -1)]
    inner = cursor_list(rows)

    def answer(request: Request) -> TAnswer:
        if len(lists.requests) == 8:
            connection = duckdb.connect(str(tmp_path / "ai_batches.duckdb"))
            threading.Timer(2, connection.close).start()
        return inner(request)

    lists.serve("openai", answer)
    lists.serve("kimi", failure(401))
    code, printed, _ = run_process(
        "load", "--rows-per-load", "500", **keys(lists, "openai", "kimi")
    )
    assert code == 1
    assert summary(printed, "openai")[2:4] == ["1,200", "1,200"]
    assert summary(printed, "openai")[-1] == "ok"
    assert summary(printed, "kimi")[-1] == "FAILED"


def test_a_database_in_dlts_working_folder_is_refused(lists: Lists) -> None:
    lists.serve("openai", page([batch(1)]))
    place = {"DESTINATION__DUCKDB__CREDENTIALS": ":pipeline:"}
    code, _, log = run("load", **keys(lists, "openai"), **place)
    assert code == 2
    assert "lies in dlt's working folder" in log


@pytest.mark.parametrize(
    "option",
    [
        "--time-limit=0",
        "--lock-timeout=nan",
        "--rows-per-load=0",
        "--since=soon",
        "--rows-per-load=x",
    ],
)
def test_an_option_without_sense_is_wrong_usage(lists: Lists, option: str) -> None:
    lists.serve("openai", page([batch(1)]))
    assert run("load", option, **keys(lists, "openai"))[0] == 2
    assert lists.requests == []


@pytest.mark.integration
def test_a_run_that_is_interrupted_says_so(lists: Lists) -> None:
    children: list[subprocess.Popen[str]] = []

    def answer(request: Request) -> TAnswer:
        children[0].send_signal(signal.SIGINT)
        # dlt looks for signals while it waits for rows: one page at once would be the end of it
        time.sleep(1)
        return page([batch(1)])

    lists.serve("openai", answer)
    children.append(
        subprocess.Popen(  # noqa: S603
            [COMMAND, "load"],
            env={**os.environ, **keys(lists, "openai")},
            # whoever runs the tests in the background of a shell has it ignored
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            stderr=subprocess.PIPE,
            text=True,
        )
    )
    _, log = children[0].communicate(timeout=60)
    assert children[0].returncode == 130, log
    assert "Interrupted. What was loaded is kept" in log


def test_a_second_run_of_the_pipeline_is_turned_away(lists: Lists, tmp_path: Path) -> None:
    (tmp_path / "dlt" / "pipelines").mkdir(parents=True)
    lists.serve("openai", page([batch(1)]))
    with FileLock(tmp_path / "dlt" / "pipelines" / "ai_batches.lock"):
        code, _, log = run("load", **keys(lists, "openai"))
    assert code == 4
    assert "Another run of this pipeline is at work" in log
    assert lists.requests == []


@pytest.mark.integration
def test_another_database_gets_its_own_state(lists: Lists, tmp_path: Path) -> None:
    lists.serve("openai", page([batch(1)]))
    for name in ("one", "other", "one"):
        file = str(tmp_path / f"{name}.duckdb")
        code, printed, _ = run(
            "load", **keys(lists, "openai"), DESTINATION__DUCKDB__CREDENTIALS=file
        )
        assert code == 0
        assert summary(printed, "openai")[2] == "1"
    for name in ("one", "other"):
        found = table(tmp_path / f"{name}.duckdb", "SELECT count(*) FROM ai_batches.batches")
        assert found == [(1,)]


def test_settings_that_cannot_be_parsed_are_named(tmp_path: Path) -> None:
    (tmp_path / ".dlt").mkdir()
    (tmp_path / ".dlt" / "secrets.toml").write_text("[sources")
    code, _, log = run("load")
    assert code == 2
    assert "secrets.toml" in log
    assert "Traceback" not in log


@pytest.mark.integration
@pytest.mark.parametrize("times", few_of([1, 2], quick=[1]))
def test_the_demo_runs_without_key_or_network_and_leaves_the_real_database(
    tmp_path: Path, times: int
) -> None:
    real = tmp_path / "ai_batches.duckdb"
    for _ in range(times):
        code, printed, log = run(
            "demo",
            DESTINATION__DUCKDB__CREDENTIALS=str(real),
            HTTP_PROXY="http://127.0.0.1:9",
            NO_PROXY="",
        )
        assert code == 0, log
        first, second = printed.split("Second run")
        for provider in ("bland", "respan", "openai", "novita", "kimi"):
            assert summary(first, provider)[2].startswith(("2,39", "2,40"))
            assert summary(second, provider)[3] != "0"
        assert summary(second, "openai")[4] != "0"
        assert "in_progress" in second
        for provider in ("openai", "mistral"):
            assert f"Results of {provider}, account default: files " in second
        assert "rate_limit_exceeded" in second
    assert not real.exists()
    query = "SELECT count(*), count(DISTINCT (provider, id)) FROM ai_batches.batches"
    ((rows, distinct),) = table(tmp_path / "demo.duckdb", query)
    assert rows == distinct
    query = "SELECT DISTINCT provider, outcome <> 'succeeded' FROM ai_batches.batch_requests"
    found = table(tmp_path / "demo.duckdb", query)
    assert sorted(found) == [("mistral", True), ("openai", True)]
