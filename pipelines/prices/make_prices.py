"""Makes the price list that the runner ships, from two packages that others keep.

`make prices` runs it in an environment of its own. It reads `genai-prices` (MIT, Pydantic), which
has days from which prices hold, and the price map of `litellm` (MIT, BerriAI), which has none: of
that one, a price counts from the day on which it was first seen here. Where both have a batch
price, they have to agree; `KNOWN` in `both_sources.py` has the exceptions that somebody looked at.
"""

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from both_sources import (
    disagreements,
    fill_long,
    refuse_full_prices,
    without_known,
)
from calculations import check_genai, check_litellm
from genai_source import (
    from_genai,
)
from litellm_source import (
    from_litellm,
    read_litellm,
)
from other_names import genai_aliases, other_models, regional_aliases, text_of_aliases
from price_rows import (
    LITELLM,
    models_of,
    same_amounts,
    say,
)

from ai_batches_runner.prices import price_list
from ai_batches_runner.prices.price_list import Price, read_prices, write_prices

FOLDER = Path(price_list.__file__).parent


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


if __name__ == "__main__":
    raise SystemExit(main())
