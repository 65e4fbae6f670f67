"""The notebook of the quick start, run from its start to its chart."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from environments import ROOT, binary

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

NOTEBOOK = ROOT / "docs" / "quickstart.ipynb"


def test_the_notebook_goes_from_the_demo_to_a_chart(tmp_path: Path) -> None:
    command = [binary("notebook", "jupyter-execute"), "quickstart.ipynb", "--output", "done.ipynb"]
    shutil.copy(NOTEBOOK, tmp_path)
    done = subprocess.run(  # noqa: S603
        command, cwd=tmp_path, capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, done.stdout + done.stderr
    cells = json.loads((tmp_path / "done.ipynb").read_text())["cells"]
    data = [each["data"] for cell in cells for each in cell.get("outputs", []) if "data" in each]
    assert "completed" in str(data[0])
    charts = ["".join(each["text/html"]) for each in data if "vega" in str(each.get("text/html"))]
    assert len(charts) == 1
    for part in ("Batches per week", '"status": "completed"', '"status": "expired"'):
        assert part in charts[0]


def test_its_outputs_are_stripped() -> None:
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)
