"""Makes the price list that the runner ships, from two packages that others keep.

`make prices` runs it in an environment of its own. It reads `genai-prices` (MIT, Pydantic), which
has days from which prices hold, and the price map of `litellm` (MIT, BerriAI), which has none: of
that one, a price counts from the day on which it was first seen here. Where both have a batch
price, they have to agree; `KNOWN` has the exceptions that somebody looked at.
"""

import argparse
import json
import os
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

# the map of the package, not one from the network
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

from genai_prices import Usage
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

from ai_batches_runner.prices import price_list
from ai_batches_runner.prices.price_list import AMOUNTS, Price, read_prices, write_prices

FOLDER = Path(price_list.__file__).parent

GENAI, LITELLM = "genai-prices", "litellm"
VERSIONS = {name: version(name) for name in (GENAI, LITELLM)}

GENAI_PROVIDERS = {
    "openai": "openai",
    "anthropic": "anthropic",
    "google": "gemini",
    "mistral": "mistral",
    "groq": "groq",
    "x-ai": "xai",
}
"""Providers of genai-prices to those of the registry."""

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

COLUMNS = {
    "input": ("input_mtok", "input_cost_per_token"),
    "cached_input": ("cache_read_mtok", "cache_read_input_token_cost"),
    "cache_write": ("cache_write_mtok", "cache_creation_input_token_cost"),
    "output": ("output_mtok", "output_cost_per_token"),
}
"""Columns, without `_usd_per_mtok`, to the keys of the two packages."""

KNOWN = {
    ("gemini", "gemini-3.5-flash-lite", "cached_input"): (Decimal("0.02"), Decimal("0.015")),
}
"""Prices on which genai-prices and litellm disagree: what each says. The list has none then."""

WITHOUT_DISCOUNT = {("openai", "gpt-3.5-turbo-1106")}
"""Models that both packages list at the standard price in batches. For any other one, that would be
a batch price that is not known."""

BATCH = {"processing": "batch"}
MILLION = 1_000_000

TName = tuple[str, str]
"""Provider and model."""

TEntry = Mapping[str, Any]
"""What litellm says of a model."""

TMap = Mapping[TName, TEntry]

TLong = dict[str, tuple[int, Decimal]]
"""Threshold and price of the tier for long contexts, by column."""


def main() -> int:
    """Writes the files, or checks them.

    Returns:
        int: 1 if the sources disagree, or a file is not as it would be written; else 0.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--date", type=date.fromisoformat, default=datetime.now(UTC).date())
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args()
    raw = read_litellm()
    genai = list(from_genai(options.date))
    litellm, aliases = from_litellm(raw, genai, options.date)
    aliases |= genai_aliases(raw, genai, options.date)
    refused = list(disagreements(raw, genai, options.date))
    for line in refused:
        say(f"DISAGREE {line}")
    if refused:
        return 1
    genai = [without_known(fill_long(price, raw)) for price in genai]
    refuse_full_prices([*genai, *litellm])
    check_genai(genai)
    check_litellm(litellm, raw)
    kept = read_prices(FOLDER / "prices.csv") if (FOLDER / "prices.csv").exists() else []
    prices = sorted(
        with_history(genai + litellm, kept, options.date),
        key=lambda price: (price.provider, price.model, price.days),
    )
    aliases |= regional_aliases(raw, prices) | other_models(raw, prices, options.date)
    print_changes(kept, prices)
    text = text_of_aliases({key: aliases[key] for key in aliases.keys() - models_of(prices)})
    file = FOLDER / "aliases.csv"
    if options.check:
        is_same = set(map(content, kept)) == set(map(content, prices)) and file.read_text() == text
        return 0 if is_same else 1
    write_prices(FOLDER / "prices.csv", prices)
    read_prices(FOLDER / "prices.csv")
    file.write_text(text, encoding="utf-8")
    return 0


def say(text: str) -> None:
    """Prints a line."""
    sys.stdout.write(f"{text}\n")


# genai-prices


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


def holds_on(price: Price, day: date) -> bool:
    """Whether a row is of a day."""
    return price.days[0] <= day <= price.days[1]


def same_amounts(one: Price, other: Price) -> bool:
    """Whether two rows have the same prices."""
    names = (*AMOUNTS, "long_above_input_tokens")
    return all(getattr(one, name) == getattr(other, name) for name in names)


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


def genai_model_by_id(provider: str, model: str) -> ModelInfo:
    """A model that a row was made of."""
    (found,) = (each for each in genai_provider(provider).models if each.id == model)
    return found


def genai_provider(provider: str) -> Provider:
    """The provider of a row."""
    (name,) = (each for each, own in GENAI_PROVIDERS.items() if own == provider)
    (found,) = (each for each in genai_providers if each.id == name)
    return found


# litellm


def read_litellm() -> TMap:
    """Its price map by provider of the registry and name; numbers are decimals."""
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


def models_of(prices: Iterable[Price]) -> set[tuple[str, str]]:
    """Providers and models that have a row."""
    return {(price.provider, price.model) for price in prices}


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


def standard_of(entry: TEntry) -> tuple[Decimal | None, Decimal | None]:
    """Standard prices of input and output."""
    names = ("input_cost_per_token", "output_cost_per_token")
    given, put_out = (per_million(entry.get(name)) for name in names)
    return given, put_out


# both


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


def with_history(new: Sequence[Price], kept: Sequence[Price], today: date) -> list[Price]:
    """Joins what is known now with prices of litellm that were seen before.

    Args:
        new (Sequence[Price]): Prices of today's packages.
        kept (Sequence[Price]): The list that is there.
        today (date): From which day on new prices of litellm hold.

    Returns:
        list[Price]: A price that did not change holds from when it was first seen; one that did
            holds until yesterday.
    """
    by_model: dict[tuple[str, str], list[Price]] = defaultdict(list)
    for price in kept:
        if price.source == LITELLM:
            by_model[price.provider, price.model].append(price)
    found = []
    for price in new:
        old = by_model[price.provider, price.model]
        if (
            price.source == LITELLM
            and old
            and same_amounts(old[-1], price)
            and not old[-1].valid_to
        ):
            price = price._replace(valid_from=old[-1].valid_from)
        found.append(price)
    yesterday = today - timedelta(days=1)
    for price in (each for old in by_model.values() for each in old):
        ended = price if price.valid_to else price._replace(valid_to=yesterday)
        if ended.days[0] <= ended.days[1]:
            found += price_list.without_days_of([ended], new_of(found, price))
    return found


def new_of(prices: Iterable[Price], price: Price) -> list[Price]:
    """The rows of the same model."""
    return [each for each in prices if each[:2] == price[:2]]


def refuse_full_prices(prices: Iterable[Price]) -> None:
    """Refuses a batch price that is the standard one."""
    for price in prices:
        own, standard = price.input_usd_per_mtok, price.standard_input_usd_per_mtok
        is_full = own is None or (standard is not None and own >= standard)
        if is_full and price[:2] not in WITHOUT_DISCOUNT:
            raise SystemExit(f"{price.provider} {price.model}: {own} is not a batch price")


# the packages' own calculations


def check_genai(prices: Iterable[Price]) -> None:
    """Compares each row with what genai-prices itself calculates, in both tiers."""
    count = 0
    for price in prices:
        at = datetime.combine(max(price.days[0], date(2000, 1, 1)), time(12), UTC)
        provider = genai_provider(price.provider)
        model = genai_model_by_id(price.provider, price.model)
        for context, prefix in ((BATCH, ""), (None, "standard_")):
            # of the others, the tier is of litellm
            for given in sizes(price, prefix) if price.source == GENAI else (1_000,):
                usage = {"input_tokens": given, "output_tokens": 77}
                if price_of(price, prefix, "cached_input", given) is not None:
                    usage["cache_read_tokens"] = 300
                if price_of(price, prefix, "cache_write", given) is not None:
                    usage["cache_write_tokens"] = 200
                told = model.calc_price(
                    Usage(**usage),
                    provider,
                    genai_request_timestamp=at,
                    price_context=context,
                ).total_price
                compare(f"{price.provider} {price.model}", told, cost(price, prefix, usage))
                count += 1
    say(f"{count} calculations of {GENAI} agree")


def check_litellm(prices: Iterable[Price], raw: TMap) -> None:
    """Compares each row with what litellm itself calculates for a batch, in both tiers."""
    from litellm.cost_calculator import batch_cost_calculator
    from litellm.types.utils import PromptTokensDetailsWrapper
    from litellm.types.utils import Usage as LitellmUsage

    count = 0
    for price in prices:
        entry = raw[price.provider, price.model]
        for given in sizes(price, ""):
            usage = {"input_tokens": given, "output_tokens": 77}
            if entry.get("cache_read_input_token_cost_batches") is not None:
                usage["cache_read_tokens"] = 300
            told = batch_cost_calculator(
                LitellmUsage(
                    prompt_tokens=given,
                    completion_tokens=77,
                    total_tokens=given + 77,
                    prompt_tokens_details=PromptTokensDetailsWrapper(
                        cached_tokens=usage.get("cache_read_tokens", 0)
                    ),
                ),
                entry["key"],
                "vertex_ai" if price.provider == "vertex" else entry["litellm_provider"],
            )
            # binary floats
            told_usd = Decimal(str(round(sum(told), 12)))
            compare(entry["key"], told_usd, cost(price, "", usage), Decimal("1e-9"))
            count += 1
    say(f"{count} calculations of {LITELLM} agree")


def sizes(price: Price, prefix: str) -> tuple[int, ...]:
    """Input tokens to calculate with: of a short request, and of a long one if it has a price."""
    has_tier = price.long_above_input_tokens is not None
    is_known = getattr(price, f"{prefix}long_input_usd_per_mtok") is not None
    return (1_000,) if has_tier and not is_known else (1_000, 3_000_000)


def compare(what: str, told: Decimal, own: Decimal, tolerance: Decimal = Decimal(0)) -> None:
    """Refuses a row that calculates otherwise than its package."""
    if abs(told - own) > tolerance:
        raise SystemExit(f"{what}: the package calculates {told} USD, the list {own}")


def price_of(price: Price, prefix: str, column: str, input_tokens: int) -> Decimal | None:
    """The price that holds for a request."""
    above = price.long_above_input_tokens
    tier = "long_" if above is not None and input_tokens > above else ""
    found: Decimal | None = getattr(price, f"{prefix}{tier}{column}_usd_per_mtok")
    return found


def cost(price: Price, prefix: str, usage: Mapping[str, int]) -> Decimal:
    """What a request costs by a row."""
    cached, written = usage.get("cache_read_tokens", 0), usage.get("cache_write_tokens", 0)
    tokens = {
        "input": usage["input_tokens"] - cached - written,
        "cached_input": cached,
        "cache_write": written,
        "output": usage["output_tokens"],
    }
    parts = (
        count * (price_of(price, prefix, column, usage["input_tokens"]) or Decimal(0))
        for column, count in tokens.items()
    )
    return sum(parts, Decimal(0)) / MILLION


# files


def content(price: Price) -> Price:
    """A row without what each run makes anew."""
    return price._replace(checked_on=None, source_version=None)


def print_changes(old: Sequence[Price], new: Sequence[Price]) -> None:
    """Prints by how much the list changed."""
    before, after = set(map(content, old)), set(map(content, new))
    for price in sorted(before - after, key=str):
        say("- " + ",".join(map(price_list.text_of, price)))
    for price in sorted(after - before, key=str) if old else ():
        say("+ " + ",".join(map(price_list.text_of, price)))
    counts = Counter(price.provider for price in new)
    say(f"{len(new)} rows: " + ", ".join(f"{name} {count}" for name, count in counts.items()))
    say(f"{len(after - before)} new or changed, {len(before - after)} gone or changed")


def text_of_aliases(aliases: Mapping[TName, str]) -> str:
    """The file of other names of models."""
    lines = [f"{provider},{alias},{model}" for (provider, alias), model in sorted(aliases.items())]
    say(f"{len(lines)} other names")
    return "\n".join(["provider,alias,model", *lines, ""])


if __name__ == "__main__":
    raise SystemExit(main())
