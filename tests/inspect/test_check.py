"""What `check` finds before a run, which meets the same; nothing is left behind."""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import psycopg2
import pymysql
import pytest

import servers
from commands import keys, run, run_process, summary
from servers import PASSWORD
from support import KEY, Lists, TAnswer, TRow, batch, cursor_list, failure, page

BLAND = "SOURCES__AI_BATCHES__BLAND__"
OPENAI = "SOURCES__AI_BATCHES__OPENAI__"


def check(*arguments: str, **variables: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Runs the check; returns its exit code and its events, by provider and `destination`."""
    return events(*run("check", "--log-format", "json", *arguments, **variables))


def events(code: int, printed: str, log: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code of a check and its events, by provider and `destination`."""
    assert not log
    for secret in (KEY, PASSWORD):
        assert secret not in printed
    found = [json.loads(line) for line in printed.splitlines()]
    return code, {event.get("provider") or "destination": event for event in found}


def newest_first(count: int, **fields: object) -> list[TRow]:
    """Batches that ended long ago, a minute apart."""
    return [batch(n, **fields) for n in range(count, 0, -1)]


def calls(count: int) -> list[TRow]:
    """The same, as a provider without a status lists them."""
    return [{"id": row["id"], "created_at": row["created_at"]} for row in newest_first(count)]


def files(folder: Path) -> dict[str, bytes | None]:
    """Everything below a folder, with what it holds."""
    return {
        str(file.relative_to(folder)): file.read_bytes() if file.is_file() else None
        for file in folder.rglob("*")
    }


def test_before_and_after_the_first_run(lists: Lists, tmp_path: Path) -> None:
    rows = newest_first(300)
    lists.serve("openai", cursor_list(rows))
    variables = keys(lists, "openai")
    before = files(tmp_path)
    code, printed, log = run("check", **variables)
    assert code == 0, log
    assert summary(printed, "openai") == ["openai", "default", "works"]
    assert f"{tmp_path / 'ai_batches.duckdb'}: can be written" in printed
    assert "ai_batches_dataset.batches" in printed
    assert max(map(len, printed.splitlines()[:2])) <= 80
    assert len(lists.requests) == 1
    assert files(tmp_path) == before
    assert run("load", **variables)[0] == 0
    before = files(tmp_path)
    lists.requests.clear()
    code, printed, log = run("check", **variables)
    assert (code, log) == (0, "")
    assert summary(printed, "openai") == ["openai", "default", "works"]
    assert len(lists.requests) == 1
    assert files(tmp_path) == before


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (failure(401, {"error": f"bad key {KEY}"}), "refused the key (HTTP 401). Check the key in"),
        (failure(503), "HTTP 503"),
        (b"<html></html>", "not JSON"),
        (page([], True), "an empty page promises"),
    ],
)
def test_a_provider_that_fails_does_not_stop_the_others(
    lists: Lists, answer: TAnswer, complaint: str
) -> None:
    lists.serve("openai", answer)
    lists.serve("kimi", page([batch(1)]))
    variables = keys(lists, "openai", "kimi", "novita")
    variables["SOURCES__AI_BATCHES__NOVITA__PAGE_SIZE"] = "none"
    code, printed, log = run("check", **variables)
    assert code == 1
    assert summary(printed, "openai")[2:] == ["FAILED"]
    assert summary(printed, "kimi")[2] == "works"
    assert complaint in printed
    assert "FAILED novita: the setting sources.ai_batches.novita.page_size" in printed
    assert KEY not in printed + log
    code, printed, log = run("check", "--quiet", **variables)
    assert (code, printed) == (1, "")
    assert complaint in log
    assert "kimi" not in log
    assert not list(Path.cwd().glob("*.duckdb"))


def test_a_server_that_is_down_is_named(lists: Lists) -> None:
    url = f"http://127.0.0.1:{servers.free_port()}"
    code, found = check(**keys(lists, "openai") | {OPENAI + "BASE_URL": url})
    assert code == 1
    assert "no connection ([Errno 111] Connection refused)" in found["openai"]["error"]
    assert found["destination"]["is_good"]


def test_without_a_key_there_is_nothing_to_check(lists: Lists) -> None:
    code, printed, log = run("check")
    assert (code, printed) == (2, "")
    assert "No provider has an API key." in log
    code, _, log = run("check", "kimi", **keys(lists, "openai"))
    assert code == 2
    assert "No API key for kimi" in log
    assert run("check", "opnai")[0] == 2
    assert not lists.requests


@pytest.mark.integration
def test_what_a_run_refuses_is_said(lists: Lists, tmp_path: Path) -> None:
    lists.serve("openai", page([batch(1)]))
    variables = keys(lists, "openai")
    code, _, log = run("check", "--destination", "nowhere", **variables)
    assert code == 2
    assert "dlt has no destination `nowhere`." in log
    code, _, log = run("check", "--dataset", "ai_batches", **variables)
    assert code == 2
    assert "Choose another dataset or another file" in log
    bucket = {"DESTINATION__FILESYSTEM__BUCKET_URL": str(tmp_path / "bucket")}
    to_files = ("--destination", "filesystem")
    code, found = check(*to_files, **variables, **bucket)
    assert code == 1
    assert "cannot merge" in found["destination"]["error"]
    assert found["openai"]["is_good"]
    assert run("load", *to_files, "--table-format", "delta", **variables, **bucket)[0] == 0
    code, found = check(*to_files, "--table-format", "iceberg", **variables, **bucket)
    assert code == 1
    assert "is kept as `delta`" in found["destination"]["error"]


@pytest.mark.integration
def test_a_locked_database_could_not_be_looked_at(lists: Lists, tmp_path: Path) -> None:
    lists.serve("openai", page([batch(1)]))
    with duckdb.connect(str(tmp_path / "ai_batches.duckdb")):
        arguments = ("check", "--log-format", "json", "--lock-timeout", "1")
        code, found = events(*run_process(*arguments, **keys(lists, "openai")))
    assert code == 1
    error = found["destination"]["error"]
    assert f"is open in process {os.getpid()}" in error
    assert "a run at work, all may be well: the file could not be looked at" in error
    assert found["openai"]["is_good"]


def test_the_folder_of_a_database_has_to_be_there(lists: Lists, tmp_path: Path) -> None:
    lists.serve("openai", page([batch(1)]))
    (tmp_path / "file").touch()
    for folder in ("none", "file"):
        file = tmp_path / folder / "batches.duckdb"
        place = {"DESTINATION__DUCKDB__CREDENTIALS": str(file)}
        code, found = check(**keys(lists, "openai"), **place)
        assert code == 1
        assert f"There is no folder {tmp_path / folder}" in found["destination"]["error"]
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("destination", ["duckdb", "filesystem"])
def test_a_folder_that_cannot_be_written_is_named(
    lists: Lists, tmp_path: Path, destination: str
) -> None:
    lists.serve("openai", page([batch(1)]))
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o500)
    if os.access(folder, os.W_OK):
        pytest.skip("root may write everywhere")
    places = {
        "DESTINATION__DUCKDB__CREDENTIALS": str(folder / "batches.duckdb"),
        "DESTINATION__FILESYSTEM__BUCKET_URL": str(folder),
    }
    arguments: tuple[str, ...] = ("--destination", destination)
    if destination == "filesystem":
        arguments += ("--table-format", "delta")
    code, found = check(*arguments, **keys(lists, "openai"), **places)
    assert code == 1
    assert f"The folder {folder} cannot be written (Permission denied)" in str(found["destination"])


@pytest.mark.integration
def test_sqlite_is_left_as_it_was(lists: Lists, tmp_path: Path) -> None:
    lists.serve("openai", cursor_list(newest_first(300)))
    url = f"sqlite:///{tmp_path / 'batches.sqlite'}"
    variables = keys(lists, "openai") | {"DESTINATION__SQLALCHEMY__CREDENTIALS": url}
    command = ("--destination", "sqlalchemy", "--dataset", "b")
    for _ in range(2):
        before = files(tmp_path)
        assert check(*command, **variables)[0] == 0
        assert files(tmp_path) == before
        assert run("load", *command, **variables)[0] == 0


def test_a_sqlite_file_that_is_being_written_is_named(lists: Lists, tmp_path: Path) -> None:
    lists.serve("openai", page([batch(1)]))
    url = f"sqlite:///{tmp_path / 'batches.sqlite'}?timeout=0.1"
    variables = keys(lists, "openai") | {"DESTINATION__SQLALCHEMY__CREDENTIALS": url}
    command = ("--destination", "sqlalchemy", "--dataset", "b")
    assert run("load", *command, **variables)[0] == 0
    with closing(sqlite3.connect(tmp_path / "batches__b.sqlite")) as connection:
        connection.execute("BEGIN IMMEDIATE")
        code, found = check(*command, **variables)
    assert code == 1
    assert "database is locked" in found["destination"]["error"]


@pytest.mark.integration
def test_a_bucket_is_left_as_it_was(lists: Lists, tmp_path: Path) -> None:
    lists.serve("openai", cursor_list(newest_first(300)))
    variables = keys(lists, "openai")
    variables["DESTINATION__FILESYSTEM__BUCKET_URL"] = str(tmp_path / "new" / "bucket")
    command = ("--destination", "filesystem", "--table-format", "delta")
    for _ in range(2):
        before = files(tmp_path)
        assert check(*command, **variables)[0] == 0
        assert files(tmp_path) == before
        assert run("load", *command, **variables)[0] == 0


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with servers.postgres() as url:
        yield url


def ask(url: str, *statements: str) -> list[tuple[Any, ...]]:
    """Asks Postgres; returns what the last statement tells."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        for statement in statements:
            cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


TABLES = (
    "SELECT n.nspname, c.relname FROM pg_namespace n LEFT JOIN pg_class c"
    " ON c.relnamespace = n.oid WHERE n.nspname NOT LIKE 'pg_%' ORDER BY 1, 2"
)


def to_postgres(url: str, lists: Lists) -> dict[str, str]:
    lists.serve("openai", cursor_list(newest_first(300)))
    return keys(lists, "openai") | {"DESTINATION__POSTGRES__CREDENTIALS": url}


@pytest.mark.integration
def test_postgres_is_left_as_it_was(lists: Lists, postgres: str) -> None:
    variables = to_postgres(postgres, lists)
    command = ("--destination", "postgres", "--dataset", "left_as_it_was")
    for _ in range(2):
        before = ask(postgres, TABLES)
        code, found = check(*command, **variables)
        assert code == 0, found
        assert ask(postgres, TABLES) == before
        assert run("load", *command, **variables)[0] == 0


@pytest.mark.integration
def test_a_role_without_a_privilege_is_told_which(lists: Lists, postgres: str) -> None:
    command = ("--destination", "postgres", "--dataset", "of_another")
    assert run("load", *command, **to_postgres(postgres, lists))[0] == 0
    ask(postgres, f"CREATE ROLE guest LOGIN PASSWORD '{PASSWORD}'")
    variables = to_postgres(postgres.replace("loader:", "guest:"), lists)
    code, found = check("--destination", "postgres", "--dataset", "new", **variables)
    assert code == 1
    assert "permission denied for database" in found["destination"]["error"]
    ask(
        postgres,
        "GRANT ALL ON SCHEMA of_another, of_another_staging TO guest",
        "GRANT SELECT ON ALL TABLES IN SCHEMA of_another TO guest",
    )
    code, found = check(*command, **variables)
    assert code == 1
    assert "permission denied for table batches" in found["destination"]["error"]
    ask(postgres, "GRANT INSERT ON ALL TABLES IN SCHEMA of_another TO guest")
    assert check(*command, **variables)[0] == 0


def test_a_server_that_refuses_or_is_down_is_named(lists: Lists, postgres: str) -> None:
    wrong = PASSWORD.replace("word", "what")
    variables = to_postgres(postgres.replace(PASSWORD, wrong), lists)
    code, printed, log = run("check", "--debug", "--destination", "postgres", **variables)
    assert code == 1
    assert "Traceback" in log
    assert "password authentication failed" in printed
    assert wrong not in printed + log
    nowhere = f"postgresql://loader:{PASSWORD}@127.0.0.1:{servers.free_port()}/postgres"
    code, found = check("--destination", "postgres", **to_postgres(nowhere, lists))
    assert code == 1
    assert "It cannot be reached" in found["destination"]["error"]
    assert "Connection refused" in found["destination"]["error"]
    assert found["openai"]["is_good"]


@pytest.mark.integration
def test_mariadb_is_left_as_it_was(lists: Lists) -> None:
    lists.serve("openai", cursor_list(newest_first(300)))
    tables = "SELECT table_schema, table_name FROM information_schema.tables ORDER BY 1, 2"
    with servers.mariadb() as url:
        variables = keys(lists, "openai")
        variables["DESTINATION__SQLALCHEMY__CREDENTIALS"] = f"{url}/mysql"
        command = ("--destination", "sqlalchemy", "--dataset", "b")

        def found_there() -> list[tuple[Any, ...]]:
            port = int(url.rsplit(":", 1)[1])
            with (
                closing(
                    pymysql.connect(host="127.0.0.1", port=port, user="loader", password=PASSWORD)
                ) as connection,
                connection.cursor() as cursor,
            ):
                cursor.execute("SHOW DATABASES")
                names = list(cursor.fetchall())
                cursor.execute(tables)
                return names + list(cursor.fetchall())

        for _ in range(2):
            before = found_there()
            code, found = check(*command, **variables)
            assert code == 0, found
            assert found_there() == before
            assert run("load", *command, **variables)[0] == 0


@pytest.mark.integration
def test_a_bucket_that_is_not_there_is_named(lists: Lists, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    lists.serve("openai", page([batch(1)]))
    prefix = "DESTINATION__FILESYSTEM__"
    with servers.s3() as url:
        variables = keys(lists, "openai") | {
            f"{prefix}BUCKET_URL": "s3://none",
            f"{prefix}CREDENTIALS__ENDPOINT_URL": url,
            f"{prefix}CREDENTIALS__AWS_ACCESS_KEY_ID": "key",
            f"{prefix}CREDENTIALS__AWS_SECRET_ACCESS_KEY": PASSWORD,
        }
        command = ("--destination", "filesystem", "--table-format", "delta")
        code, found = check(*command, **variables)
        assert code == 1
        assert "There is no bucket for s3://none. Make it" in found["destination"]["error"]
    # a process of its own: the library remembers what it found in the bucket
    arguments = ("check", "--log-format", "json", *command)
    code, found = events(*run_process(*arguments, **variables))
    assert code == 1
    assert "Could not connect to the endpoint" in found["destination"]["error"]
