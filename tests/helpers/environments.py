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
    return str(_existing(ROOT / ".venvs" / environment / "bin" / name))


def packages_of_node() -> Path:
    """The folder into which `make test-integration` installs `tests/environments/npm`.

    Skips the test if it is not there, also in CI: npm and its registry are no part of what the
    tests need.
    """
    packages = ROOT / ".venvs" / "npm" / "node_modules"
    if not packages.exists():
        pytest.skip("no npm, or no registry of its packages")
    return packages.parent


def _existing(path: Path) -> Path:
    if not path.exists():
        if os.environ.get("CI"):
            pytest.fail(f"there is no {path}; `make test-integration` makes it")
        pytest.skip(f"no {path.relative_to(ROOT)}: `make test-integration` makes it")
    return path
