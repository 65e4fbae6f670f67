"""The demo providers, listed to the end by the vendors' own clients, which download results, too.

What they make of a list is what the vendor makes of it; were the demo's shape wrong, the connector
and its tests would agree on something that no vendor sends.
"""

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from ai_batches import PROVIDERS
from ai_batches_demo import VENDORS, DemoProviders, LoopbackServer, make_list
from ai_batches_demo.batches import ENDS, Batch
from ai_batches_demo.results import Results
from environments import HELPERS, binary, packages_of_node
from read_by_client import CLIENTS, SPEAKS_OPENAIS

LISTS = HELPERS / "read_by_client.py"
RESULTS = HELPERS / "results_by_client.py"
NAMES = [name for name in VENDORS if name in {*CLIENTS, *SPEAKS_OPENAIS}]
FOR_NODE = ["watsonx"]
"""Vendors whose own client is one for Node.js."""
WITH_RESULTS = [name for name in NAMES if VENDORS[name].results]


def by_client(
    script: Path, name: str, providers: DemoProviders, server: LoopbackServer, *references: str
) -> Any:
    """What the vendor's own client finds."""
    url = providers.base_urls(server)[name] + VENDORS[name].path
    program, folder = [binary("clients"), str(script)], None
    if name in FOR_NODE:
        program, folder = ["node", str(script.with_suffix(".mjs"))], packages_of_node()
    # keys, addresses and headers of the developer's own environment stay out of it
    done = subprocess.run(  # noqa: S603
        [*program, name, url, providers.keys[name], *references],
        capture_output=True,
        text=True,
        cwd=folder,
        env={"NO_PROXY": "127.0.0.1,localhost", "PATH": os.environ["PATH"]},
        timeout=60,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    return json.loads(done.stdout)


def expected_results(name: str, batch: Batch, now: int) -> dict[str, dict[str, bool]]:
    """Files or batches to ask for, to which of their requests succeeded."""
    results = Results(batch, now)
    good = {one.custom_id: True for one in results.successes()}
    failed = {one.custom_id: False for one in results.failures()}
    cut = {one.custom_id: False for one in results.cut()}
    row = VENDORS[name].row(batch, now)
    if name == "anthropic":
        return {row["id"]: good | failed | cut}
    if name == "gemini":
        return {row["name"]: good | failed} if "response" in row else {}
    output, error = (
        row.get(PROVIDERS[name].fields[f"{kind}_file_id"]) for kind in ("output", "error")
    )
    expected = {output: good} if output else {}
    return expected | ({error: failed | cut} if error else {})


@pytest.mark.integration
@pytest.mark.parametrize("name", WITH_RESULTS)
def test_the_vendors_own_client_downloads_the_results_of_the_demo(name: str) -> None:
    providers = DemoProviders({name: make_list(name, int(time.time()), 200, 0)})
    plan = providers.lists[name]
    chosen: dict[object, Batch] = {}
    for batch in plan.visible():
        status = batch.status(plan.clock)
        if status in ENDS and batch.requests <= 500:
            chosen[status, batch.failed(plan.clock) > 0, batch.number % 2] = batch
    expected: dict[str, dict[str, bool]] = {}
    for batch in chosen.values():
        expected |= expected_results(name, batch, plan.clock)
    assert {True, False} == {good for results in expected.values() for good in results.values()}
    with LoopbackServer(providers.app) as server:
        found = by_client(RESULTS, name, providers, server, *expected)
    assert dict(zip(expected, found, strict=True)) == expected


@pytest.mark.integration
@pytest.mark.parametrize("batches", [0, 1, 90])
@pytest.mark.parametrize("name", [*NAMES, *FOR_NODE])
def test_the_vendors_own_client_lists_what_the_demo_shows(name: str, batches: int) -> None:
    providers = DemoProviders({name: make_list(name, int(time.time()), batches, 0)})
    vendor, plan = VENDORS[name], providers.lists[name]
    with LoopbackServer(providers.app) as server:
        listed = by_client(LISTS, name, providers, server)
    shown = [vendor.row(batch, plan.clock) for batch in plan.visible()]
    ids = [row[PROVIDERS[name].fields["id"]] for row in shown]
    if vendor.is_newest_first:
        assert listed == ids[::-1]
    else:
        assert sorted(listed) == sorted(ids)
