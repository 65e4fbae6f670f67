"""Generates batches of four made-up providers and has `ai-batches` load them into a Delta table."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SERVER = Path(__file__).parents[1] / "server.py"
PROVIDERS = ("openai", "kimi", "novita", "respan")
TABLE = "ai_batches/batches"
"""Dataset and table, below the bucket's address."""

PAGE_SIZE = 10_000
FILE_SIZE = 8 * 2**20
"""Bytes of a file of the table: small ones, so that every worker has some."""


def load(batches: int, bucket_url: str, folder: Path) -> float:
    """Loads batches, the same number of each provider.

    Args:
        batches (int): How many to generate.
        bucket_url (str): Where the table will be.
        folder (Path): Working folder of the pipeline.

    Returns:
        float: Seconds that the command took.
    """
    each = batches // len(PROVIDERS)
    command = [str(Path(sys.executable).with_name("ai-batches")), "load", *PROVIDERS]
    command += ["--destination", "filesystem", "--table-format", "delta"]
    # in one package: the first one is appended, each later one merged into what is there
    command += ["--rows-per-load", str(each + PAGE_SIZE)]
    started = time.monotonic()
    with _serving(each) as url:
        subprocess.run(  # noqa: S603
            command, check=True, cwd=folder, env={**os.environ, **_settings(url, bucket_url)}
        )
    return time.monotonic() - started


@contextmanager
def _serving(batches: int) -> Iterator[str]:
    command = [sys.executable, str(SERVER), "--varied", "--batches", str(batches)]
    command += ["--newest", str(int(time.time()) - 3_600)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            assert process.stdout  # noqa: S101
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def _settings(url: str, bucket_url: str) -> dict[str, str]:
    settings = {
        "DESTINATION__FILESYSTEM__BUCKET_URL": bucket_url,
        "DESTINATION__FILESYSTEM__DELTALAKE_CONFIGURATION": json.dumps(
            {"delta.targetFileSize": str(FILE_SIZE)}
        ),
        "RUNTIME__DLTHUB_TELEMETRY": "false",
    }
    for provider in PROVIDERS:
        prefix = f"SOURCES__AI_BATCHES__{provider.upper()}"
        settings |= {
            f"{prefix}__API_KEY": "key-of-nobody",
            f"{prefix}__BASE_URL": f"{url}/{provider}",
            f"{prefix}__PAGE_SIZE": str(PAGE_SIZE),
        }
    return settings
