"""The price list that is shipped is what its sources say, by their own calculations, too."""

import os
import subprocess

import pytest

from ai_batches_runner.run.prices import PriceSettings, all_prices
from environments import ROOT, binary

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


def test_the_shipped_list_is_what_its_sources_say() -> None:
    days = {price.checked_on for price in all_prices(PriceSettings())}
    day = max(each for each in days if each)
    done = subprocess.run(  # noqa: S603
        [
            binary("prices"),
            str(ROOT / "pipelines" / "prices" / "make_prices.py"),
            *("--check", "--date", str(day)),
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT / "pipelines")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 new or changed, 0 gone or changed" in done.stdout
    for package in ("genai-prices", "litellm"):
        assert f"calculations of {package} agree" in done.stdout
