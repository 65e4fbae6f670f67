"""Fixtures: every test has its own working folder, its own dlt folders and no key of anybody."""

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import dlt
import pytest
from dlt import Pipeline
from hypothesis import settings
from starlette.applications import Starlette
from starlette.routing import Route

import servers
from ai_batches import PROVIDERS
from ai_batches_demo import LoopbackServer
from file_server import FileServer
from slack_hook import Hook
from support import Lists
from targets import TServers

# `make test-long` takes the other one
settings.register_profile("default", max_examples=150, stateful_step_count=25, deadline=None)
settings.register_profile("long", max_examples=3_000, stateful_step_count=50, deadline=None)
settings.load_profile("default")

RECORDED = Path(__file__).parents[2] / "shared" / "recorded"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leaves a sample of the parameters of slow tests to `make test`, evenly spread."""
    families: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("sample") and not item.get_closest_marker("long"):
            families.setdefault(item.nodeid.partition("[")[0], []).append(item)
    for family in families.values():
        marker = family[0].get_closest_marker("sample")
        count = min(marker.args[0], len(family)) if marker else 0
        chosen = {number * len(family) // count for number in range(count)}
        for number, item in enumerate(family):
            if number not in chosen:
                item.add_marker(pytest.mark.long)


@pytest.fixture(autouse=True)
def isolation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keeps the developer's settings out and makes retries fast."""
    for name in list(os.environ):
        if name.startswith(("SOURCES__", "DESTINATION__", "RUNTIME__")):
            monkeypatch.delenv(name)
    for provider in PROVIDERS.values():
        for variable in (*provider.key_variables, *provider.setting_variables.values()):
            monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "dlt"))
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.setenv("RUNTIME__REQUEST_BACKOFF_FACTOR", "0.001")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Pipeline]:
    """A pipeline into a DuckDB file of the test's own."""
    made = dlt.pipeline(
        "test_ai_batches",
        pipelines_dir=str(tmp_path / "pipelines"),
        destination=dlt.destinations.duckdb(str(tmp_path / "test.duckdb")),
        dataset_name="ai_batches",
    )
    yield made
    made.deactivate()


@pytest.fixture(scope="session")
def list_server() -> Iterator[Lists]:
    """One for all tests: to stop it takes longer than most of them."""
    with Lists() as served:
        yield served


@pytest.fixture
def lists(list_server: Lists) -> Lists:
    """A server whose answers the test decides."""
    list_server.forget()
    return list_server


@pytest.fixture
def hook() -> Iterator[Hook]:
    """A hook of Slack of the test's own."""
    made = Hook()
    path = "/services/T0/secret-0-of-the-hook"
    app = Starlette(routes=[Route(path, made.receive, methods=["POST"])])
    with LoopbackServer(app) as served:
        made.url = served.url + path
        yield made


@pytest.fixture
def file_server() -> Iterator[FileServer]:
    """A server of result files that answers as the test decides."""
    with FileServer() as served:
        yield served


@pytest.fixture
def storage() -> Iterator[FileServer]:
    """Another server of files, to which the first one leads."""
    with FileServer() as served:
        yield served


@pytest.fixture(scope="module")
def server() -> Iterator[TServers]:
    """Starts each server that is asked for once."""
    with ExitStack() as stack:
        urls: dict[str, str] = {}

        def start(kind: str) -> str:
            if kind not in urls:
                urls[kind] = stack.enter_context(getattr(servers, kind)())
            return urls[kind]

        yield start


@pytest.fixture
def recorded() -> Callable[[str], bytes]:
    """Reads a recorded reply by file name; skips the test where the folder is missing."""

    def read(name: str) -> bytes:
        if not RECORDED.is_dir():
            pytest.skip(f"no recorded replies at {RECORDED}")
        return (RECORDED / name).read_bytes()

    return read


def pytest_sessionfinish() -> None:
    """Frees what tests left in cycles, while DuckDB's binding still counts references."""
    gc.collect()
