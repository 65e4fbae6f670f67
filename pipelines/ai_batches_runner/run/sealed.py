"""Notes what load packages consist of, so that a later run knows whether one is whole.

dlt keeps no list of a package's files: of a package that lost a file, the rest would be loaded, and
the rows of that file would be missing for ever.
"""

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from dlt import Pipeline
from dlt.common.exceptions import TerminalValueError
from dlt.common.json import json
from dlt.common.pipeline import ExtractInfo, NormalizeInfo
from dlt.common.storages import FileStorage
from dlt.common.storages.load_package import (
    PackageStorage,
    ParsedLoadJobFileName,
)
from dlt.common.versioned_state import generate_state_version_hash, json_decode_state

_SEAL = "packages.json"
_PENDING = ("normalize/extracted", "load/normalized")
_STATE = PackageStorage.LOAD_PACKAGE_STATE_FILE_NAME
_TABLES = PackageStorage.SCHEMA_UPDATES_FILE_NAME
_MADE_TABLES = PackageStorage.APPLIED_SCHEMA_UPDATES_FILE_NAME
_JOBS = PackageStorage.NEW_JOBS_FOLDER


class SealingPipeline(Pipeline):
    """A pipeline that notes what packages consist of as soon as they are complete."""

    def extract(self, *args: Any, **kwargs: Any) -> ExtractInfo:
        """Reads a source into a package, as dlt does."""
        info: ExtractInfo = super().extract(*args, **kwargs)
        _seal(Path(self.working_dir))
        return info

    def normalize(self, *args: Any, **kwargs: Any) -> NormalizeInfo:
        """Prepares packages for the destination, as dlt does."""
        info: NormalizeInfo = super().normalize(*args, **kwargs)
        _seal(Path(self.working_dir))
        return info


def is_sealed(pipeline: Pipeline) -> bool:
    """Whether all packages that wait are as they were when they were completed.

    Args:
        pipeline (Pipeline): The pipeline.

    Returns:
        bool: False also if a package was lost as a whole, or was never complete.
    """
    folder = Path(pipeline.working_dir)
    if not (folder / _SEAL).exists():
        return not any(waiting_packages(folder))
    try:
        noted = json.loads((folder / _SEAL).read_text("utf-8"))
        waiting = {_name(package): package for package in waiting_packages(folder)}
        loaded = {path.name for path in (folder / "load" / "loaded").glob("*")}
        return waiting.keys() <= noted.keys() and all(
            _is_whole(waiting[name], files)
            if name in waiting
            else name.rpartition("/")[2] in loaded
            for name, files in noted.items()
        )
    except Exception:
        # damaged files fail in ways of their own
        return False


def _seal(folder: Path) -> None:
    # a package without a seal is read again: no reason to fail
    with suppress(OSError):
        found = {_name(package): dict(_digests(package)) for package in waiting_packages(folder)}
        FileStorage.save_atomic(str(folder), _SEAL, json.dumps(found))


def waiting_packages(folder: Path) -> Iterator[Path]:
    """The packages in a working folder that are not stored yet."""
    for kind in _PENDING:
        yield from (folder / kind).glob("*")


def _name(package: Path) -> str:
    return f"{package.parent.name}/{package.name}"


def _is_whole(package: Path, noted: dict[str, str]) -> bool:
    state: Any = json_decode_state((package / _STATE).read_text("utf-8"))
    if state["_version_hash"] != generate_state_version_hash(state, ["load_metrics"]):
        return False
    found = dict(_digests(package))
    if _TABLES in noted and _TABLES not in found:
        # the tables are made, and no job was begun
        json.loads((package / _MADE_TABLES).read_text("utf-8"))
        noted = {name: digest for name, digest in noted.items() if name != _TABLES}
    return noted.items() <= found.items()


def _digests(package: Path) -> Iterator[tuple[str, str]]:
    """The files of a package that stay as they are until its first job is done."""
    for path in package.rglob("*"):
        # its state counts attempts
        if path.is_file() and path.name != _STATE:
            with path.open("rb") as opened:
                digest = hashlib.file_digest(opened, "sha256").hexdigest()
            yield _stable_name(path.relative_to(package)), digest


def _stable_name(path: Path) -> str:
    """The name of a file in its package; that of a job counts attempts, too."""
    with suppress(TerminalValueError):
        if path.parent.name == _JOBS:
            job = ParsedLoadJobFileName.parse(path.name)
            return f"{job.table_name}.{job.file_id}.{job.file_format}"
    return str(path)
