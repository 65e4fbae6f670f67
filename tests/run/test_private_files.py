"""What the command makes is readable by its user only; what is there keeps its mode."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.requests import Request

from ai_batches_runner import open_pipeline
from commands import keys, run
from support import Lists, TAnswer, batch, page


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    """The one that most machines have."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def readable_by_others(folder: Path) -> list[str]:
    """What in a folder others may read, write or enter."""
    return [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if stat.S_IMODE(path.lstat().st_mode) & 0o077
    ]


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--destination", "filesystem", "--table-format", "delta"],
        ["--destination", "sqlalchemy"],
    ],
)
def test_all_that_a_run_makes_is_private(lists: Lists, tmp_path: Path, options: list[str]) -> None:
    midway: list[str] = []

    def answer(request: Request) -> TAnswer:
        midway.extend(readable_by_others(tmp_path))
        return page([batch(1)])

    lists.serve("openai", answer)
    code, _, log = run(
        "load",
        *options,
        **keys(lists, "openai"),
        DESTINATION__FILESYSTEM__BUCKET_URL=str(tmp_path / "bucket"),
        DESTINATION__SQLALCHEMY__CREDENTIALS=f"sqlite:///{tmp_path / 'x.sqlite'}",
    )
    assert code == 0, log
    assert midway == readable_by_others(tmp_path) == []
    assert os.umask(0o022) == 0o022


def test_what_is_there_keeps_its_mode(lists: Lists, tmp_path: Path) -> None:
    lists.serve("openai", page([batch(1)]))
    assert run("load", **keys(lists, "openai"))[0] == 0
    file, folder = tmp_path / "ai_batches.duckdb", tmp_path / "dlt" / "pipelines"
    file.chmod(0o640)
    folder.chmod(0o750)
    assert run("load", **keys(lists, "openai"))[0] == 0
    assert (stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(folder.stat().st_mode)) == (
        0o640,
        0o750,
    )


def test_a_pipeline_that_is_opened_from_python_is_private_too(tmp_path: Path) -> None:
    with open_pipeline():
        pass
    for name in ("ai_batches.duckdb", "dlt/pipelines", "dlt/pipelines/ai_batches.lock"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) & 0o077 == 0
