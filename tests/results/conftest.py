"""Fixtures of the tests of results."""

from collections.abc import Iterator

import pytest

from file_server import FileServer


@pytest.fixture
def server() -> Iterator[FileServer]:
    """A server of result files that answers as the test tells."""
    with FileServer() as served:
        yield served
