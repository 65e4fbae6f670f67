"""The table `runs`: its columns, and a query for the last run of each account."""

import pyarrow as pa

RUNS_TABLE = "runs"
DESCRIPTION = "What each run did: one row per provider, account and run"

_MOMENT = pa.timestamp("us", tz="UTC")

RUN_COLUMNS: dict[str, tuple[pa.DataType, str]] = {
    "run_id": (pa.string(), "One for all accounts that a run read"),
    "provider": (pa.string(), "Vendor API that was asked"),
    "account": (pa.string(), "Name of the API key; empty if the settings could not be used"),
    "started_at": (_MOMENT, "When the run began (UTC)"),
    "ended_at": (_MOMENT, "When its rows were in the table (UTC)"),
    "load_id": (
        pa.string(),
        "Its last load; rows that it inserted or changed have this `_dlt_load_id`, or an earlier"
        " one if it took several loads",
    ),
    "seconds": (pa.float64(), "How long the account's list was being read"),
    "result": (pa.string(), "ok; partial: cut, the next run goes on; failed: see `error`"),
    "batches_read": (pa.int64(), "Batches that the provider sent"),
    "batches_new": (pa.int64(), "Those that were not in the table"),
    "batches_changed": (
        pa.int64(),
        "Those that were in the table otherwise; null if the destination does not report them",
    ),
    "batches_open": (pa.int64(), "Open ones in the table afterwards; null without a status"),
    "requests": (pa.int64(), "Requests made, retries included"),
    "error_type": (pa.string(), "Kind of the error, such as AuthenticationError"),
    "error": (pa.string(), "What went wrong and what to do; it may quote the server"),
}
"""Type and description of every column, in order."""

REMEMBERED_DAYS = 30
"""Days after which an account that no run has asked for is forgotten."""

TOLERATED_SKEW = 7_200
"""Seconds by which the clock of a machine that runs may be ahead of the one that is asked."""

# one that was cut before it read anything has loaded nothing
_LOADED = "result = 'ok' OR (result = 'partial' AND batches_read > 0)"

# by the destination's clock, if it has one
_AHEAD = (
    f"SECONDS_BETWEEN(NOW_IN_UTC(), started_at) > {TOLERATED_SKEW}"
    f" OR SECONDS_BETWEEN(NOW_IN_UTC(), COALESCE(ended_at, started_at)) > {TOLERATED_SKEW}"
)

_COUNTS = (
    f"SECONDS_BETWEEN(started_at, NOW_IN_UTC()) <= {REMEMBERED_DAYS * 86_400} AND NOT ({_AHEAD})"
)

LAST_RUNS = f"""
    SELECT provider, account, run_id, started_at, ended_at, seconds, result, batches_read,
        batches_new, batches_changed, requests, error_type, error, loaded_at, read_at,
        previous_at, previous_end_at, now_at
    FROM (
        SELECT provider, account, run_id, started_at, ended_at, seconds, result, batches_read,
            batches_new, batches_changed, requests, error_type, error,
            MAX(CASE WHEN {{loaded}} THEN ended_at END)
                OVER (PARTITION BY provider, account) AS loaded_at,
            MAX(CASE WHEN {{loaded}} THEN started_at END)
                OVER (PARTITION BY provider, account) AS read_at,
            MAX(CASE WHEN {{loaded}} THEN started_at END) OVER ({{earlier}}) AS previous_at,
            MAX(CASE WHEN {{loaded}} THEN ended_at END) OVER ({{earlier}}) AS previous_end_at,
            MAX(started_at) OVER (PARTITION BY provider) AS provider_at,
            NOW_IN_UTC() AS now_at,
            ROW_NUMBER() OVER (
                PARTITION BY provider, account ORDER BY started_at DESC, run_id DESC
            ) AS place
        FROM {RUNS_TABLE}
        WHERE {_COUNTS}
    ) AS placed
    WHERE place = 1 AND (account <> '' OR started_at = provider_at)
""".format(
    loaded=_LOADED,
    # as MySQL sorts them, which has no other way with a frame
    earlier="PARTITION BY provider, account ORDER BY started_at NULLS FIRST, run_id NULLS FIRST"
    " ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING",
)
"""A query for `Reader`: the last run of each account, when it last loaded
(`read_at` is when that run began), and when the one before did. Settings that could not be used
have no account; they count until a later run can. Runs in the future do not count."""

RUNS_AHEAD = f"""
    SELECT run_id, MIN(provider) AS provider, MIN(account) AS account, MAX(started_at) AS began_at,
        COUNT(*) OVER () AS total
    FROM {RUNS_TABLE} WHERE {_AHEAD}
    GROUP BY run_id ORDER BY MAX(started_at) DESC, run_id LIMIT 3
"""
"""A query for `Reader`: the last runs in the future, and how many there are."""

LOADS_OF_RUNS = f"""
    SELECT provider, account, load_id, MAX(run_id) AS run_id
    FROM {RUNS_TABLE} WHERE load_id IS NOT NULL AND ({_LOADED}) AND {_COUNTS}
    GROUP BY provider, account, load_id
"""
"""A query for `Reader`: the run that loaded a package. Of a run in several packages, it has the
last; packages of runs that did not load to their end, were killed, or do not count belong to none.
"""

RUN_SCHEMA = pa.schema(
    pa.field(name, kind, nullable=name not in ("run_id", "provider", "account"))
    for name, (kind, _) in RUN_COLUMNS.items()
)
