"""The generated parts of documents are what the code makes of them."""

import pytest
from cogapp import Cog

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
