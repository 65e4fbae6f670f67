"""What documents say of the code is true: generated parts, commands, sources of prices."""

import re
import shlex

import pytest
from cogapp import Cog

from ai_batches_runner.cli.commands import cli
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

FOLDERS = ("", "docs/", "sources/**/", "pipelines/**/", "benchmarks/", "benchmarks/lakehouse/")
COMMANDS = {
    line.strip()
    for folder in FOLDERS
    for file in ROOT.glob(f"{folder}*.md")
    # up to the end of the code, a comment, or what the shell does with the command
    for line in re.findall(r"\bai-batches +([a-z-][^`#|>&)\n]+)", file.read_text())
    # usage, in which brackets enclose what may be left out
    if "[" not in line
}


def test_there_are_documents_with_generated_parts() -> None:
    assert len(FILES) > 5


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_generated_part_is_what_the_code_makes(file: object) -> None:
    assert Cog().main(["cog", "--check", "--diff", "--verbosity=0", str(file)]) == 0, "`make docs`"


def test_there_are_documented_commands() -> None:
    assert len(COMMANDS) > 20


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_a_documented_command_is_accepted(command: str) -> None:
    # the vendor that a page adds is not there
    name, *arguments = shlex.split(command.replace(" acme", " openai"))
    if name == "--version":
        return
    subcommand = cli.commands[name]
    # a name alone may be a mention
    if arguments:
        subcommand.make_context(name, arguments)


def test_the_mapping_to_focus_takes_list_costs_from_the_sources_of_the_price_list() -> None:
    query = (ROOT / "docs" / "dbt" / "focus.sql").read_text()
    (named,) = re.findall(r"price_source IN \((.*)\)", query)
    prices = read_prices(ROOT / "pipelines/ai_batches_runner/prices/prices.csv")
    assert set(re.findall("'(.*?)'", named)) == {price.source for price in prices}
