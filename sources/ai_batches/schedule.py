"""The interval that an external scheduler asks for, as dlt knows it."""

from datetime import datetime, timezone

from dlt.extract.incremental.context import get_interval_context

from .timestamps import SECOND

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def scheduled_since() -> int | None:
    """Start of the scheduler's interval, in microseconds since 1970.

    dlt takes the interval from DLT_INTERVAL_START and DLT_INTERVAL_END, or from the Airflow task
    that it runs in, and only where DLT_ALLOW_EXTERNAL_SCHEDULERS is true. The end is of no use
    here: lists show the newest batches first, so that what is newer is read on the way.

    Returns:
        int | None: None where no scheduler asks for an interval, or that is not allowed.
    """
    context = get_interval_context()
    if context is None or not context.allow_external_schedulers or context.interval is None:
        return None
    return round((context.interval[0] - _EPOCH).total_seconds() * SECOND)
