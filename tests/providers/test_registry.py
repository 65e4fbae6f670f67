"""The registry takes what the modules of its folder declare."""

import sys
from pathlib import Path

import pytest

import ai_batches.providers
from ai_batches import PROVIDERS
from ai_batches_demo import VENDORS

COPY = """
from dataclasses import replace

from .openai import OPENAI

ACME = replace(OPENAI, title="Acme")
"""


def test_each_file_of_a_provider_declares_one() -> None:
    assert list(PROVIDERS) == sorted(PROVIDERS) == list(VENDORS)


def test_a_copy_that_kept_its_name_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "zz_acme.py").write_text(COPY)
    package = ai_batches.providers
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    monkeypatch.setitem(sys.modules, "ai_batches.providers.zz_acme", None)  # taken back afterwards
    del sys.modules["ai_batches.providers.zz_acme"]
    with pytest.raises(ValueError, match=r"zz_acme.py declares `openai`, which exists already"):
        package._declared()
