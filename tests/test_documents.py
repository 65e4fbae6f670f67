"""What the documents say of the providers and of the tables is what the code says."""

import re

import pytest

import dbt_sources
from ai_batches_runner.prices.price_list import read_prices
from provider_tables import BEGIN, ROOT, TABLES, with_table


@pytest.mark.parametrize("document", list(TABLES))
def test_what_a_document_says_of_the_providers_is_the_registry(document: str) -> None:
    text = (ROOT / document).read_text()
    assert text.count(BEGIN) == 1
    assert text == with_table(document), "run `make docs`"


def test_the_sources_of_dbt_are_the_tables_and_views() -> None:
    assert dbt_sources.FILE.read_text() == dbt_sources.sources(), "run `make docs`"


def test_the_mapping_to_focus_takes_list_costs_from_the_sources_of_the_price_list() -> None:
    query = (ROOT / "docs" / "dbt" / "focus.sql").read_text()
    (named,) = re.findall(r"price_source IN \((.*)\)", query)
    prices = read_prices(ROOT / "pipelines/ai_batches_runner/prices/prices.csv")
    assert set(re.findall("'(.*?)'", named)) == {price.source for price in prices}
