"""The pipeline: one run of the source into any dlt destination, safe to kill and to repeat.

The command `ai-batches` is built on it, and schedulers call it:

    with open_pipeline(destination="postgres") as pipeline:
        reports = load(pipeline, ["openai", "kimi"])
        results = load_results(pipeline, ["openai", "kimi"])

Names are imported when they are first used: `ai-batches --help` has no use for dlt.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .errors import AnotherRunError, UnusableDestinationError
    from .run.load import load
    from .run.pipeline import open_pipeline
    from .run.report import AccountReport
    from .run.result_queue import Shard
    from .run.results import ResultsReport, load_results

__all__ = [
    "AccountReport",
    "AnotherRunError",
    "ResultsReport",
    "Shard",
    "UnusableDestinationError",
    "load",
    "load_results",
    "open_pipeline",
]

_MODULES = {
    "AccountReport": ".run.report",
    "AnotherRunError": ".errors",
    "ResultsReport": ".run.results",
    "Shard": ".run.result_queue",
    "UnusableDestinationError": ".errors",
    "load": ".run.load",
    "load_results": ".run.results",
    "open_pipeline": ".run.pipeline",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(_MODULES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
