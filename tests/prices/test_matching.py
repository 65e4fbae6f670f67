"""Names of models in `batches`, and whose prices they have."""

import pytest

from ai_batches_runner.prices.matching import Match, Names, match
from ai_batches_runner.run.prices import PriceSettings, all_prices, priced_models

CLAUDE = "anthropic.claude-sonnet-4-5-20250929-v1:0"

CASES: list[tuple[str, str, str | None, str]] = [
    ("openai", "gpt-5", "gpt-5", "exact"),
    ("openai", "gpt-5-2025-08-07", "gpt-5", "alias"),
    ("openai", "gpt-6-sol-2026-09-01", "gpt-6-sol", "dated"),
    ("openai", "gpt-5-20250807", "gpt-5", "dated"),
    ("openai", "ft:gpt-4o-mini-2024-07-18:acme::abc", "ft:gpt-4o-mini", "alias"),
    ("openai", "gpt-5-2025-13-40", None, "none"),
    ("openai", "gpt-5-foo", None, "none"),
    ("openai", "gpt", None, "none"),
    ("openai", "GPT-5", None, "none"),
    # names of other prices that begin alike
    ("openai", "gpt-5-mini-high", None, "none"),
    ("anthropic", "claude-opus-4-6", "claude-opus-4-6", "exact"),
    ("anthropic", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5", "alias"),
    ("anthropic", "claude-opus-4-6-20260301", "claude-opus-4-6", "dated"),
    ("gemini", "models/gemini-3.6-flash", "gemini-3.6-flash", "alias"),
    ("gemini", "gemini-3.6-flash", "gemini-3.6-flash", "exact"),
    ("gemini", "tunedModels/gemini-3.6-flash", None, "none"),
    ("vertex", "publishers/google/models/gemini-3.6-flash", "gemini-3.6-flash", "alias"),
    (
        "vertex",
        "projects/p/locations/us-central1/publishers/google/models/gemini-3.6-flash",
        "gemini-3.6-flash",
        "alias",
    ),
    (
        "vertex",
        "publishers/anthropic/models/claude-sonnet-4-5@20250929",
        "claude-sonnet-4-5@20250929",
        "alias",
    ),
    (
        "vertex",
        "publishers/deepseek-ai/models/deepseek-v3.2-maas",
        "deepseek-ai/deepseek-v3.2-maas",
        "alias",
    ),
    ("vertex", "projects/p/locations/l/models/123", None, "none"),
    ("bedrock", CLAUDE, CLAUDE, "exact"),
    ("bedrock", f"us.{CLAUDE}", f"us.{CLAUDE}", "exact"),
    ("bedrock", f"arn:aws:bedrock:eu-west-1::foundation-model/{CLAUDE}", CLAUDE, "alias"),
    (
        "bedrock",
        f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.{CLAUDE}",
        f"us.{CLAUDE}",
        "alias",
    ),
    # a profile of a region that the list does not know may cost more
    ("bedrock", f"sa.{CLAUDE}", None, "none"),
    ("bedrock", f"arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/{CLAUDE}", None, "none"),
    (
        "bedrock",
        "arn:aws:bedrock:ap-south-1::foundation-model/deepseek.v3.2",
        "ap-south-1/deepseek.v3.2",
        "alias",
    ),
    # what it costs depends on the region
    ("bedrock", "deepseek.v3.2", None, "none"),
    ("bedrock", "arn:aws:bedrock:eu-south-1::foundation-model/deepseek.v3.2", None, "none"),
    ("bedrock", "arn:aws:bedrock:us-east-1:1:application-inference-profile/x", None, "none"),
    # the name of a deployment says nothing
    ("azure_openai", "gpt-5", None, "none"),
    ("groq", "openai/gpt-oss-120b", "openai/gpt-oss-120b", "exact"),
    ("mistral", "mistral-small-2603", "mistral-small-2603", "exact"),
    ("kimi", "kimi-k2", None, "none"),
    ("bland", "", None, "none"),
]


@pytest.mark.parametrize(("provider", "model", "priced", "how"), CASES)
def test_names_of_the_shipped_list(provider: str, model: str, priced: str | None, how: str) -> None:
    settings = PriceSettings()
    (row,) = priced_models([(provider, model)], all_prices(settings), settings)
    assert row == (provider, model, provider if priced else None, priced, how)


def test_a_gateway_has_the_prices_of_its_vendor() -> None:
    settings = PriceSettings()
    (row,) = priced_models([("respan", "gpt-5")], all_prices(settings), settings)
    assert row == ("respan", "gpt-5", "openai", "gpt-5", "exact")


def test_what_the_user_says_goes_first() -> None:
    names = Names({"a", "b", "c"}, {"d": "c", "e": ""}, own={"b"}, settings={"a": "b", "x": "y"})
    assert match("openai", "a", names) == Match("b", "user")
    assert match("openai", "b", names) == Match("b", "user")
    assert match("openai", "b-2026-01-02", names) == Match("b", "user")
    assert match("openai", "c", names) == Match("c", "exact")
    assert match("openai", "d", names) == Match("c", "alias")
    assert match("openai", "d-20260102", names) == Match("c", "dated")
    # known to be another model than one that looks alike
    assert match("openai", "e", names) == Match(None, "none")
    assert match("azure_openai", "x", names) == Match("y", "user")
    assert match("azure_openai", "c", names) == Match(None, "none")
