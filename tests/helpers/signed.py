"""Signed addresses of files on another server, and the proof that none of them is kept."""

import logging
from collections.abc import Mapping
from pathlib import Path

import pytest

from commands import run_and_tell_all, table
from file_server import FileServer, lines, reply
from support import few_of

SIGNATURE = "signature-0123456789abcdef-of-storage"


def signed(storage: FileServer, file: str = "stored") -> str:
    """A signed address of a file in the storage."""
    return f"{storage.url}/files/{file}/content?name=out&X-Signature={SIGNATURE}"


however_stored = pytest.mark.parametrize(
    "stored",
    few_of(
        [reply(lines(2)), reply(b"No.", 403), reply(b"", 500)[:-3], b""],
        quick=[reply(b"No.", 403)],
    ),
    ids=["whole", "refused", "cut", "closed"],
)
"""Answers of a storage."""


def assert_signature_is_kept_nowhere(
    storage: FileServer,
    folder: Path,
    caplog: pytest.LogCaptureFixture,
    variables: Mapping[str, str],
) -> None:
    """A run that follows a signed address prints, logs and stores nothing of the signature.

    Args:
        storage (FileServer): The server that the address leads to.
        folder (Path): The run's files are below it.
        caplog (pytest.LogCaptureFixture): Takes the log.
        variables (Mapping[str, str]): The environment of the run.
    """
    with caplog.at_level(logging.DEBUG):
        output = run_and_tell_all("load", "--debug", **variables)
    assert SIGNATURE not in str(output) + caplog.text
    assert storage.asked
    for file in filter(Path.is_file, folder.rglob("*")):
        assert SIGNATURE.encode() not in file.read_bytes(), file
    query = "SELECT * FROM ai_batches_dataset.batch_files"
    assert SIGNATURE not in str(table(folder / "ai_batches.duckdb", query))
