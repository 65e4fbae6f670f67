"""Views for people: what the table `batches` says about volumes, open jobs, turnaround, failures.

Where a destination has no views (tables in files), the same queries are asked as common table
expressions.
"""

from typing import NamedTuple

import sqlglot
from sqlglot import exp

from ai_batches import PROVIDERS, TABLE_NAME

DEFAULT_WINDOW = 86_400
"""Seconds after which an open batch counts as stuck where its provider tells no window."""

_HOURS = (1, 2, 3, 4, 6, 8, 12, 24, 36, 48, 72)
_DAYS = (1, 2, 3, 4, 5, 6, 7, 10, 14, 30)
_WINDOWS = {
    **{f"{hours}h": hours * 3_600 for hours in _HOURS},
    **{f"{days}d": days * 86_400 for days in _DAYS},
}
"""Words of `completion_window` to seconds; destinations do not agree on how to read a number."""


class Mart(NamedTuple):
    """A view on the table."""

    description: str
    """What a row stands for."""
    query: str
    """In DuckDB's SQL, with the functions of `portable_sql`."""
    columns: dict[str, str]
    """Its columns, in order, each with a description."""


_KEY = {
    "provider": "Vendor API that lists the batch",
    "account": "Name of the API key whose list shows the batch",
    "model": "Model that the batch runs on; null where the provider does not tell",
    "endpoint": "API endpoint that the batch calls",
}
_REQUESTS = {
    "requests_total": "Requests in the batches",
    "requests_completed": "Requests that succeeded",
    "requests_failed": "Requests that failed",
}
_TOKENS = {
    "input_tokens": "Input tokens, cached ones included; null while not metered",
    "cached_input_tokens": "Input tokens read from a cache",
    "output_tokens": "Output tokens, reasoning included",
    "reasoning_tokens": "Output tokens spent on reasoning",
    "total_tokens": "Input and output tokens",
}
_COUNTS = (*_REQUESTS, *_TOKENS)

_FAMILY = "CASE provider{} ELSE provider END".format(
    "".join(
        f" WHEN '{name}' THEN '{provider.gateway_to}'"
        for name, provider in PROVIDERS.items()
        if provider.gateway_to
    )
)
"""Whose batches a provider lists: a gateway shows those of another one, under the same ids."""

_WINDOW = "COALESCE(SECONDS_BETWEEN(created_at, expires_at), CASE completion_window{} END)".format(
    "".join(f" WHEN '{word}' THEN {seconds}" for word, seconds in _WINDOWS.items())
)

_COLUMNS = (
    "provider, account, id, status, is_open, description, model, endpoint, completion_window,"
    " input_file_id, output_file_id, error_file_id, requests_total, requests_completed,"
    " requests_failed, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens,"
    " total_tokens, created_at, in_progress_at, ended_at, expires_at, errors, metadata,"
    " _dlt_load_id"
)


def _unique(only: str | None = None) -> str:
    """The query of `batches_unique`, or of those of its rows that meet a condition."""
    listed = f"(SELECT * FROM {TABLE_NAME} WHERE {only})" if only else TABLE_NAME
    same = f"WHERE id IN (SELECT id FROM {TABLE_NAME} AS chosen WHERE {only})" if only else ""
    # only ids that stand there more than once are put in order: a million others need not be.
    # The vendor itself comes first: a gateway shows fewer fields; then what has ended: a key that
    # was taken away leaves its batches open
    return f"""
        SELECT {_COLUMNS}, DAY_IN_UTC(created_at) AS created_on, {_WINDOW} AS window_seconds
        FROM {listed} AS listed
        LEFT JOIN (
            SELECT provider AS copy_provider, account AS copy_account, id AS copy_id,
                ROW_NUMBER() OVER (
                    PARTITION BY id, {_FAMILY}
                    ORDER BY CASE WHEN {_FAMILY} = provider THEN 0 ELSE 1 END,
                        CASE WHEN is_open THEN 1 ELSE 0 END, provider, account
                ) AS place
            FROM {TABLE_NAME} AS repeated
            WHERE id IN (
                SELECT id FROM {TABLE_NAME} AS counted {same} GROUP BY id HAVING COUNT(*) > 1
            )
        ) AS copies
            ON place > 1 AND copy_id = id AND copy_provider = provider AND copy_account = account
        WHERE copy_id IS NULL
        """


MARTS: dict[str, Mart] = {
    "batches_unique": Mart(
        "One row a batch: one that several accounts or a gateway list is there once, as its own"
        " vendor tells it",
        _unique(),
        {
            **dict.fromkeys(_COLUMNS.split(", "), "As in `batches`"),
            "created_on": "Day on which it was created (UTC)",
            "window_seconds": "Seconds from its creation to its expiry, or else what its completion"
            " window says; null where neither is told",
        },
    ),
    "batches_daily": Mart(
        "One row a day of creation, provider, account, model and endpoint; sums over the batches",
        """
        SELECT created_on, provider, account, model, endpoint, COUNT(*) AS batches,
            {}, {}
        FROM batches_unique
        GROUP BY created_on, provider, account, model, endpoint
        """.format(
            ", ".join(
                f"CAST(SUM(CASE WHEN {condition} THEN 1 ELSE 0 END) AS BIGINT) AS {name}"
                for name, condition in {
                    "open_batches": "is_open",
                    "completed_batches": "status = 'completed'",
                    "failed_batches": "status = 'failed'",
                    "expired_batches": "status = 'expired'",
                    "cancelled_batches": "status = 'cancelled'",
                    "unknown_batches": "is_open IS NULL",
                }.items()
            ),
            ", ".join(f"CAST(SUM({name}) AS BIGINT) AS {name}" for name in _COUNTS),
        ),
        {
            "created_on": "Day on which the batches were created (UTC)",
            **_KEY,
            "batches": "Batches created that day",
            "open_batches": "Those whose status may still change",
            "completed_batches": "Those that completed",
            "failed_batches": "Those that failed as a whole",
            "expired_batches": "Those that expired",
            "cancelled_batches": "Those that were cancelled",
            "unknown_batches": "Those whose provider reports no status",
            **_REQUESTS,
            **_TOKENS,
        },
    ),
    "batches_open": Mart(
        "One row an open batch: how long it has been open, and whether it is stuck",
        f"""
        SELECT provider, account, id, status, model, endpoint, description, created_at,
            in_progress_at, expires_at, requests_total, requests_completed, requests_failed,
            SECONDS_BETWEEN(created_at, NOW_IN_UTC()) AS open_seconds, window_seconds,
            SECONDS_BETWEEN(created_at, NOW_IN_UTC()) > COALESCE(window_seconds, {DEFAULT_WINDOW})
                AS is_stuck
        FROM batches_unique
        WHERE is_open
        """,
        {
            "provider": _KEY["provider"],
            "account": _KEY["account"],
            "id": "The provider's identifier of the batch",
            "status": "Its status, in the words of `batches`",
            "model": _KEY["model"],
            "endpoint": _KEY["endpoint"],
            "description": "Description that was given to it",
            "created_at": "When it was created (UTC)",
            "in_progress_at": "When processing started (UTC)",
            "expires_at": "When it will expire (UTC)",
            **_REQUESTS,
            "open_seconds": "Seconds since its creation, now; null where that is not told",
            "window_seconds": "Seconds within which it is to be done; null where not told",
            "is_stuck": "Whether it is open beyond its window, or beyond a day where none is told",
        },
    ),
    "batches_turnaround": Mart(
        "One row an ended batch: how long it took, and whether that was within its window",
        """
        SELECT provider, account, id, status, model, endpoint, created_on, created_at, ended_at,
            SECONDS_BETWEEN(created_at, in_progress_at) AS queue_seconds,
            SECONDS_BETWEEN(in_progress_at, ended_at) AS processing_seconds,
            SECONDS_BETWEEN(created_at, ended_at) AS turnaround_seconds, window_seconds,
            CASE WHEN status = 'expired' THEN FALSE
                ELSE SECONDS_BETWEEN(created_at, ended_at) <= window_seconds END AS is_within_window
        FROM batches_unique
        WHERE NOT is_open AND ended_at IS NOT NULL
        """,
        {
            "provider": _KEY["provider"],
            "account": _KEY["account"],
            "id": "The provider's identifier of the batch",
            "status": "How it ended: completed, failed, expired or cancelled",
            "model": _KEY["model"],
            "endpoint": _KEY["endpoint"],
            "created_on": "Day on which it was created (UTC)",
            "created_at": "When it was created (UTC)",
            "ended_at": "When it became terminal (UTC)",
            "queue_seconds": "From its creation to the start of processing; null where not told",
            "processing_seconds": "From the start of processing to its end; null where not told",
            "turnaround_seconds": "From its creation to its end",
            "window_seconds": "Seconds within which it was to be done; null where not told",
            "is_within_window": "Whether it ended in time, which an expired one did not; null where"
            " no window is told",
        },
    ),
    "batches_failed": Mart(
        "One row a batch that did not complete, or completed with failed requests, and why",
        """
        SELECT provider, account, id, status, model, endpoint, description, created_on, created_at,
            ended_at,
            COALESCE(JSON_TEXT(errors, 'data', 0, 'code'), JSON_TEXT(errors, 'code'),
                JSON_TEXT(errors, 0, 'code')) AS reason_code,
            COALESCE(JSON_TEXT(errors, 'data', 0, 'message'), JSON_TEXT(errors, 'message'),
                JSON_TEXT(errors, 0, 'message'),
                CASE WHEN JSON_TEXT(errors) NOT IN ('{}', '[]')
                    AND COALESCE(JSON_TEXT(errors, 'data'), '') <> '[]' THEN JSON_TEXT(errors) END
            ) AS reason,
            requests_total, requests_completed, requests_failed, output_file_id, error_file_id,
            total_tokens
        FROM batches_unique
        WHERE status IN ('failed', 'expired', 'cancelled') OR requests_failed > 0
        """,
        {
            "provider": _KEY["provider"],
            "account": _KEY["account"],
            "id": "The provider's identifier of the batch",
            "status": "failed, expired or cancelled; otherwise only some requests failed",
            "model": _KEY["model"],
            "endpoint": _KEY["endpoint"],
            "description": "Description that was given to it",
            "created_on": "Day on which it was created (UTC)",
            "created_at": "When it was created (UTC)",
            "ended_at": "When it became terminal (UTC)",
            "reason_code": "Code of its first error, where the provider tells one",
            "reason": "Its first error in words, or all that the provider says; null where nothing",
            **_REQUESTS,
            "output_file_id": "Results, which are paid for: expired and cancelled ones may have"
            " them, too",
            "error_file_id": "File that holds the errors of single requests",
            "total_tokens": "Tokens used; null while not metered",
        },
    ),
}
"""The views by name; each may use those before it."""

READ_COLUMNS = tuple(_COLUMNS.split(", "))
"""Columns of the table that the views read."""


def with_marts(query: str, only: str | None = None) -> str:
    """Puts the views that a query names before it, so that the destination need not have them.

    Args:
        query (str): On the views and the table, as `portable_sql` reads it; without expressions of
            its own before it.
        only (str | None): A condition on the batches that views are to have; it saves the
            destination from looking for the copies of all others.

    Returns:
        str: The query, with each view that it needs as a common table expression.
    """
    needed = tables_of(query)
    # a view uses only those before it
    for name in reversed(MARTS):
        if name in needed:
            needed |= tables_of(MARTS[name].query)
    queries = {name: mart.query for name, mart in MARTS.items() if name in needed}
    if only and "batches_unique" in queries:
        queries["batches_unique"] = _unique(only)
    parts = ", ".join(f"{name} AS ({part})" for name, part in queries.items())
    return f"WITH {parts} {query}" if parts else query


def tables_of(query: str) -> set[str]:
    """Names of the tables and views that a query reads."""
    return {table.name for table in sqlglot.parse_one(query, read="duckdb").find_all(exp.Table)}
