"""The demo providers, checked by a client that we did not write."""

import time
from collections.abc import Iterator

import openai
import pytest
import requests

from ai_batches_demo import VENDORS, DemoProviders, LoopbackServer, make_list

TServed = tuple[DemoProviders, LoopbackServer]


@pytest.fixture(scope="module")
def served() -> Iterator[TServed]:
    """All demo providers, running."""
    providers = DemoProviders({name: make_list(name, int(time.time()), 90, 0) for name in VENDORS})
    with LoopbackServer(providers.app) as server:
        yield providers, server


@pytest.mark.parametrize("name", ["openai", "kimi", "novita"])
def test_the_official_client_lists_them_to_the_end(served: TServed, name: str) -> None:
    providers, server = served
    url = providers.base_urls(server)[name]
    client = openai.OpenAI(api_key=providers.keys[name], base_url=url, max_retries=0)
    found = [batch.id for batch in client.batches.list(limit=25)]
    plan = [f"batch_{batch.id}" for batch in reversed(providers.lists[name].visible())]
    # the client does not go on where `has_more` is absent on the last page, which is right
    assert found == plan


@pytest.mark.parametrize("name", list(VENDORS))
def test_a_wrong_key_is_refused(served: TServed, name: str) -> None:
    providers, server = served
    url = providers.base_urls(server)[name] + VENDORS[name].path
    assert (
        requests.get(url, headers={VENDORS[name].key_header: "wrong"}, timeout=5).status_code == 401
    )


def test_openai_refuses_large_pages(served: TServed) -> None:
    providers, server = served
    headers = {"authorization": f"Bearer {providers.keys['openai']}"}
    url = providers.base_urls(server)["openai"] + "/batches?limit="
    assert requests.get(url + "101", headers=headers, timeout=5).status_code == 400
    assert requests.get(url + "0", headers=headers, timeout=5).json()["data"] == []


def test_a_list_is_the_same_each_time_and_moves_with_the_clock() -> None:
    one, other = make_list("x", 1_700_000_000, 50, 5), make_list("x", 1_700_000_000, 50, 5)
    assert one == other
    before = len(one.visible())
    one.pass_time(4 * 3600)
    assert len(one.visible()) > before
