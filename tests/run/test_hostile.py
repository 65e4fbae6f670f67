"""A hostile server hurts only itself: others are loaded, and time and memory are bounded."""

import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest
from dlt import Pipeline
from starlette.requests import Request

from ai_batches import Account, ProviderSettings, Run, RunRequest
from ai_batches_runner.run.load import load
from commands import COMMAND, keys, run, summary, table
from hostile import (
    ATTACKS,
    Attack,
    asking_to_wait,
    bomb,
    dripping_body,
    dripping_headers,
    dripping_to_the_end,
    endless_size,
    hostile,
)
from support import KEY, Lists, TAnswer, batch, cursor_list, failure, few_of, page, select

ENDLESS = (dripping_body, dripping_headers)
QUICK = (dripping_to_the_end, asking_to_wait, bomb, endless_size)
SIGNALS = (signal.SIGINT, signal.SIGTERM)
ROWS_IN = 30.0
"""Seconds from its start in which a run stores the rows of a healthy provider."""
ENDS_IN = 5.0
"""Seconds in which a signal ends the command."""
FILE = "ai_batches.duckdb"
PREFIX = "SOURCES__AI_BATCHES__OPENAI__"


def attacked(url: str, lists: Lists, **settings: str) -> dict[str, str]:
    """Settings with a hostile provider beside a healthy one."""
    lists.serve("kimi", cursor_list([batch(number) for number in range(150, 0, -1)]))
    variables = {PREFIX + "API_KEY": KEY, PREFIX + "BASE_URL": url, **keys(lists, "kimi")}
    return variables | {PREFIX + name: value for name, value in settings.items()}


@pytest.mark.parametrize("attack", few_of(ATTACKS, quick=QUICK), ids=lambda attack: attack.__name__)
def test_the_others_are_loaded(
    pipeline: Pipeline, lists: Lists, monkeypatch: pytest.MonkeyPatch, attack: Attack
) -> None:
    monkeypatch.setenv("RUNTIME__REQUEST_MAX_ATTEMPTS", "2")
    lists.serve("kimi", cursor_list([batch(number) for number in range(150, 0, -1)]))
    with hostile(attack) as url:
        settings = {
            **lists.settings("kimi"),
            "openai": ProviderSettings(
                (Account("default", KEY, "the test"),), url, 100, page_timeout=2, page_max_mb=20
            ),
        }
        request = RunRequest(seconds_per_load=0.3)
        reports = load(pipeline, ["openai", "kimi"], settings, Run(request))
    assert [(each.provider, each.result) for each in reports] == [
        ("kimi", "ok"),
        ("openai", "FAILED"),
    ]
    assert reports[1].seconds < 60
    assert select(pipeline, "SELECT count(*) FROM batches") == [(150,)]


@pytest.mark.integration
@pytest.mark.parametrize("command", ["check", "verify"])
def test_every_command_has_the_bounds(lists: Lists, command: str) -> None:
    with hostile(dripping_body) as url:
        variables = attacked(url, lists, PAGE_TIMEOUT="1s")
        assert run("load", "kimi", **variables)[0] == 0
        code, printed, log = run(command, **variables)
    assert code == 1
    assert "no complete page in time" in printed + log
    assert "page_timeout" in printed + log


@pytest.mark.integration
def test_the_time_limit_holds_whatever_is_sent(lists: Lists) -> None:
    with hostile(dripping_headers) as url:
        started = time.monotonic()
        code, printed, log = run("load", "--time-limit", "2", **attacked(url, lists))
    assert code == 3, printed + log
    assert time.monotonic() - started < 60
    assert "partial" in printed


def test_what_is_too_large_is_named(lists: Lists) -> None:
    lists.serve("openai", page([batch(1, description="x" * 2_000_000)]))
    variables = {**keys(lists, "openai"), PREFIX + "PAGE_MAX_MB": "1"}
    code, printed, _ = run("load", **variables)
    assert code == 1
    assert "larger than 1 MB" in printed
    assert "page_max_mb" in printed
    assert run("load", **keys(lists, "openai"))[0] == 0


@pytest.mark.integration
def test_a_long_wait_lasts_until_the_others_are_read(lists: Lists) -> None:
    """The last try is made when there is nothing else to do."""
    asked: list[int] = []

    def answer(request: Request) -> TAnswer:
        asked.append(len(lists.requests))
        return failure(429, retry_after="3600") if len(asked) == 1 else page([batch(1)])

    lists.serve("openai", answer)
    lists.serve("kimi", cursor_list([batch(number) for number in range(300, 0, -1)]))
    code, printed, _ = run("load", **keys(lists, "openai", "kimi"))
    assert code == 0, printed
    assert lists.count("openai") == 2
    assert asked[1] == len(lists.requests)


def start(
    variables: Mapping[str, str], command: Sequence[str] = (COMMAND, "load")
) -> "subprocess.Popen[str]":
    """Starts a command in a process that may have two gigabytes of memory."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (2_000_000_000, 2_000_000_000))

    return subprocess.Popen(  # noqa: S603
        command,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=limit,
    )


def wait_for_rows(file: Path, rows: int) -> None:
    """Waits until a process that was just started has stored so many rows."""
    deadline = time.monotonic() + ROWS_IN
    while time.monotonic() < deadline:
        with suppress(duckdb.Error):
            query = "SELECT count(*) FROM ai_batches_dataset.batches"
            if table(file, query) == [(rows,)]:
                return
        time.sleep(0.2)
    raise AssertionError(f"the rows were not there after {ROWS_IN} s")


def wait_until_asked(lists: Lists, pages: int) -> None:
    """Waits until so many pages of the healthy list were asked for."""
    deadline = time.monotonic() + ROWS_IN
    while lists.count("kimi") < pages and time.monotonic() < deadline:
        time.sleep(0.05)


def interrupt(process: "subprocess.Popen[str]", number: signal.Signals, pid: int = 0) -> None:
    """Fails unless the signal, sent to the process or to `pid`, ends the command in time."""
    os.kill(pid or process.pid, number)
    try:
        printed, _ = process.communicate(timeout=ENDS_IN)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    assert process.returncode == 130, printed
    assert "Interrupted" in printed


@pytest.mark.integration
@pytest.mark.parametrize(
    ("attack", "number"),
    few_of(
        [(attack, number) for attack in ENDLESS for number in SIGNALS],
        quick=[(dripping_headers, signal.SIGTERM)],
    ),
)
def test_the_others_are_stored_and_a_signal_ends_it(
    lists: Lists, tmp_path: Path, attack: Attack, number: signal.Signals
) -> None:
    with hostile(attack) as url, start(attacked(url, lists)) as process:
        wait_for_rows(tmp_path / FILE, 150)
        interrupt(process, number)
    # the next run is not held up
    code, printed, _ = run("load", **keys(lists, "kimi"))
    assert code == 0, printed


@pytest.mark.integration
@pytest.mark.parametrize("command", ["load", "check"])
def test_the_first_process_of_a_container_ends_at_sigterm(lists: Lists, command: str) -> None:
    """The system keeps signals from such a process unless it asks for them."""
    isolation = ["unshare", "--map-root-user", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if not shutil.which("unshare") or subprocess.run([*isolation, "true"]).returncode:  # noqa: S603
        pytest.skip("cannot make a namespace of processes")
    inside = [*isolation, COMMAND, command]
    with hostile(dripping_headers) as url, start(attacked(url, lists), inside) as process:
        wait_until_asked(lists, 1)
        (first,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        interrupt(process, signal.SIGTERM, int(first))


@pytest.mark.integration
def test_a_signal_leaves_what_was_read_to_the_next_run(lists: Lists, tmp_path: Path) -> None:
    with hostile(dripping_headers) as url, start(attacked(url, lists)) as process:
        wait_until_asked(lists, 2)
        # time to take what was read; the package closes only after ten seconds
        time.sleep(2)
        interrupt(process, signal.SIGINT)
    lists.requests.clear()
    code, printed, log = run("load", "kimi", **attacked("http://127.0.0.1:9", lists))
    assert code == 0, printed
    assert "Loaded first what an interrupted run left" in log
    assert summary(printed, "kimi")[2:4] == ["100", "0"]
    assert table(tmp_path / FILE, "SELECT count(*) FROM ai_batches_dataset.batches") == [(150,)]


@pytest.mark.integration
@pytest.mark.parametrize("field", ["description", "id", "error"])
def test_a_text_within_the_limit_fits_into_memory(lists: Lists, tmp_path: Path, field: str) -> None:
    variables = attacked(lists.url("openai"), lists)
    lists.serve("openai", page([{**batch(1), field: "x" * 15_500_000}]))
    process = start(variables)
    assert process.stdout
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, printed
    found = table(tmp_path / FILE, "SELECT count(*) FROM ai_batches_dataset.batches")
    assert found == [(151,)]
    assert usage.ru_maxrss < 1_000_000, printed


@pytest.mark.integration
@pytest.mark.parametrize(
    "attack", few_of(ATTACKS, quick=[bomb]), ids=lambda attack: attack.__name__
)
def test_memory_is_bounded(lists: Lists, tmp_path: Path, attack: Attack) -> None:
    with hostile(attack) as url:
        variables = attacked(url, lists, PAGE_TIMEOUT="20s")
        process = start(variables | {"RUNTIME__REQUEST_MAX_ATTEMPTS": "2"})
        assert process.stdout
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 1, printed
    assert table(tmp_path / FILE, "SELECT count(*) FROM ai_batches_dataset.batches") == [(150,)]
    assert usage.ru_maxrss < 1_000_000, printed
