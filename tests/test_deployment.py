"""What runs elsewhere is pinned and bounded: actions, image, service, dependencies."""

import json
import re
import tomllib

import pytest
from packaging.requirements import Requirement

from environments import ROOT

DEPLOY = ROOT / "pipelines" / "deploy"
WORKFLOWS = [*DEPLOY.rglob("*.yml"), *(ROOT / ".github").rglob("*.yml")]
DOCKERFILE = (DEPLOY / "docker" / "Dockerfile").read_text()


BY_VERSION = "uses: pypa/gh-action-pypi-publish@v1.14.0"
"""Whose commit could not be looked up."""


def test_actions_are_pinned_by_commit() -> None:
    """A tag may be moved; the version stands beside the commit."""
    used = [line for file in WORKFLOWS for line in re.findall("uses:.*", file.read_text())]
    assert used
    for line in used:
        if line == BY_VERSION:
            continue
        assert re.fullmatch(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def test_the_image_is_pinned_by_digest_and_its_command_gets_the_signal() -> None:
    bases = re.findall("^FROM (.*?)(?: AS .*)?$", DOCKERFILE, re.MULTILINE)
    assert bases == ["${PYTHON}"] * 2
    assert re.search(
        r"^ARG PYTHON=python:3\.[\d.]+-slim-\w+@sha256:[0-9a-f]{64}$", DOCKERFILE, re.M
    )
    # a shell in between would keep it
    (command,) = re.findall("^ENTRYPOINT (.*)$", DOCKERFILE, re.MULTILINE)
    assert json.loads(command) == ["/venv/bin/ai-batches"]
    assert re.findall("^STOPSIGNAL (.*)$", DOCKERFILE, re.MULTILINE) == ["SIGTERM"]


def test_the_service_has_bounds() -> None:
    unit = (DEPLOY / "systemd" / "ai-batches.service").read_text()
    assert re.search(r"^MemoryMax=\d+[MG]$", unit, re.MULTILINE)
    assert re.search(r"^TimeoutStartSec=\d", unit, re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("duckdb", "1.4.2"),
        ("filelock", "3.20.3"),
        ("h11", "0.16.0"),
        ("jinja2", "3.1.6"),
        ("marimo", "0.23.0"),
        ("orjson", "3.11.6"),
        ("pyarrow", "23.0.1"),
        ("pymysql", "1.1.1"),
        ("python-json-logger", "3.3.0"),
        ("requests", "2.33.0"),
        ("setuptools", "78.1.1"),
        ("starlette", "1.3.1"),
        ("urllib3", "2.7.0"),
    ],
)
def test_no_version_with_a_published_advisory_is_allowed(name: str, safe: str) -> None:
    """`safe` is the first version that the advisories named in pyproject.toml do not list."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project = settings["project"]
    texts = [*settings["build-system"]["requires"], *project["dependencies"]]
    texts += [each for extra in project["optional-dependencies"].values() for each in extra]
    found = [each.specifier for each in map(Requirement, texts) if each.name == name]
    bounds = [set(map(str, specifiers)) for specifiers in found if specifiers]
    assert bounds
    for bound in bounds:
        least = [_parts(each[2:]) for each in bound if each.startswith(">=")]
        assert least >= [_parts(safe)]


def _parts(version: str) -> list[int]:
    return [int(part) for part in (version + ".0.0").split(".")[:3]]
