"""What a person should look at: batches that are stuck or failed, results, keys, runs, budgets.

Nothing here quotes what came with a batch (prompts, metadata, descriptions, error texts) except
for models, endpoints and error codes, so that it can be sent to a chat.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from dlt import Pipeline

from ai_batches import subject

from ..sql.reader import Reader, TRow, open_reader
from ..sql.runs import LAST_RUNS, REMEMBERED_DAYS, RUNS_AHEAD
from .alert import SHOWN_IDS, Alert, alert_on
from .budgets import OF_THE_MONTH, budget_alerts, read_budgets
from .ended_batches import (
    FIRST_LOOK,
    OF_INTEREST,
    EndedBatch,
    alerts_on,
    read_ended,
    was_loaded_before,
    window_of_last_run,
)
from .expiring import expiring_batches, expiring_results
from .failure_rates import failure_rates
from .thresholds import Thresholds

FAILURES = ("refused_key", "failed_run")
"""Kinds of alerts that the summary of a run shows, too."""

REFUSALS = ("AuthenticationError", "RefusedKeyError")
"""Errors of a key that the provider refused; earlier versions recorded the second one."""

RELEASED = datetime(2026, 1, 1, tzinfo=UTC)
"""No run was before; a clock that says so is wrong."""

_STUCK = f"""
    SELECT provider, account, id, total
    FROM (
        SELECT provider, account, id,
            COUNT(*) OVER (PARTITION BY provider, account) AS total,
            ROW_NUMBER() OVER (
                PARTITION BY provider, account ORDER BY created_at DESC, id
            ) AS place
        FROM batches_open WHERE is_stuck
    ) AS placed
    WHERE place <= {SHOWN_IDS}
    ORDER BY provider, account, place
"""


class Findings(NamedTuple):
    """What is in the table, and in the table of runs."""

    now: datetime
    """By the destination's clock, if it has one."""
    standing: list[Alert]
    """What holds now, whenever it began."""
    runs: dict[tuple[str, str], TRow]
    """The rows of `LAST_RUNS`, by provider and account."""
    ended: list[EndedBatch]
    """As of `read_ended`."""

    @classmethod
    def nothing(cls) -> "Findings":
        """Before anything was looked up."""
        return cls(datetime.now(UTC), [], {}, [])


def look_up(
    pipeline: Pipeline,
    thresholds: Thresholds,
    wait: float = 0,
    until: Mapping[tuple[str, str], datetime] | None = None,
) -> Findings:
    """Looks for what a person may have to look at.

    Args:
        pipeline (Pipeline): Where the batches and the runs are.
        thresholds (Thresholds): From when on something is an alert.
        wait (float): Seconds to wait for a DuckDB file that another program has open.
        until (Mapping[tuple[str, str], datetime] | None): Runs up to which an account's batches are
            known; those that ended since are looked for, but no longer than `REMEMBERED_DAYS`.

    Returns:
        Findings: What was found.

    Raises:
        DestinationConnectionError: If no server answers, or it refuses.
        UnusableDestinationError: If the destination cannot be read back.
        SettingsError: If budgets or labels cannot be used.
    """
    of_interest = f"is_open OR {OF_INTEREST} OR ({expiring_batches(datetime.now(UTC))})"
    budgets = read_budgets()
    if budgets:
        of_interest += f" OR {OF_THE_MONTH}"
    with open_reader(pipeline, wait, of_interest) as reader:
        rows = reader.rows(LAST_RUNS)
        now = rows[0]["now_at"] if rows else datetime.now(UTC)
        runs = {(row["provider"], row["account"]): row for row in rows}
        stale_after = thresholds.not_loaded_after
        standing = [*_accounts(rows, now, stale_after), *_stuck(reader), *_ahead(reader)]
        if now > RELEASED:
            standing += [*expiring_results(reader, now), *budget_alerts(reader, budgets)]
            standing += failure_rates(reader, now, thresholds)
        oldest = min(
            (_start(run, (until or {}).get(whose)) for whose, run in runs.items()), default=now
        )
        since = max(oldest - FIRST_LOOK, now - timedelta(days=REMEMBERED_DAYS))
        # under a wrong clock, nothing can be said about times
        ended = read_ended(reader, since, now) if runs and now > RELEASED else []
    return Findings(now, standing, runs, ended)


def find_alerts(pipeline: Pipeline, thresholds: Thresholds, wait: float = 0) -> list[Alert]:
    """Looks for what a person should look at, in the table and the recorded runs alone.

    "Since the last run" is what no run brought before the last one, if it also ended since the run
    before began, less an hour. With a first run, it ended within the day before it, or was created
    then if no end is reported. If the destination rewrites rows that did not change, a batch is
    reported for as long as it is read and that holds.

    Args:
        pipeline (Pipeline): Where the batches and the runs are.
        thresholds (Thresholds): From when on something is an alert.
        wait (float): Seconds to wait for a DuckDB file that another program has open.

    Returns:
        list[Alert]: By provider and account; empty if all is well.

    Raises:
        DestinationConnectionError: If no server answers, or it refuses.
    """
    found = look_up(pipeline, thresholds, wait)
    windows = {whose: window_of_last_run(run) for whose, run in found.runs.items()}
    news = [
        batch
        for batch in found.ended
        if batch.whose in windows
        and batch in windows[batch.whose]
        and not was_loaded_before(batch, found.runs[batch.whose])
    ]
    return in_order([*found.standing, *alerts_on(news, windows)])


def in_order(alerts: list[Alert]) -> list[Alert]:
    """Alerts by provider and account."""
    return sorted(alerts, key=lambda alert: (alert.provider, alert.account))


def _start(run: TRow, known: datetime | None) -> datetime:
    start: datetime = run["previous_at"] or run["started_at"]
    return min(start, known) if known else start


def _accounts(runs: list[TRow], now: datetime, stale_after: timedelta) -> Iterator[Alert]:
    limit = f"for over {stale_after.total_seconds() / 3_600:,g} hours"
    for run in runs:
        whose = (run["provider"], run["account"], 0, ())
        loaded = run["loaded_at"]
        is_stale = loaded is None or now - loaded > stale_after
        since = "not loaded yet"
        if loaded:
            since = f"not loaded since {loaded:%Y-%m-%d %H:%M} UTC, {limit}"
        if run["result"] == "failed":
            is_refused = run["error_type"] in REFUSALS
            what = "the provider refused the key" if is_refused else "the last run failed"
            yield Alert(
                "refused_key" if is_refused else "failed_run",
                *whose,
                f"{what}; {since}" if is_stale else what,
            )
        elif is_stale:
            yield Alert("stale", *whose, since)


def _stuck(reader: Reader) -> Iterator[Alert]:
    for (provider, account), group in groupby(
        reader.rows(_STUCK), key=itemgetter("provider", "account")
    ):
        listed = list(group)
        ids, total = [row["id"] for row in listed], listed[0]["total"]
        yield alert_on("stuck", provider, account, ids, "open beyond its window", total)


def _ahead(reader: Reader) -> Iterator[Alert]:
    runs = reader.rows(RUNS_AHEAD)
    if not runs:
        return
    last, total = runs[0], runs[0]["total"]
    whose = subject(last["provider"], last["account"])
    counted = "1 run does" if total == 1 else f"{total:,} runs do"
    ids = tuple(run["run_id"] for run in runs)
    yield Alert(
        "clock",
        "",
        "",
        total,
        ids,
        f"{counted} not count, in the future by the clock here (the last one, of {whose}, at"
        f" {last['began_at']:%Y-%m-%d %H:%M} UTC). Correct the clock of the machine that ran"
        f" {'it' if total == 1 else 'them'}, or of this one; if this one is right, delete the rows"
        " of the table `runs` with this run_id",
        about=f"{total} {ids[0]}",
    )
