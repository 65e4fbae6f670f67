"""The command decides its own pipeline: folder, dataset, DuckDB file, no settings of dlt."""

import json
import os
import shutil
import sqlite3
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dlt import Pipeline
from dlt.common.destination.client import JobClientBase

from ai_batches_runner.cli import main
from ai_batches_runner.cli.settings_files import UnreadableSettingsError, refuse_unreadable_settings
from ai_batches_runner.destinations.paths import is_plain, pipelines_folder
from commands import keys, run, table
from support import Lists, TRow, batch, cursor_list, few_of

FILE = "DESTINATION__DUCKDB__CREDENTIALS"
TABLES = """
    SELECT schema_name FROM duckdb_tables()
    WHERE table_name = 'batches' AND schema_name NOT LIKE '%staging%' ORDER BY 1
"""


@pytest.fixture
def rows(lists: Lists, monkeypatch: pytest.MonkeyPatch) -> list[TRow]:
    """What OpenAI lists; the environment of this process has its key."""
    listed = [batch(2, status="in_progress"), batch(1)]
    lists.serve("openai", cursor_list(listed))
    for name, value in keys(lists, "openai").items():
        monkeypatch.setenv(name, value)
    return listed


def ids(file: Path, dataset: str = "ai_batches") -> list[tuple[object, ...]]:
    """Accounts and ids of the table."""
    return table(file, f"SELECT account, id FROM {dataset}.batches ORDER BY id")  # noqa: S608


def test_a_run_makes_one_client_for_each_pipeline(
    rows: list[TRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    make = Pipeline.destination_client

    def count(pipeline: Pipeline, schema: Any = None) -> JobClientBase:
        caller = sys._getframe(1).f_globals["__name__"]
        made.extend([caller] if caller.startswith("ai_batches_runner") else [])
        return make(pipeline, schema)

    monkeypatch.setattr(Pipeline, "destination_client", count)
    assert main(["load"]) == 0
    # the file decides the dataset, and so on a second pipeline
    assert made == ["ai_batches_runner.destinations.registry"] * 2


BOTH = [("default", "batch_1"), ("default", "batch_2")]
ALL_THREE = [*BOTH, ("default", "batch_3")]


# Folders whose path DuckDB or dlt misread


@pytest.mark.integration
@pytest.mark.sample(1)
@pytest.mark.parametrize(
    "name",
    few_of(
        ["account=prod", "status=live/id=1", "o'brien", "p%20q", "%s", "[ab]", "*", "{a,b}"],
        quick=["status=live/id=1", "o'brien", "%s"],
    ),
)
def test_rows_are_right_in_any_folder(
    rows: list[TRow], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv("DLT_DATA_DIR")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    # a pattern would find these as well
    for folder in (tmp_path / name, tmp_path / "a", tmp_path / "b"):
        folder.mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(tmp_path / name)
    code, _, log = run("load")
    assert code == 0, log
    rows.insert(0, batch(3))
    assert run("load")[0] == 0
    assert ids(Path("ai_batches.duckdb"), "ai_batches_dataset") == ALL_THREE
    assert not Path(".dlt").exists()
    (folder,) = (tmp_path / "state" / "ai_batches").iterdir()
    assert folder.stat().st_mode & 0o077 in (0, 0o055)
    assert (tmp_path / "state" / "ai_batches").stat().st_mode & 0o077 == 0


def test_the_working_folder_is_the_same_one_each_time_and_where_it_was_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    plain = tmp_path / "plain"
    odd = tmp_path / "a=b"
    for folder in (plain, odd):
        folder.mkdir()
    monkeypatch.setenv("DLT_DATA_DIR", str(plain))
    assert pipelines_folder() == plain / "pipelines"
    monkeypatch.setenv("DLT_DATA_DIR", str(odd))
    chosen = pipelines_folder()
    assert is_plain(chosen)
    assert pipelines_folder() == chosen
    # by another way to the same place; dlt follows links
    (tmp_path / "link").symlink_to(odd)
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "link"))
    assert pipelines_folder() == chosen
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "c=d"))
    assert pipelines_folder() != chosen


@pytest.mark.integration
def test_temporary_files_may_be_in_any_folder(
    rows: list[TRow], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = tmp_path / "id=5 %s"
    odd.mkdir()
    monkeypatch.setenv("TMPDIR", str(odd))
    assert run("load")[0] == 0
    code, printed, log = run("check")
    assert (code, log) == (0, ""), printed
    code, _, log = run("alerts")
    assert code in (0, 1), log
    assert ids(tmp_path / "ai_batches.duckdb", "ai_batches_dataset") == BOTH


@pytest.mark.parametrize("name", ["a?b", "a\\b"])
def test_a_path_that_duckdb_takes_for_another_is_refused(
    rows: list[TRow],
    lists: Lists,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    monkeypatch.setenv(FILE, str(tmp_path / name / "x.duckdb"))
    (tmp_path / name).mkdir()
    for arguments in (["load", "openai"], ["check"], ["alerts"], ["verify"]):
        assert main(arguments) == 2
        assert (
            f"DuckDB misreads `{name[1]}` in the path {tmp_path / name}" in capsys.readouterr().err
        )
    assert lists.requests == []


@pytest.mark.parametrize("name", ["[x]", "p%20q", "*"])
def test_a_folder_of_files_that_would_not_be_found_is_refused(
    rows: list[TRow],
    lists: Lists,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    monkeypatch.setenv("DESTINATION__FILESYSTEM__BUCKET_URL", str(tmp_path / name))
    files = ["--destination", "filesystem", "--table-format", "delta"]
    for arguments in (["load"], ["check"]):
        assert main([*arguments, *files]) == 2
        assert f"in the path {tmp_path / name}" in capsys.readouterr().err
    assert lists.requests == []


# Settings of dlt


DEVELOPING = {"PIPELINES__AI_BATCHES__DEV_MODE": "true"}
REFRESHING = {"AI_BATCHES__PIPELINES__AI_BATCHES__REFRESH": "drop_resources"}
OTHER_NAMES = {"DATASET_NAME": "other", "PIPELINE_NAME": "other", "DESTINATION_TYPE": "postgres"}


@pytest.mark.integration
@pytest.mark.sample(1)
@pytest.mark.parametrize(
    "variables",
    few_of(
        [
            {"DEV_MODE": "true"},
            DEVELOPING,
            {"FULL_REFRESH": "true"},
            {"REFRESH": "drop_sources"},
            {"PIPELINES__REFRESH": "drop_data"},
            REFRESHING,
            OTHER_NAMES,
            {"USE_SINGLE_DATASET": "false", "RESTORE_FROM_DESTINATION": "false"},
            {"PROGRESS": "log"},
            {"LOAD__RAISE_ON_FAILED_JOBS": "false"},
        ],
        quick=[DEVELOPING, REFRESHING, OTHER_NAMES],
    ),
)
def test_settings_that_the_command_decides_itself_do_not_count(
    rows: list[TRow],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variables: dict[str, str],
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main(["load", "--log-format", "json"]) == 0, capsys.readouterr()
    rows.insert(0, batch(3))
    assert main(["load", "--log-format", "json"]) == 0, capsys.readouterr()
    # nothing but lines of JSON
    assert [
        json.loads(line)["new"] for line in capsys.readouterr().out.splitlines() if '"new"' in line
    ] == [2, 1]
    file = tmp_path / "ai_batches.duckdb"
    assert table(file, TABLES) == [("ai_batches_dataset",)]
    assert ids(file, "ai_batches_dataset") == ALL_THREE
    assert table(file, "SELECT count(*) FROM ai_batches_dataset.runs") == [(2,)]


@pytest.mark.integration
def test_settings_in_a_file_do_not_count_either(rows: list[TRow], tmp_path: Path) -> None:
    settings = tmp_path / ".dlt" / "config.toml"
    settings.parent.mkdir()
    settings.write_text('dev_mode = true\n[pipelines]\nrefresh = "drop_sources"\n')
    for _ in range(2):
        code, _, log = run("load")
        assert code == 0, log
    assert table(tmp_path / "ai_batches.duckdb", TABLES) == [("ai_batches_dataset",)]
    settings.write_text('[pipelines.ai_batches]\ndataset_name_layout = "prod_%s"\n')
    code, _, log = run("load")
    assert code == 2
    assert "`pipelines.ai_batches.dataset_name_layout` in" in log
    assert "config.toml" in log


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("DATASET_NAME_LAYOUT", "prod_%s", "--dataset"),
        ("PIPELINES__DATASET_NAME_LAYOUT", "prod_%s", "--dataset"),
        ("DESTINATION_NAME", "foo", "--destination"),
        ("DESTINATION__DUCKDB__DESTINATION_NAME", "foo", "--destination"),
        ("IMPORT_SCHEMA_PATH", "schemas", "columns"),
        ("NORMALIZE__PARQUET_NORMALIZER__ADD_DLT_ID", "true", "columns"),
        ("NORMALIZE__PARQUET_NORMALIZER__ADD_DLT_LOAD_ID", "true", "columns"),
        ("PARQUET_NORMALIZER__ADD_DLT_ID", "true", "columns"),
        ("STAGING_DATASET_NAME_LAYOUT", "%s", "%s_staging"),
        ("DESTINATION__DUCKDB__STAGING_DATASET_NAME_LAYOUT", "ai_batches_dataset", "%s_staging"),
    ],
)
def test_settings_that_cannot_be_followed_are_refused_by_name(
    rows: list[TRow],
    lists: Lists,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: str,
    remedy: str,
) -> None:
    monkeypatch.setenv(name, value)
    for arguments in (["load"], ["check"], ["alerts"]):
        assert main(arguments) == 2
        said = capsys.readouterr().err
        assert f"`{name}`" in said
        assert remedy in said
        assert len(said.splitlines()) == 1
    assert lists.requests == []
    assert not list(Path.cwd().glob("*.duckdb"))


# A DuckDB file under another name


@pytest.mark.integration
@pytest.mark.parametrize(
    ("first", "later", "dataset"),
    few_of(
        [
            ("ai_batches.duckdb", "warehouse.duckdb", "ai_batches_dataset"),
            ("AI_Batches.duckdb", "warehouse.duckdb", "ai_batches_dataset"),
            ("ai_batches.prod.duckdb", "x.db", "ai_batches_dataset"),
            ("warehouse.duckdb", "warehouse_2.duckdb", "ai_batches"),
        ],
        quick=[("ai_batches.prod.duckdb", "x.db", "ai_batches_dataset")],
    ),
)
def test_a_renamed_file_keeps_its_dataset(
    rows: list[TRow],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    first: str,
    later: str,
    dataset: str,
) -> None:
    monkeypatch.setenv(FILE, str(tmp_path / first))
    assert main(["load"]) == 0
    shutil.move(tmp_path / first, tmp_path / later)
    monkeypatch.setenv(FILE, str(tmp_path / later))
    rows.insert(0, batch(3))
    for arguments in (["load"], ["verify"], ["check"]):
        assert main(arguments) == 0, capsys.readouterr()
        assert f"{dataset}.batches" in capsys.readouterr().out or arguments == ["verify"]
    assert main(["alerts"]) in (0, 1)
    assert table(tmp_path / later, TABLES) == [(dataset,)]
    assert ids(tmp_path / later, dataset) == ALL_THREE


@pytest.mark.integration
def test_a_file_that_got_the_name_of_its_dataset_is_refused(
    rows: list[TRow],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(FILE, str(tmp_path / "warehouse.duckdb"))
    assert main(["load"]) == 0
    shutil.copy(tmp_path / "warehouse.duckdb", tmp_path / "ai_batches.duckdb")
    monkeypatch.setenv(FILE, str(tmp_path / "ai_batches.duckdb"))
    capsys.readouterr()
    for arguments in (["load"], ["check"], ["alerts"]):
        assert main(arguments) == 2
        assert "has the table in its dataset ai_batches" in capsys.readouterr().err
    assert table(tmp_path / "ai_batches.duckdb", TABLES) == [("ai_batches",)]


@pytest.mark.integration
def test_a_dataset_that_is_named_counts(
    rows: list[TRow], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["load"]) == 0
    shutil.move(tmp_path / "ai_batches.duckdb", tmp_path / "x.duckdb")
    monkeypatch.setenv(FILE, str(tmp_path / "x.duckdb"))
    assert main(["load", "--dataset", "ai_batches"]) == 0
    assert table(tmp_path / "x.duckdb", TABLES) == [("ai_batches",), ("ai_batches_dataset",)]


@pytest.mark.integration
def test_two_datasets_with_the_table_are_named(rows: list[TRow], tmp_path: Path) -> None:
    assert main(["load"]) == 0
    shutil.move(tmp_path / "ai_batches.duckdb", tmp_path / "x.duckdb")
    file = {FILE: str(tmp_path / "x.duckdb")}
    assert run("load", "--dataset", "ai_batches", **file)[0] == 0
    code, _, log = run("load", **file)
    assert code == 0
    assert "has the table `batches` in the datasets ai_batches and ai_batches_dataset" in log


# Names and files that cannot be used


@pytest.mark.parametrize(
    "name", ["", " ", "---", "a b", "a.b", "../b", "研究", "a'b", "%s", "a\nb"]
)
def test_a_dataset_that_cannot_be_called_so_is_refused(
    rows: list[TRow], lists: Lists, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    for arguments in (["load"], ["check"], ["alerts"]):
        assert main([*arguments, f"--dataset={name}"]) == 2
        assert f"A dataset cannot be called `{name}`" in capsys.readouterr().err
    assert lists.requests == []


@pytest.mark.parametrize("name", ["", " ", "nowhere"])
def test_a_destination_that_is_none_is_refused(
    rows: list[TRow], lists: Lists, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    for arguments in (["load"], ["check"], ["alerts"]):
        assert main([*arguments, "--destination", name]) == 2
        said = capsys.readouterr().err
        assert "No destination was named" in said or f"no destination `{name}`" in said
        assert len(said.splitlines()) == 1
    assert lists.requests == []


def damaged(file: Path, kind: str) -> None:
    """Makes a file that is not a sound DuckDB database."""
    if kind == "folder":
        file.mkdir()
    elif kind == "sqlite":
        with sqlite3.connect(file) as connection:
            connection.execute("CREATE TABLE a (b)")
        connection.close()
    elif kind == "text":
        file.write_text("hello\n" * 5_000)
    elif kind == "short":
        file.write_text("x")
    else:
        with duckdb.connect(str(file)) as other:
            other.execute("CREATE TABLE a AS SELECT range b, random() c FROM range(200000)")
        content = bytearray(file.read_bytes())
        if kind == "cut":
            content = content[: len(content) // 2]
        elif kind == "cut in the header":
            content = content[:5_000]
        elif kind == "overwritten":
            content[12_288:] = bytes(len(content) - 12_288)
        file.write_bytes(content)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("text", "is not a DuckDB file, or is damaged"),
        ("short", "is not a DuckDB file, or is damaged"),
        ("sqlite", "is an SQLite database"),
        ("folder", "is a folder"),
        ("cut", "is damaged"),
        ("cut in the header", "is damaged"),
        ("overwritten", "is damaged"),
    ],
)
def test_a_file_that_is_no_sound_database_is_refused_in_a_sentence(
    rows: list[TRow],
    lists: Lists,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    kind: str,
    said: str,
) -> None:
    file = tmp_path / "ai_batches.duckdb"
    damaged(file, kind)
    content = file.read_bytes() if file.is_file() else b""
    for arguments in (["load"], ["check"], ["alerts"], ["verify"]):
        assert main(arguments) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert str(file) in line
        assert said in line
    assert lists.requests == []
    assert content == (file.read_bytes() if file.is_file() else b"")


def test_an_empty_file_is_a_new_one(rows: list[TRow], tmp_path: Path) -> None:
    file = tmp_path / "ai_batches.duckdb"
    file.touch()
    assert main(["check"]) == 0
    assert main(["load"]) == 0
    assert ids(file, "ai_batches_dataset") == BOTH
    assert int.from_bytes(file.read_bytes()[12:20], "little") <= 65


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes anywhere")
@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_file_that_cannot_be_written_is_refused(
    rows: list[TRow], tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    assert main(["load"]) == 0
    protected = tmp_path / "ai_batches.duckdb" if what == "file" else tmp_path
    protected.chmod(0o500)
    capsys.readouterr()
    try:
        for arguments in (["load"], ["check"]):
            assert main(arguments) == 2
            assert "cannot be written (Permission denied)" in capsys.readouterr().err
    finally:
        protected.chmod(0o700)


# Settings files

SECRET = b'[sources.ai_batches.openai]\napi_key = "sk-secret-0123456789"\n'


@pytest.mark.parametrize("name", ["secrets.toml", "config.toml"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xef\xbb\xbf" + SECRET, "begins with a byte order mark"),
        (SECRET.decode().encode("utf-16"), "begins with a byte order mark"),
        (SECRET.replace(b'789"', b"789"), "is not valid TOML: see line 2"),
        (SECRET + b"sk-secret-0123456789\n", "is not valid TOML: see line 3"),
        (SECRET + b'api_key = "sk-secret-0123456789"\n', "is not valid TOML"),
        (SECRET + SECRET, "is not valid TOML"),
        (b"# \xe9\n" + SECRET, "is not UTF-8: see line 1"),
        (None, "is a folder"),
    ],
)
def test_a_settings_file_that_cannot_be_read_is_named_and_not_quoted(
    tmp_path: Path, name: str, content: bytes | None, said: str
) -> None:
    path = tmp_path / name
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(UnreadableSettingsError) as refused:
        refuse_unreadable_settings(iter([tmp_path / "absent.toml", path]))
    assert f"{path} {said}" in str(refused.value)
    assert "secret-" not in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_sound_settings_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(SECRET.replace(b"\n", b"\r\n"))
    (tmp_path / "b.toml").touch()
    refuse_unreadable_settings(iter([tmp_path / "a.toml", tmp_path / "b.toml"]))


@pytest.mark.parametrize("where", ["folder", "home"])
def test_the_command_says_it_in_a_line(lists: Lists, tmp_path: Path, where: str) -> None:
    settings = tmp_path / ".dlt"
    variables = keys(lists, "openai")
    if where == "home":
        # dlt's global folder, for whoever is not root; here DLT_PROJECT_DIR stands for it
        settings = tmp_path / "elsewhere" / ".dlt"
        variables["DLT_PROJECT_DIR"] = str(settings.parent)
    settings.mkdir(parents=True)
    (settings / "secrets.toml").write_bytes(b"\xef\xbb\xbf" + SECRET)
    for arguments in (["load"], ["check"], ["alerts", "--debug"]):
        code, printed, log = run(*arguments, **variables)
        assert (code, printed, len(log.splitlines())) == (2, "", 1), log
        assert f"{settings / 'secrets.toml'} begins with a byte order mark" in log
    assert lists.requests == []
