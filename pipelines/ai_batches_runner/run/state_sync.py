"""Compares what the working folder knows with what the destination knows."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from dlt import Pipeline
from dlt.common import json, logger
from dlt.common.destination.exceptions import DestinationUndefinedEntity
from dlt.common.schema import Schema
from dlt.common.storages.load_package import LoadPackageInfo
from dlt.common.utils import digest128
from dlt.pipeline.state_sync import load_pipeline_state_from_destination

from ai_batches.scan.state import claims_rows

from ..destinations.base import SCHEMA_NAME
from ..destinations.registry import adapter_of
from ..errors import UnusableDestinationError
from ..local_state import remembered
from .report import TAccount
from .sealed import is_sealed, waiting_packages

_KNOWN = "ai_batches_known_destination"


def follow_destination(pipeline: Pipeline) -> Pipeline:
    """Forgets what the working folder knows if the destination knows otherwise.

    Another working folder may have loaded since, the destination may be another one, or restored
    from a backup: its own state is right then, and a package left here would take rows back in
    time. dlt compares version numbers, which grow for other reasons, too. A package that was being
    loaded when its process was killed is forgotten as well: dlt would copy its rows a second time
    into the staging table, and then store them twice. All of it is read again.

    Args:
        pipeline (Pipeline): The pipeline, before anything is loaded.

    Returns:
        Pipeline: The pipeline, whose state dlt restores from the destination when it syncs.
    """
    if not _is_intact(pipeline):
        reason = "it is not whole"
    elif remembered(pipeline, _KNOWN) != _found(pipeline):
        reason = "the destination has other state"
    else:
        return pipeline
    if any(waiting_packages(Path(pipeline.working_dir))):
        logger.warning(f"Dropped what an interrupted run left, to read it again: {reason}.")
    return pipeline.drop()


def adopt_schema(pipeline: Pipeline) -> None:
    """Has a pipeline that is new to a dataset know the tables that others made there.

    The schema that a pipeline stores with its load is the newest one then, also for those who read
    tables in files by it.

    Args:
        pipeline (Pipeline): The pipeline, after it was synchronized with its destination.
    """
    if pipeline.default_schema_name:
        return
    try:
        with adapter_of(pipeline).connected() as client:
            stored = client.get_stored_schema(SCHEMA_NAME)
    except DestinationUndefinedEntity:
        return
    if stored:
        pipeline._inject_schema(Schema.from_stored_schema(json.loads(stored.schema)))


def refuse_other_format(pipeline: Pipeline, table_format: str | None) -> None:
    """Refuses to load if the table is kept in another format than the one that is asked for.

    Args:
        pipeline (Pipeline): The pipeline, which knows what its destination knows.
        table_format (str | None): How the table is to be kept.

    Raises:
        UnusableDestinationError: If the table is kept in another format.
    """
    adapter = adapter_of(pipeline)
    kept = adapter.kept_format()
    if kept and kept != table_format:
        raise UnusableDestinationError(
            f"The table {adapter.table_name} is kept as `{kept}`: --table-format cannot change"
            " that. Choose another dataset."
        )


def has_lost_rows(pipeline: Pipeline, holding: Collection[TAccount]) -> bool:
    """Whether the destination's state claims rows that its table does not have.

    Args:
        pipeline (Pipeline): The pipeline; what was extracted and not loaded does not count.
        holding (Collection[TAccount]): Accounts that have rows.

    Returns:
        bool: Whether some account was loaded and has no row.
    """
    try:
        with adapter_of(pipeline).connected() as client:
            state: Any = load_pipeline_state_from_destination(pipeline.pipeline_name, client)
    except DestinationUndefinedEntity:
        return False
    resources = ((state or {}).get("sources", {}).get(SCHEMA_NAME) or {}).get("resources", {})
    return any(
        (provider, account) not in holding and claims_rows(stored)
        for provider, accounts in resources.items()
        for account, stored in accounts.items()
    )


def _is_intact(pipeline: Pipeline) -> bool:
    """Whether packages that are left are whole, and nothing of them was loaded yet."""
    try:
        extracted = pipeline.list_extracted_load_packages()
        normalized = pipeline.list_normalized_load_packages()
        left = [pipeline.get_load_package_info(name) for name in {*extracted, *normalized}]
    except Exception:
        # damaged files fail in ways of their own
        return False
    if not is_sealed(pipeline) or _has_stray_schemas(pipeline):
        return False
    # in both forms: killed while dlt was removing the first one, which it cannot go on with
    if set(extracted) & set(normalized):
        return False
    return all(
        state == "new_jobs" or not jobs for info in left for state, jobs in info.jobs.items()
    ) and all(_knows_schema(pipeline, info) for info in left if info.load_id in extracted)


def _has_stray_schemas(pipeline: Pipeline) -> bool:
    """Whether a kill left files beside the schemas, which dlt would take for schemas."""
    files = Path(pipeline.working_dir, "schemas").iterdir()
    return any(not file.name.endswith(".schema.json") for file in files)


def _knows_schema(pipeline: Pipeline, package: LoadPackageInfo) -> bool:
    """Whether dlt stored the schema of an extracted package before the process was killed."""
    # a kill leaves files of other names beside the schemas, too
    if package.schema_name not in pipeline.schema_names:
        return False
    return pipeline.schemas[package.schema_name].stored_version_hash == package.schema_hash


def remember_destination(pipeline: Pipeline) -> None:
    """Notes which destination this is, and its state, for `follow_destination`."""
    pipeline.set_local_state_val(_KNOWN, _found(pipeline))


def _found(pipeline: Pipeline) -> str:
    """The destination, and the id of the load that last wrote the state of the pipeline there."""
    adapter = adapter_of(pipeline)
    try:
        with adapter.connected() as client:
            state = client.get_stored_state(pipeline.pipeline_name)
    except DestinationUndefinedEntity:
        state = None
    return f"{digest128(adapter.identity)} {state._dlt_load_id if state else None}"
