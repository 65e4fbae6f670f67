"""Batch prices of genai-prices (MIT, Pydantic), which knows the days from which they hold."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from genai_prices.data import providers as genai_providers
from genai_prices.types import (
    ClauseEquals,
    ClauseOr,
    ModelInfo,
    ModelPrice,
    PriceVariant,
    Provider,
    StartDateConstraint,
    TieredPrices,
)
from price_rows import (
    COLUMNS,
    GENAI,
    VERSIONS,
    TLong,
    amounts,
    same_amounts,
    say,
    with_one_threshold,
)

from ai_batches_runner.prices.price_list import Price

GENAI_PROVIDERS = {
    "openai": "openai",
    "anthropic": "anthropic",
    "google": "gemini",
    "mistral": "mistral",
    "groq": "groq",
    "x-ai": "xai",
}
"""Providers of genai-prices to those of the registry."""

BATCH = {"processing": "batch"}


def from_genai(today: date) -> Iterator[Price]:
    """Prices of models of text that have a batch price, one row per span of days."""
    for provider in genai_providers:
        for model in provider.models:
            variants = [each for each in model.price_variants or () if each.when == BATCH]
            name = GENAI_PROVIDERS.get(provider.id, "")
            # Google's other models are Vertex's
            is_foreign = name == "gemini" and not model.id.startswith(("gemini", "deep-research"))
            if name and variants and not is_foreign and is_of_text(model):
                yield from spans_of(name, model, variants, today)


def is_of_text(model: ModelInfo) -> bool:
    """Whether tokens of text are all that is put out."""
    prices = [model.prices] if isinstance(model.prices, ModelPrice) else model.prices
    keys = {key for each in prices for key in getattr(each, "prices", each).__dict__}
    return not any(key.startswith("output_") and key != "output_mtok" for key in keys)


def spans_of(
    provider: str, model: ModelInfo, variants: Sequence[PriceVariant], today: date
) -> Iterator[Price]:
    """Rows of a model; days on which no variant holds have none: there the package falls back."""
    conditional = [] if isinstance(model.prices, ModelPrice) else model.prices
    constraints = [each.constraint for each in (*variants, *conditional)]
    if any(each and not isinstance(each, StartDateConstraint) for each in constraints):
        say(f"left out: {provider} {model.id} depends on the time of day")
        return
    starts = sorted({getattr(each, "start_date", date.min) for each in constraints})
    found: list[Price] = []
    for place, start in enumerate(starts):
        at = datetime.combine(max(start, date(2000, 1, 1)), time(12), UTC)
        active = [
            each for each in variants if each.constraint is None or each.constraint.active(at)
        ]
        # of the variant itself: the standard price is not the batch price
        batch, standard = model.get_prices(at, BATCH), model.get_prices(at)
        needed = [
            key for key in ("input_mtok", "output_mtok") if getattr(standard, key) is not None
        ]
        if not active or "input_mtok" not in needed or not all(has(active[0], k) for k in needed):
            continue
        end = starts[place + 1] - timedelta(days=1) if place + 1 < len(starts) else None
        price = Price(
            provider,
            model.id,
            None if start == date.min else start,
            end,
            source=GENAI,
            source_version=VERSIONS[GENAI],
            checked_on=today,
            **amounts("", *genai_amounts(batch)),
            **amounts("standard_", *genai_amounts(standard)),
        )
        price = with_one_threshold(price, genai_amounts(standard)[1] | genai_amounts(batch)[1])
        if price.output_usd_per_mtok is None:
            # an embedding has no output
            price = price._replace(output_usd_per_mtok=Decimal(0))
        if found and same_amounts(found[-1], price):
            found[-1] = found[-1]._replace(valid_to=price.valid_to)
        else:
            found.append(price)
    yield from found


def has(variant: PriceVariant, key: str) -> bool:
    """Whether a variant has a price of its own under a key."""
    return variant.prices.__dict__.get(key) is not None


def genai_amounts(prices: ModelPrice) -> tuple[dict[str, Decimal], TLong]:
    """Prices by column, and those of long contexts."""
    base: dict[str, Decimal] = {}
    long: TLong = {}
    for column, (key, _) in COLUMNS.items():
        value = getattr(prices, key)
        if isinstance(value, TieredPrices):
            base[column] = value.base
            # of several tiers, the highest: the views show the most that a batch may cost
            long[column] = (value.tiers[0].start, value.tiers[-1].price)
        elif value is not None:
            base[column] = value
    return base, long


def genai_model(provider: str, name: str) -> ModelInfo | None:
    """What genai-prices takes a name for."""
    ids = [each for each, own in GENAI_PROVIDERS.items() if own == provider]
    found = [each for each in genai_providers if each.id in ids]
    return found[0].find_model(name) if found else None


def equal_names(clause: Any) -> Iterator[str]:
    """The names that a clause is equal to; others are patterns."""
    if isinstance(clause, ClauseEquals):
        yield clause.equals
    elif isinstance(clause, ClauseOr):
        for part in clause.or_:
            yield from equal_names(part)


def genai_model_by_id(provider: str, model: str) -> ModelInfo:
    """A model that a row was made of."""
    (found,) = (each for each in genai_provider(provider).models if each.id == model)
    return found


def genai_provider(provider: str) -> Provider:
    """The provider of a row."""
    (name,) = (each for each, own in GENAI_PROVIDERS.items() if own == provider)
    (found,) = (each for each in genai_providers if each.id == name)
    return found
