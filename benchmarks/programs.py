"""What is timed: this connector, the limit, and what else a user could pick."""

import json
import os
import subprocess
import sys
import venv
from dataclasses import dataclass, replace
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
ENVIRONMENTS = HERE / ".venvs"
PROVIDERS = ("openai", "kimi", "novita", "respan", "bland")
"""What the connector reads; here, all of them speak as OpenAI does."""


@dataclass(frozen=True)
class Program:
    """Something that mirrors a list into a DuckDB file, in a virtual environment of its own.

    Args:
        name (str): What it is called in the results.
        environment (str): Which environment it needs.
        command (tuple[str, ...]): Arguments of Python; may hold {url} and {folder}.
        table (str): What SQL calls its table.
        file (str): Its DuckDB file, in the folder.
    """

    name: str
    environment: str
    command: tuple[str, ...]
    table: str = "batches"
    file: str = "batches.duckdb"
    accounts: int = 1
    """Number of OpenAI accounts in its settings."""

    def arguments(self, url: str, folder: Path) -> list[str]:
        """The command line."""
        python = ENVIRONMENTS / self.environment / "bin" / "python"
        return [str(python), *(part.format(url=url, folder=folder) for part in self.command)]


def _peer(name: str, environment: str, script: str, *options: str) -> Program:
    command = (str(HERE / "peers" / script), "{url}/openai/v1", "{folder}", *options)
    return Program(name, environment, command, "peer.batches")


_SCRIPT = str(ENVIRONMENTS / "connector" / "bin" / "ai-batches")
CONNECTOR = Program(
    "this connector",
    "connector",
    (_SCRIPT, "load", "openai"),
    "ai_batches_dataset.batches",
    "ai_batches.duckdb",
)
ALL_PROVIDERS = Program(
    CONNECTOR.name, CONNECTOR.environment, (_SCRIPT, "load"), CONNECTOR.table, CONNECTOR.file
)
SIXTY_ACCOUNTS, MANY_ACCOUNTS = (
    replace(CONNECTOR, name=f"{count} accounts", accounts=count) for count in (60, 300)
)
RESULTS = "SOURCES__AI_BATCHES__OPENAI__RESULTS"
"""Setting of the connector; the last word in the names of the programs below."""
TOTALS, ALL_REQUESTS = (
    replace(
        CONNECTOR,
        name=f"this connector, results: {mode}",
        command=(_SCRIPT, "load", "--results", "openai"),
    )
    for mode in ("totals", "all")
)
STREAM_AND_PARSE = Program(
    "stream and parse, results: off",
    "connector",
    (str(HERE / "bare_results.py"), "{url}/openai/v1"),
)
START = Program(CONNECTOR.name, "connector", (_SCRIPT, "--help"))
CONSTANT = Program(
    "one constant row with dlt", "connector", (str(HERE / "constant.py"), "{folder}")
)
LIMIT = Program(
    "limit",
    "connector",
    (str(HERE / "lower_bound.py"), "{url}/openai/v1", "{folder}/batches.duckdb"),
)
PEERS = (
    _peer("`rest_api`, parquet", "dlt", "rest_api.py", "parquet"),
    _peer("`rest_api`, defaults", "dlt", "rest_api.py"),
    Program(
        "`openai` client, script",
        "openai",
        (str(HERE / "peers" / "openai_client.py"), "{url}/openai/v1", "{folder}"),
    ),
    _peer("PyAirbyte", "airbyte", "pyairbyte.py"),
    _peer("Singer", "singer", "singer.py"),
)

_PACKAGES = {
    "connector": ["-c", str(ROOT / "constraints.txt"), "-e", str(ROOT)],
    "dlt": ["dlt[duckdb,parquet]>=1.31,<2"],
    "openai": ["openai>=2", "duckdb>=1.4"],
    "airbyte": ["airbyte"],
    "singer": ["singer-sdk", "target-duckdb"],
}


ALONE = {"RUNTIME__DLTHUB_TELEMETRY": "false", "DO_NOT_TRACK": "1"}
"""Turns telemetry off."""

INHERITED = {name: each for name, each in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def make_environments() -> dict[str, str]:
    """Makes what is not there yet.

    Returns:
        dict[str, str]: The environments that could not be made, with the reason.
    """
    failed = {}
    for name, packages in _PACKAGES.items():
        place = ENVIRONMENTS / name
        if (place / "installed").exists():
            continue
        sys.stderr.write(f"making the environment of {name}\n")
        venv.create(place, clear=True, with_pip=True)
        command = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", *packages]
        done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
        if done.returncode:
            failed[name] = done.stderr.strip().splitlines()[-1]
        else:
            (place / "installed").touch()
    return failed


def variables(url: str, accounts: int = 1) -> dict[str, str]:
    """Environment variables of the programs: the connector's settings, and telemetry off."""
    own = {
        **ALONE,
        **{f"SOURCES__AI_BATCHES__{p.upper()}__API_KEY": "key-of-nobody" for p in PROVIDERS},
        **{f"SOURCES__AI_BATCHES__{p.upper()}__BASE_URL": f"{url}/{p}/v1" for p in PROVIDERS},
    }
    if accounts > 1:
        keys = {f"team-{number:03}": f"key-of-nobody-{number:03}" for number in range(accounts)}
        del own["SOURCES__AI_BATCHES__OPENAI__API_KEY"]
        own["SOURCES__AI_BATCHES__OPENAI__ACCOUNTS"] = json.dumps(keys)
    return {**INHERITED, **own}
