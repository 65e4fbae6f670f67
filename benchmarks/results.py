"""What the benchmarks found, as tables, as a plot and as JSON."""

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown

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
    """None where the program did not end and was stopped."""


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
    """How many batches have the status in the program's table that the server tells."""
    rows: int = 0


def write_results(
    trials: Sequence[Trial], misbehaving: Sequence[Trial], failed: Mapping[str, str]
) -> None:
    """Writes `results.md`, `results.json` and `results.svg`, and prints the first one."""
    text = "\n\n".join(
        part
        for part in (
            f"Measured on {date.today():%Y-%m-%d}, {os.cpu_count()} cores, Python"
            f" {platform.python_version()}: read the ratios.",
            _speed(trials),
            _outcomes(misbehaving),
            *(f"Not here: {name} does not install ({why})." for name, why in failed.items()),
        )
        if part
    )
    (HERE / "results.md").write_text(text + "\n")
    found = {"trials": [asdict(t) for t in trials], "misbehaving": [asdict(t) for t in misbehaving]}
    (HERE / "results.json").write_text(json.dumps(found, indent=1) + "\n")
    Console(file=sys.stdout).print(Markdown(text))
    if trials:
        _plot(trials)


def _speed(trials: Sequence[Trial]) -> str:
    lines = [
        "| work | program | seconds | beside this connector | processor | peak MB | requests"
        " | right |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    own = {t.workload: t.measure.seconds for t in trials if t.program == "this connector"}
    for trial in trials:
        measure = trial.measure
        ratio = measure.seconds / own[trial.workload] if trial.workload in own else None
        mirrors = measure.requests > 0
        lines.append(
            f"| {trial.workload} | {trial.program} | {measure.seconds:.2f} |"
            f" {f'{ratio:.2f}' if ratio else ''} | {measure.cpu:.2f} | {measure.memory:,.0f} |"
            f" {measure.requests:,} | {_right(trial) if mirrors else ''} |"
        )
    return "\n".join(lines)


def _right(trial: Trial) -> str:
    return f"{trial.right:,} of {trial.batches:,}" if trial.right < trial.batches else "all"


def _outcomes(trials: Sequence[Trial]) -> str:
    programs = list(dict.fromkeys(trial.program for trial in trials))
    lines = ["| list | " + " | ".join(programs) + " |", "|---|" + "---|" * len(programs)]
    for workload in dict.fromkeys(trial.workload for trial in trials):
        cells = [_outcome(trial) for trial in trials if trial.workload == workload]
        lines.append(f"| {workload} | " + " | ".join(cells) + " |")
    return "\n".join(lines) if programs else ""


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
