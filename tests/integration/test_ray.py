"""Results of one account, read by a cluster of several processes: as one process reads them."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ai_batches_demo import LoopbackServer
from environments import ROOT, binary
from support import KEY, TRow, batch, cursor_list, few_of
from targets import TARGETS, TServers

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

BATCHES = 1_000
LINES = 3
DRIVER = ROOT / "pipelines" / "deploy" / "ray" / "read_results.py"
CLUSTER = """
import subprocess, sys
sys.path.insert(0, "benchmarks/lakehouse")
from cluster import running_cluster
with running_cluster(2) as (address, variables):
    sys.exit(subprocess.run([sys.executable, *sys.argv[1:]], env=variables).returncode)
"""
"""Runs a program beside a cluster of two workers, with the variables of this process."""


class Account:
    """A server of one account with an output and an error file a batch."""

    def __init__(self) -> None:
        self.file_requests = 0
        rows = [
            batch(
                number,
                output_file_id=f"file-out-{number}",
                error_file_id=f"file-err-{number}",
                request_counts={"total": LINES + 1, "completed": LINES, "failed": 1},
            )
            for number in range(BATCHES)
        ]
        self._list = cursor_list(rows)
        self._server = LoopbackServer(
            Starlette(
                routes=[
                    Route("/v1/batches", self._rows),
                    Route("/v1/files/{file}/content", self._file),
                ]
            )
        )

    @contextmanager
    def serving(self) -> Iterator[Mapping[str, str]]:
        """Serves it; yields the settings for it."""
        with self._server as server:
            prefix = "SOURCES__AI_BATCHES__OPENAI__"
            yield {f"{prefix}API_KEY": KEY, f"{prefix}BASE_URL": f"{server.url}/v1"}

    def _rows(self, request: Request) -> Response:
        return JSONResponse(self._list(request))

    def _file(self, request: Request) -> Response:
        self.file_requests += 1
        kind, number = request.path_params["file"].removeprefix("file-").split("-")
        if kind == "err":
            lines: list[TRow] = [{"custom_id": "last", "error": {"code": "server_error"}}]
        else:
            body = {
                "choices": [{}],
                "usage": {"prompt_tokens": int(number), "completion_tokens": 2},
            }
            lines = [
                {"custom_id": f"request-{line}", "response": {"status_code": 200, "body": body}}
                for line in range(LINES)
            ]
        return Response(b"\n".join(map(orjson.dumps, lines)))


@pytest.mark.parametrize("name", few_of(["postgres", "delta"], quick=["postgres"]))
def test_parts_of_a_cluster_make_the_tables_that_one_process_makes(
    name: str, server: TServers, tmp_path: Path
) -> None:
    account, target = Account(), TARGETS[name](tmp_path, server)
    whole, parts = (f"test_{random.getrandbits(32):x}" for _ in range(2))
    with account.serving() as settings:
        variables = {
            **{name: value for name, value in os.environ.items() if not name.startswith("DLT_")},
            **settings,
            **target.variables,
            "DLT_DATA_DIR": str(tmp_path / "dlt"),
            "SOURCES__AI_BATCHES__OPENAI__RESULTS": "all",
        }
        lists_only = {**variables, "SOURCES__AI_BATCHES__OPENAI__RESULTS": "off"}
        in_whole = ("--dataset", whole, "--pipeline-name", "whole", *target.arguments)
        in_parts = ("--dataset", parts, *target.arguments)
        _run("ai-batches", ["load", *in_whole], variables)
        asked = account.file_requests
        _run("ai-batches", ["load", *in_parts], lists_only)
        with subprocess.Popen(  # noqa: S603
            [binary("lakehouse"), "-c", CLUSTER, str(DRIVER), "--parts", "4", "--", *in_parts],
            env=variables,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        ) as driver:
            _kill_a_worker(account, asked + BATCHES // 4)
            printed, _ = driver.communicate()
        assert driver.returncode == 0, printed
        assert printed.count(": read\n") == 4

    for table in ("batch_requests", "batch_usage", "batch_files"):
        rows = _rows(target.read(parts, table)[1])
        assert rows == _rows(target.read(whole, table)[1])
    assert len(rows) == 2 * BATCHES
    # only what the worker had not stored was read again
    assert account.file_requests - asked < 1.5 * 2 * BATCHES


def _kill_a_worker(account: Account, requests: int) -> None:
    """Kills a process that reads a part, once some files were asked for."""
    end = time.monotonic() + 120
    while time.monotonic() < end and account.file_requests < requests:
        time.sleep(0.05)
    workers = [
        int(folder.name)
        for folder in Path("/proc").glob("[0-9]*")
        if b"ray::read_part" in (folder / "cmdline").read_bytes()
    ]
    os.kill(workers[0], signal.SIGKILL)


def _run(program: str, arguments: list[str], variables: Mapping[str, str]) -> None:
    command = [binary("lakehouse", program), *arguments]
    done = subprocess.run(  # noqa: S603
        command, env=dict(variables), capture_output=True, text=True, cwd=variables["HOME"]
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _rows(rows: list[TRow]) -> list[str]:
    """Rows without what differs between two loads."""
    own = ("_dlt_load_id", "loaded_at", "attempts")
    return sorted(str({k: v for k, v in row.items() if k not in own}) for row in rows)
