"""Where the pipeline loads to: working folder, name of the dataset, DuckDB file and its lock."""

import json
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import dlt
import duckdb
from dlt import Pipeline
from dlt.common import logger
from dlt.common.configuration.specs.base_configuration import BaseConfiguration, is_secret_hint
from dlt.common.destination import Destination, TDestinationReferenceArg
from dlt.common.runtime.collector import NULL_COLLECTOR
from dlt.destinations.exceptions import DestinationConnectionError
from filelock import FileLock, Timeout

from ..destinations import duckdb_file as database_file
from ..destinations.duckdb_file import (
    catalog_name,
    make_file,
    refuse_unwritable,
    schemas_with_table,
    until_unlocked,
)
from ..destinations.paths import pipelines_folder, refuse_misread, temporary_folder
from ..errors import AnotherRunError, UnusableDestinationError
from ..sql.stored import speaks_sql
from .foreign_settings import refuse_foreign_settings

PIPELINE_NAME = "ai_batches"
DATASET = "ai_batches"

_DECIDED: dict[str, Any] = {
    # an argument goes before what dlt finds in its configuration, even None
    "import_schema_path": None,
    "full_refresh": None,
    "dev_mode": False,
    "refresh": None,
    "progress": NULL_COLLECTOR,
}

_OTHER_DATASET = f"{DATASET}_dataset"

_DATASET = re.compile(r"(?=.*[A-Za-z0-9])[A-Za-z0-9_-]+")
_PIPELINE_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


@contextmanager
def open_pipeline(
    destination: TDestinationReferenceArg = "duckdb",
    dataset: str | None = None,
    name: str = PIPELINE_NAME,
    wait: float = 0,
) -> Iterator[Pipeline]:
    """Makes a pipeline that nobody else runs in this working folder meanwhile.

    A DuckDB file that does not exist is made, too, so that older drivers can open it. What dlt
    finds in its configuration about dataset, development mode or refresh does not count.

    Args:
        destination (TDestinationReferenceArg): Any destination of dlt.
        dataset (str | None): Dataset; None means the one of `ai_batches` and `ai_batches_dataset`
            that holds the table in a DuckDB file. Where neither does, it means `ai_batches`, or
            `ai_batches_dataset` in a DuckDB file that is called `ai_batches` itself.
        name (str): Name of the pipeline. What was read is remembered under it.
        wait (float): Seconds to wait for a DuckDB file that another program has open.

    Yields:
        Pipeline: The pipeline.

    Raises:
        AnotherRunError: If another process has the pipeline open.
        UnusableDestinationError: If DuckDB could not tell the dataset from the file, if the file
            is damaged or would not be safe, if settings of dlt would make the pipeline another one,
            or if the working folder is damaged.
        duckdb.IOException: If another program still has the DuckDB file open.
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
        pipeline = _make_pipeline(destination, dataset, name, folder, wait)
        file = _duckdb_file(pipeline)
        if file:
            _refuse_file_in(folder, file)
            make_file(file)
        yield pipeline


@contextmanager
def open_to_read(
    destination: TDestinationReferenceArg = "duckdb",
    dataset: str | None = None,
    name: str = PIPELINE_NAME,
    wait: float = 0,
) -> Iterator[Pipeline]:
    """Makes a pipeline for looking at what was loaded; others may run meanwhile.

    It has a working folder of its own, and opens a DuckDB file read-only.

    Args:
        destination (TDestinationReferenceArg): Any destination of dlt.
        dataset (str | None): As of `open_pipeline`.
        name (str): Name of the run's pipeline; a DuckDB file that is not named is called so.
        wait (float): Seconds to wait for a DuckDB file that another program has open.

    Yields:
        Pipeline: The pipeline, whose destination can be read.

    Raises:
        UnusableDestinationError: If DuckDB could not tell the dataset from the file, if there is no
            such file, or if it is damaged.
        duckdb.IOException: If another program still has the DuckDB file open.
    """
    with temporary_folder() as folder:
        pipeline = _make_pipeline(destination, dataset, name, Path(folder), wait, read_only=True)
        file = _duckdb_file(pipeline)
        if file and not database_file.is_there(file):
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
    wait: float = 0,
) -> Iterator[Pipeline]:
    """Makes a pipeline like that of a run; the run's working folder and its lock are left alone.

    Args:
        destination (TDestinationReferenceArg): Any destination of dlt.
        dataset (str | None): As of `open_pipeline`.
        name (str): Name of the run's pipeline.
        wait (float): Seconds to wait for a DuckDB file that another program has open. If it still
            is, the dataset is the one of a new file; whoever connects is told so.

    Yields:
        Pipeline: The pipeline, in a working folder of its own; a DuckDB file need not be there.

    Raises:
        UnusableDestinationError: As of `open_pipeline`.
    """
    with temporary_folder() as folder:
        pipeline = _make_pipeline(
            destination, dataset, name, Path(folder), wait, tolerates_lock=True
        )
        file = _duckdb_file(pipeline)
        if file:
            _refuse_file_in(pipelines_folder(), file)
            _refuse_file_in(Path(folder), file)
            if file.exists():
                refuse_unwritable(file)
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
        return not file or database_file.is_there(file)
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
    wait: float,
    read_only: bool = False,
    tolerates_lock: bool = False,
) -> Pipeline:
    named = Destination.from_reference(destination)
    if named is None:
        raise UnusableDestinationError("No destination was named. Choose one with --destination.")
    if not _PIPELINE_NAME.fullmatch(name):
        raise UnusableDestinationError(
            f"A pipeline cannot be called `{name}`: take lower case letters, digits and single"
            " underscores between them."
        )
    if dataset is not None and not _DATASET.fullmatch(dataset):
        raise UnusableDestinationError(
            f"A dataset cannot be called `{dataset}`: take letters, digits, underscores and"
            " hyphens, at least one letter or digit."
        )
    possible = [dataset] if dataset else [DATASET, _OTHER_DATASET]
    refuse_foreign_settings(name, named.destination_name, possible)
    # what is set here is not for other pipelines of the caller
    reference = copy(named)
    reference.config_params = dict(named.config_params)

    def make(dataset_name: str) -> Pipeline:
        try:
            made: Pipeline = dlt.pipeline(
                name,
                pipelines_dir=str(folder),
                destination=reference,
                dataset_name=dataset_name,
                **_DECIDED,
            )
        except json.JSONDecodeError as ex:
            raise UnusableDestinationError(
                f"A file in {folder / name} is damaged. Delete this folder: what dlt knows is"
                " restored from the destination."
            ) from ex
        # these are no arguments
        made.config.restore_from_destination = True
        made.config.use_single_dataset = True
        return made

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
    _refuse_misread_paths(pipeline)
    file = _duckdb_file(pipeline)
    if file is None:
        return pipeline
    if read_only:
        client.config.credentials.read_only = True
        reference.config_params["credentials"] = client.config.credentials
    try:
        holding = schemas_with_table(file, wait)
    except duckdb.IOException:
        if not tolerates_lock:
            raise
        holding = []
    if dataset:
        if catalog_name(file) == client.sql_client.dataset_name.lower():
            raise UnusableDestinationError(
                f"DuckDB cannot tell the dataset {dataset} from the file {file}, which has the same"
                " name. Choose another dataset or another file."
            )
        return pipeline
    chosen = _dataset_of(file, holding)
    return pipeline if chosen == DATASET else make(chosen)


def _refuse_misread_paths(pipeline: Pipeline) -> None:
    client: Any = pipeline.destination_client()
    kind = pipeline.destination.destination_type
    file = _duckdb_file(pipeline)
    if file:
        refuse_misread(file, "?\\", "DuckDB")
    elif kind == "dlt.destinations.filesystem" and client.is_local_filesystem:
        # patterns to fsspec, an escape to Delta
        refuse_misread(Path(client.dataset_path), "%[]*?\\", "dlt")
    elif kind == "dlt.destinations.ducklake":
        lake = client.config.credentials
        catalog = file_of_dataset(pipeline)
        storage = Path(lake.storage_url) if lake.storage.is_local_filesystem else None
        for path in (catalog, storage):
            if path:
                refuse_misread(path, "'?\\", "dlt")


def _dataset_of(file: Path, holding: Collection[str]) -> str:
    """The dataset in a DuckDB file, if none was named: a file that was renamed keeps its own."""
    # in a file x.duckdb, DuckDB takes x.batches for a table of the file and of a schema x
    is_ambiguous = catalog_name(file) == DATASET
    usual, other = (_OTHER_DATASET, DATASET) if is_ambiguous else (DATASET, _OTHER_DATASET)
    if other not in holding:
        return usual
    if usual in holding:
        logger.warning(
            f"{file} has the table `batches` in the datasets {usual} and {other}. This command"
            f" uses {usual}; choose with --dataset, and drop the one that is out of date."
        )
        return usual
    if is_ambiguous:
        raise UnusableDestinationError(
            f"The file {file} has the table in its dataset {other}, which DuckDB cannot tell from"
            " the file, which has the same name. Give the file another name, such as"
            " warehouse.duckdb."
        )
    return other


def _duckdb_file(pipeline: Pipeline) -> Path | None:
    if pipeline.destination.destination_type != "dlt.destinations.duckdb":
        return None
    client: Any = pipeline.destination_client()
    database = str(client.config.credentials.database)
    # a connection that was given, or one in memory
    return None if database in (":external:", ":memory:") else Path(database)


def _refuse_file_in(folder: Path, file: Path) -> None:
    if file.absolute().is_relative_to(folder):
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
    if not speaks_sql(pipeline):
        # files need no connection
        yield
        return
    client = pipeline.sql_client()
    try:
        until_unlocked(client.open_connection, wait)
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
