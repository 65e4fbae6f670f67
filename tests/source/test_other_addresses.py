"""Keys that go elsewhere than to the vendor are pointed out, and nothing secret with them."""

import json
from pathlib import Path

import pytest

from ai_batches import PROVIDERS, Account, ProviderSettings, other_addresses, provider_settings
from commands import run_and_tell_all
from support import KEY, Lists, batch, page


def told(provider: str, base_url: str, own: str = "") -> list[str]:
    """What is said of an account of these addresses."""
    settings = ProviderSettings((Account("default", KEY, "the test", base_url=own),), base_url)
    return [str(each) for each in other_addresses(PROVIDERS[provider], settings)]


@pytest.mark.parametrize(
    ("provider", "address"),
    [
        ("openai", "https://api.openai.com/v1"),
        ("openai", "https://API.OpenAI.com:443/v1?project=x"),
        ("openai", "https://eu.api.openai.com/v1"),
        ("bedrock", "https://bedrock.eu-central-1.amazonaws.com"),
        ("vertex", "https://europe-west4-aiplatform.googleapis.com/v1/projects/p/locations/l"),
        ("vertex", "https://aiplatform.eu.rep.googleapis.com/v1"),
        ("voyage", "https://ai.mongodb.com/v1"),
        ("azure_openai", "https://mine.openai.azure.com/openai/v1"),
        ("mistral", "https://api.eu.mistral.ai/v1"),
        ("openrouter", "https://eu.openrouter.ai/api/v1"),
        ("xai", "https://us-east-1.api.x.ai/v1"),
        ("elevenlabs", "https://api.eu.residency.elevenlabs.io"),
        ("watsonx", "https://eu-de.ml.cloud.ibm.com/ml/v1"),
        ("sap", "https://api.ai.prod.eu-central-1.aws.ml.hana.ondemand.com/v2"),
        ("databricks", "https://adb-1.2.azuredatabricks.net/api/2.0"),
    ],
)
def test_a_vendors_own_address_is_not_worth_a_word(provider: str, address: str) -> None:
    assert told(provider, address) == []


@pytest.mark.parametrize(
    ("provider", "address", "shown"),
    [
        ("openai", "https://gateway.example/v1?key=secret-1", "https://gateway.example"),
        ("openai", "http://127.0.0.1:4000", "http://127.0.0.1:4000"),
        ("openai", "http://[::1]:80/v1", "http://[::1]:80"),
        ("openai", "http://api.openai.com/v1", "http://api.openai.com"),
        ("openai", "https://api.openai.com:8443/v1", "https://api.openai.com:8443"),
        ("openai", "https://api.openai.com.evil.example/v1", "https://api.openai.com.evil.example"),
        ("openai", "https://user:secret-1@evil.example/v1", "https://evil.example"),
        ("openai", "https://api.openai.com@evil.example/v1", "https://evil.example"),
        # where anybody may run an application
        ("sap", "https://a.cfapps.hana.ondemand.com", "https://a.cfapps.hana.ondemand.com"),
        ("bedrock", "https://bedrock.x.evil.example", "https://bedrock.x.evil.example"),
        ("bedrock", "https://bedrock.a.b.amazonaws.com", "https://bedrock.a.b.amazonaws.com"),
        (
            "azure_openai",
            "https://openai.azure.com.evil.example",
            "https://openai.azure.com.evil.example",
        ),
    ],
)
def test_another_address_is_shown_without_its_secrets(
    provider: str, address: str, shown: str
) -> None:
    line = f"{provider}, account default: asks {shown} instead of the vendor's own address"
    assert told(provider, address) == [line]
    assert told(provider, "https://api.openai.com/v1", own=address) == [line]


def test_a_server_of_ones_own_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_COMPATIBLE_API_KEY", KEY)
    monkeypatch.setenv("SOURCES__AI_BATCHES__OPENAI_COMPATIBLE__BASE_URL", "http://10.0.0.1/v1")
    provider = PROVIDERS["openai_compatible"]
    (found,) = other_addresses(provider, provider_settings(provider))
    assert str(found) == "openai_compatible, account default: asks http://10.0.0.1"


@pytest.mark.parametrize("name", [name for name, each in PROVIDERS.items() if each.base_url])
def test_no_vendors_default_is_pointed_out(name: str) -> None:
    provider = PROVIDERS[name]
    settings = dict.fromkeys(provider.url_settings, "a-1")
    if provider.base_url.startswith("{"):
        settings = dict.fromkeys(settings, f"https://a-1{provider.own_hosts[0]}")
    assert told(name, provider.base_url.format_map(settings)) == []


def test_accounts_of_one_address_are_named_together() -> None:
    accounts = [Account(name, KEY, "the test") for name in ("a", "b", "c")]
    accounts[1] = accounts[1]._replace(base_url="https://api.openai.com/v1")
    settings = ProviderSettings(tuple(accounts), "http://127.0.0.1:4000/v1")
    (found,) = other_addresses(PROVIDERS["openai"], settings)
    said = "openai, 2 accounts: ask http://127.0.0.1:4000 instead of the vendor's own address"
    assert str(found) == said
    assert found.accounts == ("a", "c")


def test_each_command_says_so_first(
    lists: Lists, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address is set by a file in the folder that the command runs in, the key is not."""
    lists.serve("openai", page([batch(1)]))
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    (tmp_path / ".dlt").mkdir()
    (tmp_path / ".dlt" / "config.toml").write_text(
        f'[sources.ai_batches.openai]\nbase_url = "{lists.url("openai")}"\n'
    )
    said = f"openai, account default: asks {lists.url('openai').removesuffix('/openai')} instead"
    for command in ("load", "check", "verify"):
        code, _, log = run_and_tell_all(command)
        assert code == 0
        assert log.startswith(said)
        assert lists.requests[-1].headers["authorization"] == f"Bearer {KEY}"
        lists.requests.clear()
    assert said not in run_and_tell_all("check", "--quiet")[2]
    printed = run_and_tell_all("check", "--log-format", "json")[1]
    assert json.loads(printed.splitlines()[0])["provider"] == "openai"
    assert said in printed
