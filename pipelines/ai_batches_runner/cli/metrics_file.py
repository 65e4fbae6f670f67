"""The option `--metrics-file`: figures for Prometheus, after each run."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dlt import Pipeline

from ai_batches import shown

from ..defaults import SHORT_LOCK_TIMEOUT
from ..destinations.duckdb_file import explain_lock
from ..inspect.metrics import write_metrics
from .output import Output


@contextmanager
def writing_metrics(pipeline: Pipeline, file: Path | None, output: Output) -> Iterator[None]:
    """Writes the metrics when a run is over, failed or not; not if it was interrupted.

    A failure to read or write them is reported, and does not change the outcome. The file stays as
    it was: its time, and the last successes in it, show that it is old.

    Args:
        pipeline (Pipeline): Of the run.
        file (Path | None): Where to write; None: nowhere.
        output (Output): Where to complain.

    Yields:
        None: For the run.
    """
    try:
        yield
    except Exception:
        _write(pipeline, file, output)
        raise
    _write(pipeline, file, output)


def _write(pipeline: Pipeline, file: Path | None, output: Output) -> None:
    if file is None:
        return
    try:
        write_metrics(pipeline, file, SHORT_LOCK_TIMEOUT)
    except OSError as ex:
        _complain(file, ex.strerror or str(ex), output)
    except Exception as ex:
        # of a destination's driver
        _complain(file, explain_lock(ex) or f"{type(ex).__name__}: {ex}", output)


def _complain(file: Path, reason: str, output: Output) -> None:
    output.complain(
        f"The metrics file {shown(file)} could not be written, and is as it was: {reason}"
    )
