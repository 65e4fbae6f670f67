"""What both sources need to make rows of the price list."""

import sys
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from importlib.metadata import version
from typing import Any

from ai_batches_runner.prices import price_list
from ai_batches_runner.prices.price_list import AMOUNTS, Price

GENAI, LITELLM = "genai-prices", "litellm"

VERSIONS = {name: version(name) for name in (GENAI, LITELLM)}

COLUMNS = {
    "input": ("input_mtok", "input_cost_per_token"),
    "cached_input": ("cache_read_mtok", "cache_read_input_token_cost"),
    "cache_write": ("cache_write_mtok", "cache_creation_input_token_cost"),
    "output": ("output_mtok", "output_cost_per_token"),
}
"""Columns, without `_usd_per_mtok`, to the keys of the two packages."""

TName = tuple[str, str]
"""Provider and model."""

TLong = dict[str, tuple[int, Decimal]]
"""Threshold and price of the tier for long contexts, by column."""

MILLION = 1_000_000


def say(text: str) -> None:
    """Prints a line."""
    sys.stdout.write(f"{text}\n")


def amounts(prefix: str, base: Mapping[str, Decimal], long: TLong) -> dict[str, Any]:
    """Values by column of the list; a price without a tier holds for long contexts, too."""
    found = {f"{prefix}{name}_usd_per_mtok": tidy(value) for name, value in base.items()}
    if long:
        found |= {
            f"{prefix}long_{name}_usd_per_mtok": tidy(long[name][1] if name in long else value)
            for name, value in base.items()
        }
    return found


def with_one_threshold(price: Price, long: TLong) -> Price:
    """Sets where the tier begins; one without a batch price is one whose price is not known."""
    thresholds = {start for start, _ in long.values()}
    return price._replace(long_above_input_tokens=min(thresholds)) if thresholds else price


def tidy(value: Decimal) -> Decimal:
    """A price with nine decimals at most; more would be a binary float's."""
    rounded = value.quantize(Decimal("1e-9"))
    if abs(rounded - value) > Decimal("1e-11"):
        raise SystemExit(f"{value} has more than nine decimals")
    return Decimal(price_list.text_of(rounded))


def same_amounts(one: Price, other: Price) -> bool:
    """Whether two rows have the same prices."""
    names = (*AMOUNTS, "long_above_input_tokens")
    return all(getattr(one, name) == getattr(other, name) for name in names)


def holds_on(price: Price, day: date) -> bool:
    """Whether a row is of a day."""
    return price.days[0] <= day <= price.days[1]


def models_of(prices: Iterable[Price]) -> set[tuple[str, str]]:
    """Providers and models that have a row."""
    return {(price.provider, price.model) for price in prices}
