"""Addresses of services, with a token in them, where the path of a DuckDB file belongs."""

import os
from pathlib import Path

import dlt
import pytest

from ai_batches_runner import open_pipeline
from ai_batches_runner.errors import UnusableDestinationError
from commands import keys, run
from support import Lists, batch, page

TOKEN = "eyJ0b2tlbiI6MDEyMzQ1Njc4OX0"  # noqa: S105
CREDENTIALS = "DESTINATION__DUCKDB__CREDENTIALS"

ADDRESSES = [
    f"md:db?motherduck_token={TOKEN}",
    f"MD:db?motherduck_token={TOKEN}",
    f"  md:?motherduck_token={TOKEN}",
    f'"md:{TOKEN}"',
    f"motherduck://user:{TOKEN}@host/db",
    f"duckdb:///md:db?motherduck_token={TOKEN}",
    f"duckdb:md:db?motherduck_token={TOKEN}",
    f"duckdb://user:{TOKEN}@host/db",
    f"duckdb://{TOKEN}@host/db",
    f"s3://bucket/x.duckdb?secret={TOKEN}",
    f"https://h.example/x.duckdb?sig={TOKEN}",
    f"quack:localhost?token={TOKEN}",
    f"postgres:host=x password={TOKEN}",
    f"postgresql+psycopg://u:{TOKEN}@h/db",
    f"ducklake:{TOKEN}",
    f"x.duckdb?motherduck_token={TOKEN}",
    f"duckdb:///x.duckdb?motherduck_token={TOKEN}",
    f'{{"database": "md:db?motherduck_token={TOKEN}"}}',
    f'{{"database": "md:db?motherduck_token={TOKEN}"',
]


def assert_nowhere(folder: Path, printed: str) -> None:
    """Fails if the token was printed, or is in a file or its name."""
    assert TOKEN not in printed
    for path in folder.rglob("*"):
        assert TOKEN not in path.name
        assert not path.is_file() or TOKEN.encode() not in path.read_bytes()


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_where_a_file_belongs_is_refused(
    lists: Lists, tmp_path: Path, address: str
) -> None:
    lists.serve("openai", page([batch(1)]))
    for command in ("load", "check", "alerts"):
        code, printed, log = run(
            command, "--debug", **keys(lists, "openai"), **{CREDENTIALS: address}
        )
        assert code == 2, printed + log
        assert f"`{CREDENTIALS}` " in log
        assert "would make a file of that name" in log
        assert_nowhere(tmp_path, printed + log)
    assert lists.requests == []


@pytest.mark.parametrize(
    ("scheme", "remedy"),
    [("MotherDuck:", "motherduck"), ("postgres://", "postgres"), ("s3://", "filesystem")],
)
def test_a_known_scheme_has_a_remedy(lists: Lists, scheme: str, remedy: str) -> None:
    code, _, log = run("load", **keys(lists, "openai"), **{CREDENTIALS: f"{scheme}x"})
    assert code == 2
    assert f"use --destination {remedy}" in log


def test_it_is_refused_wherever_it_is_set(lists: Lists, tmp_path: Path) -> None:
    address = f"md:db?motherduck_token={TOKEN}"
    variables = keys(lists, "openai")
    for name in (
        f"{CREDENTIALS}__DATABASE",
        "CREDENTIALS",
        "AI_BATCHES__DESTINATION__DUCKDB__CREDENTIALS",
    ):
        code, printed, log = run("load", **variables, **{name: address})
        assert (code, TOKEN in printed + log) == (2, False)
        assert name in log
    secrets = tmp_path / ".dlt" / "secrets.toml"
    secrets.parent.mkdir()
    for section in (
        "[destination.duckdb]\ncredentials",
        "[destination.duckdb.credentials]\ndatabase",
    ):
        secrets.write_text(f'{section} = "{address}"\n')
        code, printed, log = run("load", **variables)
        assert (code, TOKEN in printed + log) == (2, False)
        assert "secrets.toml" in log
    secrets.unlink()
    code, printed, log = run("load", "--destination", address, **variables)
    assert code == 2
    assert_nowhere(tmp_path, printed + log)
    with (
        pytest.raises(UnusableDestinationError, match="The given address"),
        open_pipeline(dlt.destinations.duckdb(address)),
    ):
        pass


@pytest.mark.parametrize("path", ["x.duckdb", "{tmp}/a:b.duckdb", "duckdb:///{tmp}/y.duckdb"])
def test_paths_of_files_are_files(lists: Lists, tmp_path: Path, path: str) -> None:
    lists.serve("openai", page([batch(1)]))
    address = path.format(tmp=tmp_path)
    code, printed, log = run("load", **keys(lists, "openai"), **{CREDENTIALS: address})
    assert code == 0, printed + log
    assert (tmp_path / os.path.basename(address)).stat().st_size  # noqa: PTH119
