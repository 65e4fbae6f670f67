"""Budgets: what the batches created this month cost so far, against what they may.

budgets = [{ label = "team=search", usd_per_month = 500, warn_at = [0.5, 0.8, 1.0] }]
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from ai_batches import shown

from ..settings import read_setting, unusable_setting
from ..sql.label_settings import read_labels
from ..sql.reader import Reader, TRow
from .alert import Alert

BUDGET = "budget"
"""The kind of these alerts."""

WARN_AT = (0.5, 0.8, 1.0)
"""Shares of a budget at which it is reported, unless `warn_at` says otherwise."""

OF_THE_MONTH = "SECONDS_BETWEEN(created_at, NOW_IN_UTC()) <= 2764800"
"""A condition on the table that holds for all batches of this month, and some more."""

_THIS_MONTH = "MONTH_OF(DAY_IN_UTC(NOW_IN_UTC()))"

_NAMES = {"label", "usd_per_month", "warn_at"}


class Budget(NamedTuple):
    """What batches of one label, or all of them, may cost in a calendar month (UTC)."""

    label: str | None
    """Name of the label; None: all batches."""
    value: str | None
    """Its value."""
    usd: Decimal
    warn_at: Sequence[float]
    """Shares of it, in ascending order."""

    def __str__(self) -> str:
        return f"{self.label}={shown(self.value)}" if self.label else "all batches"


class Spend(NamedTuple):
    """What the batches of a budget cost in the month so far."""

    month: str
    """Such as `2026-11`."""
    usd: Decimal
    most_usd: Decimal | None
    """With all requests at the prices of long ones, if sums do not say; None: not known."""
    unpriced: int
    """Batches without a known cost, which the sums leave out."""


def read_budgets() -> tuple[Budget, ...]:
    """Reads the setting `budgets`.

    Returns:
        tuple[Budget, ...]: In the order of the setting; empty if it is not set.

    Raises:
        SettingsError: If it cannot be used; the text names the entry.
    """
    value = read_setting("budgets") or []
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise unusable_setting("budgets", "it is not a list of tables")
    labels = {label.name for label in read_labels()}
    return tuple(_budget(number, each, labels) for number, each in enumerate(value, 1))


def _budget(number: int, entry: Any, labels: set[str]) -> Budget:
    if not isinstance(entry, Mapping) or not entry.keys() <= _NAMES:
        raise _unusable(number, f"is not a table of {', '.join(sorted(_NAMES))}")
    label, equals, value = (
        str(entry["label"]).partition("=") if "label" in entry else (None, "=", None)
    )
    if not equals or value == "" or (label is not None and label not in labels):
        raise _unusable(number, "has a `label` that is not one of `labels`, `=` and a value")
    usd, warn_at = entry.get("usd_per_month"), entry.get("warn_at", WARN_AT)
    if not _is_positive(usd):
        raise _unusable(number, "has no `usd_per_month` above 0")
    if (
        not isinstance(warn_at, Sequence)
        or isinstance(warn_at, str)
        or not (warn_at and all(map(_is_positive, warn_at)))
    ):
        raise _unusable(number, "has a `warn_at` that is not a list of shares such as 0.8")
    return Budget(label, value, Decimal(str(usd)), sorted(map(float, warn_at)))


def _is_positive(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e12


def _unusable(number: int, problem: str) -> Exception:
    return unusable_setting("budgets", f"entry {number} {problem}")


def read_spend(ask: Callable[[str], list[TRow]], budgets: Sequence[Budget]) -> list[Spend]:
    """Sums what the batches of each budget cost in the month so far.

    Args:
        ask (Callable[[str], list[TRow]]): Answers queries, as `Reader.rows` does.
        budgets (Sequence[Budget]): Which sums are wanted.

    Returns:
        list[Spend]: One per budget.
    """
    if not budgets:
        return []
    labels = ", ".join(f'"{name}"' for name in sorted({b.label for b in budgets if b.label}))
    columns = f"month{labels and ', '}{labels}"
    rows = ask(f"""
        SELECT {columns}, SUM(cost_usd) AS usd, SUM(cost_usd_max) AS most_usd,
            COUNT(cost_usd) - COUNT(cost_usd_max) AS without_most,
            SUM(batches_without_cost) AS unpriced
        FROM batches_spend WHERE month = {_THIS_MONTH} GROUP BY {columns}
    """)  # noqa: S608
    (now,) = ask(f"SELECT {_THIS_MONTH} AS month")
    return [
        _sum(
            f"{now['month']:%Y-%m}",
            [row for row in rows if not budget.label or row[budget.label] == budget.value],
        )
        for budget in budgets
    ]


def _sum(month: str, rows: Sequence[TRow]) -> Spend:
    is_known = not any(row["without_most"] for row in rows)
    return Spend(
        month,
        _total(rows, "usd"),
        _total(rows, "most_usd") if is_known else None,
        sum(row["unpriced"] or 0 for row in rows),
    )


def _total(rows: Sequence[TRow], name: str) -> Decimal:
    return sum((Decimal(str(row[name] or 0)) for row in rows), Decimal(0))


def budget_alerts(reader: Reader, budgets: Sequence[Budget]) -> Iterator[Alert]:
    """Looks for budgets of which a share in `warn_at` is spent.

    Args:
        reader (Reader): Where the batches are.
        budgets (Sequence[Budget]): Which ones.

    Yields:
        Alert: One per budget, of the highest share that is reached.
    """
    for budget, spend in zip(budgets, read_spend(reader.rows, budgets), strict=True):
        reached = [share for share in budget.warn_at if spend.usd >= budget.usd * _share(share)]
        if reached:
            keys = [f"{BUDGET} {spend.month} {budget} {budget.usd} {share}" for share in reached]
            yield Alert(BUDGET, "", "", 0, (), _text(budget, spend, reached[-1]), once=tuple(keys))


def _share(share: float) -> Decimal:
    return Decimal(str(share))


def _text(budget: Budget, spend: Spend, reached: float) -> str:
    most = spend.most_usd
    at_most = f" (at most {most:,.2f})" if most is not None and most > spend.usd else ""
    batches = "batch" if spend.unpriced == 1 else "batches"
    return (
        f"Budget of {budget}: {spend.usd:,.2f}{at_most} of {budget.usd:,.2f} USD spent in"
        f" {spend.month}, {reached:.0%} or more; without {spend.unpriced:,} {batches} whose cost"
        " is not known"
    )
