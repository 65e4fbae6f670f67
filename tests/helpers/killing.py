"""The pipeline in a process of its own that is killed at a chosen change of its working folder."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

_CONTEXT: ForkServerContext = multiprocessing.get_context("forkserver")
# imported once, so that a run costs no start of Python
_CONTEXT.set_forkserver_preload(["ai_batches_runner.cli"])


def run_and_kill(
    arguments: Sequence[str],
    folder: Path,
    variables: Mapping[str, str],
    touches: int | None = None,
    python: str | None = None,
) -> tuple[int, int]:
    """Runs the pipeline until it has touched files of its folder so many times, then kills it.

    Args:
        arguments (Sequence[str]): Of the command line.
        folder (Path): Working folder.
        variables (Mapping[str, str]): The environment.
        touches (int | None): How often it may open, rename or remove a file; None: as often as it
            likes.
        python (str | None): Of another environment; None: as here, without a new start.

    Returns:
        tuple[int, int]: Exit code, -9 for a killed process, and how often it touched files.
    """
    if python:
        command = [python, __file__, str(folder), str(touches or 0), *arguments]
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)  # noqa: S603
        return done.returncode, int(done.stdout or 0)
    # without a lock that a killed process would take along
    counter = _CONTEXT.RawValue("i", 0)
    process = _CONTEXT.Process(
        target=_run, args=(arguments, folder, dict(variables), touches, counter)
    )
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode, counter.value


def _run(
    arguments: Sequence[str],
    folder: Path,
    variables: dict[str, str],
    touches: int | None,
    counter: Any,
) -> None:
    os.environ.clear()
    os.environ.update(variables)
    _count_touches(folder, touches, counter)
    sys.exit(_run_quietly(arguments, folder))


def _run_quietly(arguments: Sequence[str], folder: Path) -> int:
    from ai_batches_runner.cli import main

    os.chdir(folder)
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123
    return main(arguments)


def _count_touches(folder: Path, touches: int | None, counter: Any) -> None:
    """Counts, and kills this process at the one that was chosen."""
    here = str(folder)
    one_at_a_time = threading.Lock()

    def watch(event: str, values: tuple[Any, ...]) -> None:
        if event in ("open", "os.rename", "os.remove", "os.rmdir", "os.mkdir"):
            path = values[0]
            if isinstance(path, str | os.PathLike) and os.fspath(path).startswith(here):
                with one_at_a_time:
                    counter.value += 1
                    if counter.value == touches:
                        os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)


if __name__ == "__main__":
    counted = _CONTEXT.RawValue("i", 0)
    _count_touches(Path(sys.argv[1]), int(sys.argv[2]) or None, counted)
    answers = sys.stdout
    exit_code = _run_quietly(sys.argv[3:], Path(sys.argv[1]))
    answers.write(str(counted.value))
    sys.exit(exit_code)
