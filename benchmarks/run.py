"""Times this connector beside the limit and beside what else a user could pick, in one run.

    make bench                                     everything; about an hour on two cores
    python benchmarks/run.py --quick               small lists, once each
    python benchmarks/run.py --workload "second run"

Each program runs as a process of its own, in a virtual environment of its own, against a server in
a third process. Programs take turns within each repetition; what is printed are medians. The result
goes to `benchmarks/results.md`, `results.json` and `results.svg`.
"""

import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
ENVIRONMENTS = HERE / ".venvs"
GIVE_UP = 600
"""Seconds after which a program is stopped."""


@dataclass(frozen=True)
class Program:
    """Something that mirrors a list.

    `arguments` may hold {url} and {folder}; `rows` is what SQL calls its table.
    """

    name: str
    arguments: Sequence[str]
    rows: str
    file: str = "batches.duckdb"
    requires: Sequence[str] = ()
    """Packages of its own environment; none: this one."""
    reads_many: bool = False
    """Whether it can read several providers in one run."""
    is_limit: bool = False

    @property
    def python(self) -> str:
        """Interpreter of its environment."""
        if not self.requires:
            return sys.executable
        return str(ENVIRONMENTS / self.name.replace(" ", "-") / "bin" / "python")


CONNECTOR = Program(
    "this connector",
    [str(ROOT / "pipelines" / "ai_batches_pipeline.py")],
    "ai_batches_dataset.batches",
    file="ai_batches.duckdb",
    reads_many=True,
)
LIMIT = Program(
    "limit", [str(HERE / "limit.py"), "{url}", "{folder}/batches.duckdb"], "batches", is_limit=True
)
CONSTANT = Program(
    "one constant row with dlt",
    [str(HERE / "constant.py"), "{folder}"],
    "ai_batches.batches",
    is_limit=True,
)
_DLT = ("dlt[duckdb,parquet]>=1.31,<2", "duckdb>=1.4")
PEERS = [
    Program(
        "rest_api",
        [str(HERE / "peers/rest_api.py"), "{url}", "{folder}"],
        "peer.batches",
        requires=_DLT,
    ),
    Program(
        "rest_api parquet",
        [str(HERE / "peers/rest_api.py"), "{url}", "{folder}", "parquet"],
        "peer.batches",
        requires=_DLT,
    ),
    Program(
        "openai client",
        [str(HERE / "peers/openai_client.py"), "{url}", "{folder}"],
        "batches",
        requires=("openai>=2", "duckdb>=1.4"),
    ),
    Program(
        "Singer",
        [str(HERE / "peers/singer.py"), "{url}", "{folder}"],
        "peer.batches",
        requires=("singer-sdk", "target-duckdb"),
    ),
    Program(
        "PyAirbyte",
        [str(HERE / "peers/pyairbyte.py"), "{url}", "{folder}"],
        "peer.batches",
        requires=("airbyte",),
    ),
]


@dataclass(frozen=True)
class Measure:
    """One run of one program."""

    seconds: float
    cpu: float
    """Seconds of processor time."""
    memory: float
    """Peak, in MB."""
    requests: int
    exit_code: int
    wrong: int
    """Batches that are missing, or whose status is not the server's."""


@dataclass(frozen=True)
class Workload:
    """What is timed."""

    name: str
    batches: int
    latency: float = 0
    is_second_run: bool = False
    """Ten new and fifty changed ones among the latest hundred, after a first run."""
    stuck_days: int = 0
    providers: int = 1
    only_first: bool = False
    """Whether the peers are left out: this connector and the limit only."""


WORKLOADS = [
    Workload("1,000", 1_000),
    Workload("10,000", 10_000),
    Workload("100,000", 100_000),
    Workload("1,000,000", 1_000_000, only_first=True),
    Workload("10,000 at 50 ms", 10_000, latency=0.05),
    Workload("slowest alone at 50 ms", 10_000, latency=0.05, only_first=True),
    Workload("five providers of 10,000 at 50 ms", 10_000, latency=0.05, providers=5),
    Workload("second run, 1,000", 1_000, is_second_run=True, only_first=True),
    Workload("second run, 100,000", 100_000, is_second_run=True),
    Workload("second run, 1,000,000", 1_000_000, is_second_run=True, only_first=True),
    Workload("second run, one open for two days", 100_000, is_second_run=True, stuck_days=2),
]
CURSOR_PROVIDERS = ("openai", "kimi", "novita", "respan", "bland")


@contextmanager
def serving(workload: Workload) -> Iterator[str]:
    """Runs the server in a process of its own; yields its address."""
    command = [sys.executable, str(HERE / "server.py"), "--batches", str(workload.batches)]
    command += ["--latency", str(workload.latency), "--stuck-days", str(workload.stuck_days)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout  # noqa: S101
        yield process.stdout.readline().strip()
        process.kill()


def ask(url: str, method: str = "GET") -> str:
    """Asks the server itself."""
    with urllib.request.urlopen(urllib.request.Request(url, method=method)) as reply:  # noqa: S310
        return str(reply.read().decode())


def main() -> None:
    """Runs the workloads and writes the results."""
    raise SystemExit("not written yet")


if __name__ == "__main__":
    main()
