"""Azure's own library finds credentials, and the list is read with its token.

The library asks for the token where Azure's services give their identities one: at an address in
the environment, which is on loopback here.
"""

import os
import subprocess
import time
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ai_batches_demo import LoopbackServer
from commands import table
from environments import binary
from support import batch, cursor_list

SECRET = "header-of-the-identity"  # noqa: S105
TOKEN = "entra-token-0123456789-abcdef"  # noqa: S105
ROWS = 250

pytestmark = pytest.mark.integration


class Resource:
    """A resource of Azure OpenAI, and what gives a service's identity its tokens."""

    def __init__(self) -> None:
        self.asked_for: list[str] = []
        """Resources that tokens were asked for."""
        self.requests = 0
        self._right = cursor_list([batch(number) for number in range(ROWS, 0, -1)])
        self.app = Starlette(
            routes=[
                Route("/identity", self._identity),
                Route("/openai/v1/batches", self._batches),
            ]
        )

    async def _identity(self, request: Request) -> Response:
        if request.headers.get("x-identity-header") != SECRET:
            return JSONResponse({"statusCode": 401, "message": "no such identity"}, 401)
        self.asked_for += parse_qs(request.url.query)["resource"]
        expires_on = str(int(time.time()) + 3_600)
        token = {"access_token": TOKEN, "expires_on": expires_on, "token_type": "Bearer"}
        return JSONResponse(token | {"resource": self.asked_for[-1]})

    async def _batches(self, request: Request) -> Response:
        self.requests += 1
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return JSONResponse({"error": {"code": "PermissionDenied", "message": "No."}}, 401)
        answer = self._right(request)
        return answer if isinstance(answer, Response) else JSONResponse(answer)


def read(url: str, secret: str) -> tuple[int, str]:
    """Runs the command with the identity's variables; returns its exit code and what it said."""
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("AZURE_", "MSI_"))}
    variables |= {
        "AZURE_OPENAI_API_KEY": "environment",
        "AZURE_OPENAI_ENDPOINT": url,
        # only the one that is tried here; the others would ask elsewhere
        "AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential",
        "IDENTITY_ENDPOINT": f"{url}/identity",
        "IDENTITY_HEADER": secret,
    }
    done = subprocess.run(  # noqa: S603
        [binary("clouds", "ai-batches"), "load", "azure_openai"],
        env=variables,
        capture_output=True,
        text=True,
        timeout=110,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_identity_of_a_service_reads_the_list(tmp_path: Path) -> None:
    resource = Resource()
    with LoopbackServer(resource.app) as server:
        code, said = read(server.url, SECRET)
    assert code == 0, said
    count = "SELECT count(*), count(DISTINCT id) FROM ai_batches_dataset.batches"
    assert table(tmp_path / "ai_batches.duckdb", count) == [(ROWS, ROWS)]
    assert resource.requests == 3
    # once for all of them
    assert resource.asked_for == ["https://cognitiveservices.azure.com"]
    assert TOKEN not in said
    assert SECRET not in said


def test_an_identity_that_is_refused_is_no_key(tmp_path: Path) -> None:
    resource = Resource()
    with LoopbackServer(resource.app) as server:
        code, said = read(server.url, "another")
    assert code != 0
    said = " ".join(said.split())
    assert "no usable credentials were found in the environment" in said
    assert resource.requests == 0
