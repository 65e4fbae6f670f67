"""A cluster reads the table as well, and finds in it what DuckDB finds.

Here it has fewer batches than would need a cluster; `make lakehouse` takes ten million.
"""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from environments import ROOT, binary

LAKEHOUSE = ROOT / "benchmarks" / "lakehouse"
BATCHES = 200_000
WRONG = {
    "total_tokens = total_tokens + 1": {"tokens by model and month"},
    "status = 'failed'": {
        "failures by provider and week",
        "time to finish by provider and model",
    },
    "is_open = true": {"failures by provider and week", "stuck"},
}
"""What is wrong with one row, and which answers it changes."""

pytestmark = [pytest.mark.integration, pytest.mark.long, pytest.mark.timeout(600)]


def test_cluster_and_duckdb_agree_and_would_not_over_a_wrong_row(tmp_path: Path) -> None:
    done = _run("lakehouse.py", "--batches", str(BATCHES), "--folder", str(tmp_path))
    assert done.returncode == 0, done.stdout
    answers = json.loads((tmp_path / "answers.json").read_text())["answers"]
    assert _verdicts(done.stdout) == dict.fromkeys(answers, "same")
    assert sum(row[3] for row in answers["tokens by model and month"]["rows"]) == BATCHES
    assert _nodes_at_work(answers) == {"127.0.0.3", "127.0.0.4"}

    table = tmp_path / "ai_batches" / "batches"
    for change, differing in WRONG.items():
        _python("-c", _CHANGE_ONE_ROW, str(table), *change.split(" = ")).check_returncode()
        again = _run("compare.py", str(table), str(tmp_path / "answers.json"))
        _python("-c", _TAKE_BACK, str(table)).check_returncode()
        found = _verdicts(again.stdout)
        assert again.returncode == 1
        assert {name for name, verdict in found.items() if verdict == "DIFFER"} == differing


def _run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return _python(str(LAKEHOUSE / script), *arguments)


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs Python with the packages of the lakehouse."""
    # the pipeline's working folder is the one that it is given
    variables = {key: value for key, value in os.environ.items() if not key.startswith("DLT_")}
    with subprocess.Popen(  # noqa: S603
        [binary("lakehouse"), *arguments], stdout=subprocess.PIPE, text=True, env=variables
    ) as process:
        try:
            printed, _ = process.communicate()
        finally:
            # not killed: it stops its cluster then
            process.terminate()
    return subprocess.CompletedProcess(arguments, process.returncode, printed)


def _verdicts(printed: str) -> dict[str, str]:
    """What was said of each question."""
    lines = [line.rsplit(maxsplit=1) for line in printed.splitlines()]
    return {
        line[0].split("  ")[0]: line[1]
        for line in lines
        if len(line) == 2 and line[1] in ("same", "DIFFER")
    }


def _nodes_at_work(answers: Mapping[str, Any]) -> set[str]:
    return {process.split()[0] for answer in answers.values() for process in answer["work"]}


_CHANGE_ONE_ROW = """
import sys
from deltalake import DeltaTable
uri, column, value = sys.argv[1:]
table = DeltaTable(uri)
wanted = [("status", "=", "completed"), ("model", "=", "small"), ("provider", "=", "kimi")]
rows = table.to_pyarrow_table(columns=["id", "created_at"], filters=wanted).sort_by("created_at")
done = table.update(updates={column: value}, predicate=f"id = '{rows['id'][0]}'")
assert done["num_updated_rows"] == 1, done
"""
_TAKE_BACK = """
import sys
from deltalake import DeltaTable
table = DeltaTable(sys.argv[1])
table.restore(table.version() - 1)
"""
