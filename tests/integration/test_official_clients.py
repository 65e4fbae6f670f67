"""The demo providers, listed to the end by the vendors' own clients.

What they make of a list is what the vendor makes of it; were the demo's shape wrong, the connector
and its tests would agree on something that no vendor sends.
"""

import json
import subprocess
import time

import pytest

from ai_batches import PROVIDERS
from ai_batches_demo import VENDORS, DemoProviders, LoopbackServer, make_list
from environments import HELPERS, binary
from read_by_client import CLIENTS, SPEAKS_OPENAIS

SCRIPT = HELPERS / "read_by_client.py"
NAMES = [name for name in VENDORS if name in {*CLIENTS, *SPEAKS_OPENAIS}]


@pytest.mark.integration
@pytest.mark.parametrize("batches", [0, 1, 90])
@pytest.mark.parametrize("name", NAMES)
def test_the_vendors_own_client_lists_what_the_demo_shows(name: str, batches: int) -> None:
    providers = DemoProviders({name: make_list(name, int(time.time()), batches, 0)})
    vendor, plan = VENDORS[name], providers.lists[name]
    with LoopbackServer(providers.app) as server:
        url = providers.base_urls(server)[name] + vendor.path
        # keys, addresses and headers of the developer's own environment stay out of it
        done = subprocess.run(  # noqa: S603
            [binary("clients"), SCRIPT, name, url, providers.keys[name]],
            capture_output=True,
            text=True,
            env={"NO_PROXY": "127.0.0.1"},
            timeout=60,
        )
    assert done.returncode == 0, done.stderr[-2_000:]
    shown = [vendor.row(batch, plan.clock) for batch in plan.visible()]
    ids = [row[PROVIDERS[name].fields["id"]] for row in shown]
    listed = json.loads(done.stdout)
    if vendor.is_newest_first:
        assert listed == ids[::-1]
    else:
        assert sorted(listed) == sorted(ids)
