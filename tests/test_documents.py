"""What the documents say of the providers is what the registry says."""

import pytest

from provider_tables import BEGIN, END, ROOT, TABLES, with_table


@pytest.mark.parametrize("document", list(TABLES))
def test_the_table_of_providers_is_the_registry(document: str) -> None:
    text = (ROOT / document).read_text()
    assert text.count(BEGIN) == text.count(END) == 1
    assert text == with_table(document), "run `make docs`"
