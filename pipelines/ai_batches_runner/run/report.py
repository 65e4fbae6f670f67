"""What a run did, in numbers that come from the destination and dlt's own trace."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dlt import Pipeline
from dlt.common.pipeline import ExtractInfo
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ai_batches import AccountMetrics, account_metrics

from ..sql.stored import select, table_name

TAccount = tuple[str, str]
"""Provider and account."""


@dataclass(frozen=True)
class Standing:
    """How many batches of an account are in the destination."""

    stored: int = 0
    open: int | None = None
    """None where the provider reports no status."""
    loaded: int = 0
    """Batches that the given load packages inserted or changed."""


@dataclass(frozen=True)
class AccountReport:
    """One line of the summary."""

    provider: str
    account: str | None
    read: int
    new: int
    changed: int | None
    """None where the destination rewrites rows that did not change."""
    open: int | None
    """None where the provider reports no status."""
    requests: int
    seconds: float
    error: str | None
    error_type: str | None
    """Name of the error's class, such as `AuthenticationError`."""
    is_partial: bool
    """Whether the list was not read as far as it should have been; the next run goes on."""

    @property
    def result(self) -> str:
        """In a word."""
        return "FAILED" if self.error else "partial" if self.is_partial else "ok"

    @property
    def failure(self) -> str | None:
        """The error, with whom it concerns; None where there was none."""
        whose = f"{self.provider}, account {self.account}" if self.account else self.provider
        return f"{whose}: {self.error}" if self.error else None


def standings(pipeline: Pipeline, load_ids: Sequence[str] = ()) -> dict[TAccount, Standing]:
    """Counts the batches in the destination.

    Args:
        pipeline (Pipeline): Pipeline whose dataset to look at.
        load_ids (Sequence[str]): Load packages whose rows to count as loaded.

    Returns:
        Dict[TAccount, Standing]: Counts by provider and account; empty before the first load.
    """
    ids = ", ".join(f"'{load_id}'" for load_id in load_ids) or "''"
    # the open ones are null where no row has a status
    query = (
        "SELECT provider, account, COUNT(*),"  # noqa: S608
        " SUM(CASE WHEN is_open THEN 1 WHEN NOT is_open THEN 0 END),"
        f" SUM(CASE WHEN _dlt_load_id IN ({ids}) THEN 1 ELSE 0 END)"
        " FROM {table} GROUP BY provider, account"
    )
    rows = select(pipeline, ["provider", "account", "is_open", "_dlt_load_id"], query)
    return {
        (provider, account): Standing(
            int(stored), None if is_open is None else int(is_open), int(loaded)
        )
        for provider, account, stored, is_open, loaded in rows
    }


def read_metrics(info: ExtractInfo) -> list[tuple[str, AccountMetrics]]:
    """What an extract step read: provider names and the metrics of an account of theirs."""
    return [
        (name, entry)
        for package in info.metrics.values()
        for metrics in package
        for name, resource in metrics["resource_metrics"].items()
        for entry in account_metrics(resource.custom_metrics)
    ]


def add_metrics(
    totals: dict[TAccount, AccountMetrics], provider: str, entry: AccountMetrics
) -> None:
    """Adds what one load package did for an account to what the ones before did."""
    key = (provider, entry["account"] or "")
    total = totals.get(key)
    if total is None:
        totals[key] = entry.copy()
        return
    total["rows"] += entry["rows"]
    total["requests"] += entry["requests"]
    total["seconds"] += entry["seconds"]
    for name in ("error", "error_type", "is_partial"):
        total[name] = entry[name]


def account_reports(
    metrics: Mapping[TAccount, AccountMetrics],
    before: dict[TAccount, Standing],
    after: dict[TAccount, Standing],
    counts_changes: bool,
) -> list[AccountReport]:
    """Joins what was read with what it changed, a line a provider and account."""
    reports = []
    for key, entry in sorted(metrics.items()):
        provider = key[0]
        was, now = before.get(key, Standing()), after.get(key, Standing())
        new = now.stored - was.stored
        reports.append(
            AccountReport(
                provider=provider,
                account=entry["account"],
                read=entry["rows"],
                new=new,
                changed=now.loaded - new if counts_changes else None,
                open=now.open,
                requests=entry["requests"],
                seconds=entry["seconds"],
                error=entry["error"],
                error_type=entry["error_type"],
                is_partial=entry["is_partial"],
            )
        )
    return reports


def describe_place(pipeline: Pipeline) -> str:
    """Where the rows are, in words."""
    return f"Table {table_name(pipeline)} in {pipeline.destination_client().config}"


def print_summary(reports: Sequence[AccountReport], place: str, console: Console) -> None:
    """Prints the reports as a table, and below it what failed and where the rows are."""
    table = Table(box=None, pad_edge=False, collapse_padding=console.width < 100)
    for heading in ("provider", "account"):
        table.add_column(heading, overflow="fold")
    for heading in ("read", "new", "changed", "open now", "requests", "seconds"):
        # in a narrow log, names may be folded, but no number be cut
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("result")
    for report in reports:
        table.add_row(
            report.provider,
            # an account may be called [eu], which is no markup
            Text(report.account or ""),
            f"{report.read:,}",
            f"{report.new:,}",
            _number(report.changed),
            _number(report.open),
            f"{report.requests:,}",
            f"{report.seconds:.1f}",
            report.result,
        )
    console.print(table)
    for report in reports:
        if report.failure:
            # soft wrap: a log keeps one error on one line
            console.print(f"FAILED {report.failure}", markup=False, highlight=False, soft_wrap=True)
    console.print(place, markup=False, highlight=False, soft_wrap=True)


def _number(value: int | None) -> str:
    return "?" if value is None else f"{value:,}"
