"""The dashboard's queries for `Reader.rows`: the destination computes the figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from ..sql.reader import literal
from ..sql.runs import LAST_RUNS, TOLERATED_SKEW

MEASURES = {
    "batches": "COUNT(*)",
    "requests": "SUM(requests_total)",
    "failed_requests": "SUM(requests_failed)",
    "tokens": "SUM(total_tokens)",
    "cost": "SUM(cost_usd)",
}
"""What can be counted over time, by name."""

BREAKDOWNS = ("provider", "account", "model", "endpoint")
"""Columns by which it can be split, beside the user's labels."""

UNPRICED = "SUM(CASE WHEN cost_usd IS NULL THEN 1 ELSE 0 END)"
"""Batches whose cost is not known."""

_COSTED = """(
    SELECT listed.*, cost_usd FROM batches_labelled AS listed
    LEFT JOIN batches_cost AS costs
        ON costs.provider = listed.provider AND costs.account = listed.account
            AND costs.id = listed.id
) AS costed"""
"""The batches, their labels and what they cost."""

SHOWN_SERIES = 7
"""The largest ones; all others are shown as one."""
SHOWN_OPEN = 10
SHOWN_FAILURES = 12
SHOWN_ERRORS = 10

PERCENTILES = (5, 25, 50, 75, 95)

OUTCOMES = ("completed", "failed", "expired", "cancelled")
"""The words of `status` with which a batch ends."""


@dataclass(frozen=True)
class Filters:
    """Which batches count; an empty tuple or None sets no limit."""

    first_on: date | None = None
    """First day of creation (UTC)."""
    last_on: date | None = None
    """Last day of creation (UTC)."""
    providers: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()

    def days(self) -> list[str]:
        """Conditions on the day of creation."""
        return [
            *([f"created_on >= {literal(self.first_on)}"] if self.first_on else []),
            *([f"created_on <= {literal(self.last_on)}"] if self.last_on else []),
        ]

    def near(self) -> str | None:
        """A condition on the table that excludes most rows of other days.

        Two days wider, for every time zone of a session; open batches count whenever created.
        """
        margin = timedelta(2)
        bounds = [
            *([f"created_at >= {literal(self.first_on - margin)}"] if self.first_on else []),
            *([f"created_at <= {literal(self.last_on + margin)}"] if self.last_on else []),
        ]
        return f"is_open OR created_at IS NULL OR ({' AND '.join(bounds)})" if bounds else None

    def owners(self) -> list[str]:
        """Conditions on provider and account."""
        return [
            f"{column} IN ({_list(names)})"
            for column, names in (("provider", self.providers), ("account", self.accounts))
            if names
        ]


def owners() -> str:
    """All providers and accounts, regardless of filters."""
    return "SELECT provider, account, COUNT(*) AS batches FROM batches GROUP BY provider, account"


def last_load() -> str:
    """Time of dlt's last load, if no runs are recorded; loads in the future do not count."""
    return (
        "SELECT MAX(inserted_at) AS loaded_at FROM _dlt_loads WHERE status = 0"
        f" AND SECONDS_BETWEEN(NOW_IN_UTC(), inserted_at) <= {TOLERATED_SKEW}"
    )


def last_runs() -> str:
    """The last run of each provider and account, and the last one that loaded."""
    return f"SELECT * FROM ({LAST_RUNS}) AS last_runs ORDER BY provider, account"


def undated(filters: Filters) -> str:
    """How many batches have no readable creation time."""
    conditions = ["created_on IS NULL", *filters.owners()]
    return f"SELECT COUNT(*) AS batches FROM batches_unique{_where(conditions)}"


def days(filters: Filters) -> str:
    """One row per day and provider: what was created, and how it ended."""
    ended = ", ".join(
        f"SUM(CASE WHEN status = '{word}' THEN 1 ELSE 0 END) AS {word}" for word in OUTCOMES
    )
    return f"""
        SELECT created_on, provider, {_measures()}, {ended},
            SUM(CASE WHEN status IS NULL THEN 1 ELSE 0 END) AS no_status,
            SUM(CASE WHEN status = 'completed' AND requests_failed > 0 THEN 1 ELSE 0 END)
                AS partly_failed,
            {UNPRICED} AS unpriced
        FROM {_COSTED}{_where(filters.days() + filters.owners())}
        GROUP BY created_on, provider
    """


def largest_series(filters: Filters, breakdown: str, measure: str) -> str:
    """The largest values of a column, one more than are shown."""
    series, size = f"""COALESCE("{breakdown}", '')""", f"COALESCE({MEASURES[measure]}, 0)"
    return f"""
        SELECT {series} AS series, {size} AS size
        FROM {_COSTED}{_where(filters.days() + filters.owners())}
        GROUP BY {series} ORDER BY {size} DESC, series LIMIT {SHOWN_SERIES + 1}
    """


def volumes(filters: Filters, breakdown: str, shown: Sequence[str]) -> str:
    """One row per day and series; null is the series of all others."""
    series = f"""COALESCE("{breakdown}", '')"""
    return f"""
        SELECT created_on, series, {_measures()}, {UNPRICED} AS unpriced
        FROM (
            SELECT created_on, requests_total, requests_failed, total_tokens, cost_usd,
                CASE WHEN {series} IN ({_list(shown) or "NULL"}) THEN {series} END AS series
            FROM {_COSTED}{_where(filters.days() + filters.owners())}
        ) AS chosen
        GROUP BY created_on, series
    """


def longest_open(filters: Filters) -> str:
    """The batches open for longest, whenever created; each row has the count of all."""
    return f"""
        SELECT provider, account, id, status, model, endpoint, created_at, open_seconds,
            window_seconds, is_stuck, requests_total, requests_completed, requests_failed,
            COUNT(*) OVER () AS open_batches,
            SUM(CASE WHEN is_stuck THEN 1 ELSE 0 END) OVER () AS stuck_batches
        FROM batches_open{_where(filters.owners())}
        ORDER BY created_at, provider, id LIMIT {SHOWN_OPEN}
    """


def durations(filters: Filters) -> str:
    """Percentiles of the time to the end, by provider (nearest rank)."""
    percentiles = ", ".join(
        f"MIN(CASE WHEN place * 100 >= {percent} * batches THEN seconds END) AS p{percent}"
        for percent in PERCENTILES
    )
    return f"""
        SELECT provider, COUNT(*) AS batches, {percentiles}
        FROM (
            SELECT provider, turnaround_seconds AS seconds,
                ROW_NUMBER() OVER (PARTITION BY provider ORDER BY turnaround_seconds) AS place,
                COUNT(*) OVER (PARTITION BY provider) AS batches
            FROM batches_turnaround{
        _where(["turnaround_seconds IS NOT NULL", *filters.days(), *filters.owners()])
    }
        ) AS placed
        GROUP BY provider ORDER BY provider
    """


def newest_failures(filters: Filters) -> str:
    """The batches that failed, expired or were cancelled last."""
    return f"""
        SELECT provider, account, id, status, model, endpoint, created_at,
            COALESCE(ended_at, created_at) AS failed_at, reason_code, reason, requests_total,
            requests_completed, requests_failed, output_file_id
        FROM batches_failed{_where(["status <> 'completed'", *filters.days(), *filters.owners()])}
        ORDER BY COALESCE(ended_at, created_at) DESC, provider, id LIMIT {SHOWN_FAILURES}
    """


def any_results() -> str:
    """A row if results of any batch were to be read."""
    return "SELECT batch_id FROM batch_files LIMIT 1"


def error_codes(filters: Filters) -> str:
    """The most frequent errors of requests; each row has the count of all failed requests."""
    return f"""
        SELECT error_code, SUM(requests) AS requests, COUNT(DISTINCT id) AS batches,
            SUM(SUM(requests)) OVER () AS all_requests
        FROM {_request_errors(filters)}
        GROUP BY error_code ORDER BY SUM(requests) DESC, error_code LIMIT {SHOWN_ERRORS}
    """


def error_models(filters: Filters) -> str:
    """The models whose requests failed most."""
    return f"""
        SELECT provider, model, SUM(requests) AS requests, COUNT(DISTINCT id) AS batches
        FROM {_request_errors(filters)}
        GROUP BY provider, model ORDER BY SUM(requests) DESC, provider, model LIMIT {SHOWN_ERRORS}
    """


def error_batches(filters: Filters) -> str:
    """The most frequent errors within a batch."""
    return f"""
        SELECT provider, account, id, outcome, error_code, MIN(error_message) AS error_message,
            SUM(requests) AS requests
        FROM {_request_errors(filters)}
        GROUP BY provider, account, id, outcome, error_code
        ORDER BY SUM(requests) DESC, provider, id, error_code LIMIT {SHOWN_ERRORS}
    """


def _request_errors(filters: Filters) -> str:
    """A subquery: `batch_errors`, with the batches as they appear elsewhere on the page."""
    return f"""(
        SELECT listed.provider, listed.account, id, created_on, model, outcome, error_code,
            error_message, requests
        FROM batch_errors AS errors INNER JOIN batches_unique AS listed
            ON batch_id = id AND VENDOR_OF(errors.provider) = VENDOR_OF(listed.provider)
    ) AS request_errors{_where(filters.days() + filters.owners())}"""


def _measures() -> str:
    return ", ".join(f"{formula} AS {name}" for name, formula in MEASURES.items())


def _where(conditions: Sequence[str]) -> str:
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def _list(texts: Sequence[str]) -> str:
    return ", ".join(map(literal, texts))
