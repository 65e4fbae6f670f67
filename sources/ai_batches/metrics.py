"""What a run did for each account, as custom metrics of the provider's resource."""

from collections.abc import Mapping
from typing import Any, TypedDict

import dlt

from .errors import AiBatchesError

_METRICS = "accounts"


class AccountMetrics(TypedDict):
    """What one run did for one account."""

    account: str | None
    """Name of the account; None if the provider's settings could not be used."""
    rows: int
    """Batches read by the run so far."""
    requests: int
    """Requests made, retries included."""
    seconds: float
    """From the first request to the last row."""
    error: str | None
    """What went wrong and what to do, or None."""
    error_type: str | None
    """Name of the error's class, such as `AuthenticationError`."""
    is_partial: bool
    """Whether the scan was interrupted; the next load package or run resumes it."""


def account_metrics(resource_metrics: Mapping[str, Any]) -> list[AccountMetrics]:
    """The metrics of each account that a resource read.

    Args:
        resource_metrics (Mapping[str, Any]): The custom metrics of the resource, from the extract
            step of `pipeline.last_trace`.

    Returns:
        list[AccountMetrics]: One entry per account, in the order of reading.
    """
    return list(resource_metrics.get(_METRICS, ()))


def new_metrics(account: str | None) -> AccountMetrics:
    """Metrics of an account of which nothing is read yet.

    Args:
        account (str | None): Name of the account.

    Returns:
        AccountMetrics: To be filled in.
    """
    return AccountMetrics(
        account=account,
        rows=0,
        requests=0,
        seconds=0.0,
        error=None,
        error_type=None,
        is_partial=True,
    )


def recorded_metrics() -> list[AccountMetrics]:
    """The metrics of the running resource, to which those of accounts are to be added."""
    recorded: dict[str, Any] = dlt.current.resource_metrics()
    metrics: list[AccountMetrics] = recorded.setdefault(_METRICS, [])
    return metrics


def record_error(metrics: AccountMetrics, error: AiBatchesError) -> None:
    """Notes why an account failed.

    Args:
        metrics (AccountMetrics): The entry of the account; it is changed.
        error (AiBatchesError): What went wrong.
    """
    metrics["error"] = f"{error.problem}. {error.remedy}"
    metrics["error_type"] = type(error).__name__
