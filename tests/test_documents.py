"""What the documents say of the providers is what the registry says."""

import pytest

from provider_tables import BEGIN, ROOT, TABLES, with_table


@pytest.mark.parametrize("document", list(TABLES))
def test_what_a_document_says_of_the_providers_is_the_registry(document: str) -> None:
    text = (ROOT / document).read_text()
    assert text.count(BEGIN) == 1
    assert text == with_table(document), "run `make docs`"
