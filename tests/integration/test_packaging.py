"""What people install or copy: the wheel, and the folder that `dlt init` takes."""

import importlib.metadata
import os
import signal
import subprocess
import sys
import urllib.request
import venv
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from tenacity import Retrying, stop_after_delay, wait_fixed

from ai_batches import __version__
from commands import keys, table
from environments import ROOT, binary
from support import Lists, batch, cursor_list

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


def call(command: Sequence[object], folder: Path, **variables: str) -> str:
    """Runs a program that has to succeed, as somebody who knows nothing of this checkout."""
    hidden = ("PYTHONPATH", "VIRTUAL_ENV", "DLT_DATA_DIR")
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run(  # noqa: S603
        [str(part) for part in command],
        cwd=folder,
        env={**kept, **variables},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_wheel_runs_in_an_empty_environment(lists: Lists, tmp_path: Path) -> None:
    lists.serve("openai", cursor_list([batch(n) for n in range(250, 0, -1)]))
    call(
        [sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path, ROOT],
        tmp_path,
        # a folder of an earlier build could hold what is not there any more
        DIST_EXTRA_CONFIG=str(_build_in(tmp_path)),
    )
    wheel = next(tmp_path.glob("*.whl"))
    names = zipfile.ZipFile(wheel).namelist()
    assert {"ai_batches/py.typed", "ai_batches_runner/py.typed"} <= set(names)
    sql = {str(file.relative_to(ROOT / "pipelines")) for file in ROOT.glob("pipelines/**/*.sql")}
    assert len(sql) > 1
    assert sql <= set(names)
    assert {f"ai_batches_runner/prices/{name}.csv" for name in ("prices", "aliases")} <= set(names)
    assert not any("make_prices" in name for name in names)
    assert {name.split("/")[0].split("-")[0] for name in names} == {
        "ai_batches",
        "ai_batches_demo",
        "ai_batches_runner",
        "dlt_ai_batches",
    }
    python = _new_environment(tmp_path / "venv", str(wheel))
    installed = call([python, "-m", "pip", "list"], tmp_path).lower()
    assert not [name for name in ("sqlalchemy", "psycopg2", "starlette") if name in installed]

    command = python.with_name("ai-batches")
    assert "openai" in call([command, "load"], tmp_path, **keys(lists, "openai"))
    count = "SELECT count(*) FROM ai_batches_dataset.batches"
    assert table(tmp_path / "ai_batches.duckdb", count) == [(250,)]


def test_dlt_init_sets_the_source_up(lists: Lists, tmp_path: Path) -> None:
    lists.serve("openai", cursor_list([batch(n) for n in range(250, 0, -1)]))
    repository, project = tmp_path / "repository", tmp_path / "project"
    project.mkdir()
    call(["git", "clone", "-q", ROOT, repository], tmp_path)
    variables = {
        **keys(lists, "openai"),
        "DLT_DATA_DIR": str(tmp_path / "dlt"),
        "RUNTIME__DLTHUB_TELEMETRY": "false",
    }
    python = _new_environment(tmp_path / "venv", "dlt[duckdb,parquet]>=1.31,<2")
    dlt = [python.with_name("dlt"), "--non-interactive"]
    call([*dlt, "init", "ai_batches", "duckdb", "--location", repository], project)
    call([python, "-m", "pip", "install", "-q", "-r", "requirements.txt"], project)
    printed = call([python, "ai_batches_pipeline.py"], project, **variables)
    assert "is LOADED" in printed
    count = "SELECT count(*) FROM ai_batches_data.batches"
    assert table(project / "ai_batches.duckdb", count) == [(250,)]

    about = [*dlt, "pipeline", "ai_batches"]
    assert "openai with 1 table(s)" in call([*about, "info"], project, **variables)
    assert "batches: 250 row(s)" in call([*about, "trace"], project, **variables)


def test_dlt_shows_a_pipeline_that_was_loaded(lists: Lists, tmp_path: Path) -> None:
    lists.serve("openai", cursor_list([batch(1)]))
    variables = {**keys(lists, "openai"), "RUNTIME__DLTHUB_TELEMETRY": "false"}
    call([binary("dashboard", "ai-batches"), "load"], tmp_path, **variables)
    dlt = Path(binary("dashboard", "dlt"))
    show = ["pipeline", "--pipelines-dir", ".dlt/pipelines", "ai_batches", "show"]
    # it starts another program of its environment, and says where to look
    path = f"{dlt.parent}:{os.environ['PATH']}"
    with subprocess.Popen(  # noqa: S603
        [str(dlt), "--non-interactive", *show],
        cwd=tmp_path,
        env={**os.environ, "PATH": path, "RUNTIME__DLTHUB_TELEMETRY": "false"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as shown:
        try:
            assert shown.stdout is not None
            address = next(line.split()[-1] for line in shown.stdout if "http://" in line)
            # it says so a moment before it listens
            for attempt in Retrying(stop=stop_after_delay(60), wait=wait_fixed(0.2)):
                with attempt, urllib.request.urlopen(address) as reply:  # noqa: S310
                    assert "dlt workspace dashboard" in reply.read().decode()
        finally:
            os.killpg(shown.pid, signal.SIGTERM)


def _new_environment(folder: Path, package: str) -> Path:
    """Python of an environment that has one package, and what that needs."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    constraints = ROOT / "constraints.txt"
    call([python, "-m", "pip", "install", "-q", "-c", constraints, package], folder)
    return python


def _build_in(folder: Path) -> Path:
    settings = folder / "build.cfg"
    settings.write_text(f"[build]\nbuild_base = {folder / 'build'}\n")
    return settings


def test_tables_are_marked_with_the_version_of_the_package() -> None:
    assert importlib.metadata.version("dlt-ai-batches") == __version__
