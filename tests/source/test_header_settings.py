"""Headers whose values are settings, of the provider or of an account."""

from collections.abc import Callable

import pytest
from dlt import Pipeline
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from ai_batches import (
    PROVIDERS,
    SettingsError,
    ai_batches_source,
    check_accounts,
    provider_settings,
    providers_with_key,
)
from ai_batches_demo import LoopbackServer
from support import KEY, Lists, batch, cursor_list, extract, page

NAME = "watsonx"
PREFIX = f"SOURCES__AI_BATCHES__{NAME.upper()}__"
ROW = batch(1)


@pytest.fixture
def set_to(monkeypatch: pytest.MonkeyPatch, lists: Lists) -> Callable[..., None]:
    """Sets settings of the provider, whose list this machine serves."""
    monkeypatch.setenv(PREFIX + "BASE_URL", lists.url(NAME))
    monkeypatch.setenv(PREFIX + "API_KEY", KEY)
    lists.serve(NAME, page([ROW]))

    def set_all(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(PREFIX + name.upper(), value)

    return set_all


def sent(lists: Lists) -> list[dict[str, str]]:
    """Headers of the kind that a provider has as settings."""
    return [
        {name: value for name, value in request.headers.items() if name.startswith("x-ibm-")}
        for request in lists.requests
    ]


def test_each_account_sends_its_own_or_that_of_the_provider(
    pipeline: Pipeline, lists: Lists, set_to: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(PREFIX + "API_KEY")
    accounts = '{"shared": "key-1", "space": {"api_key": "key-2", "space_id": "s-2"}}'
    set_to(accounts=accounts, project_id="p-1")
    pipeline.run(ai_batches_source().with_resources(NAME))
    headers = [{"x-ibm-project-id": "p-1"}, {"x-ibm-space-id": "s-2"}]
    assert sorted(sent(lists), key=str) == headers


def test_without_any_of_them_nothing_is_asked(set_to: Callable[..., None]) -> None:
    set_to(region="eu")
    with pytest.raises(SettingsError) as caught:
        provider_settings(PROVIDERS[NAME])
    assert "it needs `project_id` or `space_id` to know whose batches to list" in str(caught.value)
    assert "WATSONX_AI_PROJECT_ID or WATSONX_AI_SPACE_ID" in str(caught.value)


def test_a_value_that_is_no_name_is_refused(set_to: Callable[..., None]) -> None:
    set_to(project_id="p-1\r\nx-other: 1")
    with pytest.raises(SettingsError, match="project_id is not a plain name"):
        provider_settings(PROVIDERS[NAME])


def test_a_key_without_them_may_be_for_another_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATSONX_AI_APIKEY", KEY)
    monkeypatch.setenv("WATSONX_AI_SERVICE_URL", "https://eu-de.ml.cloud.ibm.com")
    assert providers_with_key() == []
    monkeypatch.setenv("WATSONX_AI_PROJECT_ID", "p-1")
    assert providers_with_key() == [NAME]
    found = provider_settings(PROVIDERS[NAME])
    assert found.base_url == "https://eu-de.ml.cloud.ibm.com/ml/v1?version=2024-05-31"


@pytest.mark.parametrize("name", ["databricks", "elevenlabs", "scaleway", "bedrock_openai"])
def test_a_key_for_all_products_of_a_vendor_does_not_select_it(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    provider = PROVIDERS[name]
    for variable in provider.url_settings.values():
        monkeypatch.setenv(variable, "https://workspace.example" if "HOST" in variable else "eu-1")
    for variable in provider.key_variables:
        monkeypatch.setenv(variable, KEY)
    assert name not in providers_with_key()
    assert [account.api_key for account in provider_settings(provider).accounts] == [KEY]


def test_a_list_without_a_second_page_is_loaded_as_far_as_it_goes(
    pipeline: Pipeline, lists: Lists
) -> None:
    rows = [batch(number) for number in range(120, 0, -1)]
    lists.serve(NAME, cursor_list(rows))
    for _ in range(2):
        found, loaded = extract(pipeline, lists.settings(NAME))
        done = found[NAME, "default"]
        assert (done["error_type"], done["rows"], len(loaded)) == ("BadPageError", 100, 100)
        assert "promises more rows, which cannot be requested" in (done["error"] or "")
    assert {request.query_params["limit"] for request in lists.requests} == {"100"}
    (checked,) = check_accounts(lists.settings(NAME)).values()
    assert "`has_more` in the reply promises more rows" in checked.unusual[-1]
    # nothing says whether that is all
    lists.serve(NAME, page(rows[:100], None))
    found, _ = extract(pipeline, lists.settings(NAME))
    assert "no second" in (found[NAME, "default"]["error"] or "")
    lists.serve(NAME, page(rows[:100]))
    found, _ = extract(pipeline, lists.settings(NAME))
    assert found[NAME, "default"]["error"] is None


def test_saps_variables_get_a_token(
    pipeline: Pipeline, lists: Lists, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    async def token(request: Request) -> JSONResponse:
        asked.append(dict(await request.form()))
        return JSONResponse({"access_token": "token-of-sap-0123456789", "expires_in": 3600})

    lists.serve("sap", {"count": 0, "resources": []})
    with LoopbackServer(Starlette(routes=[Route("/oauth/token", token, methods=["POST"])])) as auth:
        for name, value in {
            "AICORE_AUTH_URL": auth.url,
            "AICORE_CLIENT_ID": "client-1",
            "AICORE_CLIENT_SECRET": KEY,
            "AICORE_BASE_URL": f"{lists.url('sap')}/v2",
            "AICORE_RESOURCE_GROUP": "default",
            "SOURCES__AI_BATCHES__SAP__API_KEY": "environment",
            "SOURCES__AI_BATCHES__SAP__BASE_URL": lists.url("sap"),
        }.items():
            monkeypatch.setenv(name, value)
        pipeline.run(ai_batches_source().with_resources("sap"))
    assert [form["grant_type"] for form in asked] == ["client_credentials"]
    (request,) = lists.requests
    assert request.headers["authorization"] == "Bearer token-of-sap-0123456789"
    assert request.headers["ai-resource-group"] == "default"


@pytest.mark.parametrize("root", ["https://api.ai.example", "https://api.ai.example/v2"])
def test_saps_address_may_have_its_version(monkeypatch: pytest.MonkeyPatch, root: str) -> None:
    values = {"BASE_URL": root, "ACCESS_TOKEN": KEY, "RESOURCE_GROUP": "default"}
    for name, value in values.items():
        monkeypatch.setenv(f"AICORE_{name}", value)
    found = provider_settings(PROVIDERS["sap"])
    assert {found.base_url, *(each.base_url or found.base_url for each in found.accounts)} == {
        "https://api.ai.example/v2"
    }
