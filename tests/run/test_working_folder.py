"""Working folders that are damaged, full, unwritable or of another dlt: no run gets stuck."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from commands import keys, run, table
from killing import run_and_kill
from support import Lists, TRow, batch, cursor_list

ROWS = "SELECT provider, account, id, status FROM {}.batches ORDER BY ALL"


def rows_of(place: Path) -> list[tuple[object, ...]]:
    """What the table holds."""
    return table(place / "ai_batches.duckdb", ROWS.format("ai_batches_dataset"))


def working_folder(place: Path) -> Path:
    return place / "dlt" / "pipelines" / "ai_batches"


@pytest.fixture
def listed(lists: Lists, monkeypatch: pytest.MonkeyPatch) -> list[TRow]:
    """What OpenAI lists; the environment of this process has its key."""
    rows = [batch(4, status="in_progress"), batch(3), batch(2), batch(1)]
    lists.serve("openai", cursor_list(rows))
    for name, value in keys(lists, "openai").items():
        monkeypatch.setenv(name, value)
    return rows


@pytest.fixture
def folder(listed: list[TRow], tmp_path: Path) -> Path:
    """The working folder after a run; a batch came since, and another one ended."""
    assert run("load")[0] == 0
    listed[0]["status"] = "completed"
    listed.insert(0, batch(5))
    return working_folder(tmp_path)


# Each file of the folder, at each moment of a run


def cut_to_zero(path: Path) -> None:
    path.write_bytes(b"")


def cut_to_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def set_to_null(path: Path) -> None:
    path.write_bytes(b"null")


def remove(path: Path) -> None:
    path.unlink()


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def make_dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


DAMAGES = (cut_to_zero, cut_to_half, set_to_null, remove, make_folder, make_dangling)


def files_of(place: Path) -> list[str]:
    """The files of the working folder, as paths below the place."""
    files = (path for path in working_folder(place).rglob("*") if path.is_file())
    return sorted(str(path.relative_to(place)) for path in files)


class Moment:
    """A run that was killed at a moment, to be damaged and tried again and again.

    Args:
        place (Path): Where it runs. A copy elsewhere would be another destination to dlt.
        listed (list[TRow]): What the provider lists.
        part (float): When to kill it, as a part of the run.
    """

    def __init__(self, place: Path, listed: list[TRow], part: float) -> None:
        self._place = place
        self._kept = place.with_name("kept")
        place.mkdir()
        assert self._load()[0] == 0
        listed[0]["status"] = "completed"
        listed.insert(0, batch(5))
        before = shutil.copytree(place, place.with_name("before"))
        code, touches = self._load()
        assert code == 0
        self.right = rows_of(place)
        killed_at = 1 + int(touches * part)
        self._restore(before)
        assert self._load(killed_at) == (-signal.SIGKILL, killed_at)
        place.rename(self._kept)
        self.files = files_of(self._kept)

    def _load(self, touch: int | None = None) -> tuple[int, int]:
        variables = {**os.environ, "DLT_DATA_DIR": str(self._place / "dlt")}
        return run_and_kill(["load"], self._place, variables, touch)

    def _restore(self, kept: Path) -> None:
        shutil.rmtree(self._place, ignore_errors=True)
        shutil.copytree(kept, self._place)

    def recovers_from(self, damage: Callable[[Path], None], file: str) -> None:
        """Fails if the next run does not end as an undisturbed one would have."""
        self._restore(self._kept)
        damage(self._place / file)
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self._place)
            code, printed, log = run("load", DLT_DATA_DIR=str(self._place / "dlt"))
        what = f"{damage.__name__} {file}\n{printed}{log}"
        assert code == 0, what
        assert rows_of(self._place) == self.right, what


@pytest.mark.integration
@pytest.mark.parametrize("part", [n / 12 for n in range(12)])
def test_any_damage_at_any_moment_is_recovered_from_by_the_next_run(
    listed: list[TRow], tmp_path: Path, part: float
) -> None:
    moment = Moment(tmp_path / "place", listed, part)
    for file in moment.files:
        for damage in DAMAGES:
            moment.recovers_from(damage, file)
