"""Opens pipelines: their working folder and its lock, their names, and their destination."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import Any

import dlt
from dlt import Pipeline
from dlt.common import logger
from dlt.common.destination import AnyDestination, Destination, TDestinationReferenceArg
from dlt.common.runtime.collector import NULL_COLLECTOR
from dlt.common.storages.configuration import WithLocalFiles
from filelock import FileLock, Timeout

from ..defaults import PIPELINE_NAME
from ..destinations.duckdb import DuckDbAdapter
from ..destinations.paths import pipelines_folder, temporary_folder
from ..destinations.registry import adapter_of
from ..destinations.remote_address import refuse_remote_address
from ..errors import AnotherRunError, UnusableDestinationError
from .foreign_settings import find_setting, refuse_foreign_settings
from .sealed import SealingPipeline
from .working_folder import find_damage, in_sound_folder, unusable_folder

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

_FIRST_FOLDER = "initial_cwd"
"""Name in dlt's state of the folder of relative paths."""

_DATASET = re.compile(r"(?=.*[A-Za-z0-9])[A-Za-z0-9_-]+")
_DESTINATION = re.compile(r"\w+(\.\w+)*")
_PIPELINE_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


@contextmanager
def open_pipeline(
    destination: TDestinationReferenceArg = "duckdb",
    dataset: str | None = None,
    name: str = PIPELINE_NAME,
    wait: float = 0,
) -> Iterator[Pipeline]:
    """Makes a pipeline that nobody else runs in this working folder meanwhile.

    A DuckDB file that does not exist is made, too, so that older drivers can open it. A working
    folder that is damaged is put aside: dlt restores it from the destination. What dlt finds in
    its configuration about dataset, development mode or refresh does not count.

    Args:
        destination (TDestinationReferenceArg): Any destination of dlt.
        dataset (str | None): Dataset; None means the one of `ai_batches` and `ai_batches_dataset`
            that holds the table in a DuckDB file. If neither does, it means `ai_batches`, or
            `ai_batches_dataset` in a DuckDB file that is called `ai_batches` itself.
        name (str): Name of the pipeline. What was read is remembered under it.
        wait (float): Seconds to wait for a DuckDB file that another program has open.

    Yields:
        Pipeline: The pipeline.

    Raises:
        AnotherRunError: If another process has the pipeline open.
        UnusableDestinationError: If DuckDB could not tell the dataset from the file, if the file
            is damaged or would not be safe, if settings of dlt would make the pipeline another one,
            or if the working folder cannot be written.
        duckdb.IOException: If another program still has the DuckDB file open.
    """
    _refuse_names(name, dataset)
    folder = pipelines_folder()
    with _locked(folder, name):
        pipeline = _make_pipeline(destination, dataset, name, folder, wait, is_kept=True)
        adapter_of(pipeline).make_storage(folder)
        yield pipeline


@contextmanager
def _locked(folder: Path, name: str) -> Iterator[None]:
    """Keeps other processes from running the pipeline in this folder, which is made."""
    file = folder / f"{name}.lock"
    try:
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    except OSError as ex:
        raise unusable_folder(folder, ex) from ex
    try:
        lock = FileLock(file, timeout=0, mode=0o600).acquire()
    except Timeout:
        raise AnotherRunError(
            f"Another run of this pipeline is at work in {folder}; nothing was done."
        ) from None
    except OSError as ex:
        raise UnusableDestinationError(
            f"The lock {file} cannot be opened ({ex.strerror}). Let the user of the runs write it,"
            " or remove it while no run is at work."
        ) from ex
    with lock:
        yield


def _warn_of_damage(folder: Path, name: str) -> None:
    """Says what the next run will do about a damaged working folder, unless one is at work."""
    try:
        # twice: a run that begins meanwhile may be writing
        if find_damage(folder / name) and (damage := find_damage(folder / name)):
            with _locked(folder, name):
                logger.warning(
                    f"The working folder {folder / name} is damaged: {damage}. The next run puts it"
                    " aside and restores it from the destination."
                )
    except AnotherRunError:
        pass
    except OSError as ex:
        raise unusable_folder(folder / name, ex) from ex


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
        adapter_of(pipeline).refuse_absence()
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
            is, the dataset is the one of a new file, and connecting to it fails.

    Yields:
        Pipeline: The pipeline, in a working folder of its own; a DuckDB file need not be there.

    Raises:
        UnusableDestinationError: As of `open_pipeline`.
    """
    with temporary_folder() as folder:
        pipeline = _make_pipeline(
            destination, dataset, name, Path(folder), wait, tolerates_lock=True
        )
        kept = pipelines_folder()
        adapter_of(pipeline).refuse_storage(kept, Path(folder))
        _warn_of_damage(kept, name)
        try:
            yield pipeline
        finally:
            pipeline.deactivate()


def _make_pipeline(
    destination: TDestinationReferenceArg,
    dataset: str | None,
    name: str,
    folder: Path,
    wait: float,
    read_only: bool = False,
    tolerates_lock: bool = False,
    is_kept: bool = False,
) -> Pipeline:
    _refuse_names(name, dataset)
    reference = _own_reference(destination)
    possible = [dataset] if dataset else [DATASET, _OTHER_DATASET]
    refuse_foreign_settings(name, reference.destination_name, possible)
    if reference.destination_type == DuckDbAdapter.TYPE:
        _refuse_remote_addresses(name, reference)

    def make_in(place: Path, dataset_name: str) -> Pipeline:
        made = dlt.pipeline(
            name,
            pipelines_dir=str(place),
            destination=reference,
            dataset_name=dataset_name,
            _impl_cls=SealingPipeline,
            **_DECIDED,
        )
        # these are not arguments
        made.config.restore_from_destination = True
        made.config.use_single_dataset = True
        current = _current_folder()
        if made.get_local_state_val(_FIRST_FOLDER) != current:
            # where dlt's own commands look for the files
            made.set_local_state_val(_FIRST_FOLDER, current)
        return made

    def make(dataset_name: str) -> Pipeline:
        if not is_kept:
            return make_in(folder, dataset_name)
        return in_sound_folder(folder / name, lambda place: make_in(place, dataset_name))

    pipeline = make(dataset or DATASET)
    adapter = adapter_of(pipeline)
    adapter.configure(reference, "" if name == PIPELINE_NAME else name, read_only)
    adapter.refuse_misread_paths()
    chosen = adapter.choose_dataset(dataset, DATASET, _OTHER_DATASET, wait, tolerates_lock)
    return pipeline if chosen == (dataset or DATASET) else make(chosen)


def _refuse_remote_addresses(name: str, reference: AnyDestination) -> None:
    """Refuses addresses that are not of a file, wherever they were set."""
    refuse_remote_address(reference.config_params.get("credentials"), "The given address")
    sections = ("destination", reference.destination_name)
    for setting, inner in (("credentials", ()), ("database", ("credentials",))):
        found = find_setting(setting, name, (*sections, *inner))
        if found:
            refuse_remote_address(found.value, found.place)


def _own_reference(destination: TDestinationReferenceArg) -> AnyDestination:
    """A copy: what is set here is not for other pipelines of the caller."""
    if (
        isinstance(destination, str)
        and destination.strip()
        and not _DESTINATION.fullmatch(destination.strip())
    ):
        # an address may hold a secret
        raise UnusableDestinationError(
            "--destination takes a word, such as duckdb, motherduck or postgres. Set the address as"
            " the credentials of that destination."
        )
    named = Destination.from_reference(destination)
    if named is None:
        raise UnusableDestinationError("No destination was named. Choose one with --destination.")
    reference = copy(named)
    reference.config_params = dict(named.config_params)
    if issubclass(reference.spec, WithLocalFiles):
        # dlt stays in the folder of the first run, also if the project was moved or copied since
        reference.config_params.setdefault("local_dir", _current_folder())
    return reference


def _current_folder() -> str:
    """The folder of relative paths, such as that of the default DuckDB file."""
    return str(Path(dlt.current.run_context().local_dir).absolute())


def _refuse_names(name: str, dataset: str | None) -> None:
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


@contextmanager
def connected(pipeline: Pipeline, wait: float) -> Iterator[None]:
    """Keeps a connection to the destination open.

    DuckDB then opens further ones at once, writes its file once, and lets no other program have it
    in between.

    Args:
        pipeline (Pipeline): Whose destination to connect to.
        wait (float): Seconds to wait for a DuckDB file that another program has open.

    Raises:
        DestinationConnectionError: If no server answers, or it refuses.
    """
    with adapter_of(pipeline).connected(wait):
        yield
