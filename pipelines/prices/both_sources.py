"""The two sources beside each other: where they disagree, and what one has of the other."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from genai_source import genai_model
from litellm_source import TEntry, TMap, is_priced, litellm_amounts
from price_rows import COLUMNS, GENAI, LITELLM, VERSIONS, amounts, holds_on, say, with_one_threshold

from ai_batches_runner.prices.price_list import Price

KNOWN = {
    ("gemini", "gemini-3.5-flash-lite", "cached_input"): (Decimal("0.02"), Decimal("0.015")),
}
"""Prices on which genai-prices and litellm disagree: what each says. The list has none then."""

WITHOUT_DISCOUNT = {("openai", "gpt-3.5-turbo-1106")}
"""Models that both packages list at the standard price in batches. For any other one, that would be
a batch price that is not known."""


def matched(raw: TMap, price: Price) -> Iterator[TEntry]:
    """Entries of litellm that genai-prices takes for the model of a row."""
    for (provider, name), entry in raw.items():
        if provider == price.provider and is_priced(entry):
            model = genai_model(provider, name)
            if model and model.id == price.model:
                yield entry


def disagreements(raw: TMap, genai: Iterable[Price], today: date) -> Iterator[str]:
    """Batch prices of today that the two packages do not agree on."""
    agreed: Counter[str] = Counter()
    for price in genai:
        if not holds_on(price, today):
            continue
        for entry in matched(raw, price):
            base, long = litellm_amounts(entry, batch=True)
            for column, (_, key) in COLUMNS.items():
                # one that was taken from the standard prices is not their batch price
                told = base.get(column) if entry.get(f"{key}_batches") is not None else None
                own = getattr(price, f"{column}_usd_per_mtok")
                if told is None or own is None:
                    continue
                agreed[column] += told == own
                if told != own and KNOWN.get((price.provider, price.model, column)) != (own, told):
                    yield f"{entry['key']} {column}: {GENAI} {own}, {LITELLM} {told}"
            for column, (_, told) in long.items():
                own = getattr(price, f"long_{column}_usd_per_mtok")
                if own is not None:
                    agreed[f"long_{column}"] += told == own
                if own not in (None, told):
                    yield f"{entry['key']} long {column}: {GENAI} {own}, {LITELLM} {told}"
    say("agreed: " + ", ".join(f"{name} {count}" for name, count in agreed.items()))


def fill_long(price: Price, raw: TMap) -> Price:
    """Takes the tier for long contexts from litellm if genai-prices has none."""
    if price.long_input_usd_per_mtok is not None:
        return price
    for entry in matched(raw, price):
        base, long = litellm_amounts(entry, batch=True)
        if {"input", "output"} <= long.keys() and base["input"] == price.input_usd_per_mtok:
            standard = litellm_amounts(entry, batch=False)
            own = {
                name: getattr(price, f"{name}_usd_per_mtok")
                for name in COLUMNS
                if getattr(price, f"{name}_usd_per_mtok") is not None
            }
            filled = price._replace(
                source=f"{GENAI}, {LITELLM}",
                source_version=f"{VERSIONS[GENAI]}, {VERSIONS[LITELLM]}",
                **amounts("", own, long),
                **amounts("standard_", *standard),
            )
            return with_one_threshold(filled, long)
    return price


def without_known(price: Price) -> Price:
    """Leaves out what is not agreed on."""
    for provider, model, column in KNOWN:
        if (provider, model) == (price.provider, price.model):
            nothing: dict[str, Any] = {f"{column}_usd_per_mtok": None}
            price = price._replace(**nothing)
    return price


def refuse_full_prices(prices: Iterable[Price]) -> None:
    """Refuses a batch price that is the standard one."""
    for price in prices:
        own, standard = price.input_usd_per_mtok, price.standard_input_usd_per_mtok
        is_full = own is None or (standard is not None and own >= standard)
        if is_full and price[:2] not in WITHOUT_DISCOUNT:
            raise SystemExit(f"{price.provider} {price.model}: {own} is not a batch price")
