"""Lists of prices in files: read, checked and written; needs nothing but Python's own modules.

Prices are in USD per million tokens. A day counts as of UTC, the last one included.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

HIGHEST = 2_000
"""USD per million tokens that a price may be at most: the views calculate in 64 bits."""


class PriceFileError(ValueError):
    """A file of prices that cannot be used; the text names the file and the line."""


class Price(NamedTuple):
    """What a model costs in batches of a span of days, and outside of batches."""

    provider: str
    model: str
    valid_from: date | None = None
    valid_to: date | None = None
    input_usd_per_mtok: Decimal | None = None
    cached_input_usd_per_mtok: Decimal | None = None
    cache_write_usd_per_mtok: Decimal | None = None
    output_usd_per_mtok: Decimal | None = None
    long_above_input_tokens: int | None = None
    """Input tokens of one request above which it is a long one. If long prices are empty, what long
    ones cost is not known."""
    long_input_usd_per_mtok: Decimal | None = None
    long_cached_input_usd_per_mtok: Decimal | None = None
    long_cache_write_usd_per_mtok: Decimal | None = None
    long_output_usd_per_mtok: Decimal | None = None
    source: str | None = None
    source_version: str | None = None
    checked_on: date | None = None
    standard_input_usd_per_mtok: Decimal | None = None
    standard_cached_input_usd_per_mtok: Decimal | None = None
    standard_cache_write_usd_per_mtok: Decimal | None = None
    standard_output_usd_per_mtok: Decimal | None = None
    standard_long_input_usd_per_mtok: Decimal | None = None
    standard_long_cached_input_usd_per_mtok: Decimal | None = None
    standard_long_cache_write_usd_per_mtok: Decimal | None = None
    standard_long_output_usd_per_mtok: Decimal | None = None

    @property
    def days(self) -> tuple[date, date]:
        """The first and the last day on which it holds."""
        return self.valid_from or date.min, self.valid_to or date.max


REQUIRED = ("provider", "model", "input_usd_per_mtok", "output_usd_per_mtok")
"""Columns that a file has to have, with a value in each line."""

AMOUNTS = tuple(name for name in Price._fields if name.endswith("_usd_per_mtok"))
"""Columns of prices."""

_DATES = ("valid_from", "valid_to", "checked_on")
_AMOUNT = re.compile(r"[0-9]{1,4}(\.[0-9]{1,9})?")
_LONG = "long_above_input_tokens"


def read_prices(file: Path, providers: Collection[str] = ()) -> list[Price]:
    """Reads and checks a file.

    Args:
        file (Path): CSV in UTF-8, with the names of `Price` as its first line; those that are not
            in `REQUIRED` may be left out.
        providers (Collection[str]): Names that may stand in the column `provider`; empty: any.

    Returns:
        list[Price]: The prices, in the order of the file.

    Raises:
        PriceFileError: If the file cannot be read, or a line cannot be used.
    """
    lines: dict[tuple[str, str], dict[int, Price]] = defaultdict(dict)
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.reader(opened, strict=True)
            names = next(reader, [])
            if problem := _problem_of_header(names):
                raise PriceFileError(f"{file}, line 1: {problem}")
            for cells in reader:
                if not cells:
                    continue
                try:
                    price = _price(names, cells, providers)
                    same_model = lines[price.provider, price.model]
                    _refuse_overlap(price, same_model)
                except ValueError as ex:
                    raise PriceFileError(f"{file}, line {reader.line_num}: {ex}") from None
                same_model[reader.line_num] = price
    except OSError as ex:
        raise PriceFileError(f"{file} cannot be read ({ex.strerror})") from ex
    except UnicodeDecodeError:
        raise PriceFileError(f"{file} is not UTF-8") from None
    except csv.Error as ex:
        raise PriceFileError(f"{file}, line {reader.line_num}: {ex}") from None
    placed = {line: price for found in lines.values() for line, price in found.items()}
    return [placed[line] for line in sorted(placed)]


def write_prices(file: Path, prices: Iterable[Price]) -> None:
    """Writes a file that `read_prices` reads back.

    Args:
        file (Path): Is replaced.
        prices (Iterable[Price]): In the order in which they are to be.
    """
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(Price._fields)
        writer.writerows([text_of(value) for value in price] for price in prices)


def text_of(value: Any) -> str:
    """A value as a file has it: decimals without exponent and without zeros at their end."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return str(value)


def without_days_of(prices: Iterable[Price], preferred: Sequence[Price]) -> list[Price]:
    """Takes away days on which other prices of the same model hold.

    Args:
        prices (Iterable[Price]): Prices to take days from.
        preferred (Sequence[Price]): The other ones; their spans of days do not overlap.

    Returns:
        list[Price]: What is left: a price may be gone, shorter, or in several parts.
    """
    by_model: dict[tuple[str, str], list[Price]] = defaultdict(list)
    for price in preferred:
        by_model[price.provider, price.model].append(price)
    left = []
    for price in prices:
        parts = [price]
        for other in by_model[price.provider, price.model]:
            parts = [rest for part in parts for rest in _around(part, *other.days)]
        left += parts
    return left


def _around(price: Price, first: date, last: date) -> list[Price]:
    """The parts of a price before and after a span of days."""
    begin, end = price.days
    if last < begin or first > end:
        return [price]
    parts = []
    if begin < first:
        parts.append(price._replace(valid_to=first - timedelta(days=1)))
    if end > last:
        parts.append(price._replace(valid_from=last + timedelta(days=1)))
    return parts


def _problem_of_header(names: Sequence[str]) -> str:
    if missing := [name for name in REQUIRED if name not in names]:
        return f"the column `{missing[0]}` is missing"
    if unknown := [name for name in names if name not in Price._fields]:
        return f"`{unknown[0]}` is not a column of prices"
    return "a column is there twice" if len(set(names)) < len(names) else ""


def _price(names: Sequence[str], cells: Sequence[str], providers: Collection[str]) -> Price:
    if len(cells) != len(names):
        raise ValueError(f"{len(cells)} values for {len(names)} columns")
    found = {name: _value(name, cell.strip()) for name, cell in zip(names, cells, strict=True)}
    for name in REQUIRED:
        if found[name] is None:
            raise ValueError(f"`{name}` is empty")
    if providers and found["provider"] not in providers:
        raise ValueError(f"`{found['provider']}` is not a provider")
    price = Price(**found)
    if price.days[0] > price.days[1]:
        raise ValueError("`valid_to` is before `valid_from`")
    if price.long_above_input_tokens is None:
        given = [name for name in AMOUNTS if "long_" in name and getattr(price, name) is not None]
        if given:
            raise ValueError(f"`{given[0]}` needs `{_LONG}`")
    return price


def _value(name: str, cell: str) -> Any:
    if not cell:
        return None
    if name in AMOUNTS:
        if not _AMOUNT.fullmatch(cell) or Decimal(cell) > HIGHEST:
            raise ValueError(
                f"`{name}` is not a number of USD from 0 to {HIGHEST}, with up to 9 decimals"
            )
        return Decimal(cell)
    if name in _DATES:
        try:
            return date.fromisoformat(cell)
        except ValueError:
            raise ValueError(f"`{name}` is not a date such as 2026-10-14") from None
    if name == _LONG:
        if not re.fullmatch(r"[0-9]{1,12}", cell):
            raise ValueError(f"`{name}` is not a whole number")
        return int(cell)
    return cell


def _refuse_overlap(price: Price, others: Mapping[int, Price]) -> None:
    """Refuses a price of days on which another price of the same model holds."""
    for line, other in others.items():
        if other.days[0] <= price.days[1] and price.days[0] <= other.days[1]:
            raise ValueError(f"its days overlap with those of line {line}")
