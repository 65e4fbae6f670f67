"""Virtual environments of their own, for what does not go together with the tests' own packages."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HELPERS = Path(__file__).parent


def binary(environment: str, name: str = "python") -> str:
    """A program of an environment that `make test-integration` makes of `tests/environments/*.txt`.

    Skips the test where it is not there; in CI, that is an error.
    """
    program = ROOT / ".venvs" / environment / "bin" / name
    if not program.exists():
        if os.environ.get("CI"):
            pytest.fail(f"there is no {program}; `make test-integration` makes it")
        pytest.skip(f"no environment of {environment}: `make test-integration` makes it")
    return str(program)
