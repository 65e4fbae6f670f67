"""Files of prices: what is read of them, and what is wrong with a line."""

import csv
from datetime import date
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_batches import PROVIDERS
from ai_batches_runner.prices.price_list import (
    AMOUNTS,
    Price,
    PriceFileError,
    read_prices,
    text_of,
    without_days_of,
    write_prices,
)

SHIPPED = Path(str(files("ai_batches_runner.prices")))

HEADER = "provider,model,input_usd_per_mtok,output_usd_per_mtok"


def test_the_shipped_list_is_whole_and_written_without_binary_numbers(tmp_path: Path) -> None:
    prices = read_prices(SHIPPED / "prices.csv", PROVIDERS)
    assert len(prices) > 400
    write_prices(tmp_path / "again.csv", prices)
    text = (SHIPPED / "prices.csv").read_text()
    assert (tmp_path / "again.csv").read_text() == text
    with (SHIPPED / "prices.csv").open() as opened:
        for row in csv.DictReader(opened):
            assert all(len(row[name]) < 12 for name in AMOUNTS)
            assert row["source_version"]
            assert row["checked_on"]
    for price in prices:
        given, put_out = price.input_usd_per_mtok, price.output_usd_per_mtok
        assert given is not None
        assert put_out is not None
        if price.standard_input_usd_per_mtok and price.model != "gpt-3.5-turbo-1106":
            # a batch price that is the full one would be one that is not known
            assert given < price.standard_input_usd_per_mtok
        if price.cached_input_usd_per_mtok is not None:
            assert price.cached_input_usd_per_mtok <= (price.standard_input_usd_per_mtok or given)


def test_other_names_mean_models_of_the_list() -> None:
    known = {price[:2] for price in read_prices(SHIPPED / "prices.csv")}
    lines = (SHIPPED / "aliases.csv").read_text().splitlines()
    assert lines[0] == "provider,alias,model"
    names = [tuple(line.split(",")) for line in lines[1:]]
    assert len({name[:2] for name in names}) == len(names)
    for provider, alias, model in names:
        assert (provider, alias) not in known
        assert not model or (provider, model) in known


BAD = {
    f"{HEADER}\nopenai,m,1": "line 2: 3 values for 4 columns",
    f"{HEADER}\nopenai,m,1,2\nopenai,m,,2": "line 3: `input_usd_per_mtok` is empty",
    f"{HEADER}\nopenai,m,1e-6,2": "line 2: `input_usd_per_mtok` is not a number of USD from 0 to"
    " 2000, with up to 9 decimals",
    f"{HEADER}\nopenai,m,-1,2": "line 2: `input_usd_per_mtok` is not a number",
    f"{HEADER}\nopenai,m,1,2000.1": "line 2: `output_usd_per_mtok` is not a number",
    f"{HEADER}\nopenai,m,1,NaN": "line 2: `output_usd_per_mtok` is not a number",
    f"{HEADER}\nopen-ai,m,1,2": "line 2: `open-ai` is not a provider",
    f"{HEADER}\n,m,1,2": "line 2: `provider` is empty",
    f"{HEADER}\nopenai,m,1,2\n\nopenai,m,3,4": "line 4: its days overlap with those of line 2",
    f"{HEADER},valid_from\nopenai,m,1,2,yesterday": "line 2: `valid_from` is not a date",
    f"{HEADER},valid_from,valid_to\nopenai,m,1,2,2026-02-01,2026-01-31": "line 2: `valid_to` is"
    " before `valid_from`",
    f"{HEADER},long_above_input_tokens\nopenai,m,1,2,200k": "line 2: `long_above_input_tokens` is"
    " not a whole number",
    f"{HEADER},long_input_usd_per_mtok\nopenai,m,1,2,3": "line 2: `long_input_usd_per_mtok` needs"
    " `long_above_input_tokens`",
    f"{HEADER},price\nopenai,m,1,2,3": "line 1: `price` is not a column of prices",
    f"{HEADER},model\nopenai,m,1,2,m": "line 1: a column is there twice",
    "provider,model,input_usd_per_mtok\nopenai,m,1": "line 1: the column `output_usd_per_mtok` is"
    " missing",
    "": "line 1: the column `provider` is missing",
    f'{HEADER}\nopenai,"m,1,2': "line 2: unexpected end of data",
}


@pytest.mark.parametrize("text", BAD)
def test_a_bad_line_is_named(text: str, tmp_path: Path) -> None:
    file = tmp_path / "my.csv"
    file.write_text(text)
    with pytest.raises(PriceFileError) as caught:
        read_prices(file, PROVIDERS)
    assert str(caught.value).startswith(f"{file}, {BAD[text]}")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(PriceFileError, match=r"none.csv cannot be read"):
        read_prices(tmp_path / "none.csv")
    file = tmp_path / "latin.csv"
    file.write_bytes(HEADER.encode() + b"\nopenai,\xe9,1,2")
    with pytest.raises(PriceFileError, match="is not UTF-8"):
        read_prices(file)


def test_a_file_of_a_spreadsheet_is_read(tmp_path: Path) -> None:
    file = tmp_path / "my.csv"
    file.write_bytes(b"\xef\xbb\xbf" + f"{HEADER}\r\nopenai, m ,0.10,2\r\n".encode())
    (price,) = read_prices(file, PROVIDERS)
    assert price == Price(
        "openai", "m", input_usd_per_mtok=Decimal("0.10"), output_usd_per_mtok=Decimal(2)
    )


def test_decimals_are_written_as_people_write_them() -> None:
    for text in ("0", "0.375", "10", "100", "0.000000001", "1200.5"):
        assert text_of(Decimal(text)) == text
        assert text_of(Decimal(text).quantize(Decimal("1e-9"))) == text
        assert text_of(Decimal(text).normalize()) == text
    assert text_of(None) == ""
    assert text_of(date(2026, 1, 2)) == "2026-01-02"


DAYS = st.none() | st.dates(date(2026, 1, 1), date(2026, 1, 20))


def in_order(span: tuple[date | None, date | None]) -> tuple[date | None, date | None]:
    """A span that does not end before it begins."""
    begin, end = span
    return (end, begin) if begin and end and end < begin else span


SPANS = st.tuples(DAYS, DAYS).map(in_order)


@given(SPANS, st.lists(SPANS, max_size=3))
def test_a_day_has_one_price_and_the_users_goes_first(
    span: tuple[date | None, date | None], others: list[tuple[date | None, date | None]]
) -> None:
    shipped = [Price("openai", "m", *span, source="list")]
    own: list[Price] = []
    for begin, end in others:
        new = Price("openai", "m", begin, end, source="user")
        if all(new.days[1] < each.days[0] or each.days[1] < new.days[0] for each in own):
            own.append(new)
    left = [*own, *without_days_of(shipped, own)]
    for day in [date(2025, 12, 31), *(date(2026, 1, number) for number in range(1, 22))]:
        found = {price.source for price in left if price.days[0] <= day <= price.days[1]}
        count = sum(price.days[0] <= day <= price.days[1] for price in left)
        by_user = any(price.days[0] <= day <= price.days[1] for price in own)
        by_list = shipped[0].days[0] <= day <= shipped[0].days[1]
        assert found == ({"user"} if by_user else {"list"} if by_list else set())
        assert count <= 1
