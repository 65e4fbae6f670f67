"""The working folder of a pipeline: what is wrong with it, and how a damaged one is put aside.

All in it is known to the destination as well, except for rows that were read and not yet stored:
these are read again.
"""

import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dlt import Pipeline
from dlt.common import logger
from dlt.common.json import json
from dlt.common.schema.utils import verify_schema_hash
from dlt.common.storages import LoadStorage, NormalizeStorage
from dlt.common.versioned_state import json_decode_state
from dlt.pipeline.state_sync import (
    PIPELINE_STATE_ENGINE_VERSION,
    generate_pipeline_state_version_hash,
)
from semver import Version

from ..destinations.paths import temporary_folder
from ..errors import UnusableDestinationError

_STATE = "state.json"
_SCHEMA = ".schema.json"
_VERSION = ".version"
_SPARE_BYTES = 64 * 2**20
"""Where less is free, a damaged folder is removed: a copy of it would keep the disk full."""

_FOLDERS = (
    "schemas",
    "normalize",
    "normalize/extracted",
    "load",
    "load/new",
    "load/normalized",
    "load/loaded",
)
_STORAGES = {
    "normalize": NormalizeStorage.STORAGE_VERSION,
    "load": LoadStorage.STORAGE_VERSION,
}

_LOCAL_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "first_run": bool,
    "_dev_mode": bool,
    "initial_cwd": str,
    "last_run_context": (dict, type(None)),
    "_last_extracted_at": datetime,
    "_last_extracted_hash": str,
}
"""What dlt keeps in the state without a hash."""

_OF_THE_MACHINE = frozenset(
    {
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EIO,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOMEM,
    }
)
"""Errors that another folder in the same place would meet, too."""


class _DamageError(Exception):
    """Something in the folder is not as dlt leaves it."""


def is_of_the_machine(error: BaseException) -> bool:
    """Whether an error is about permissions or the disk, and not about what a folder holds."""
    return isinstance(error, OSError) and error.errno in _OF_THE_MACHINE


def unusable_folder(folder: Path, error: OSError) -> UnusableDestinationError:
    """The error for a working folder that the machine does not let a run use.

    Args:
        folder (Path): The folder.
        error (OSError): Why.

    Returns:
        UnusableDestinationError: It says what a person has to do.
    """
    reason = error.strerror or type(error).__name__
    remedy = (
        "Free some space there"
        if error.errno in (errno.ENOSPC, errno.EDQUOT)
        else "Let the user of the runs read and write it"
    )
    return UnusableDestinationError(
        f"The working folder {folder} cannot be used ({reason}). {remedy}, or set DLT_DATA_DIR to"
        " another folder."
    )


def find_damage(folder: Path) -> str | None:
    """Looks for what dlt could not go on with; changes nothing.

    Args:
        folder (Path): The working folder of a pipeline; it need not exist.

    Returns:
        str | None: What is wrong, as a clause; None if nothing is.

    Raises:
        OSError: If the folder cannot be read at all, as for lack of permission.
    """
    if not os.path.lexists(folder):
        return None
    try:
        _refuse_odd_files(folder)
        for name, version in _STORAGES.items():
            _check_version(folder / name / _VERSION, version)
        if (folder / _STATE).exists():
            _check_state(folder)
    except _DamageError as ex:
        return str(ex)
    except OSError as ex:
        if is_of_the_machine(ex):
            raise
        return f"{ex.strerror or type(ex).__name__}"
    return None


def in_sound_folder(folder: Path, make: Callable[[Path], Pipeline]) -> Pipeline:
    """Makes a pipeline; puts its working folder aside if that is what keeps dlt from it.

    Args:
        folder (Path): The working folder of the pipeline.
        make (Callable[[Path], Pipeline]): Makes the pipeline, given the folder of all pipelines.

    Returns:
        Pipeline: The pipeline.

    Raises:
        UnusableDestinationError: If the folder cannot be read or written.
    """
    try:
        damage = find_damage(folder)
        if damage is None:
            try:
                return make(folder.parent)
            except Exception as ex:
                damage = _fault_of(folder, ex, make)
                if damage is None:
                    raise
        done = put_aside(folder)
        logger.warning(
            f"The working folder {folder} is damaged ({damage}) and {done}. It is restored from the"
            " destination; rows that were read and not stored are read again."
        )
        return make(folder.parent)
    except OSError as ex:
        if ex.filename is not None and str(folder.parent) not in str(ex.filename):
            # of a destination
            raise
        raise unusable_folder(folder, ex) from ex


def _fault_of(folder: Path, error: Exception, make: Callable[[Path], Pipeline]) -> str | None:
    """What an error says of the working folder; None if it has another cause."""
    if is_of_the_machine(error):
        return None
    try:
        with temporary_folder() as other:
            make(Path(other)).deactivate()
    except Exception:
        # the same without any file of an earlier run
        return None
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"


def put_aside(folder: Path) -> str:
    """Takes a damaged folder out of the way; one that was put aside before is removed.

    Args:
        folder (Path): The working folder of a pipeline.

    Returns:
        str: What became of it, as a clause.

    Raises:
        OSError: If it cannot be moved or removed.
    """
    for earlier in folder.parent.glob(f"{folder.name}.damaged-*"):
        _remove(earlier)
    if shutil.disk_usage(folder.parent).free < _SPARE_BYTES:
        _remove(folder)
        return "was removed, since the disk is nearly full"
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    place = folder.with_name(f"{folder.name}.damaged-{moment}")
    folder.rename(place)
    return f"was moved to {place}"


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _refuse_odd_files(folder: Path) -> None:
    """Refuses files where folders belong, the other way round, and what is neither."""
    if folder.is_symlink() or not folder.is_dir():
        raise _DamageError("it is not a folder")
    for name in _FOLDERS:
        if os.path.lexists(folder / name) and not (folder / name).is_dir():
            raise _DamageError(f"{name} is not a folder")
    for path, mode in _walk(folder):
        is_folder = stat.S_ISDIR(mode)
        relative = path.relative_to(folder)
        if not is_folder and not stat.S_ISREG(mode):
            raise _DamageError(f"{relative} is not a file")
        # all other folders of dlt's have names of a number or a kind of job
        if is_folder and (path.name == _VERSION or path.suffix in (".json", ".pickle")):
            raise _DamageError(f"{relative} is a folder")


def _walk(folder: Path) -> Iterator[tuple[Path, int]]:
    """All that is in a folder, with its mode; a link that leads nowhere has its own."""
    with os.scandir(folder) as scanned:
        entries = list(scanned)
    for entry in entries:
        try:
            mode = entry.stat().st_mode
        except FileNotFoundError:
            mode = entry.stat(follow_symlinks=False).st_mode
        yield Path(entry.path), mode
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path))


def _check_version(file: Path, current: str) -> None:
    """Refuses the version of a storage that cannot be read, or is newer than the one of this dlt.

    Older ones are dlt's to migrate.
    """
    if not file.exists():
        return
    name = file.parent.name
    try:
        found = Version.parse(file.read_text())
    except ValueError:
        raise _DamageError(f"{name}/{_VERSION} cannot be read") from None
    if found > Version.parse(current):
        raise _DamageError(f"{name} is of a newer dlt")


def _check_state(folder: Path) -> None:
    state = _read(folder / _STATE, json_decode_state)
    engine = state.get("_state_engine_version")
    if not isinstance(engine, int):
        raise _DamageError(f"{_STATE} is not a state of dlt")
    if engine > PIPELINE_STATE_ENGINE_VERSION:
        raise _DamageError(f"{_STATE} is of a newer dlt")
    local = state.get("_local")
    if engine == PIPELINE_STATE_ENGINE_VERSION:
        if state.get("_version_hash") != generate_pipeline_state_version_hash(dict(state)):  # type: ignore[arg-type]
            raise _DamageError(f"{_STATE} is not as dlt wrote it")
        if state.get("pipeline_name") != folder.name:
            raise _DamageError(f"{_STATE} is of another pipeline")
        if not isinstance(local, dict) or not all(
            isinstance(local.get(name), types)
            for name, types in _LOCAL_TYPES.items()
            if name in local
        ):
            raise _DamageError(f"{_STATE} is not as dlt wrote it")
    named = state.get("schema_names") or []
    for name in {*named, state.get("default_schema_name") or "", *_stored_schemas(folder)} - {""}:
        _check_schema(folder / "schemas" / f"{name}{_SCHEMA}")


def _stored_schemas(folder: Path) -> list[str]:
    return [path.name.removesuffix(_SCHEMA) for path in (folder / "schemas").glob(f"*{_SCHEMA}")]


def _check_schema(file: Path) -> None:
    name = f"{file.parent.name}/{file.name}"
    if not file.exists():
        raise _DamageError(f"{name} is missing")
    schema = _read(file, json.loads)
    try:
        is_intact = verify_schema_hash(schema, verifies_if_not_migrated=True)
    except Exception:
        # of any kind: dlt takes its shape for granted
        is_intact = False
    if not is_intact or f"{schema.get('name')}{_SCHEMA}" != file.name:
        raise _DamageError(f"{name} is not as dlt wrote it")


def _read(file: Path, decode: Any) -> dict[str, Any]:
    """An object of a file of JSON."""
    try:
        content = decode(file.read_text("utf-8"))
    except OSError:
        raise
    except Exception:
        # of whichever decoder
        raise _DamageError(f"{file.name} is not JSON") from None
    if not isinstance(content, dict):
        raise _DamageError(f"{file.name} holds no object")
    return content
