"""Where the pipeline loads to: working folder, name of the dataset, DuckDB file and its lock."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dlt
import duckdb
from dlt import Pipeline
from dlt.common import logger
from dlt.common.destination import TDestinationReferenceArg
from dlt.common.destination.exceptions import DestinationUndefinedEntity
from dlt.common.runtime.collector import NULL_COLLECTOR
from dlt.common.runtime.collector_base import Collector
from dlt.common.schema.typing import TTableSchemaColumns
from dlt.destinations.exceptions import DatabaseUndefinedRelation
from dlt.extract import DltSource
from filelock import FileLock, Timeout
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_fixed

from ai_batches import JSON_COLUMNS, TABLE_NAME

PIPELINE_NAME = "ai_batches"
DATASET = "ai_batches"

DUCKDB_STORAGE_VERSION = "v1.2.0"
"""The file format in which a new DuckDB file is made; drivers of BI tools lag behind DuckDB."""

_LOCKED = re.compile(r'Could not set lock on file "(.+?)"')
_HOLDER = re.compile(r"\(PID (\d+)\)")


class UnusableDestinationError(Exception):
    """The destination cannot hold the table; nothing was read."""


class AnotherRunError(Exception):
    """Another process runs the pipeline in the same working folder; nothing was done."""


def pipelines_folder() -> Path:
    """Where dlt keeps pipelines: in the working folder, as its database is, or in DLT_DATA_DIR."""
    return Path(os.environ.get("DLT_DATA_DIR", ".dlt")).absolute() / "pipelines"


@contextmanager
def open_pipeline(
    destination: TDestinationReferenceArg = "duckdb",
    dataset: str | None = None,
    name: str = PIPELINE_NAME,
    progress: Collector = NULL_COLLECTOR,
) -> Iterator[Pipeline]:
    """Makes a pipeline that nobody else runs in this working folder meanwhile.

    A DuckDB file that does not exist is made, too, so that older drivers can open it.

    Args:
        destination (TDestinationReferenceArg): Any destination of dlt.
        dataset (str | None): Dataset; None means `ai_batches`, or `ai_batches_dataset` in a
            DuckDB file that is called `ai_batches` itself.
        name (str): Name of the pipeline. What was read is remembered under it.
        progress (Collector): How to show progress; by default not at all.

    Yields:
        Pipeline: The pipeline.

    Raises:
        AnotherRunError: If another process has the pipeline open.
        UnusableDestinationError: If DuckDB could not tell the dataset from the file, if the file
            would not be safe, or if the working folder is damaged.
        OSError: If the working folder cannot be written.
    """
    folder = pipelines_folder()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        lock = FileLock(folder / f"{name}.lock", timeout=0).acquire()
    except Timeout:
        raise AnotherRunError(
            f"Another run of this pipeline is at work in {folder}; nothing was done."
        ) from None
    with lock:
        yield _make_pipeline(destination, dataset, name, progress, folder)


def _make_pipeline(
    destination: TDestinationReferenceArg,
    dataset: str | None,
    name: str,
    progress: Collector,
    folder: Path,
) -> Pipeline:

    def make(dataset_name: str) -> Pipeline:
        try:
            return dlt.pipeline(
                name,
                pipelines_dir=str(folder),
                destination=destination,
                dataset_name=dataset_name,
                progress=progress,
            )
        except json.JSONDecodeError as ex:
            raise UnusableDestinationError(
                f"A file in {folder / name} is damaged. Delete this folder: what dlt knows is"
                " restored from the destination."
            ) from ex

    pipeline = make(dataset or DATASET)
    client: Any = pipeline.destination_client()
    config = client.config
    if pipeline.destination.destination_type == "dlt.destinations.duckdb":
        file = Path(config.credentials.database)
        if file.stem.lower() == client.sql_client.dataset_name.lower():
            # in a file x.duckdb, DuckDB takes x.batches for a table of the file and of a schema x
            if dataset:
                raise UnusableDestinationError(
                    f"DuckDB cannot tell the dataset {dataset} from the file {file}, which has the"
                    " same name. Choose another dataset or another file."
                )
            pipeline = make(f"{DATASET}_dataset")
        if file.absolute().is_relative_to(folder):
            raise UnusableDestinationError(
                f"The database {file} lies in dlt's working folder, which may be deleted at any"
                " time. Choose a place outside of it."
            )
        if not file.exists():
            duckdb.connect(
                str(file), config={"storage_compatibility_version": DUCKDB_STORAGE_VERSION}
            ).close()
    return pipeline


def follow_destination(pipeline: Pipeline) -> Pipeline:
    """Forgets what the working folder knows where it is not what the destination knows.

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
        reason = "it was killed while writing or loading"
    elif _known_state(pipeline) != _stored_state(pipeline):
        reason = "the destination has other state"
    else:
        return pipeline
    if pipeline.has_pending_data:
        logger.warning(f"Dropped what an interrupted run left, to read it again: {reason}.")
    return pipeline.drop()


def refuse_missing_table(pipeline: Pipeline) -> None:
    """Refuses to load where the table was taken away and what is known about it was left.

    Raises:
        UnusableDestinationError: If the table is not there, and the state says that it is.
    """
    name = pipeline.default_schema_name
    schema = pipeline.schemas[name] if name else None
    if schema is None or TABLE_NAME not in schema.data_table_names(seen_data_only=True):
        return
    with pipeline.sql_client() as client:
        table = client.make_qualified_table_name(TABLE_NAME)
        try:
            client.execute_sql(f"SELECT 1 FROM {table} WHERE 1 = 0")  # noqa: S608
        except DatabaseUndefinedRelation:
            raise UnusableDestinationError(
                f"The table {table} is gone, but its pipeline's state is there. To begin anew, drop"
                f" the whole dataset {client.dataset_name}."
            ) from None


def _is_intact(pipeline: Pipeline) -> bool:
    """Whether packages that are left are whole, and nothing of them was loaded yet."""
    try:
        extracted = pipeline.list_extracted_load_packages()
        normalized = pipeline.list_normalized_load_packages()
        left = [pipeline.get_load_package_info(name) for name in {*extracted, *normalized}]
    except (OSError, ValueError):
        return False
    # in both forms: killed while dlt was removing the first one, which it cannot go on with
    return not set(extracted) & set(normalized) and all(
        state == "new_jobs" or not jobs for info in left for state, jobs in info.jobs.items()
    )


def remember_destination(pipeline: Pipeline) -> None:
    """Notes the state that the destination has after a load, for `follow_destination`."""
    pipeline.set_local_state_val(_KNOWN_STATE, _stored_state(pipeline))


_KNOWN_STATE = "ai_batches_known_state"


def _known_state(pipeline: Pipeline) -> str | None:
    try:
        known: str | None = pipeline.get_local_state_val(_KNOWN_STATE)
    except KeyError:
        return None
    return known


def _stored_state(pipeline: Pipeline) -> str | None:
    """Id of the load that last wrote the state of the pipeline in the destination."""
    try:
        with pipeline.destination_client() as client:
            state: Any = client.get_stored_state(pipeline.pipeline_name)  # type: ignore[attr-defined]
    except DestinationUndefinedEntity:
        return None
    return str(state._dlt_load_id) if state else None


def fit_to_destination(source: DltSource, pipeline: Pipeline) -> bool:
    """Has rows merged in the best way the destination knows.

    Returns:
        bool: Whether rows that did not change are left alone.

    Raises:
        UnusableDestinationError: If the destination cannot keep one row a batch.
    """
    capabilities = pipeline.destination.capabilities()
    strategies = capabilities.supported_merge_strategies or []
    if capabilities.merge_strategies_selector:
        strategies = capabilities.merge_strategies_selector(
            strategies, table_schema={"name": TABLE_NAME}
        )
    if "upsert" in strategies:
        return True
    if "delete-insert" not in strategies:
        # dlt would append, with a warning only
        raise UnusableDestinationError(
            f"The destination `{pipeline.destination.destination_name}` cannot merge: each run"
            " would add every batch once more. Choose another one."
        )
    hints: TTableSchemaColumns = {}
    if pipeline.destination.destination_type == "dlt.destinations.sqlalchemy":
        # JSON comes as text, which SQLAlchemy would make a string within JSON
        hints = {name: {"data_type": "text"} for name in JSON_COLUMNS}
    for resource in source.resources.values():
        resource.apply_hints(write_disposition="merge", columns=hints)
    return False


@contextmanager
def connected(pipeline: Pipeline, wait: float) -> Iterator[None]:
    """Keeps a connection to the destination open.

    DuckDB then opens further ones at once, writes its file once, and lets no other program have it
    in between.

    Args:
        pipeline (Pipeline): Whose destination to connect to.
        wait (float): Seconds to wait for a DuckDB file that another program has open.
    """
    retrying = Retrying(
        retry=retry_if_exception(lambda error: explain_lock(error) is not None),
        stop=stop_after_delay(wait),
        wait=wait_fixed(0.5),
        reraise=True,
    )
    client = pipeline.sql_client()
    retrying(client.open_connection)
    try:
        yield
    finally:
        client.close_connection()


def explain_lock(error: BaseException) -> str | None:
    """Says which program has the DuckDB file open, where that is what an error is about."""
    locked = _LOCKED.search(str(error))
    if not locked:
        return None
    holder = _HOLDER.search(str(error))
    who = f"process {holder[1]}" if holder else "another program"
    return (
        f"{locked[1]} is open in {who}. Close it there; reading keeps it from being written, too."
    )
