"""Each row of the price list against the calculation of the package that it is from."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal

from genai_prices import Usage
from genai_source import BATCH, genai_model_by_id, genai_provider
from litellm_source import TMap
from price_rows import GENAI, LITELLM, MILLION, say

from ai_batches_runner.prices.price_list import Price


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
