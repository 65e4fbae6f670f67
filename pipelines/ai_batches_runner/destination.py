"""Where the pipeline loads to: working folder, name of the dataset, DuckDB file and its lock."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote_plus

import dlt
import duckdb
from dlt import Pipeline
from dlt.common import logger
from dlt.common.configuration.specs.base_configuration import BaseConfiguration, is_secret_hint
from dlt.common.destination import Destination, TDestinationReferenceArg
from dlt.destinations.exceptions import DestinationConnectionError
from filelock import FileLock, Timeout
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_delay, wait_fixed

from .stored import speaks_sql

PIPELINE_NAME = "ai_batches"
DATASET = "ai_batches"

DUCKDB_STORAGE_VERSION = "v1.2.0"
"""The file format in which a new DuckDB file is made; drivers of BI tools lag behind DuckDB."""

_PIPELINE_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
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
) -> Iterator[Pipeline]:
    """Makes a pipeline that nobody else runs in this working folder meanwhile.

    A DuckDB file that does not exist is made, too, so that older drivers can open it.

    Args:
        destination (TDestinationReferenceArg): Any destination of dlt.
        dataset (str | None): Dataset; None means `ai_batches`, or `ai_batches_dataset` in a
            DuckDB file that is called `ai_batches` itself.
        name (str): Name of the pipeline. What was read is remembered under it.

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
        pipeline = _make_pipeline(destination, dataset, name, folder)
        _make_file(pipeline, folder)
        yield pipeline


@contextmanager
def open_to_read(
    destination: TDestinationReferenceArg = "duckdb",
    dataset: str | None = None,
    name: str = PIPELINE_NAME,
) -> Iterator[Pipeline]:
    """Makes a pipeline for looking at what was loaded; others may run meanwhile.

    It has a working folder of its own, and opens a DuckDB file read-only.

    Args:
        destination (TDestinationReferenceArg): Any destination of dlt.
        dataset (str | None): As of `open_pipeline`.
        name (str): Name of the run's pipeline; a DuckDB file that is not named is called so.

    Yields:
        Pipeline: The pipeline, whose destination can be read.

    Raises:
        UnusableDestinationError: If DuckDB could not tell the dataset from the file, or there is no
            such file.
    """
    with TemporaryDirectory(prefix="ai_batches_") as folder:
        pipeline = _make_pipeline(destination, dataset, name, Path(folder), read_only=True)
        file = _duckdb_file(pipeline)
        if file and not file.exists():
            raise UnusableDestinationError(
                f"There is no DuckDB file {file}: nothing was loaded yet."
            )
        try:
            yield pipeline
        finally:
            pipeline.deactivate()


@contextmanager
def open_to_check(
    destination: TDestinationReferenceArg = "duckdb",
    dataset: str | None = None,
    name: str = PIPELINE_NAME,
) -> Iterator[Pipeline]:
    """Makes a pipeline like that of a run; the run's working folder and its lock are left alone.

    Args:
        destination (TDestinationReferenceArg): Any destination of dlt.
        dataset (str | None): As of `open_pipeline`.
        name (str): Name of the run's pipeline.

    Yields:
        Pipeline: The pipeline, in a working folder of its own; a DuckDB file need not be there.

    Raises:
        UnusableDestinationError: As of `open_pipeline`.
    """
    with TemporaryDirectory(prefix="ai_batches_") as folder:
        pipeline = _make_pipeline(destination, dataset, name, Path(folder))
        _refuse_file_in(pipelines_folder(), pipeline)
        _refuse_file_in(Path(folder), pipeline)
        try:
            yield pipeline
        finally:
            pipeline.deactivate()


def file_of_dataset(pipeline: Pipeline) -> Path | None:
    """The file that a connection would make: of DuckDB, SQLite or a DuckLake's catalog."""
    kind = pipeline.destination.destination_type
    client: Any = pipeline.destination_client()
    if kind == "dlt.destinations.ducklake":
        catalog = client.config.credentials.catalog
        return Path(catalog.database) if catalog.drivername in ("sqlite", "duckdb") else None
    if kind != "dlt.destinations.sqlalchemy":
        return _duckdb_file(pipeline)
    sql = client.sql_client
    if sql.dialect_name != "sqlite" or sql._sqlite_is_memory_db():
        return None
    return Path(sql._sqlite_dataset_filename(sql.dataset_name))


def is_there(pipeline: Pipeline) -> bool:
    """Whether there is something to connect to that a connection would not have to make.

    Raises:
        DestinationConnectionError: If the catalog of a DuckLake cannot be reached.
    """
    file = file_of_dataset(pipeline)
    if file or pipeline.destination.destination_type != "dlt.destinations.ducklake":
        return not file or file.exists()
    client: Any = pipeline.sql_client()
    client._attach_statement = f"{client.attach_statement[:-1]}, CREATE_IF_NOT_EXISTS false)"
    try:
        client.open_connection()
    except DestinationConnectionError as ex:
        if "creating a new DuckLake is explicitly disabled" in str(ex):
            return False
        raise
    client.close_connection()
    return True


def _make_pipeline(
    destination: TDestinationReferenceArg,
    dataset: str | None,
    name: str,
    folder: Path,
    read_only: bool = False,
) -> Pipeline:
    named = Destination.from_reference(destination)
    if named is None:
        raise UnusableDestinationError("No destination was named.")
    if not _PIPELINE_NAME.fullmatch(name):
        raise UnusableDestinationError(
            f"A pipeline cannot be called `{name}`: take lower case letters, digits and single"
            " underscores between them."
        )
    # what is set here is not for other pipelines of the caller
    reference = copy(named)
    reference.config_params = dict(named.config_params)

    def make(dataset_name: str) -> Pipeline:
        try:
            return dlt.pipeline(
                name,
                pipelines_dir=str(folder),
                destination=reference,
                dataset_name=dataset_name,
            )
        except json.JSONDecodeError as ex:
            raise UnusableDestinationError(
                f"A file in {folder / name} is damaged. Delete this folder: what dlt knows is"
                " restored from the destination."
            ) from ex

    pipeline = make(dataset or DATASET)
    client: Any = pipeline.destination_client()
    if name != PIPELINE_NAME and hasattr(client.config, "staging_dataset_name_layout"):
        # pipelines that load into one dataset side by side would empty each other's staging tables
        layout = f"{client.config.staging_dataset_name_layout}_{name}"
        reference.config_params["staging_dataset_name_layout"] = layout
    if reference.destination_type == "dlt.destinations.sqlalchemy":
        credentials = client.config.credentials
        own = credentials.engine_kwargs or credentials.engine_args or {}
        credentials.engine_kwargs = {"json_serializer": _json_as_text, **own}
        credentials.engine_args = None
        reference.config_params["credentials"] = credentials
    file = _duckdb_file(pipeline)
    if file is None:
        return pipeline
    if read_only:
        client.config.credentials.read_only = True
        reference.config_params["credentials"] = client.config.credentials
    if file.stem.lower() == client.sql_client.dataset_name.lower():
        # in a file x.duckdb, DuckDB takes x.batches for a table of the file and of a schema x
        if dataset:
            raise UnusableDestinationError(
                f"DuckDB cannot tell the dataset {dataset} from the file {file}, which has the same"
                " name. Choose another dataset or another file."
            )
        pipeline = make(f"{DATASET}_dataset")
    return pipeline


def _duckdb_file(pipeline: Pipeline) -> Path | None:
    if pipeline.destination.destination_type != "dlt.destinations.duckdb":
        return None
    client: Any = pipeline.destination_client()
    return Path(client.config.credentials.database)


def _make_file(pipeline: Pipeline, folder: Path) -> None:
    """Makes a DuckDB file that does not exist, so that older drivers can open it."""
    file = _duckdb_file(pipeline)
    if file is None:
        return
    _refuse_file_in(folder, pipeline)
    if not file.exists():
        duckdb.connect(
            str(file), config={"storage_compatibility_version": DUCKDB_STORAGE_VERSION}
        ).close()


def _refuse_file_in(folder: Path, pipeline: Pipeline) -> None:
    file = _duckdb_file(pipeline)
    if file and file.absolute().is_relative_to(folder):
        raise UnusableDestinationError(
            f"The database {file} lies in dlt's working folder, which may be deleted at any time."
            " Choose a place outside of it."
        )


def _json_as_text(value: Any) -> str:
    """For SQLAlchemy, which would make a string within JSON of JSON that comes as text."""
    return value if isinstance(value, str) else json.dumps(value)


@contextmanager
def connected(pipeline: Pipeline, wait: float) -> Iterator[None]:
    """Keeps a connection to the destination open.

    DuckDB then opens further ones at once, writes its file once, and lets no other program have it
    in between.

    Args:
        pipeline (Pipeline): Whose destination to connect to.
        wait (float): Seconds to wait for a DuckDB file that another program has open.

    Raises:
        DestinationConnectionError: If nobody answers there, or refuses.
    """
    retrying = Retrying(
        retry=retry_if_exception(lambda error: explain_lock(error) is not None),
        stop=stop_after_delay(wait),
        wait=wait_fixed(0.5),
        before_sleep=lambda state: _tell_wait(state, wait),
        reraise=True,
    )
    if not speaks_sql(pipeline):
        # files need no connection
        yield
        return
    client = pipeline.sql_client()
    try:
        retrying(client.open_connection)
    except Exception as ex:
        # of the driver's own family
        raise DestinationConnectionError(
            type(client).__name__,
            client.dataset_name,
            # DuckDB quotes the whole address of a DuckLake's catalog
            without_secrets(pipeline, str(ex).strip()),
            ex,
        ) from None
    try:
        yield
    finally:
        client.close_connection()


def _tell_wait(state: RetryCallState, wait: float) -> None:
    # who waits for seconds only need not be told
    if state.attempt_number == 1 and state.outcome and wait > 10:
        locked = explain_lock(state.outcome.exception() or RuntimeError())
        logger.warning(f"Waiting for up to {wait:g} s: {locked}")


def without_secrets(pipeline: Pipeline, text: str) -> str:
    """A text of a destination's driver, without what its configuration keeps secret."""
    client: Any = pipeline.destination_client()
    for secret in _secrets(client.config):
        for form in (secret, quote_plus(secret)):
            text = text.replace(form, "***")
    return text


def _secrets(config: BaseConfiguration) -> Iterator[str]:
    for name, hint in config.get_resolvable_fields().items():
        value = getattr(config, name, None)
        if isinstance(value, BaseConfiguration):
            yield from _secrets(value)
        elif value and isinstance(value, str) and is_secret_hint(hint):
            yield value


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
