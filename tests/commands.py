"""The command as users and schedules run it: a process, its exit code and what it prints."""

import os
import subprocess
import sys
from pathlib import Path

import duckdb

from support import KEY, Lists

COMMAND = str(Path(sys.executable).with_name("ai-batches"))


def run(*arguments: str, **variables: str) -> tuple[int, str, str]:
    """Runs the command; returns its exit code and what it printed."""
    done = subprocess.run(  # noqa: S603
        [COMMAND, *arguments],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout, done.stderr


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
