"""Printing decides nothing: streams that are closed, full, broken or not UTF-8."""

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest

from commands import COMMAND, keys, run, run_process, table
from slack_hook import Hook
from support import KEY, Lists, batch, cursor_list, failure, few_of

ACCOUNTS = "SOURCES__AI_BATCHES__OPENAI__ACCOUNTS"
BATCHES = "SELECT account, count(*) FROM ai_batches_dataset.batches GROUP BY 1 ORDER BY 1"
RUNS = "SELECT result FROM ai_batches_dataset.runs"


def shell(redirected: str, *arguments: str, **variables: str) -> int:
    """Runs the command in a shell, with redirections; returns the command's exit code."""
    line = f"set -o pipefail; {COMMAND} {' '.join(arguments)} {redirected}"
    return subprocess.run(  # noqa: S603
        ["/bin/bash", "-c", line],
        env={**os.environ, **variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=100,
    ).returncode


@pytest.mark.integration
@pytest.mark.parametrize(
    ("redirected", "options"),
    few_of(
        [
            ("<&- >&- 2>&-", []),
            (">/dev/full", ["--log-format", "json"]),
            ("2>&1 | true", []),
            ("2>&-", []),
            (">&-", ["--log-format", "json"]),
            (">/dev/full", []),
            (">/dev/full 2>&1", ["--quiet"]),
            ("| true", []),
            ("2>&1 | true", ["--log-format", "json"]),
        ],
        quick=[
            ("<&- >&- 2>&-", []),
            (">/dev/full", ["--log-format", "json"]),
            (">/dev/full 2>&1", ["--quiet"]),
            ("2>&1 | true", []),
        ],
    ),
)
def test_a_run_does_all_its_work_when_nobody_can_be_told(
    lists: Lists,
    tmp_path: Path,
    hook: Hook,
    redirected: str,
    options: list[str],
) -> None:
    lists.serve("openai", cursor_list([batch(2, status="in_progress", expires_at=1), batch(1)]))
    lists.serve("kimi", failure(401))
    variables = hook.variables(lists, "openai", "kimi")
    assert shell(redirected, "load", "openai", *options, **variables) == 0
    file = tmp_path / "ai_batches.duckdb"
    assert table(file, BATCHES) == [("default", 2)]
    assert table(file, RUNS) == [("ok",)]
    assert len(hook.took) == 1
    # what failed decides the exit code, as if it had been printed
    assert shell(redirected, "load", "kimi", *options, **variables) == 1


@pytest.mark.integration
@pytest.mark.sample(2)
@pytest.mark.parametrize(
    "redirected", few_of([">&- 2>&-", ">/dev/full 2>/dev/full"], quick=[">&- 2>&-"])
)
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["check"], 0),
        (["verify"], 0),
        (["alerts"], 1),
        (["--help"], 0),
        (["load", "--nonsense"], 2),
        (["load", "--destination", "nowhere"], 2),
    ],
)
def test_other_commands_end_as_they_would(
    lists: Lists, redirected: str, arguments: list[str], code: int
) -> None:
    lists.serve("openai", cursor_list([batch(2, status="in_progress", expires_at=1), batch(1)]))
    variables = keys(lists, "openai")
    assert run("load", **variables)[0] == 0
    assert shell(redirected, *arguments, **variables) == code


@pytest.mark.integration
@pytest.mark.parametrize(
    ("encoding", "options"),
    few_of(
        [
            ("cp1252", []),
            ("ascii:strict", ["--quiet"]),
            ("latin-1:strict", ["--log-format", "json"]),
        ],
        quick=[("cp1252", [])],
    ),
)
def test_what_cannot_be_printed_is_escaped(
    lists: Lists, tmp_path: Path, encoding: str, options: list[str]
) -> None:
    lists.serve("openai", cursor_list([batch(2, status="in_progress", expires_at=1), batch(1)]))
    variables = {**keys(lists, "openai"), ACCOUNTS: json.dumps({"研究": KEY})}
    del variables["SOURCES__AI_BATCHES__OPENAI__API_KEY"]
    variables["PYTHONIOENCODING"] = encoding
    code, printed, log = run_process("load", "openai", *options, **variables)
    assert code == 0, log
    assert table(tmp_path / "ai_batches.duckdb", BATCHES) == [("研究", 2)]
    assert r"\u7814\u7a76" in printed
    for command in (["check"], ["verify"]):
        code, printed, log = run_process(*command, "openai", *options, **variables)
        assert code == 0, log
    code, printed, log = run_process("alerts", **variables)
    assert (code, r"\u7814\u7a76" in printed) == (1, True)


@pytest.mark.integration
def test_a_locale_without_utf_8_is_enough(lists: Lists, tmp_path: Path) -> None:
    lists.serve("openai", failure(401))
    variables = {**keys(lists, "openai"), ACCOUNTS: json.dumps({"研究": KEY})}
    del variables["SOURCES__AI_BATCHES__OPENAI__API_KEY"]
    code, printed, log = run_process(
        "load", **variables, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0"
    )
    assert code == 1
    assert "refused the key" in printed, log


@pytest.mark.integration
def test_the_demo_loads_when_nobody_reads(tmp_path: Path) -> None:
    assert shell(">&- 2>&-", "demo") == 0
    assert table(tmp_path / "demo.duckdb", "SELECT count(*) > 1000 FROM ai_batches.batches") == [
        (True,)
    ]


@pytest.mark.integration
def test_the_dashboard_serves_when_nobody_reads(tmp_path: Path) -> None:
    # it says that the port is in use, and ends
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for redirected in (">&- 2>&-", ">/dev/full 2>/dev/full"):
            assert shell(redirected, "dashboard", "--no-browser", "--port", port) == 2
