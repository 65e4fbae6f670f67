"""Tries again what failed because another process wrote to the same tables at that moment."""

from dlt import Pipeline
from dlt.pipeline.helpers import retry_schema_update
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from ..destinations.registry import adapter_of


def retrying(pipeline: Pipeline) -> Retrying:
    """What calls a function that writes to the destination, again if others were faster.

    Args:
        pipeline (Pipeline): Whose destination.

    Returns:
        Retrying: To be called with the function and its arguments.
    """
    return Retrying(
        # another pipeline may make the table of the same dataset, or write to it, at this moment
        retry=retry_if_exception(retry_schema_update())
        | retry_if_exception(adapter_of(pipeline).is_conflict),
        stop=stop_after_attempt(8),
        wait=wait_random_exponential(max=5),
        reraise=True,
    )
