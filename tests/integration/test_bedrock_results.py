"""Sums of Amazon Bedrock's jobs: read of their manifests with AWS's own client."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from ai_batches_demo import DemoProviders, LoopbackServer, make_list
from ai_batches_demo.batches import BatchList
from ai_batches_demo.results import MEAN_TOKENS
from commands import table
from environments import binary

pytestmark = pytest.mark.integration

FILE = "ai_batches.duckdb"
SECRET = "secret-of-aws-0123456789"  # noqa: S105
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIA0123456789",
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_SHARED_CREDENTIALS_FILE": "none",
    "AWS_CONFIG_FILE": "none",
}


def load(folder: Path, *arguments: str, **variables: str) -> tuple[int, str]:
    """Runs the command where AWS's client is installed; returns exit code and all it printed."""
    done = subprocess.run(  # noqa: S603
        [binary("clouds", "ai-batches"), "load", *arguments],
        env={**os.environ, **ENVIRONMENT, **variables},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
    )
    return done.returncode, done.stdout + done.stderr


def test_sums_of_jobs_are_those_of_their_manifests(tmp_path: Path) -> None:
    batches = make_list("bedrock", int(time.time()), 30, 0)
    providers = DemoProviders({"bedrock": batches})
    prefix = "SOURCES__AI_BATCHES__BEDROCK__"
    with LoopbackServer(providers.app) as server:
        variables = {
            prefix + "API_KEY": providers.keys["bedrock"],
            prefix + "BASE_URL": providers.base_urls(server)["bedrock"],
            prefix + "RESULTS": "totals",
            "AWS_ENDPOINT_URL_S3": f"{server.url}/bedrock-storage",
        }
        code, printed = load(tmp_path, **variables)
        assert code == 0, printed
        assert SECRET not in printed
        providers.file_requests.clear()
        code, printed = load(tmp_path, "--results", **variables)
        assert code == 0, printed
        assert not providers.file_requests
    usage = table(
        tmp_path / FILE,
        "SELECT split_part(batch_id, '/', 2), outcome, requests, input_tokens, output_tokens"
        " FROM ai_batches_dataset.batch_usage",
    )
    assert set(usage) == expected(batches)
    files = table(
        tmp_path / FILE, "SELECT DISTINCT kind, outcome FROM ai_batches_dataset.batch_files"
    )
    assert files == [("manifest", "loaded")]


def expected(batches: BatchList) -> set[tuple[object, ...]]:
    """Sums of the jobs that have ended and were not refused as a whole."""
    found: set[tuple[object, ...]] = set()
    now = batches.clock
    for batch in batches.visible():
        if batch.is_ended(now) and batch.status(now) != "failed":
            done, failed, name = batch.done(now), batch.failed(now), batch.id[-12:]
            tokens = MEAN_TOKENS.input * done, MEAN_TOKENS.output * done
            found.add((name, "succeeded", done, *tokens))
            if failed:
                found.add((name, "failed", failed, None, None))
    return found
