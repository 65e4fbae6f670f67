"""What Azure OpenAI alone has: an address of each resource, two APIs, and tokens beside keys."""

import sys
import time
from collections.abc import Callable
from types import ModuleType

import pytest
from dlt import Pipeline
from starlette.requests import Request

from ai_batches import PROVIDERS, Account, SettingsError, provider_settings
from ai_batches_demo import DemoProviders, LoopbackServer, make_list
from support import KEY, Lists, TAnswer, batch, cursor_list, failure, load, page, stored

AZURE = PROVIDERS["azure_openai"]
SETTING = "SOURCES__AI_BATCHES__AZURE_OPENAI__"
TOKEN = "entra-token-0123456789-abcdef"  # noqa: S105


def azure_identity(token: Callable[[], str]) -> ModuleType:
    """A stand-in for the library, whose tokens are made here."""

    def get_bearer_token_provider(credential: str, scope: str) -> Callable[[], str]:
        assert (credential, scope) == ("found", "https://cognitiveservices.azure.com/.default")
        return token

    module = ModuleType("azure.identity")
    vars(module).update(
        DefaultAzureCredential=lambda: "found",
        get_bearer_token_provider=get_bearer_token_provider,
    )
    return module


def by_environment(lists: Lists) -> tuple[Account, ...]:
    """An account whose credentials are found in the environment."""
    return (lists.settings(AZURE.name)[AZURE.name].accounts[0]._replace(api_key="environment"),)


def test_the_vendors_own_variables_are_enough(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo = DemoProviders({AZURE.name: make_list(AZURE.name, int(time.time()), 30, 0)})
    with LoopbackServer(demo.app) as server:
        monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", f"{server.url}/{AZURE.name}/")
        monkeypatch.setenv("AZURE_OPENAI_API_KEY", demo.keys[AZURE.name])
        settings = provider_settings(AZURE)
        assert settings.base_url == f"{server.url}/{AZURE.name}/openai/v1"
        done = load(pipeline, {AZURE.name: settings})[AZURE.name, "default"]
    assert (done["error"], done["rows"]) == (None, 30)


def test_each_account_may_be_another_resource(monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = '{"west": {"api_key": "key-1", "endpoint": "https://west.openai.azure.com/"}}'
    monkeypatch.setenv(SETTING + "ACCOUNTS", accounts)
    (account,) = provider_settings(AZURE).accounts
    assert account.base_url == "https://west.openai.azure.com/openai/v1"


def test_without_an_endpoint_it_is_said_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    with pytest.raises(SettingsError, match=r"needs `endpoint`.* AZURE_OPENAI_ENDPOINT"):
        provider_settings(AZURE)


def test_the_dated_api_gets_its_version_with_each_request(
    pipeline: Pipeline, lists: Lists, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [batch(n, first_id="batch_9", last_id="batch_1") for n in range(9, 0, -1)]
    right = cursor_list(rows)

    def answer(request: Request) -> TAnswer:
        if request.query_params.get("api-version") != "2024-10-21":
            return failure(404, {"error": {"code": "404", "message": "Resource not found"}})
        return right(request)

    lists.serve(AZURE.name, answer)
    url = lists.url(AZURE.name) + "?api-version=2024-10-21"
    monkeypatch.setenv(SETTING + "BASE_URL", url)
    monkeypatch.setenv(SETTING + "PAGE_SIZE", "4")
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    settings = {AZURE.name: provider_settings(AZURE)}
    done = load(pipeline, settings)[AZURE.name, "default"]
    assert (done["error"], done["rows"], done["requests"]) == (None, 9, 3)
    asked = [dict(request.query_params) for request in lists.requests]
    assert [query.get("after") for query in asked] == [None, "batch_6", "batch_2"]
    assert all(request.headers["api-key"] == KEY for request in lists.requests)
    assert not any("authorization" in request.headers for request in lists.requests)


def test_both_ways_to_write_a_row_are_read_alike(pipeline: Pipeline, lists: Lists) -> None:
    counts = dict.fromkeys(("total", "completed", "failed"))
    lists.serve(
        AZURE.name,
        page(
            [
                batch(2, created_at="2024-07-19T17:13:57.2491382+00:00", status="Validating"),
                batch(1, created_at=1_721_409_237, status="validating", request_counts=counts),
            ]
        ),
    )
    load(pipeline, lists.settings())
    rows = stored(pipeline, AZURE.name)
    assert {row["status"] for row in rows.values()} == {"validating"}
    assert {int(row["created_at"].timestamp()) for row in rows.values()} == {1_721_409_237}
    assert rows["batch_1"]["extra"] is None


def test_a_token_is_asked_for_with_each_request(
    pipeline: Pipeline, lists: Lists, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = [f"{TOKEN}-{number}" for number in range(3)]
    left = tokens.copy()
    monkeypatch.setitem(sys.modules, "azure.identity", azure_identity(lambda: left.pop(0)))
    lists.serve(AZURE.name, cursor_list([batch(n) for n in range(6, 0, -1)]))
    settings = lists.settings(page_size=2, accounts=by_environment(lists))
    done = load(pipeline, settings)[AZURE.name, "default"]
    assert (done["error"], done["rows"]) == (None, 6)
    sent = [request.headers["authorization"] for request in lists.requests]
    assert sent == [f"Bearer {token}" for token in tokens]
    assert not any("api-key" in request.headers for request in lists.requests)


def test_a_refused_token_is_not_quoted(
    pipeline: Pipeline, lists: Lists, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "azure.identity", azure_identity(lambda: TOKEN))
    for status in (400, 401):
        lists.serve(AZURE.name, failure(status, {"error": {"message": f"bad {TOKEN[:12]}***"}}))
        settings = lists.settings(accounts=by_environment(lists))
        error = load(pipeline, settings)[AZURE.name, "default"]["error"] or ""
        assert f"HTTP {status}" in error
        assert TOKEN[:6] not in error


def test_without_credentials_it_is_said_what_is_missing(
    pipeline: Pipeline, lists: Lists, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_found() -> str:
        raise RuntimeError(f"no credential took {TOKEN}")

    lists.serve(AZURE.name, page([batch(1)]))
    settings = lists.settings(accounts=by_environment(lists))
    for library, problem in (
        (None, "the vendor's library is not installed (extra `azure`)"),
        (azure_identity(none_found), "no usable credentials were found in the environment"),
    ):
        monkeypatch.setitem(sys.modules, "azure.identity", library)
        done = load(pipeline, settings)[AZURE.name, "default"]
        assert done["error_type"] == "AuthenticationError"
        assert problem in (done["error"] or "")
        assert TOKEN[:6] not in (done["error"] or "")
    assert not lists.requests
