"""The demo providers, listed to the end by the vendors' own clients, which download results, too.

What they make of a list is what the vendor makes of it; were the demo's shape wrong, the connector
and its tests would agree on something that no vendor sends.
"""

import json
import os
import subprocess
import time
from contextlib import ExitStack
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
FOR_NODE = ["watsonx"]
"""Vendors whose own client is one for Node.js."""
GROUPS = {
    **{name: [name] for name in CLIENTS if name != "openai"},
    "openai": ["openai", *SPEAKS_OPENAIS],
}
"""Vendors by the client that lists them: to start one takes longer than to list all."""

TQuestion = list[str]
"""Provider, address of its list, key, and references to results."""


def question(
    name: str, providers: DemoProviders, server: LoopbackServer, *references: str
) -> TQuestion:
    """What to ask of a vendor of a running demo."""
    url = providers.base_urls(server)[name] + VENDORS[name].path
    return [name, url, providers.keys[name], *references]


def by_client(script: Path, questions: list[TQuestion]) -> Any:
    """What a client finds, for each question; all are for the same one."""
    program, folder = [binary("clients"), str(script)], None
    if questions[0][0] in FOR_NODE:
        program, folder = ["node", str(script.with_suffix(".mjs"))], packages_of_node()
    # keys, addresses and headers of the developer's own environment stay out of it
    done = subprocess.run(  # noqa: S603
        [*program, json.dumps(questions)],
        capture_output=True,
        text=True,
        cwd=folder,
        env={"NO_PROXY": "127.0.0.1,localhost", "PATH": os.environ["PATH"]},
        timeout=100,
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
    outputs, errors = good if output else {}, failed | cut if error else {}
    if name == "digitalocean":
        return {row["batch_id"]: outputs | errors}
    return ({output: outputs} if output else {}) | ({error: errors} if error else {})


@pytest.mark.integration
@pytest.mark.parametrize(
    "group",
    {
        client: with_results
        for client, names in GROUPS.items()
        if (with_results := [name for name in names if VENDORS[name].results])
    }.items(),
    ids=lambda group: group[0],
)
def test_the_vendors_own_client_downloads_the_results_of_the_demo(
    group: tuple[str, list[str]],
) -> None:
    _, names = group
    providers = DemoProviders({name: make_list(name, int(time.time()), 200, 0) for name in names})
    expected = {name: chosen_results(name, providers) for name in names}
    with LoopbackServer(providers.app) as server:
        found = by_client(
            RESULTS, [question(name, providers, server, *expected[name]) for name in names]
        )
    for name, results in zip(names, found, strict=True):
        assert dict(zip(expected[name], results, strict=True)) == expected[name], name


def chosen_results(name: str, providers: DemoProviders) -> dict[str, dict[str, bool]]:
    """Results of a small batch of each kind."""
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
    return expected


@pytest.mark.integration
@pytest.mark.parametrize("client", [*GROUPS, *FOR_NODE])
def test_the_vendors_own_client_lists_what_the_demo_shows(client: str) -> None:
    """No batch, one, and more than a page of them."""
    names = GROUPS.get(client, [client])
    demos = [
        DemoProviders({name: make_list(name, int(time.time()), batches, 0) for name in names})
        for batches in (0, 1, 90)
    ]
    with ExitStack() as stack:
        servers = [stack.enter_context(LoopbackServer(demo.app)) for demo in demos]
        asked = [
            (name, demo, question(name, demo, server))
            for demo, server in zip(demos, servers, strict=True)
            for name in names
        ]
        found = by_client(LISTS, [each for _, _, each in asked])
    for (name, demo, _), listed in zip(asked, found, strict=True):
        vendor, plan = VENDORS[name], demo.lists[name]
        shown = [vendor.row(batch, plan.clock) for batch in plan.visible()]
        ids = [row[PROVIDERS[name].fields["id"]] for row in shown]
        if vendor.is_newest_first:
            assert listed == ids[::-1], name
        else:
            assert sorted(listed) == sorted(ids), name
