"""Times this connector beside the limit and beside what else a user could pick, in one run.

    make bench                                      everything: about an hour
    make bench BENCH="--only 10,000 --repeat 1"     workloads whose name has these words, once each

Each program runs as a process of its own, in a virtual environment of its own, against a server in
a third process. Programs take turns, round after round; medians are reported. What comes out is in
`benchmarks/results.md`, `results.json` and `results.svg`.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import duckdb
from rich.console import Console
from rich.markdown import Markdown

from ai_batches_demo import VENDORS
from programs import (
    ALL_PROVIDERS,
    ALL_REQUESTS,
    ALONE,
    CONNECTOR,
    CONSTANT,
    HERE,
    INHERITED,
    LIMIT,
    MANY_ACCOUNTS,
    PEERS,
    RESULTS,
    SIXTY_ACCOUNTS,
    START,
    STREAM_AND_PARSE,
    TOTALS,
    Program,
    make_environments,
    variables,
)
from results import Measure, Trial, write_results
from server import FAULTS, IDS, MINUTE, BatchList

TResult = TypeVar("TResult")

NEWEST = int(time.time()) - 180 * MINUTE


@dataclass(frozen=True)
class Workload:
    """What is timed."""

    name: str
    batches: int
    programs: Sequence[Program]
    latency: float = 0
    is_second_run: bool = False
    """Ten new batches and fifty changed ones among the latest hundred, after a first run."""
    open_days: int = 0
    """Age of one more batch that is open in the first run, and has ended in the second one."""
    rounds: int | None = None
    """How often; None: as often as asked for."""
    ids: str = "plain"
    """How ids are written."""


_ALL = (LIMIT, CONNECTOR, *PEERS)
_ACCOUNTS = (CONNECTOR, SIXTY_ACCOUNTS, MANY_ACCOUNTS)
_SECOND = (CONSTANT, CONNECTOR, *PEERS)
WORKLOADS = (
    Workload("start of the process, `--help`", 100, (START,)),
    Workload("first load of 1,000", 1_000, _ALL),
    Workload("first load of 10,000", 10_000, _ALL),
    Workload("first load of 100,000", 100_000, _ALL),
    *(
        Workload(f"first load of 100,000, ids: {ids}", 100_000, (LIMIT, CONNECTOR), ids=ids)
        for ids in IDS
        if ids != "plain"
    ),
    Workload("first load of 1,000,000", 1_000_000, (LIMIT, CONNECTOR), rounds=1),
    Workload("first load of 10,000 at 50 ms", 10_000, _ALL, latency=0.05),
    Workload("five providers, 10,000 each at 50 ms", 10_000, (ALL_PROVIDERS,), latency=0.05),
    Workload("accounts, 300 batches each at 100 ms", 300, _ACCOUNTS, latency=0.1),
    Workload("accounts, second run at 100 ms", 300, _ACCOUNTS, 0.1, is_second_run=True),
    Workload("second run, 1,000", 1_000, (CONSTANT, CONNECTOR), is_second_run=True),
    Workload("second run, 100,000", 100_000, _SECOND, is_second_run=True),
    Workload("second run, 100,000, one open for two days", 100_000, _SECOND, 0, True, open_days=2),
    Workload("second run, 1,000,000", 1_000_000, (CONSTANT, CONNECTOR), is_second_run=True),
)
MISBEHAVING = (
    *(Workload(fault, 1_000, (CONNECTOR, *PEERS)) for fault in FAULTS),
    Workload(
        "a batch open for two days, then ended", 5_000, (CONNECTOR, *PEERS), 0, True, open_days=2
    ),
)
RESULT_LINES = (500, 50_000)
MISBEHAVING_PATIENCE, PATIENCE = 30, 900
"""Seconds after which a program is stopped."""


@contextmanager
def serving(workload: Workload, is_later: bool) -> Iterator[str]:
    """Runs the server in a process of its own; yields its address."""
    command = [sys.executable, str(HERE / "server.py"), "--newest", str(NEWEST)]
    command += ["--batches", str(workload.batches), "--latency", str(workload.latency)]
    command += ["--open-days", str(workload.open_days), "--ids", workload.ids]
    command += ["--advanced"] * is_later
    command += ["--fault", workload.name] if workload.name in FAULTS else []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout  # noqa: S101
        yield process.stdout.readline().strip()
        process.kill()


def measure(
    command: Sequence[str], settings: Mapping[str, str], url: str, folder: Path, patience: float
) -> Measure:
    """Runs a program in a folder and waits for its end."""
    with (folder / "log.txt").open("ab") as log:
        started = time.monotonic()
        process = subprocess.Popen(  # noqa: S603
            command,
            cwd=folder,
            env=settings,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        watch = threading.Timer(patience, os.killpg, (process.pid, signal.SIGKILL))
        watch.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - started
        has_ended = watch.is_alive()
        watch.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
    requests = asked(f"{url}/requests")
    return Measure(
        seconds=seconds,
        cpu=usage.ru_utime + usage.ru_stime,
        # kilobytes on Linux, bytes on a Mac
        memory=usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3),
        requests=requests,
        exit_code=process.returncode if has_ended else None,
    )


def compare(program: Program, folder: Path, workload: Workload) -> tuple[int, int]:
    """How many batches the program has right, and how many rows in all."""
    batches = BatchList(workload.batches, NEWEST, workload.open_days, workload.ids)
    if workload.is_second_run:
        batches.advance()
    # ids alone if a provider reports no status
    query = f"SELECT id, status FROM {program.table}"  # noqa: S608
    copies = 5 if program == ALL_PROVIDERS else program.accounts
    if copies > 1:
        query = (
            f"SELECT id, min(status) FROM {program.table}"  # noqa: S608
            f" GROUP BY id HAVING count(*) = {copies}"
        )
    try:
        with duckdb.connect(str(folder / program.file), read_only=True) as database:
            rows = database.execute(query).fetchall()
    except duckdb.Error:
        return 0, 0
    return len(set(rows) & set(batches.statuses())), len(rows)


def apart(function: Callable[..., TResult], *arguments: Any) -> TResult:
    """Calls a function in a new process: what this one uses would count as memory of programs."""
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as executor:
        return executor.submit(function, *arguments).result()


def trial(program: Program, workload: Workload, measures: Sequence[Measure]) -> Trial:
    """Medians of several rounds."""
    return Trial(
        workload=workload.name,
        program=program.name,
        batches=workload.batches + 10 * workload.is_second_run,
        rounds=len(measures),
        measure=Measure(
            seconds=median(m.seconds for m in measures),
            cpu=median(m.cpu for m in measures),
            memory=median(m.memory for m in measures),
            requests=measures[-1].requests,
            exit_code=measures[-1].exit_code,
        ),
    )


def run_workload(workload: Workload, rounds: int, place: Path) -> Iterator[Trial]:
    """Times the programs in turns."""
    measures: dict[Program, list[Measure]] = {program: [] for program in workload.programs}
    right: dict[Program, tuple[int, int]] = {}
    for number in range(workload.rounds or rounds):
        for program in workload.programs:
            folder, done = _run_once(program, workload, place, PATIENCE)
            measures[program].append(done)
            right[program] = apart(compare, program, folder, workload)
            if not workload.is_second_run and not number:
                _keep(folder, program, workload, place)
    for program in workload.programs:
        yield replace(trial(program, workload, measures[program]), right=right[program][0])


def _run_once(
    program: Program, workload: Workload, place: Path, patience: float
) -> tuple[Path, Measure]:
    folder = place / "run"
    shutil.rmtree(folder, ignore_errors=True)
    if workload.is_second_run:
        shutil.copytree(_after_first_run(program, workload, place), folder)
    else:
        folder.mkdir()
    with serving(workload, workload.is_second_run) as url:
        settings = variables(url, program.accounts)
        done = measure(program.arguments(url, folder), settings, url, folder, patience)
    sys.stderr.write(f"{workload.name}: {program.name} {done}\n")
    return folder, done


def _kept(program: Program, workload: Workload, place: Path) -> Path:
    name = f"{program.name}-{workload.batches}-{workload.open_days}-{workload.ids}"
    return place / "".join(c if c.isalnum() else "-" for c in name)


def _keep(folder: Path, program: Program, workload: Workload, place: Path) -> None:
    """Keeps what a first run left, so that second runs need not do it again."""
    kept = _kept(program, workload, place)
    if not kept.exists():
        shutil.copytree(folder, kept)


def _after_first_run(program: Program, workload: Workload, place: Path) -> Path:
    kept, folder = _kept(program, workload, place), place / "run"
    if not kept.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        with serving(workload, False) as url:
            settings = variables(url, program.accounts)
            measure(program.arguments(url, folder), settings, url, folder, PATIENCE)
        folder.rename(kept)
    return kept


@contextmanager
def serving_all_vendors(start: int, is_later: bool) -> Iterator[tuple[str, dict[str, str]]]:
    """Serves all vendors in a process of its own; yields its address and the settings for it."""
    command = [sys.executable, str(HERE / "all_vendors.py"), "--start", str(start)]
    command += ["--latency", "0.05", *["--advanced"] * is_later]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout  # noqa: S101
        served = json.loads(process.stdout.readline())
        yield served["url"], {**INHERITED, **ALONE, **served["settings"]}
        process.kill()


def run_all_vendors(rounds: int, place: Path) -> Iterator[Trial]:
    """Times the second run of all vendors, and that of the one alone that gets most requests."""
    start, kept, folder = int(time.time()), place / "all-vendors", place / "run"

    def load(is_later: bool, *providers: str) -> tuple[Measure, str]:
        """What it took, and which provider got most requests."""
        with serving_all_vendors(start, is_later) as (url, settings):
            command = (*CONNECTOR.arguments(url, folder)[:2], "load", *providers)
            done = measure(command, settings, url, folder, PATIENCE)
            return done, max(VENDORS, key=lambda name: asked(f"{url}/requests/{name}"))

    def afresh() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(kept, folder)

    kept.mkdir()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    load(False)
    shutil.copytree(folder, kept, dirs_exist_ok=True)
    _, slowest = load(True)
    measures: dict[str, list[Measure]] = {}
    for _ in range(rounds):
        for name, providers in (("all vendors", ()), (f"{slowest} alone", (slowest,))):
            afresh()
            measures.setdefault(name, []).append(load(True, *providers)[0])
    for name, some in measures.items():
        workload = Workload(f"second run, {len(VENDORS)} vendors at 50 ms", 0, ())
        yield trial(replace(CONNECTOR, name=name), workload, some)


@contextmanager
def serving_results(lines: int) -> Iterator[str]:
    """Serves a batch with a file of so many lines in a process of its own; yields its address."""
    command = [sys.executable, str(HERE / "result_server.py"), "--lines", str(lines)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout  # noqa: S101
        yield process.stdout.readline().strip()
        process.kill()


def run_results(rounds: int, place: Path) -> Iterator[Trial]:
    """Times the reading of results beside a script that only streams and parses them."""
    folder = place / "run"
    for lines in RESULT_LINES:
        kept = place / f"results-{lines}"
        measures: dict[Program, list[Measure]] = {}
        with serving_results(lines) as url:
            kept.mkdir()
            measure(CONNECTOR.arguments(url, kept), variables(url), url, kept, PATIENCE)
            for _ in range(rounds):
                for program in (STREAM_AND_PARSE, TOTALS, ALL_REQUESTS):
                    shutil.rmtree(folder, ignore_errors=True)
                    shutil.copytree(kept, folder)
                    settings = {**variables(url), RESULTS: program.name.split()[-1]}
                    done = measure(program.arguments(url, folder), settings, url, folder, PATIENCE)
                    measures.setdefault(program, []).append(done)
        workload = Workload(f"results, {lines:,} lines of 6 KB", 0, ())
        for program, some in measures.items():
            yield trial(program, workload, some)


def asked(address: str) -> int:
    """The number of requests that a server reports."""
    with urllib.request.urlopen(address) as reply:  # noqa: S310
        return int(reply.read())


def run_misbehaving(place: Path, failed: Collection[str]) -> Iterator[Trial]:
    """Has each program read lists that misbehave."""
    for workload in MISBEHAVING:
        for program in workload.programs:
            if program.environment not in failed:
                folder, done = _run_once(program, workload, place, MISBEHAVING_PATIENCE)
                right, rows = apart(compare, program, folder, workload)
                yield replace(trial(program, workload, [done]), right=right, rows=rows)


def main() -> None:
    """Runs the workloads and writes the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", default="", help="part of the names of workloads to run")
    parser.add_argument("--repeat", type=int, default=3, help="rounds [3]")
    options = parser.parse_args()
    failed = make_environments()
    for name, reason in failed.items():
        sys.stderr.write(f"{name} does not install: {reason}\n")
    trials: list[Trial] = []
    misbehaving: list[Trial] = []
    text = ""
    with tempfile.TemporaryDirectory() as place:
        if not options.only:
            misbehaving += run_misbehaving(Path(place), failed)
        for workload in WORKLOADS:
            if options.only in workload.name:
                programs = [p for p in workload.programs if p.environment not in failed]
                chosen = replace(workload, programs=programs)
                trials += run_workload(chosen, options.repeat, Path(place))
                # each time, since somebody may lose patience
                text = apart(write_results, trials, misbehaving, failed)
        if options.only in "results, lines of 6 KB":
            trials += run_results(options.repeat, Path(place))
            text = apart(write_results, trials, misbehaving, failed)
        if options.only in "second run, all vendors at 50 ms":
            trials += run_all_vendors(options.repeat, Path(place))
            text = apart(write_results, trials, misbehaving, failed)
    Console().print(Markdown(text))


if __name__ == "__main__":
    main()
