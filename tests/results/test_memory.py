"""Memory does not grow with a file, and each of its rows is there."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from commands import COMMAND, table
from file_server import Asked, FileServer, head, line
from support import DAY, ended_ago

FILE = "ai_batches.duckdb"
SIZE = 6_000
MEGABYTE = 1_000_000
LONGEST = 50 * MEGABYTE
MERGED = 100_000
"""Kilobytes that merging the rows of a load package takes, and the keys of a file."""


def file_of(count: int) -> Iterator[bytes]:
    """A reply with so many lines, of one length but for a huge one, made as they are sent."""
    start, _, end = line(1, SIZE).partition(b"request-1")
    length = len(start) + len(end) + len("request-0000000")
    yield head(200, {"content-length": LONGEST + 1 + length * count})
    for _ in range(0, LONGEST, MEGABYTE):
        yield b"x" * MEGABYTE
    yield b"\n"
    for first in range(0, count, 100):
        names = (b"request-%07d" % number for number in range(first, min(first + 100, count)))
        yield b"".join(start + name + end for name in names)


def peak(variables: Mapping[str, str], *arguments: str) -> int:
    """Runs the command in a process of its own; returns the most memory it had, in kilobytes."""
    with subprocess.Popen(  # noqa: S603
        [COMMAND, "load", *arguments],
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, printed
    return usage.ru_maxrss


@pytest.mark.integration
@pytest.mark.timeout(600)
@pytest.mark.parametrize("mode", ["totals", "all"])
def test_a_large_file_takes_little_more_memory_than_a_small_one(
    file_server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """Of a gigabyte, and of ten megabytes beside the huge line."""
    counts = {"small": 1_600, "large": 160_000}
    peaks = {}
    for name, count in counts.items():

        def answer(asked: Asked, count: int = count) -> Iterator[bytes]:
            return file_of(count)

        folder = tmp_path / name
        folder.mkdir()
        monkeypatch.chdir(folder)
        file_server.serve_list(ended_ago(1, "completed", DAY, output_file_id="out"))
        file_server.serve("out", answer)
        place = {"DLT_DATA_DIR": str(folder / "dlt")}
        peak({**file_server.variables("off"), **place})
        peaks[name] = peak({**file_server.variables(mode), **place}, "--results")
        query = "SELECT sum(requests) FROM ai_batches_dataset.batch_usage"
        assert table(folder / FILE, query) == [(count + 1,)]
        query = "SELECT count(DISTINCT request_key) FROM ai_batches_dataset.batch_requests"
        assert table(folder / FILE, query) == [(count + 1 if mode == "all" else 0,)]
    # the destination merges rows in memory, of whichever file they are
    assert peaks["large"] < 1.3 * peaks["small"] + (MERGED if mode == "all" else 0), peaks
