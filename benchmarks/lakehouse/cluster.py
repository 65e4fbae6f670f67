"""A Ray cluster on this machine: a head and some workers, each with an address of its own.

Every node is what `ray start` makes of a machine. They have addresses of loopback, and whoever does
not know the token of this run is turned away.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HEAD = "127.0.0.2"
"""127.0.0.1 would not do: Ray takes the machine's outer address for it."""

QUIET = {
    "DAFT_ANALYTICS_ENABLED": "0",
    "DO_NOT_TRACK": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DISABLE_DASHBOARD": "1",
}
"""Environment variables that turn the telemetry of Ray and Daft off."""

PATIENCE = 60
"""Seconds that a node may take to come up, or to go."""

_OBJECT_STORE = 200_000_000


@contextmanager
def running_cluster(workers: int) -> Iterator[tuple[str, dict[str, str]]]:
    """Starts a cluster and stops it in the end.

    Args:
        workers (int): How many nodes there are beside the head, of one CPU each.

    Yields:
        tuple[str, dict[str, str]]: The address of the cluster, and the environment variables with
            which to connect.
    """
    variables = {
        **os.environ,
        **QUIET,
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
    }
    port = _free_port()
    address = f"{HEAD}:{port}"
    # Ray makes sockets there, whose paths must be short
    folder = Path(tempfile.mkdtemp(prefix="ray-"))
    head = ["--head", f"--node-ip-address={HEAD}", f"--port={port}", f"--temp-dir={folder}"]
    starts = [[*head, "--include-dashboard=false", "--num-cpus=0"]]
    for number in range(workers):
        worker = [f"--address={address}", f"--node-ip-address=127.0.0.{number + 3}"]
        starts.append([*worker, "--num-cpus=1"])
    nodes: list[subprocess.Popen[bytes]] = []
    try:
        for number, arguments in enumerate(starts):
            log = folder / f"node-{number}.log"
            nodes.append(_start(arguments, variables, log))
            # a query that finds no worker yet waits for ever
            _wait_for(nodes[-1], log)
        yield address, variables
    finally:
        for node in reversed(nodes):
            _stop(node)
        shutil.rmtree(folder, ignore_errors=True)


def _start(arguments: list[str], variables: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    ray = str(Path(sys.executable).with_name("ray"))
    command = [ray, "start", "--block", f"--object-store-memory={_OBJECT_STORE}", *arguments]
    with log.open("wb") as output:
        return subprocess.Popen(  # noqa: S603
            command, env=variables, stdout=output, stderr=output, start_new_session=True
        )


def _stop(node: subprocess.Popen[bytes]) -> None:
    """Ends a node, which ends what it started; and the rest of its session if it does not."""
    node.terminate()
    try:
        node.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(node.pid, signal.SIGKILL)
        node.wait()


def _wait_for(node: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and node.poll() is None:
        if "Ray runtime started" in log.read_text():
            return
        time.sleep(0.1)
    raise RuntimeError(f"a node of the cluster did not come up: {log.read_text()[-1_000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HEAD, 0))
        port: int = probe.getsockname()[1]
    return port
