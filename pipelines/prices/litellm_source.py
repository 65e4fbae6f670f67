"""The price map of litellm (MIT, BerriAI), which has no days."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from importlib.resources import files
from typing import Any

from genai_source import genai_model
from price_rows import (
    COLUMNS,
    LITELLM,
    MILLION,
    VERSIONS,
    TLong,
    TName,
    amounts,
    models_of,
    tidy,
    with_one_threshold,
)

from ai_batches_runner.prices.price_list import Price

LITELLM_PROVIDERS = {
    "openai": "openai",
    "text-completion-openai": "openai",
    "anthropic": "anthropic",
    "gemini": "gemini",
    "xai": "xai",
    "azure": "azure_openai",
    "bedrock": "bedrock",
    "bedrock_converse": "bedrock",
}
"""Providers of litellm to those of the registry; `vertex_ai...` is `vertex`. What `bedrock_mantle`
is has no list that the source reads."""

PREFIXES = ("vertex_ai/", "bedrock/", "gemini/", "azure/", "openai/", "anthropic/", "xai/")

TEXT_MODES = ("chat", "responses", "completion", "embedding")

TEntry = Mapping[str, Any]
"""What litellm says of a model."""

TMap = Mapping[TName, TEntry]


def read_litellm() -> TMap:
    """Its price map by provider of the registry and name; numbers are decimals."""
    # else it would ask the network for a newer one
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    text = files("litellm").joinpath("model_prices_and_context_window_backup.json").read_text()
    found: dict[TName, TEntry] = {}
    for key, entry in json.loads(text, parse_float=Decimal).items():
        if not isinstance(entry, dict):
            continue
        theirs = str(entry.get("litellm_provider"))
        provider = "vertex" if theirs.startswith("vertex_ai") else LITELLM_PROVIDERS.get(theirs)
        name = next((key[len(each) :] for each in PREFIXES if key.startswith(each)), key)
        if provider is None or name.startswith("claude_platform/"):
            continue
        entry = {**entry, "key": key}
        # of two entries of a name, the one that names its provider
        if (provider, name) not in found or name != key:
            found[provider, name] = entry
    return found


def per_million(value: Any) -> Decimal | None:
    """A price per token as one per million."""
    return None if value is None else tidy(Decimal(value) * MILLION)


def litellm_amounts(entry: TEntry, batch: bool) -> tuple[dict[str, Decimal], TLong]:
    """Prices by column, and those of long contexts; cached ones may be the standard ones."""
    suffix = "_batches" if batch else ""
    base: dict[str, Decimal] = {}
    long: TLong = {}
    for column, (_, key) in COLUMNS.items():
        value = per_million(entry.get(key + suffix))
        if value is None and column.startswith("cache"):
            value = per_million(entry.get(key))
        if value is not None:
            base[column] = value
        for name, given in entry.items():
            tier = re.fullmatch(rf"{key}_above_([0-9]+)k_tokens{suffix}", name)
            if tier:
                long[column] = (int(tier[1]) * 1_000, tidy(Decimal(given) * MILLION))
    return base, long


def is_priced(entry: TEntry) -> bool:
    """Whether an entry of a model of text has prices of batches."""
    has_output = entry.get("output_cost_per_token_batches") is not None
    return (
        entry.get("mode") in TEXT_MODES
        and entry.get("input_cost_per_token_batches") is not None
        and (has_output or entry["mode"] == "embedding")
    )


def from_litellm(
    raw: TMap, genai: Sequence[Price], today: date
) -> tuple[list[Price], dict[TName, str]]:
    """Prices of models that genai-prices has no batch price of, and other names of those it has."""
    rows, aliases = [], {}
    known = models_of(genai)
    for (provider, name), entry in raw.items():
        if not is_priced(entry):
            continue
        model = genai_model(provider, name)
        if model and (provider, model.id) in known:
            if model.id != name:
                aliases[provider, name] = model.id
            continue
        base, long = litellm_amounts(entry, batch=True)
        standard = litellm_amounts(entry, batch=False)
        price = Price(
            provider,
            name,
            today,
            source=LITELLM,
            source_version=VERSIONS[LITELLM],
            checked_on=today,
            **amounts("", {"output": Decimal(0), **base}, long),
            **amounts("standard_", *standard),
        )
        rows.append(with_one_threshold(price, {**standard[1], **long}))
    return rows, aliases


def standard_of(entry: TEntry) -> tuple[Decimal | None, Decimal | None]:
    """Standard prices of input and output."""
    names = ("input_cost_per_token", "output_cost_per_token")
    given, put_out = (per_million(entry.get(name)) for name in names)
    return given, put_out
