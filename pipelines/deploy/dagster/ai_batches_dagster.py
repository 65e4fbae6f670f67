"""Dagster definitions: an asset for each provider that has a key, loaded once an hour.

All assets are parts of one step, which calls `load` for those that were selected: a long first load
is stored in packages, and a run that is killed is gone on with by the next one.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

import dagster as dg
import dlt
from dagster_dlt import DagsterDltTranslator, dlt_assets
from dagster_dlt.translator import DltResourceTranslatorData

from ai_batches import PROVIDERS, ai_batches_source, providers_with_key
from ai_batches_runner import AccountReport, Shard, load, load_results, open_pipeline

DESTINATION = "duckdb"
"""Any destination of dlt that can merge; if runs have machines of their own, a server."""

TABLE_FORMAT = None
"""`"delta"` or `"iceberg"` if the destination is `"filesystem"`."""

PARTS = 1
"""1: results that the setting `results` wants are read after the lists. More: by so many partitions
of an asset of their own, into a server or a bucket."""


class ProviderTranslator(DagsterDltTranslator):
    """Names each asset after its provider; nothing in Dagster is upstream of it."""

    def get_asset_spec(self, data: DltResourceTranslatorData) -> dg.AssetSpec:
        """Describes the asset of a provider."""
        provider = PROVIDERS[data.resource.name]
        spec = super().get_asset_spec(data)
        return spec.replace_attributes(
            key=["ai_batches", provider.name],
            deps=[],
            description=f"Batch jobs at {provider.title}, as {provider.docs} lists them.",
        )


@dlt_assets(
    dlt_source=ai_batches_source(),
    # says where the assets are; a run opens the pipeline itself, under its lock
    dlt_pipeline=dlt.pipeline(
        "ai_batches_assets", pipelines_dir=".dlt/pipelines", destination=DESTINATION
    ),
    name="load_batches",
    group_name="ai_batches",
    dagster_dlt_translator=ProviderTranslator(),
    # one pipeline name, one writer: give this pool a limit of 1
    pool="ai_batches",
)
def batches(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
    """Loads the selected providers; fails afterwards if one of them failed."""
    providers = sorted(key.path[-1] for key in context.selected_asset_keys)
    with open_pipeline(DESTINATION) as pipeline:
        reports = load(pipeline, providers, table_format=TABLE_FORMAT)
        read = []
        if PARTS == 1:
            read = load_results(pipeline, providers, table_format=TABLE_FORMAT)
    for provider, of_accounts in groupby(reports, lambda report: report.provider):
        accounts = list(of_accounts)
        if not any(report.error for report in accounts):
            yield dg.MaterializeResult(
                asset_key=["ai_batches", provider], metadata=_metadata(accounts)
            )
    failures = [report.failure for report in (*reports, *read) if report.failure]
    if failures:
        raise dg.Failure("\n".join(failures))


def _metadata(accounts: Sequence[AccountReport]) -> dict[str, int | bool]:
    """What a run did for a provider; without the numbers that nobody knows."""
    numbers = {
        "read": [report.read for report in accounts],
        "new": [report.new for report in accounts],
        "changed": [report.changed for report in accounts],
        "open": [report.open for report in accounts],
        "requests": [report.requests for report in accounts],
    }
    known = {name: [n for n in column if n is not None] for name, column in numbers.items()}
    totals = {name: sum(column) for name, column in known.items() if column}
    return {**totals, "partial": any(report.is_partial for report in accounts)}


parts = dg.StaticPartitionsDefinition([str(number) for number in range(1, PARTS + 1)])


@dg.asset(
    key=["ai_batches", "results"],
    group_name="ai_batches",
    partitions_def=parts,
    deps=list(batches.keys),
    description="Outcomes of the requests of batches that have ended.",
)
def results(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Reads a part of the results that are not loaded; fails if some could not be read."""
    number = int(context.partition_key)
    with open_pipeline(DESTINATION, name=f"ai_batches_results_{number}") as pipeline:
        shard = Shard(number, PARTS)
        reports = load_results(
            pipeline, providers_with_key(), table_format=TABLE_FORMAT, shard=shard
        )
    failures = [report.failure for report in reports if report.failure]
    if failures:
        raise dg.Failure("\n".join(failures))
    lines = sum(report.lines for report in reports)
    return dg.MaterializeResult(metadata={"lines": lines})


job = dg.define_asset_job("ai_batches", [batches])
results_job = dg.define_asset_job("ai_batches_results", [results])


@dg.schedule(job=results_job, cron_schedule="47 * * * *")
def every_part(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
    """Reads all parts of the results, half an hour after the lists."""
    for part in parts.get_partition_keys():
        key = f"{context.scheduled_execution_time.isoformat()} {part}"
        yield dg.RunRequest(run_key=key, partition_key=part)


at_minute_17 = dg.ScheduleDefinition(job=job, cron_schedule="17 * * * *")

defs = dg.Definitions(
    assets=[batches, *([results] if PARTS > 1 else ())],
    jobs=[job, *([results_job] if PARTS > 1 else ())],
    schedules=[at_minute_17, *([every_part] if PARTS > 1 else ())],
)
