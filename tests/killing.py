"""The pipeline in a process of its own that is killed at a chosen change of its working folder."""

import multiprocessing
import os
import signal
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
) -> tuple[int, int]:
    """Runs the pipeline until it has touched files of its folder so many times, then kills it.

    Args:
        arguments (Sequence[str]): Of the command line.
        folder (Path): Working folder.
        variables (Mapping[str, str]): The environment.
        touches (int | None): How often it may open, rename or remove a file; None: as often as it
            likes.

    Returns:
        tuple[int, int]: Exit code, -9 for a killed process, and how often it touched files.
    """
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
    from ai_batches_runner.cli import main

    os.environ.clear()
    os.environ.update(variables)
    os.chdir(folder)
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123
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
    sys.exit(main(arguments))
