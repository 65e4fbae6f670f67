"""Loads generated batches into a Delta table, asks a Ray cluster about them, and DuckDB as well.

    make lakehouse                                                    ten million batches
    make lakehouse LAKEHOUSE="--batches 200000 --folder /tmp/lakehouse"    fewer, and keep the table

The exit code is 1 if the two do not agree.
"""

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cluster import running_cluster
from load import TABLE, load

HERE = Path(__file__).parent
WORKERS = 2


def main() -> int:
    """Does all of it; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--batches", type=int, default=10_000_000, help="[10000000]")
    parser.add_argument("--folder", type=Path, help="where to leave the table and the answers")
    options = parser.parse_args()
    # the cluster is to be stopped then, too
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="lakehouse-") as temporary:
        folder = (options.folder or Path(temporary)).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        return run(options.batches, folder)


def run(batches: int, folder: Path) -> int:
    """Loads, asks and compares in a folder; returns the exit code."""
    seconds = load(batches, folder.as_uri(), folder)
    table = folder / TABLE
    files = [file.stat().st_size for file in table.glob("*.parquet")]
    _say(
        f"{batches:,} batches loaded in {seconds:.0f} s"
        f" into {len(files)} files of {sum(files) / 1e6:,.0f} MB"
    )
    answers = folder / "answers.json"
    started = time.monotonic()
    with running_cluster(WORKERS) as (address, variables):
        _say(f"cluster of a head and {WORKERS} workers at {address}")
        command = [sys.executable, str(HERE / "aggregate.py"), str(table), str(answers)]
        subprocess.run([*command, "--address", address], check=True, env=variables)  # noqa: S603
    _say(f"asked and stopped in {time.monotonic() - started:.0f} s")
    command = [sys.executable, str(HERE / "compare.py"), str(table), str(answers)]
    return subprocess.run(command, check=False).returncode  # noqa: S603


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
