"""Working folders that are damaged, full, unwritable or of another dlt: no run gets stuck."""

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ai_batches import ai_batches_source
from ai_batches_runner import open_pipeline
from ai_batches_runner.run.sealed import is_sealed
from commands import keys, run, table
from killing import run_and_kill
from support import Lists, TRow, batch, cursor_list, few_of

AFTER = [("openai", "default", f"batch_{n}", "completed") for n in range(1, 6)]
"""What the table holds after a second run that nothing disturbed."""

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


DAMAGES = (cut_to_zero, cut_to_half, set_to_null, remove)


def files_of(place: Path) -> list[str]:
    """The files of the working folder, as paths below the place; of what is stored, one."""
    files = [path for path in working_folder(place).rglob("*") if path.is_file()]
    stored = [path for path in files if "loaded" in path.parts]
    return sorted(str(path.relative_to(place)) for path in {*files} - {*stored[1:]})


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
@pytest.mark.timeout(400)
@pytest.mark.parametrize("part", few_of([n / 12 for n in range(12)], quick=[8 / 12]))
def test_any_damage_at_any_moment_is_recovered_from_by_the_next_run(
    listed: list[TRow], tmp_path: Path, part: float
) -> None:
    moment = Moment(tmp_path / "place", listed, part)
    for file in moment.files:
        for damage in DAMAGES:
            moment.recovers_from(damage, file)


def extract(place: Path) -> None:
    """Reads and stores nothing, as a run does that is killed in between."""
    with open_pipeline() as pipeline:
        pipeline.extract(ai_batches_source().with_resources("openai"))


# of each kind of file one, with a damage that is told apart from the others
SAMPLE = [
    ("state.json", cut_to_zero),
    ("state.json", set_to_null),
    ("schemas/ai_batches.schema.json", cut_to_half),
    ("schemas/ai_batches.schema.json", make_folder),
    ("normalize/.version", cut_to_zero),
    ("load/.version", make_dangling),
    ("normalize/extracted/*/new_jobs/batches.*", remove),
    ("normalize/extracted/*/new_jobs/batches.*", cut_to_half),
    ("normalize/extracted/*/load_package_state.json", set_to_null),
    ("normalize/extracted/*/schema.json", cut_to_zero),
    ("packages.json", remove),
]


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("pattern", "damage"), few_of(SAMPLE, quick=[SAMPLE[2], SAMPLE[6], SAMPLE[7]])
)
def test_damage_while_rows_wait_to_be_stored_is_recovered_from(
    folder: Path, tmp_path: Path, pattern: str, damage: Callable[[Path], None]
) -> None:
    extract(tmp_path)
    (file,) = folder.glob(pattern)
    damage(file)
    code, printed, log = run("load")
    assert code == 0, printed + log
    assert rows_of(tmp_path) == AFTER
    # all is well again
    code, _, log = run("load")
    assert (code, log) == (0, "")


@pytest.mark.parametrize("damage", [remove, cut_to_half])
def test_a_package_whose_rows_were_damaged_is_not_whole(
    listed: list[TRow], tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    with open_pipeline() as pipeline:
        pipeline.extract(ai_batches_source().with_resources("openai"))
        assert is_sealed(pipeline)
        (file,) = working_folder(tmp_path).glob("normalize/extracted/*/new_jobs/batches.*")
        damage(file)
        assert not is_sealed(pipeline)


def set_in_state(folder: Path, **values: object) -> None:
    """Changes the state without dlt's knowing."""
    state = json.loads((folder / "state.json").read_text())
    (folder / "state.json").write_text(json.dumps({**state, **values}))


@pytest.mark.integration
@pytest.mark.parametrize(
    ("values", "reason"),
    few_of(
        [
            ({"sources": []}, "not as dlt wrote it"),
            ({"schema_names": {"a": 1}}, "not as dlt wrote it"),
            ({"_local": None}, "not as dlt wrote it"),
            ({"_local": {"first_run": "no", "last_run_context": 7}}, "not as dlt wrote it"),
            ({"_state_engine_version": "x"}, "not a state of dlt"),
            ({"_state_engine_version": 99}, "newer dlt"),
        ],
        quick=[({"sources": []}, "not as dlt wrote it")],
    ),
)
def test_wrong_values_in_valid_json_are_damage(
    folder: Path, tmp_path: Path, values: dict[str, object], reason: str
) -> None:
    set_in_state(folder, **values)
    assert_put_aside(folder, reason)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("file", "content", "reason"),
    few_of(
        [
            ("state.json", "[]", "holds no object"),
            ("state.json", '{"a":', "is not JSON"),
            ("schemas/ai_batches.schema.json", "{}", "not as dlt wrote it"),
            ("schemas/ai_batches.schema.json", '{"tables": 1, "version_hash": "x"}', "not as dlt"),
            ("load/.version", "99.0.0", "newer dlt"),
            ("normalize/.version", "one", "cannot be read"),
        ],
        quick=[("state.json", "[]", "holds no object")],
    ),
)
def test_contents_that_dlt_cannot_read_are_damage(
    folder: Path, file: str, content: str, reason: str
) -> None:
    (folder / file).write_text(content)
    assert_put_aside(folder, reason)


def set_aside(folder: Path) -> list[Path]:
    return sorted(folder.parent.glob("ai_batches.damaged-*"))


def assert_put_aside(folder: Path, reason: str) -> None:
    """Fails unless check warns, a run says in a sentence what it does, and then all is well."""
    code, _, log = run("check")
    assert code == 0
    assert f"The working folder {folder} is damaged" in log
    assert reason in log
    assert not set_aside(folder)
    code, printed, log = run("load")
    assert code == 0, printed + log
    assert rows_of(folder.parents[2]) == AFTER
    assert reason in log
    assert f"was moved to {set_aside(folder)[0]}" in log
    assert len(log.splitlines()) == 1
    assert run("load")[::2] == (0, "")
    assert run("check")[::2] == (0, "")


@pytest.mark.integration
@pytest.mark.parametrize(
    "kind", few_of(["file", "link to nowhere", "link", "fifo"], quick=["link to nowhere"])
)
def test_what_is_no_folder_is_put_aside(folder: Path, tmp_path: Path, kind: str) -> None:
    if kind == "fifo":
        os.mkfifo(folder / "load" / "loaded" / "x")
    else:
        folder.rename(tmp_path / "other")
        if kind == "file":
            folder.write_text("")
        else:
            folder.symlink_to(tmp_path / ("other" if kind == "link" else "nowhere"))
    assert_put_aside(folder, "is not a fi" if kind == "fifo" else "is not a folder")


@pytest.mark.integration
def test_one_damaged_folder_is_kept_at_most(folder: Path) -> None:
    for earlier in ("20200101T000000Z", "20210101T000000Z"):
        folder.with_name(f"ai_batches.damaged-{earlier}").mkdir()
    (folder / "state.json").write_text("")
    assert run("load")[0] == 0
    (kept,) = set_aside(folder)
    assert (kept / "schemas").is_dir()


@pytest.mark.integration
def test_a_folder_that_cannot_be_used_is_a_sentence(folder: Path, lists: Lists) -> None:
    pipelines = folder.parent
    shutil.rmtree(pipelines)
    for spoil in (lambda: pipelines.write_text(""), lambda: pipelines.symlink_to("nowhere")):
        spoil()
        lists.requests.clear()
        code, _, log = run("load")
        assert (code, lists.requests) == (2, [])
        assert f"The working folder {pipelines} cannot be used" in log
        assert len(log.splitlines()) == 1
        pipelines.unlink()
    pipelines.mkdir()
    pipelines.joinpath("ai_batches.lock").mkdir()
    code, _, log = run("load")
    assert code == 2
    assert "ai_batches.lock" in log
    assert len(log.splitlines()) == 1
    pipelines.joinpath("ai_batches.lock").rmdir()
    assert run("load")[0] == 0


@pytest.mark.integration
def test_a_fault_of_the_destination_is_not_one_of_the_folder(folder: Path) -> None:
    code, _, log = run("load", DESTINATION__DUCKDB__CREDENTIALS=str(folder.parents[2]))
    assert code == 2
    assert "is a folder, not a DuckDB file" in log
    assert not set_aside(folder)
    code, _, log = run("load", "--destination", "nowhere")
    assert code == 2
    assert not set_aside(folder)


@pytest.mark.integration
@pytest.mark.parametrize("size", [128, 192, 256, 264, 272, 320])
def test_a_disk_that_fills_while_the_folder_is_written_is_recovered_from(
    listed: list[TRow], tmp_path: Path, size: int
) -> None:
    place = tmp_path / "dlt"
    place.mkdir()
    mounted = ["mount", "-t", "tmpfs", "-o", f"size={size}k", "none", str(place)]
    if os.geteuid() or subprocess.run(mounted, capture_output=True).returncode:  # noqa: S603
        pytest.skip("cannot mount a disk")
    try:
        code, log = 0, ""
        for _ in range(8):
            code, _, log = run("load")
            if code:
                assert re.search("No space left|The disk is full", log), log
                assert "Traceback" not in log
        # as a person does who is told so
        subprocess.run(  # noqa: S603
            ["mount", "-o", "remount,size=8m", str(place)],  # noqa: S607
            check=True,
        )
        listed[0]["status"] = "completed"
        listed.insert(0, batch(5))
        code, _, log = run("load")
        assert code == 0, log
        assert rows_of(tmp_path) == AFTER
    finally:
        subprocess.run(["umount", str(place)], check=True)  # noqa: S603, S607
