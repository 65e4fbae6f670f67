"""Real servers on loopback that tests start and stop: Postgres, MariaDB, and one that speaks S3."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from environments import binary

PASSWORD = "pass-word-0123456789"  # noqa: S105
"""Of the databases; no output may show it."""

_DEBIAN = ("usr/lib/postgresql/*/bin", "usr/sbin")


def program(name: str) -> str:
    """A program of a Debian package; skips the test where it is missing, which CI never allows."""
    root = Path("/")
    places = [str(each) for folder in _DEBIAN for each in sorted(root.glob(f"{folder}/{name}"))]
    found = shutil.which(name) or next(iter(places), None)
    if found:
        return found
    if os.environ.get("CI"):
        pytest.fail(f"{name} is not installed")
    pytest.skip(f"{name} is not installed")


@contextmanager
def postgres() -> Iterator[str]:
    """A Postgres server; yields the URL of its database."""
    initdb, server = program("initdb"), program("postgres")
    with _folder("postgres") as (folder, user):
        password = folder / "password"
        password.write_text(PASSWORD)
        data = f"--pgdata={folder / 'data'}"
        options = [data, "--username=loader", "--auth=scram-sha-256", f"--pwfile={password}"]
        _run([initdb, *options], user)
        port = free_port()
        flags = ["-D", str(folder / "data"), "-p", str(port), "-h", "127.0.0.1", "-k", str(folder)]
        with _serving([server, *flags], port, folder / "log", user, signal.SIGINT):
            # it would wait for its clients with the usual signal
            yield f"postgresql://loader:{PASSWORD}@127.0.0.1:{port}/postgres"


@contextmanager
def mariadb() -> Iterator[str]:
    """A MariaDB server; yields its URL for SQLAlchemy, without a database."""
    install, server = program("mariadb-install-db"), program("mariadbd")
    with _folder("mysql") as (folder, user):
        data = f"--datadir={folder / 'data'}"
        options = ["--auth-root-authentication-method=normal", "--skip-test-db"]
        _run([install, "--no-defaults", data, *options], user)
        start = folder / "start.sql"
        start.write_text(
            f"CREATE USER loader@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';\n"
            "GRANT ALL ON *.* TO loader@'127.0.0.1';\n"
        )
        port = free_port()
        charset = "--character-set-server=utf8mb4"
        network = [f"--port={port}", "--bind-address=127.0.0.1", "--skip-name-resolve"]
        files = [f"--socket={folder / 'socket'}", f"--pid-file={folder / 'pid'}"]
        command = [server, "--no-defaults", data, charset, *network, *files]
        with _serving([*command, f"--init-file={start}"], port, folder / "log", user):
            yield f"mysql+pymysql://loader:{PASSWORD}@127.0.0.1:{port}"


@contextmanager
def s3() -> Iterator[str]:
    """A server that speaks S3; yields its URL. It takes every key, and has no bucket yet."""
    with _folder() as (folder, _):
        port = free_port()
        command = [binary("s3", "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
        with _serving(command, port, folder / "log"):
            yield f"http://127.0.0.1:{port}"


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _folder(user: str | None = None) -> Iterator[tuple[Path, str | None]]:
    """A folder for a server, and as whom to run it: as `user` where it would run as root."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        if os.geteuid() != 0:
            user = None
        if user:
            shutil.chown(folder, user)
        yield folder, user


def _run(command: list[str], user: str | None = None) -> None:
    done = subprocess.run(  # noqa: S603
        command, user=user, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def _serving(
    command: list[str],
    port: int,
    log: Path,
    user: str | None = None,
    stop: signal.Signals = signal.SIGTERM,
) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, user=user)  # noqa: S603
        try:
            _wait(lambda: process.poll() is not None or _answers(port))
            assert process.poll() is None, log.read_text()
            yield
        finally:
            process.send_signal(stop)
            process.wait(60)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait(is_done: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 60
    while not is_done():
        assert time.monotonic() < deadline
        time.sleep(0.05)
