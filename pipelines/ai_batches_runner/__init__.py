"""The pipeline: one run of the source into any destination of dlt, safe to kill and to repeat.

The command `ai-batches` is made of it, and schedulers call it:

    with open_pipeline(destination="postgres") as pipeline:
        reports = load(pipeline, ["openai", "kimi"])
"""

from .errors import AnotherRunError, UnusableDestinationError
from .run.load import load
from .run.pipeline import open_pipeline
from .run.report import AccountReport

__all__ = [
    "AccountReport",
    "AnotherRunError",
    "UnusableDestinationError",
    "load",
    "open_pipeline",
]
