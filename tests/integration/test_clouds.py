"""Credentials of clouds: their own libraries sign what is sent, and a server checks it."""

import hashlib
import hmac
import json
import os
import re
import subprocess
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ai_batches_demo import VENDORS, BatchList, LoopbackServer, make_list
from commands import table
from environments import binary
from support import failure

pytestmark = pytest.mark.integration

SECRET = "secret-of-aws-0123456789"  # noqa: S105
SESSION_TOKEN = "session-token-9876543210"  # noqa: S105
AWS = {
    "AWS_ACCESS_KEY_ID": "AKIA0123456789",
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_SESSION_TOKEN": SESSION_TOKEN,
    "AWS_REGION": "us-east-1",
}
NOTHING = {
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_SHARED_CREDENTIALS_FILE": "none",
    "AWS_CONFIG_FILE": "none",
    "NO_GCE_CHECK": "true",
    "CLOUDSDK_CONFIG": "none",
}
"""So that the libraries look nowhere beside what a test sets."""

MAKE_KEY = """
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives import serialization as s
key = rsa.generate_private_key(65537, 2048)
print(key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()).decode())
"""

LIST_JOBS = """
import json, sys
from botocore.session import Session
client = Session().create_client("bedrock", "us-east-1", endpoint_url=sys.argv[1])
asked = {"sortBy": "CreationTime", "sortOrder": "Descending", "maxResults": 50}
found = []
while True:
    reply = client.list_model_invocation_jobs(**asked)
    found += reply["invocationJobSummaries"]
    if "nextToken" not in reply:
        break
    asked["nextToken"] = reply["nextToken"]
print(json.dumps([[job["jobArn"], job["submitTime"].timestamp()] for job in found]))
"""

TAnswerer = Callable[[Request], Response]


@contextmanager
def serving(answer: TAnswerer) -> Iterator[str]:
    """Answers every request, also those that come as to a proxy; yields the server's URL."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        await request.body()
        await answer(request)(scope, receive, send)

    with LoopbackServer(app) as server:
        yield server.url


def run(folder: Path, *arguments: str, **variables: str) -> tuple[int, str]:
    """Runs the command in the environment of the clouds; returns exit code and all it printed."""
    done = subprocess.run(  # noqa: S603
        [binary("clouds", "ai-batches"), "load", *arguments],
        env={**os.environ, **NOTHING, **variables},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
    )
    return done.returncode, done.stdout + done.stderr


def settings(provider: str, base_url: str) -> dict[str, str]:
    """Variables that let a provider find its credentials in the environment."""
    prefix = f"SOURCES__AI_BATCHES__{provider.upper()}__"
    return {
        prefix + "API_KEY": "environment",
        prefix + "BASE_URL": base_url,
        prefix + "PAGE_SIZE": "50",
    }


def ids(folder: Path) -> set[str]:
    """The ids that were loaded."""
    rows = table(folder / "ai_batches.duckdb", "SELECT id FROM ai_batches_dataset.batches")
    return {str(row[0]) for row in rows}


def expected(name: str, field: str, batches: BatchList) -> set[str]:
    """The ids in the vendor's list."""
    return {VENDORS[name].row(batch, batches.clock)[field] for batch in batches.visible()}


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def is_signed(request: Request, region: str) -> bool:
    """Whether a signature of AWS, version 4, is right: computed from what came, and the secret."""
    sent = request.headers.get("authorization", "")
    parts = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=(\S+), SignedHeaders=(\S+), Signature=([0-9a-f]{64})", sent
    )
    if not parts:
        return False
    key_id, *scope = parts[1].split("/")
    at = request.headers["x-amz-date"]
    raw = urlsplit(
        request.scope["raw_path"].decode() + "?" + request.scope["query_string"].decode()
    )
    query = sorted((quote(k, "-_.~"), quote(v, "-_.~")) for k, v in parse_qsl(raw.query))
    canonical = [
        request.method,
        raw.path,
        "&".join(f"{k}={v}" for k, v in query),
        *(f"{name}:{request.headers[name]}" for name in parts[2].split(";")),
        "",
        parts[2],
        sha256(""),
    ]
    to_sign = ["AWS4-HMAC-SHA256", at, "/".join(scope), sha256("\n".join(canonical))]
    key = f"AWS4{SECRET}".encode()
    for part in (*scope, "\n".join(to_sign)):
        key = hmac.new(key, part.encode(), "sha256").digest()
    return (
        key.hex() == parts[3]
        and key_id == AWS["AWS_ACCESS_KEY_ID"]
        and scope == [at[:8], region, "bedrock", "aws4_request"]
        and {"host", "x-amz-date", "x-amz-security-token"} <= set(parts[2].split(";"))
        and request.headers["x-amz-security-token"] == SESSION_TOKEN
    )


def bedrock(batches: BatchList, region: str) -> TAnswerer:
    """Answers as the vendor would, if the request is signed."""

    def answer(request: Request) -> Response:
        if not is_signed(request, region):
            return failure(403, {"message": "The request signature does not match."})
        query = dict(request.query_params)
        if "nextToken" in query:
            query["nextToken"] = query["nextToken"].removesuffix("+/==")
        status, body = VENDORS["bedrock"].page(batches, query)
        if "nextToken" in body:
            # as tokens in Base64 are
            body["nextToken"] += "+/=="
        return failure(status, body)

    return answer


@pytest.mark.parametrize("through", ["an address of one's own", "the region's address"])
def test_aws_signs_for_bedrock(tmp_path: Path, through: str) -> None:
    batches = make_list("bedrock", int(time.time()), 230, 0)
    own = through == "an address of one's own"
    with serving(bedrock(batches, "us-east-1" if own else "eu-west-1")) as url:
        base_url = f"{url}/here" if own else "http://bedrock.eu-west-1.amazonaws.com"
        proxy = {} if own else {"http_proxy": url}
        code, printed = run(tmp_path, **settings("bedrock", base_url), **AWS, **proxy)
    assert code == 0, printed
    assert ids(tmp_path) == expected("bedrock", "jobArn", batches)
    assert SECRET not in printed
    assert SESSION_TOKEN not in printed


def test_aws_signs_for_the_second_list_of_bedrock(tmp_path: Path) -> None:
    name, region = "bedrock_openai", "eu-west-1"
    batches = make_list(name, int(time.time()), 130, 0)

    def answer(request: Request) -> Response:
        if not is_signed(request, region):
            return failure(403, {"message": "The request signature does not match."})
        return failure(*VENDORS[name].page(batches, request.query_params))

    with serving(answer) as url:
        base_url = f"http://bedrock-runtime.{region}.amazonaws.com/openai/v1"
        code, printed = run(tmp_path, **settings(name, base_url), **AWS, http_proxy=url)
    assert code == 0, printed
    assert ids(tmp_path) == expected(name, "id", batches)


def test_a_wrong_secret_of_aws_is_refused(tmp_path: Path) -> None:
    batches = make_list("bedrock", int(time.time()), 30, 0)
    wrong = {**AWS, "AWS_SECRET_ACCESS_KEY": "another-0123456789"}
    with serving(bedrock(batches, "us-east-1")) as url:
        code, printed = run(tmp_path, **settings("bedrock", url), **wrong)
    assert code == 1
    assert "refused the key (HTTP 403)" in printed


def test_the_client_of_aws_reads_the_same_list() -> None:
    """What the demo shows is what AWS's client takes, and what it signs is found right."""
    batches = make_list("bedrock", int(time.time()), 230, 0)
    with serving(bedrock(batches, "us-east-1")) as url:
        printed = subprocess.check_output(  # noqa: S603
            [binary("clouds"), "-c", LIST_JOBS, url],
            env={**os.environ, **NOTHING, **AWS},
            text=True,
            timeout=60,
        )
    plan = batches.visible()[::-1]
    found = json.loads(printed)
    rows = [VENDORS["bedrock"].row(batch, batches.clock) for batch in plan]
    assert [job[0] for job in found] == [row["jobArn"] for row in rows]
    assert [int(job[1]) for job in found] == [batch.created_at for batch in plan]


def claims_of(assertion: str) -> Mapping[str, Any]:
    """What a signed claim says."""
    body = assertion.split(".")[1]
    said: dict[str, Any] = json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return said


def test_google_gives_tokens_for_vertex_and_renews_them(tmp_path: Path) -> None:
    batches = make_list("vertex", int(time.time()), 230, 0)
    tokens: list[str] = []
    claims: list[Mapping[str, Any]] = []
    vendor = VENDORS["vertex"]

    def answer(request: Request) -> Response:
        if request.url.path == "/token":
            body = dict(parse_qsl(request._body.decode()))
            claims.append(claims_of(body["assertion"]))
            tokens.append(f"found-token-{len(tokens)}")
            # about to expire when it comes, so that each request needs another one
            token = {"access_token": tokens[-1], "expires_in": 60, "token_type": "Bearer"}
            return failure(200, token)
        if request.headers.get("authorization") != f"Bearer {tokens[-1]}":
            return failure(401, vendor.refusal(""))
        assert request.url.path == vendor.root + vendor.path
        return failure(*vendor.page(batches, request.query_params))

    key = subprocess.check_output([binary("clouds"), "-c", MAKE_KEY], text=True)  # noqa: S603
    with serving(answer) as url:
        file = tmp_path / "key.json"
        account = {
            "type": "service_account",
            "project_id": "demo",
            "private_key_id": "1",
            "private_key": key,
            "client_email": "loader@demo.example",
            "token_uri": f"{url}/token",
        }
        file.write_text(json.dumps(account))
        code, printed = run(
            tmp_path,
            **settings("vertex", url + vendor.root),
            GOOGLE_APPLICATION_CREDENTIALS=str(file),
        )
    assert code == 0, printed
    assert ids(tmp_path) == expected("vertex", "name", batches)
    assert len(tokens) >= 5
    assert {claim["scope"] for claim in claims} == {
        "https://www.googleapis.com/auth/cloud-platform"
    }
    assert {claim["iss"] for claim in claims} == {"loader@demo.example"}
    assert "found-token" not in printed


@pytest.mark.parametrize("provider", ["bedrock", "vertex"])
def test_without_credentials_nothing_is_sent(tmp_path: Path, provider: str) -> None:
    requests: list[Request] = []

    def answer(request: Request) -> Response:
        requests.append(request)
        return failure(200, {})

    with serving(answer) as url:
        home = {"HOME": str(tmp_path), "AWS_REGION": "us-east-1"}
        code, printed = run(tmp_path, **settings(provider, url), **home)
    assert code == 1
    assert "no usable credentials were found in the environment" in printed
    assert not requests
