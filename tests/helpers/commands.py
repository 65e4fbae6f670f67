"""The command as users and schedules run it: its exit code and what it prints."""

import io
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TextIO

import duckdb
from dlt.common.configuration.container import Container
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext
from dlt.extract.incremental.context import TimeIntervalContext

from ai_batches_runner.cli import main
from support import KEY, Lists

COMMAND = str(Path(sys.executable).with_name("ai-batches"))


def run(*arguments: str, **variables: str) -> tuple[int, str, str]:
    """Runs the command as `run_and_tell_all`; that keys go to the test's server is left out."""
    code, *texts = run_and_tell_all(*arguments, **variables)
    printed, log = ("".join(filter(_is_news, text.splitlines(True))) for text in texts)
    return code, printed, log


def _is_news(line: str) -> bool:
    return not line.rstrip().endswith("instead of the vendor's own address") and (
        '"event": "note"' not in line
    )


def run_and_tell_all(*arguments: str, **variables: str) -> tuple[int, str, str]:
    """Runs the command in this process; returns its exit code and what it printed."""
    printed, log = _stream(), _stream()
    with redirect_stdout(printed), redirect_stderr(log), _as_new_process(variables):
        code = main(arguments)
    return code, _text(printed), _text(log)


def run_into(output: TextIO, *arguments: str, **variables: str) -> int:
    """Runs the command in this process, which prints to a stream; returns its exit code."""
    with redirect_stdout(output), redirect_stderr(_stream()), _as_new_process(variables):
        return main(arguments)


def run_process(*arguments: str, **variables: str) -> tuple[int, str, str]:
    """Runs the command in a process of its own; returns its exit code and what it printed."""
    return call([COMMAND, *arguments], {**os.environ, **variables})


def call(command: list[str], variables: Mapping[str, str]) -> tuple[int, str, str]:
    """Runs a program in this environment; returns its exit code and what it printed."""
    done = subprocess.run(  # noqa: S603
        command, env=dict(variables), capture_output=True, text=True, timeout=300
    )
    return done.returncode, done.stdout, done.stderr


@contextmanager
def _as_new_process(variables: Mapping[str, str]) -> Iterator[None]:
    """Has dlt read its settings again, in the current folder."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        _forget_settings()
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        _forget_settings()


def _forget_settings() -> None:
    for context in (PluggableRunContext, TimeIntervalContext):
        if context in Container():
            del Container()[context]


def _stream() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), "utf-8", newline="\n")


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()


def keys(lists: Lists, *providers: str) -> dict[str, str]:
    """Variables that give these providers a key and send them to the test's server."""
    variables: dict[str, str] = {}
    for name in providers:
        prefix = f"SOURCES__AI_BATCHES__{name.upper()}__"
        variables |= {prefix + "API_KEY": KEY, prefix + "BASE_URL": lists.url(name)}
    return variables


def table(file: Path, query: str) -> list[tuple[object, ...]]:
    """What SQL says about a DuckDB file."""
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(query).fetchall()


def summary(printed: str, provider: str) -> list[str]:
    """The cells of a provider's line in the summary."""
    return next(line.split() for line in printed.splitlines() if line.startswith(provider))
