"""Figures about each account, in the text format of Prometheus."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from dlt import Pipeline

from ai_batches import TABLE_NAME

from ..run.report import TAccount
from ..sql.reader import Reader, TRow, literal, open_reader
from ..sql.runs import LAST_RUNS, TOLERATED_SKEW
from ..whole_files import replace_file

READABLE_BY_ALL = 0o644
"""The exporter that reads the file is another user; there are names, counts and sums in it."""

_MARGIN = timedelta(days=2)
"""For every time zone of a session."""

_STATUSES = ("failed", "expired")

_HELP = {
    "ai_batches_open": "Open batches.",
    "ai_batches_stuck": "Batches that are open beyond their window, or for a day without one.",
    "ai_batches_oldest_open_seconds": "Age of the oldest open batch; none if none is open.",
    "ai_batches_failed_last_day": "Batches that failed or expired in the last 24 hours.",
    "ai_batches_cost_today_usd": "Known cost of batches that were created today (UTC).",
    "ai_batches_cost_month_usd": "Known cost of batches that were created this month (UTC).",
    "ai_batches_without_cost_today": "Batches that were created today, of unknown cost.",
    "ai_batches_without_cost_month": "Batches that were created this month, of unknown cost.",
    "ai_batches_last_success_timestamp_seconds": "When the account was last loaded.",
}

_OPEN = """
    SELECT provider, account, COUNT(*) AS open_ones,
        SUM(CASE WHEN is_stuck THEN 1 ELSE 0 END) AS stuck_ones, MAX(open_seconds) AS oldest
    FROM batches_open GROUP BY provider, account
"""

_WITHOUT_STATUS = f"""
    SELECT provider, account FROM {TABLE_NAME} WHERE is_open IS NULL GROUP BY provider, account
"""  # noqa: S608

_FAILED = f"""
    SELECT provider, account, {
    ", ".join(f"SUM(CASE WHEN status = '{each}' THEN 1 ELSE 0 END) AS {each}" for each in _STATUSES)
}
    FROM batches_unique
    WHERE status IN ('failed', 'expired')
        AND SECONDS_BETWEEN(COALESCE(ended_at, created_at), NOW_IN_UTC())
            BETWEEN {-TOLERATED_SKEW} AND 86400
    GROUP BY provider, account
"""  # noqa: S608

_COSTS = """
    SELECT provider, account, created_on, SUM(cost_usd) AS cost,
        SUM(batches_without_cost) AS without_cost
    FROM batches_daily WHERE created_on >= {first} AND created_on <= {last}
    GROUP BY provider, account, created_on
"""


class Metric(NamedTuple):
    """A gauge of Prometheus."""

    name: str
    help: str
    samples: list[tuple[Mapping[str, str], float]]
    """Labels and values; what is not known has none."""

    def __str__(self) -> str:
        lines = [f"# HELP {self.name} {self.help}", f"# TYPE {self.name} gauge"]
        for labels, value in self.samples:
            named = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
            lines.append(f"{self.name}{{{named}}} {value}")
        return "".join(f"{line}\n" for line in lines)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def write_metrics(pipeline: Pipeline, file: Path, wait: float = 0) -> None:
    """Writes the figures into a file, at once.

    Args:
        pipeline (Pipeline): Where the batches and the runs are.
        file (Path): The file, which is replaced; such as `ai_batches.prom` in the folder that the
            node exporter's textfile collector reads.
        wait (float): Seconds to wait for a DuckDB file that another program has open.

    Raises:
        OSError: If the file cannot be written.
        DestinationConnectionError: If no server answers, or it refuses.
        UnusableDestinationError: If the destination cannot be read back.
    """
    text = "".join(map(str, read_metrics(pipeline, wait)))
    replace_file(file, text.encode(), READABLE_BY_ALL)


def read_metrics(pipeline: Pipeline, wait: float = 0) -> list[Metric]:
    """Looks the figures up.

    Args:
        pipeline (Pipeline): Where the batches and the runs are.
        wait (float): Seconds to wait for a DuckDB file that another program has open.

    Returns:
        list[Metric]: All metrics; without samples if nothing was loaded yet.

    Raises:
        DestinationConnectionError: If no server answers, or it refuses.
        UnusableDestinationError: If the destination cannot be read back.
    """
    here = datetime.now(UTC)
    since = min(here - timedelta(days=1), here.replace(day=1)) - _MARGIN
    only = f"is_open OR COALESCE(ended_at, created_at) >= {literal(since.date())}"
    with open_reader(pipeline, wait, only) as reader:
        return _metrics(reader, here)


def _metrics(reader: Reader, here: datetime) -> list[Metric]:
    runs = _by_account(reader.rows(LAST_RUNS))
    today = max((run["now_at"] for run in runs.values()), default=here).date()
    opened = _by_account(reader.rows(_OPEN))
    failed = _by_account(reader.rows(_FAILED))
    costs: dict[TAccount, list[TRow]] = {}
    first, last = literal(today.replace(day=1)), literal(today)
    for row in reader.rows(_COSTS.format(first=first, last=last)):
        costs.setdefault((row["provider"], row["account"]), []).append(row)
    without_status = _by_account(reader.rows(_WITHOUT_STATUS))
    # settings that cannot be used have no account
    accounts = sorted(whose for whose in {*runs, *opened, *failed, *costs} if whose[1])
    samples: dict[str, list[tuple[Mapping[str, str], float]]] = {name: [] for name in _HELP}
    for whose in accounts:
        labels = {"provider": whose[0], "account": whose[1]}
        of_month = costs.get(whose, [])
        of_today = [row for row in of_month if row["created_on"] == today]
        values = {**_costs_of("today", of_today), **_costs_of("month", of_month)}
        if whose not in without_status:
            values |= _batches_of(opened.get(whose))
            ended = failed.get(whose, {})
            samples["ai_batches_failed_last_day"] += [
                ({**labels, "status": status}, ended.get(status, 0)) for status in _STATUSES
            ]
        loaded: datetime | None = runs[whose]["loaded_at"] if whose in runs else None
        values["ai_batches_last_success_timestamp_seconds"] = loaded.timestamp() if loaded else None
        for name, value in values.items():
            if value is not None:
                samples[name].append((labels, value))
    return [Metric(name, text, samples[name]) for name, text in _HELP.items()]


def _batches_of(row: TRow | None) -> dict[str, float | None]:
    return {
        "ai_batches_open": row["open_ones"] if row else 0,
        "ai_batches_stuck": row["stuck_ones"] if row else 0,
        "ai_batches_oldest_open_seconds": row["oldest"] if row else None,
    }


def _costs_of(span: str, days: list[TRow]) -> dict[str, float | None]:
    known = [day["cost"] for day in days if day["cost"] is not None]
    return {
        # not 0 if there are batches and the cost of none is known
        f"ai_batches_cost_{span}_usd": round(sum(known), 9) if known or not days else None,
        f"ai_batches_without_cost_{span}": sum(day["without_cost"] for day in days),
    }


def _by_account(rows: list[TRow]) -> dict[TAccount, TRow]:
    return {(row["provider"], row["account"]): row for row in rows}
