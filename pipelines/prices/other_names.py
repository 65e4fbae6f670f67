"""Other names of models that have a price, and names that look like one and are not."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from genai_source import equal_names, genai_model_by_id
from litellm_source import TMap, is_priced, per_million, standard_of
from price_rows import (
    TName,
    holds_on,
    models_of,
    say,
)

from ai_batches_runner.prices.price_list import Price


def genai_aliases(raw: TMap, genai: Iterable[Price], today: date) -> dict[TName, str]:
    """Further names of models; one that litellm knows at another standard price is left out."""
    found = {}
    current = {price[:2]: price for price in genai if holds_on(price, today)}
    for (provider, model), price in current.items():
        info = genai_model_by_id(provider, model)
        for name in equal_names(info.match):
            other = raw.get((provider, name), {})
            told = per_million(other.get("input_cost_per_token"))
            if told is not None and told != price.standard_input_usd_per_mtok:
                say(f"no alias: {provider} {name} is not {model} for litellm")
            elif name != model:
                found[provider, name] = model
    return found


def regional_aliases(raw: TMap, prices: Sequence[Price]) -> dict[TName, str]:
    """Bedrock's profiles of several regions that cost what the model itself does outside batches.

    One with another price, as those of Claude have it, or one that nobody knows, is not priced.
    """
    found = {}
    known = models_of(prices)
    for provider, name in raw:
        region, _, model = name.partition(".")
        is_profile = provider == "bedrock" and re.fullmatch(r"us|eu|apac|au|jp|ca|global", region)
        if is_profile and (provider, model) in known and (provider, model) in raw:
            same = standard_of(raw[provider, name]) == standard_of(raw[provider, model])
            found[provider, name] = model if same else ""
    return found


def other_models(raw: TMap, prices: Sequence[Price], today: date) -> dict[TName, str]:
    """Names with a date whose standard price is not that of the name without it: not priced."""
    found = {}
    now = {price[:2]: price for price in prices if holds_on(price, today)}
    for (provider, name), entry in raw.items():
        bare = re.sub(r"[-@]20[0-9]{2}-?[0-9]{2}-?[0-9]{2}", "", name, count=1)
        price = now.get((provider, bare))
        if name == bare or price is None or (provider, name) in now:
            continue
        standard = (price.standard_input_usd_per_mtok, price.standard_output_usd_per_mtok)
        if standard_of(entry) != standard and not is_priced(entry):
            found[provider, name] = ""
    return found


def text_of_aliases(aliases: Mapping[TName, str]) -> str:
    """The file of other names of models."""
    lines = [f"{provider},{alias},{model}" for (provider, alias), model in sorted(aliases.items())]
    say(f"{len(lines)} other names")
    return "\n".join(["provider,alias,model", *lines, ""])
