"""The generated parts of documents are what the code makes of them."""

import re

import pytest
from cogapp import Cog

from ai_batches_runner.prices.price_list import read_prices
from environments import ROOT

MARK = "[[[cog"
FILES = [
    file
    for folder in ("docs", "sources", "pipelines")
    for pattern in ("*.md", "*.yml")
    for file in (ROOT / folder).rglob(pattern)
    if MARK in file.read_text()
]


def test_there_are_documents_with_generated_parts() -> None:
    assert len(FILES) > 5


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_generated_part_is_what_the_code_makes(file: object) -> None:
    assert Cog().main(["cog", "--check", "--diff", "--verbosity=0", str(file)]) == 0, "`make docs`"


def test_the_mapping_to_focus_takes_list_costs_from_the_sources_of_the_price_list() -> None:
    query = (ROOT / "docs" / "dbt" / "focus.sql").read_text()
    (named,) = re.findall(r"price_source IN \((.*)\)", query)
    prices = read_prices(ROOT / "pipelines/ai_batches_runner/prices/prices.csv")
    assert set(re.findall("'(.*?)'", named)) == {price.source for price in prices}
