"""What a run did, in numbers that come from the destination and dlt's own trace."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dlt import Pipeline
from dlt.common.pipeline import ExtractInfo

from ai_batches import TABLE_NAME, AccountMetrics, account_metrics, subject

from ..destinations.registry import adapter_of
from ..sql.reader import open_reader

TAccount = tuple[str, str]
"""Provider and account."""


@dataclass(frozen=True)
class Standing:
    """How many batches of an account are in the destination."""

    stored: int = 0
    open: int | None = None
    """None if the provider reports no status."""
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
    """None if the destination rewrites rows that did not change."""
    open: int | None
    """None if the provider reports no status."""
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
        """The error, with its provider and account; None if there was none."""
        return f"{subject(self.provider, self.account)}: {self.error}" if self.error else None


def standings(pipeline: Pipeline, load_ids: Sequence[str] = ()) -> dict[TAccount, Standing]:
    """Counts the batches in the destination.

    Args:
        pipeline (Pipeline): Pipeline whose dataset to look at.
        load_ids (Sequence[str]): Load packages whose rows to count as loaded.

    Returns:
        dict[TAccount, Standing]: Counts by provider and account; empty before the first load.
    """
    ids = ", ".join(f"'{load_id}'" for load_id in load_ids) or "''"
    # the open ones are null if no row has a status
    query = (
        "SELECT provider, account, COUNT(*) AS stored,"  # noqa: S608
        " SUM(CASE WHEN is_open THEN 1 WHEN NOT is_open THEN 0 END) AS open_ones,"
        f" SUM(CASE WHEN _dlt_load_id IN ({ids}) THEN 1 ELSE 0 END) AS loaded"
        f" FROM {TABLE_NAME} GROUP BY provider, account"
    )
    with open_reader(pipeline) as reader:
        return {
            (row["provider"], row["account"]): Standing(
                row["stored"], row["open_ones"], row["loaded"]
            )
            for row in reader.rows(query)
        }


def read_metrics(info: ExtractInfo) -> dict[TAccount, AccountMetrics]:
    """What was done so far for each account that an extract step read."""
    return {
        (name, entry["account"] or ""): entry
        for package in info.metrics.values()
        for metrics in package
        for name, resource in metrics["resource_metrics"].items()
        for entry in account_metrics(resource.custom_metrics)
    }


def account_reports(
    metrics: Mapping[TAccount, AccountMetrics],
    before: dict[TAccount, Standing],
    after: dict[TAccount, Standing],
    counts_changes: bool,
) -> list[AccountReport]:
    """Joins what was read with what it changed, one line per provider and account."""
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
    adapter = adapter_of(pipeline)
    return f"Table {adapter.table_name} in {adapter.place}"
