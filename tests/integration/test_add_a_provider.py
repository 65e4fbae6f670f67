"""A stranger adds a vendor by the page alone: its two files, and nothing else."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from environments import ROOT

PAGE = ROOT / "docs" / "add-a-provider.md"
COPIED = ("sources", "pipelines", "tests", "docs", "pyproject.toml")


@pytest.mark.integration
def test_the_two_files_of_the_page_are_a_provider(tmp_path: Path) -> None:
    for name in COPIED:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, tmp_path / name)
    text = PAGE.read_text()
    files = re.findall(r"`([\w/]+/acme\.py)`:\n\n```python\n(.*?)```", text, re.DOTALL)
    assert [path.split("/")[0] for path, _ in files] == ["sources", "pipelines"]
    for path, content in files:
        (tmp_path / path).write_text(content)
    folders = (tmp_path / "sources", tmp_path / "pipelines")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders))}

    def python(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603
            [sys.executable, "-m", *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=110,
        )

    chosen = ("-m", "integration or not integration", "-k", "acme", "-n", "0")
    done = python("pytest", "tests/providers/test_conformance.py", *chosen)
    assert done.returncode == 0, done.stdout[-3_000:]
    assert int(re.findall(r"(\d+) passed", done.stdout)[0]) >= 9
    # what the page shows is as the rules of the repository have it
    for check in (("ruff", "check"), ("ruff", "format", "--check")):
        done = python(*check, *(path for path, _ in files))
        assert done.returncode == 0, done.stdout
