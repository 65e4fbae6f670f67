"""What the benchmarks found, as JSON, as tables and as a plot."""

import json
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Measure:
    """One run of one program, or the median of several."""

    seconds: float
    cpu: float
    """Seconds of processor time."""
    memory: float
    """Peak, in MB."""
    requests: int
    exit_code: int | None
    """None if the program did not end and was stopped."""


@dataclass(frozen=True)
class Trial:
    """A program at a workload."""

    workload: str
    program: str
    batches: int
    """How many the list has."""
    rounds: int
    measure: Measure
    right: int = 0
    """Number of batches that have the same status in the program's table as on the server."""
    rows: int = 0


def write_results(
    trials: Sequence[Trial], misbehaving: Sequence[Trial], failed: Mapping[str, str]
) -> str:
    """Writes `results.json`, `results.md` and `results.svg`, and returns the tables."""
    machine = (
        f"{date.today():%Y-%m-%d}, {os.cpu_count()} cores, {platform.system()},"
        f" Python {platform.python_version()}"
    )
    found = {
        "machine": machine,
        "trials": [asdict(trial) for trial in trials],
        "misbehaving": [asdict(trial) for trial in misbehaving],
    }
    (HERE / "results.json").write_text(json.dumps(found, indent=1) + "\n")
    parts = [
        f"# What the benchmarks found\n\n`make bench`, {machine}. Read the ratios.",
        *(f"Not here: {name} does not install ({why})." for name, why in failed.items()),
        "## Seconds\n\nWall time of the whole process, median of the rounds.",
        _matrix(trials, lambda trial: f"{trial.measure.seconds:.2f}"),
        "## Peak memory, MB",
        _matrix(trials, lambda trial: f"{trial.measure.memory:,.0f}"),
        "## Processor time, seconds",
        _matrix(trials, lambda trial: f"{trial.measure.cpu:.2f}"),
        "## Requests, and batches whose status is right then",
        _matrix([trial for trial in trials if trial.measure.requests], _mirrored),
    ]
    if misbehaving:
        parts += [
            "## Lists that misbehave\n\nBatches that are right; what the exit code says.",
            _matrix(misbehaving, _outcome),
        ]
    text = "\n\n".join(parts)
    (HERE / "results.md").write_text(text + "\n")
    _plot(trials)
    return text


def _matrix(trials: Sequence[Trial], cell: Callable[[Trial], str]) -> str:
    """A line a workload, a column a program."""
    programs = list(dict.fromkeys(trial.program for trial in trials))
    lines = ["| | " + " | ".join(programs) + " |", "|---|" + "--:|" * len(programs)]
    for workload in dict.fromkeys(trial.workload for trial in trials):
        cells = {trial.program: cell(trial) for trial in trials if trial.workload == workload}
        lines.append(f"| {workload} | " + " | ".join(cells.get(p, "") for p in programs) + " |")
    return "\n".join(lines)


def _mirrored(trial: Trial) -> str:
    return f"{trial.measure.requests:,}; {_right(trial)}"


def _right(trial: Trial) -> str:
    return f"{trial.right:,} of {trial.batches:,}" if trial.right < trial.batches else "all"


def _outcome(trial: Trial) -> str:
    code = trial.measure.exit_code
    said = "never ends" if code is None else "success" if code == 0 else "error"
    doubled = f", {trial.rows - trial.right:,} wrong" if trial.rows > trial.right else ""
    return f"{_right(trial)}{doubled}; {said}"


def _plot(trials: Sequence[Trial]) -> None:
    # not needed for anything else
    import matplotlib.pyplot as plt

    shown = [
        name
        for name in (
            "first load of 100,000",
            "first load of 10,000 at 50 ms",
            "second run, 100,000",
        )
        if any(trial.workload == name for trial in trials)
    ]
    figure, axes = plt.subplots(1, max(1, len(shown)), figsize=(11, 3), squeeze=False)
    for axis, name in zip(axes[0], shown, strict=False):
        bars = [trial for trial in reversed(trials) if trial.workload == name]
        labels = [trial.program.replace("`", "") for trial in bars]
        colors = ["tab:blue" if label == "this connector" else "lightgray" for label in labels]
        drawn = axis.barh(labels, [trial.measure.seconds for trial in bars], color=colors)
        axis.bar_label(drawn, fmt="%.1f", padding=2)
        axis.set_title(f"{name}, seconds", fontsize=10)
        axis.margins(x=0.15)
        axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(HERE / "results.svg", metadata={"Date": None})
