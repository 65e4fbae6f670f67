"""Failure rates that stand out against the 30 days before, per provider, model and endpoint."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from math import exp, lgamma

from ai_batches import TABLE_NAME, shown

from ..sql.reader import Reader, TRow, literal
from ..sql.runs import TOLERATED_SKEW
from .alert import Alert
from .thresholds import Thresholds

FAILING = "failure_rate"
"""The kind of these alerts."""

DAYS_BEFORE = 30
"""Days before the last one with which it is compared."""

_DAY = 86_400

_MARGIN = timedelta(days=2)
"""For every time zone of a session."""

_NAME_LENGTH = 80

_RATES = f"""
    SELECT provider, model, endpoint, batches, failed, batches_before, failed_before
    FROM (
        SELECT provider, model, endpoint,
            SUM(is_new) AS batches, SUM(is_new * has_failed) AS failed,
            SUM(1 - is_new) AS batches_before, SUM((1 - is_new) * has_failed) AS failed_before,
            MIN(age) AS newest
        FROM (
            SELECT provider, model, endpoint, age, has_failed,
                CASE WHEN age <= {_DAY} OR place <= {{least}} THEN 1 ELSE 0 END AS is_new
            FROM (
                SELECT provider, model, endpoint, age, has_failed,
                    ROW_NUMBER() OVER (
                        PARTITION BY provider, model, endpoint ORDER BY age, id
                    ) AS place
                FROM (
                    SELECT id, VENDOR_OF(provider) AS vendor,
                        -- a batch that a gateway lists, too, is its vendor's
                        COALESCE(
                            MIN(CASE WHEN VENDOR_OF(provider) = provider THEN provider END),
                            MIN(provider)
                        ) AS provider,
                        MIN(model) AS model, MIN(endpoint) AS endpoint,
                        MIN(SECONDS_BETWEEN(COALESCE(ended_at, created_at), NOW_IN_UTC())) AS age,
                        MAX(CASE
                            WHEN status <> 'completed' THEN 1
                            WHEN requests_completed = 0 AND requests_failed > 0 THEN 1
                            ELSE 0
                        END) AS has_failed
                    FROM {TABLE_NAME}
                    WHERE status IN ('completed', 'failed', 'expired')
                        AND COALESCE(ended_at, created_at) >= {{first}}
                    GROUP BY id, VENDOR_OF(provider)
                ) AS aged
                WHERE age BETWEEN {-TOLERATED_SKEW} AND {(1 + DAYS_BEFORE) * _DAY}
            ) AS placed
        ) AS divided
        GROUP BY provider, model, endpoint
    ) AS counted
    WHERE newest <= {_DAY} AND batches >= {{least}} AND batches_before >= {{least}}
        -- the rate is higher; no quotient, of which dialects differ
        AND failed * batches_before > failed_before * batches
    ORDER BY provider, model, endpoint
"""  # noqa: S608


def failure_rates(reader: Reader, now: datetime, thresholds: Thresholds) -> Iterator[Alert]:
    """Compares batches that ended in the last day, or the newest ones, with those before.

    A batch counts as failed if it failed or expired as a whole, or if none of its requests
    succeeded and some failed, by the list; cancelled ones do not count. Where fewer than
    `Thresholds.failure_batches` ended in the last day, it is the newest ones, if one of them ended
    within it.

    Args:
        reader (Reader): Where the tables are.
        now (datetime): Now, by the destination's clock.
        thresholds (Thresholds): From when on a rate stands out.

    Yields:
        Alert: One per provider, model and endpoint.
    """
    first = literal((now - timedelta(days=1 + DAYS_BEFORE) - _MARGIN).date())
    for rate in reader.rows(_RATES.format(least=thresholds.failure_batches, first=first)):
        new, before = (rate[each] / rate[of] for each, of in _QUOTIENTS)
        rise = 100 * (new - before)
        if rise < thresholds.failure_rise:
            continue
        chance = chance_of(*(rate[name] for pair in _QUOTIENTS for name in pair))
        if chance > thresholds.failure_chance:
            continue
        whose = _named(rate)
        yield Alert(
            FAILING,
            rate["provider"],
            "",
            rate["failed"],
            (),
            f"{rate['failed']:,} of the last {rate['batches']:,} batches{whose} failed"
            f" ({new:.1%}), against {rate['failed_before']:,} of {rate['batches_before']:,} in the"
            f" {DAYS_BEFORE} days before ({before:.1%}): {rise:.0f} points more (limit"
            f" {thresholds.failure_rise:g}), p = {chance:.1g} (Fisher's exact test, limit"
            f" {thresholds.failure_chance:g})",
            about=whose or "every model",
        )


_QUOTIENTS = (("failed", "batches"), ("failed_before", "batches_before"))


def _named(rate: TRow) -> str:
    model, endpoint = rate["model"], rate["endpoint"]
    return (f" of {shown(model, _NAME_LENGTH)}" if model else "") + (
        f" at {shown(endpoint, _NAME_LENGTH)}" if endpoint else ""
    )


def chance_of(failed: int, batches: int, failed_before: int, batches_before: int) -> float:
    """How likely so many failures, or more, are among the new batches if the rate did not change.

    Args:
        failed (int): Of the new batches.
        batches (int): New ones.
        failed_before (int): Of those before.
        batches_before (int): Those before.

    Returns:
        float: The p-value of Fisher's exact test, one-sided.
    """
    all_failed, total = failed + failed_before, batches + batches_before
    ways = _log_choose(total, batches)
    return sum(
        exp(
            _log_choose(all_failed, count) + _log_choose(total - all_failed, batches - count) - ways
        )
        for count in range(failed, min(batches, all_failed) + 1)
    )


def _log_choose(things: int, chosen: int) -> float:
    return lgamma(things + 1) - lgamma(chosen + 1) - lgamma(things - chosen + 1)
