"""What is asked where an address depends on the user, and by which credentials."""

import json
import logging
from collections.abc import Callable
from functools import partial
from itertools import count

import pytest
from dlt import Pipeline
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from requests import PreparedRequest
from starlette.responses import Response

from ai_batches import (
    PROVIDERS,
    Account,
    Provider,
    SettingsError,
    provider_settings,
    providers_with_key,
)
from ai_batches.errors import AuthenticationError, RequestError
from ai_batches.http.client import BatchListClient
from ai_batches.paginators import CursorPaginator
from ai_batches.providers.authentication import EnvironmentAuth
from ai_batches.settings import missing_key
from support import KEY, Lists, batch, cursor_list, failure, load, page, select

FOUND = "token-of-the-library-0123456789"

REGIONAL = Provider(
    name="regional",
    title="Regional",
    docs="https://vendor.example/docs",
    base_url="https://{region}.vendor.example/{project}/v1",
    path="/batches",
    api_key_env="REGIONAL_API_KEY",
    auth=BearerTokenAuth,
    paginator=CursorPaginator,
    page_size=100,
    fields={"id": "id"},
    url_settings={"region": "REGIONAL_REGION", "project": "REGIONAL_PROJECT"},
)
"""A vendor that nobody has, of the kind that has an address for each customer."""


@pytest.fixture
def set_to(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets settings of the provider by environment variables."""
    monkeypatch.setenv("REGIONAL_API_KEY", KEY)

    def set_all(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"SOURCES__AI_BATCHES__REGIONAL__{name.upper()}", value)

    return set_all


def test_the_address_is_made_of_settings(
    monkeypatch: pytest.MonkeyPatch, set_to: Callable[..., None]
) -> None:
    monkeypatch.setenv("REGIONAL_PROJECT", " p1 ")
    set_to(region="eu")
    assert provider_settings(REGIONAL).base_url == "https://eu.vendor.example/p1/v1"
    set_to(base_url="http://proxy.example/api/?version=2/")
    assert provider_settings(REGIONAL).base_url == "http://proxy.example/api?version=2/"


@pytest.mark.parametrize(("given", "missing"), [({"region": "eu"}, "project"), ({}, "region")])
def test_a_missing_part_is_named(
    set_to: Callable[..., None], given: dict[str, str], missing: str
) -> None:
    set_to(**given)
    with pytest.raises(SettingsError) as caught:
        provider_settings(REGIONAL)
    assert f"`{missing}`" in str(caught.value)
    assert "[sources.ai_batches.regional]" in str(caught.value)
    assert "REGIONAL_REGION and REGIONAL_PROJECT" in str(caught.value)


@pytest.mark.parametrize("value", ["acme/eu", "a?x=1", "https://eu", "-"])
def test_a_part_that_is_no_name_is_refused(
    monkeypatch: pytest.MonkeyPatch, set_to: Callable[..., None], value: str
) -> None:
    monkeypatch.setenv("REGIONAL_PROJECT", value)
    set_to(region="eu")
    with pytest.raises(SettingsError, match="environment variable REGIONAL_PROJECT"):
        provider_settings(REGIONAL)
    set_to(project=value)
    with pytest.raises(SettingsError, match=r"sources\.ai_batches\.regional\.project"):
        provider_settings(REGIONAL)
    set_to(project="p", accounts=json.dumps({"own": {"api_key": KEY, "project": value}}))
    with pytest.raises(SettingsError, match=r"accounts\.own\.project"):
        provider_settings(REGIONAL)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("myres.openai.azure.com", "AZURE_OPENAI_ENDPOINT is not an http"),
        ("https://myres.openai.azure.com?api-version=1", "AZURE_OPENAI_ENDPOINT has a query"),
        ("https://u:p@myres.openai.azure.com", "AZURE_OPENAI_ENDPOINT holds a user name"),
    ],
)
def test_a_part_that_is_a_whole_address_has_to_be_one(
    monkeypatch: pytest.MonkeyPatch, value: str, said: str
) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", value)
    with pytest.raises(SettingsError, match=said):
        provider_settings(PROVIDERS["azure_openai"])
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://myres.openai.azure.com/ ")
    found = provider_settings(PROVIDERS["azure_openai"])
    assert found.base_url == "https://myres.openai.azure.com/openai/v1"


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("us", "https://aiplatform.us.rep.googleapis.com"),
        ("eu", "https://aiplatform.eu.rep.googleapis.com"),
        ("global", "https://aiplatform.googleapis.com"),
        ("us-central1", "https://us-central1-aiplatform.googleapis.com"),
        ("europe-west4", "https://europe-west4-aiplatform.googleapis.com"),
    ],
)
def test_a_location_of_vertex_has_its_host(
    monkeypatch: pytest.MonkeyPatch, location: str, host: str
) -> None:
    monkeypatch.setenv("GOOGLE_OAUTH_ACCESS_TOKEN", KEY)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p1")
    monkeypatch.setenv("GOOGLE_CLOUD_LOCATION", location)
    vertex = PROVIDERS["vertex"]
    here = f"{host}/v1/projects/p1/locations/{location}"
    assert provider_settings(vertex).base_url == here
    monkeypatch.setenv("GOOGLE_CLOUD_LOCATION", "asia-east1")
    monkeypatch.setenv(
        "SOURCES__AI_BATCHES__VERTEX__ACCOUNTS",
        json.dumps({"own": {"api_key": KEY, "location": location}}),
    )
    assert [account.base_url for account in provider_settings(vertex).accounts] == [here]
    monkeypatch.setenv("SOURCES__AI_BATCHES__VERTEX__BASE_URL", "http://proxy.example/v1")
    monkeypatch.delenv("SOURCES__AI_BATCHES__VERTEX__ACCOUNTS")
    assert provider_settings(vertex).base_url == "http://proxy.example/v1"


def test_a_key_may_tell_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each key of Voyage goes where it was issued, with what is meant for the vendor."""
    voyage, prefix = PROVIDERS["voyage"], "SOURCES__AI_BATCHES__VOYAGE__"
    monkeypatch.setenv(prefix + "HEADERS", '{"x-shared": "a"}')
    keys = {"old": "pa-1", "new": "al-2", "own": {"api_key": "al-3", "base_url": "http://proxy/v1"}}
    monkeypatch.setenv(prefix + "ACCOUNTS", json.dumps(keys))

    def asked() -> dict[str, tuple[str, dict[str, str]]]:
        found = provider_settings(voyage)
        assert found.base_url
        return {
            account.name: (
                account.base_url or found.base_url,
                dict(account.headers if account.base_url else found.headers),
            )
            for account in found.accounts
        }

    assert asked() == {
        "old": ("https://api.voyageai.com/v1", {"x-shared": "a"}),
        "new": ("https://ai.mongodb.com/v1", {"x-shared": "a"}),
        "own": ("http://proxy/v1", {}),
    }
    monkeypatch.setenv(prefix + "BASE_URL", "http://gateway/v1")
    assert {name: url for name, (url, _) in asked().items()} == {
        "old": "http://gateway/v1",
        "new": "http://gateway/v1",
        "own": "http://proxy/v1",
    }
    for name in ("ACCOUNTS", "BASE_URL"):
        monkeypatch.delenv(prefix + name)
    monkeypatch.setenv("VOYAGE_API_KEY", " al-4\n")
    assert asked() == {"default": ("https://ai.mongodb.com/v1", {"x-shared": "a"})}


def test_a_variable_that_products_share_comes_first_and_is_no_reason_to_ask(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gemini = PROVIDERS["gemini"]
    assert "GOOGLE_API_KEY or GEMINI_API_KEY" in str(missing_key(gemini))
    monkeypatch.setenv("GOOGLE_API_KEY", "shared")
    # it may be there for Maps
    assert providers_with_key() == []
    (account,) = provider_settings(gemini).accounts
    assert (account.api_key, account.origin) == ("shared", "environment variable GOOGLE_API_KEY")
    monkeypatch.setenv("GEMINI_API_KEY", "own")
    assert providers_with_key() == ["gemini"]
    assert [each.api_key for each in provider_settings(gemini).accounts] == ["shared"]
    monkeypatch.delenv("GOOGLE_API_KEY")
    assert [each.api_key for each in provider_settings(gemini).accounts] == ["own"]
    # no other vendor takes it
    monkeypatch.setenv("GOOGLE_API_KEY", "shared")
    monkeypatch.delenv("GEMINI_API_KEY")
    taken = {name for name, each in PROVIDERS.items() if provider_settings(each).accounts}
    assert taken == {"gemini"}


def test_a_setting_that_no_account_has_is_refused(set_to: Callable[..., None]) -> None:
    set_to(
        base_url="http://localhost:1",
        accounts='{"one": {"api_key": "secret", "base-url": "http://localhost:2"}}',
    )
    with pytest.raises(SettingsError) as caught:
        provider_settings(REGIONAL)
    assert "accounts.one.base-url is not a setting of an account" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_key_without_an_address_may_be_for_another_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GOOGLE_OAUTH_ACCESS_TOKEN", KEY)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert providers_with_key() == ["openai"]
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p")
    monkeypatch.setenv("GOOGLE_CLOUD_LOCATION", "us-east1")
    assert providers_with_key() == ["openai", "vertex"]
    monkeypatch.setenv("SOURCES__AI_BATCHES__FIREWORKS__API_KEY", KEY)
    # it was set for us: what is missing is an error
    assert providers_with_key() == ["fireworks", "openai", "vertex"]


def test_accounts_may_have_addresses_of_their_own(set_to: Callable[..., None]) -> None:
    set_to(
        region="eu",
        project="p1",
        accounts='{"shared": "k1", "other": {"api_key": "k2", "region": "us"},'
        ' "whole": {"api_key": "k3", "base_url": "http://localhost:1/v1/"}}',
    )
    found = provider_settings(REGIONAL)
    assert found.base_url == "https://eu.vendor.example/p1/v1"
    assert {account.name: account.base_url for account in found.accounts} == {
        "shared": "",
        "other": "https://us.vendor.example/p1/v1",
        "whole": "http://localhost:1/v1",
    }


def test_a_part_of_an_accounts_own_address_goes_before_the_providers_address(
    set_to: Callable[..., None],
) -> None:
    set_to(
        base_url="http://localhost:1",
        project="p1",
        accounts='{"shared": "k1", "other": {"api_key": "k2", "region": "us"}}',
    )
    found = provider_settings(REGIONAL)
    assert found.base_url == "http://localhost:1"
    assert {account.name: account.base_url for account in found.accounts} == {
        "shared": "",
        "other": "https://us.vendor.example/p1/v1",
    }


def test_each_account_is_asked_at_its_address(pipeline: Pipeline, lists: Lists) -> None:
    lists.serve("openai", cursor_list([batch(1)]))
    lists.serve("kimi", cursor_list([batch(2)]))
    accounts = (Account("here", KEY, "t"), Account("there", KEY, "t", base_url=lists.url("kimi")))
    load(pipeline, lists.settings("openai", accounts=accounts))
    found = select(pipeline, "SELECT provider, account, id FROM batches ORDER BY account")
    assert found == [("openai", "here", "batch_1"), ("openai", "there", "batch_2")]


def test_a_query_of_the_address_goes_with_each_request(pipeline: Pipeline, lists: Lists) -> None:
    lists.serve("openai", cursor_list([batch(n) for n in range(150, 0, -1)]))
    settings = lists.settings("openai", base_url=lists.url("openai") + "?api-version=2024&x=")
    assert load(pipeline, settings)["openai", "default"]["rows"] == 150
    assert [str(request.query_params) for request in lists.requests] == [
        "api-version=2024&x=&limit=100",
        "api-version=2024&x=&limit=100&after=batch_51",
    ]


def test_a_parameter_may_stand_twice_in_the_address(pipeline: Pipeline, lists: Lists) -> None:
    lists.serve("openai", page([batch(1)]))
    settings = lists.settings("openai", base_url=lists.url("openai") + "?status=a&status=b")
    load(pipeline, settings)
    assert lists.requests[0].query_params.getlist("status") == ["a", "b"]


def test_what_the_query_of_the_address_holds_is_not_told(
    lists: Lists, pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    lists.serve("openai", failure(400, {"error": f"bad key {FOUND}"}))
    settings = lists.settings("openai", base_url=lists.url("openai") + f"?key={FOUND}")
    logger = logging.getLogger("dlt")
    logger.addHandler(caplog.handler)
    level = logger.level
    logger.setLevel(logging.DEBUG)
    try:
        error = load(pipeline, settings)["openai", "default"]["error"]
    finally:
        logger.setLevel(level)
        logger.removeHandler(caplog.handler)
    assert lists.requests[0].query_params["key"] == FOUND
    for text in (str(error), repr(settings), caplog.text):
        assert FOUND[:9] not in text


def test_headers_of_the_provider_stay_with_its_own_address(
    pipeline: Pipeline, lists: Lists
) -> None:
    lists.serve("openai", cursor_list([batch(1)]))
    lists.serve("kimi", cursor_list([batch(2)]))
    accounts = (
        Account("here", KEY, "t"),
        Account("there", KEY, "t", base_url=lists.url("kimi"), headers={"x-own": "b"}),
    )
    load(pipeline, lists.settings("openai", accounts=accounts, headers={"x-shared": "a"}))
    sent = {
        request.path_params["provider"]: {name for name in request.headers if name[:2] == "x-"}
        for request in lists.requests
    }
    assert sent == {"openai": {"x-shared"}, "kimi": {"x-own"}}


def find_token() -> Callable[[PreparedRequest], None]:
    """Stands for a vendor's library."""

    def sign(request: PreparedRequest) -> None:
        request.headers["Authorization"] = f"Bearer {FOUND}"

    return sign


def find_nothing() -> Callable[[PreparedRequest], None]:
    raise RuntimeError(f"the file says {FOUND}, which is nothing")


def not_installed() -> Callable[[PreparedRequest], None]:
    raise ModuleNotFoundError("no vendors_library")


def ask(lists: Lists, find: Callable[[], Callable[[PreparedRequest], None]]) -> list[str]:
    """Reads a list whose key is set to `environment`; gives the ids."""
    from dataclasses import replace

    provider = replace(
        PROVIDERS["openai"], environment_auth=partial(EnvironmentAuth, "vendors", find)
    )
    account = Account("default", "environment", "the setting")
    client = BatchListClient(provider, lists.settings("openai")["openai"], account)
    return [row["id"] for each in client.pages() for row in each.rows]


def test_a_vendors_library_may_find_the_credentials(lists: Lists) -> None:
    lists.serve("openai", page([batch(1)]))
    assert ask(lists, find_token) == ["batch_1"]
    assert lists.requests[0].headers["authorization"] == f"Bearer {FOUND}"


def test_each_attempt_is_signed_anew(lists: Lists) -> None:
    def find() -> Callable[[PreparedRequest], None]:
        numbers = count()

        def sign(request: PreparedRequest) -> None:
            request.headers["Authorization"] = f"Signed {next(numbers)}"

        return sign

    moved = Response(status_code=302, headers={"Location": lists.url("openai") + "/batches?moved"})
    lists.serve("openai", [failure(503), moved, page([batch(1)])])
    assert ask(lists, find) == ["batch_1"]
    sent = [request.headers["authorization"] for request in lists.requests]
    assert sent == ["Signed 0", "Signed 1", "Signed 2"]


@pytest.mark.parametrize(
    ("find", "said"),
    [(find_nothing, "no usable credentials"), (not_installed, "not installed (extra `vendors`)")],
)
def test_credentials_that_are_not_found(
    lists: Lists, find: Callable[[], Callable[[PreparedRequest], None]], said: str
) -> None:
    lists.serve("openai", page([batch(1)]))
    with pytest.raises(AuthenticationError) as caught:
        ask(lists, find)
    assert said in str(caught.value)
    assert FOUND[:9] not in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert not lists.requests


def test_credentials_that_were_found_are_not_quoted(lists: Lists) -> None:
    lists.serve("openai", failure(400, {"error": f"bad token {FOUND}"}))
    with pytest.raises(RequestError) as caught:
        ask(lists, find_token)
    assert FOUND[:9] not in str(caught.value)


def test_a_provider_without_such_a_way_takes_the_word_for_a_key(
    pipeline: Pipeline, lists: Lists
) -> None:
    lists.serve("kimi", page([batch(1)]))
    load(pipeline, lists.settings("kimi", accounts=(Account("default", "environment", "t"),)))
    assert lists.requests[0].headers["authorization"] == "Bearer environment"
