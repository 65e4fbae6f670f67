"""The interval that an external scheduler asks for, as dlt knows it."""

from datetime import UTC, datetime, timedelta

from dlt.common.configuration.exceptions import ConfigurationValueError
from dlt.extract.incremental.context import get_interval_context

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def scheduled_since() -> int | None:
    """Start of the scheduler's interval, in microseconds since 1970.

    dlt takes the interval from DLT_INTERVAL_START and DLT_INTERVAL_END, or from the Airflow task
    that it runs in, and only if DLT_ALLOW_EXTERNAL_SCHEDULERS is true. The end is not used: lists
    show the newest batches first, so that newer ones are read on the way.

    Returns:
        int | None: None if no scheduler asks for an interval, or that is not allowed.

    Raises:
        ConfigurationValueError: If the interval is not valid.
    """
    context = get_interval_context()
    if context is None or not context.allow_external_schedulers:
        return None
    try:
        interval = context.interval
    except ValueError as ex:
        raise ConfigurationValueError(
            f"DLT_INTERVAL_START and DLT_INTERVAL_END have to be dates: {ex}"
        ) from ex
    return None if interval is None else (interval[0] - _EPOCH) // timedelta(microseconds=1)
