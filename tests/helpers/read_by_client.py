"""Lists vendors' batches by the vendors' own clients; prints their ids, a list for each question.

`tests/integration/test_official_clients.py` runs it in the environment of
`tests/environments/clients.txt`: python read_by_client.py '[["PROVIDER", "LIST_URL", "KEY"], ...]'
"""

import json
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

PAGE = 25
"""Rows to ask for in a page, where a client lets its users choose."""


def list_openai(url: str, key: str) -> list[Any]:
    """Asks as every client of OpenAI's does; the client pages by itself."""
    from openai import OpenAI

    client = OpenAI(base_url=root(url, "/batches"), api_key=key, max_retries=0)
    return [batch.id for batch in client.batches.list(limit=PAGE)]


def list_azure_openai(url: str, key: str) -> list[Any]:
    """Asks with the header of Azure's own keys."""
    from openai import AzureOpenAI

    client = AzureOpenAI(
        base_url=root(url, "/batches"), api_key=key, api_version="preview", max_retries=0
    )
    return [batch.id for batch in client.batches.list(limit=PAGE)]


def list_anthropic(url: str, key: str) -> list[Any]:
    """Asks with the headers that the vendor's page documents; the client pages by itself."""
    from anthropic import Anthropic

    # without them, this version sends the key as a Bearer token, and a date of its own
    headers = {"x-api-key": key, "anthropic-version": "2023-06-01"}
    client = Anthropic(
        base_url=root(url, "/v1/messages/batches"),
        api_key=key,
        default_headers=headers,
        max_retries=0,
    )
    return [batch.id for batch in client.messages.batches.list(limit=PAGE)]


def list_mistral(url: str, key: str) -> list[Any]:
    """Counts pages: the client gives one a call, and the total with each."""
    from mistralai.client import Mistral

    client = Mistral(server_url=root(url, "/v1/batch/jobs"), api_key=key)
    ids: list[Any] = []
    page = 0
    while True:
        reply = client.batch.jobs.list(page=page, page_size=PAGE)
        ids += [job.id for job in reply.data or []]
        page += 1
        if not reply.data or page * PAGE >= reply.total:
            return ids


def list_groq(url: str, key: str) -> list[Any]:
    """Hands the cursor on: the client knows neither the parameter nor the field."""
    from groq import Groq

    client = Groq(base_url=root(url, "/openai/v1/batches"), api_key=key, max_retries=0)
    ids: list[Any] = []
    query: dict[str, object] = {}
    while True:
        reply = client.batches.list(extra_query=query)
        ids += [batch.id for batch in reply.data]
        cursor = ((reply.model_extra or {}).get("paging") or {}).get("next_cursor")
        if not cursor:
            return ids
        query = {"cursor": cursor}


def list_together(url: str, key: str) -> list[Any]:
    """Takes the one reply there is, which is null where there are no batches."""
    from together import Together

    client = Together(base_url=root(url, "/v1/batches"), api_key=key, max_retries=0)
    return [job.id for job in client.batches.list() or []]


def list_gemini(url: str, key: str) -> list[Any]:
    """Asks for the version that the vendor's page documents; the client pages by itself."""
    from google import genai
    from google.genai import types

    options = types.HttpOptions(base_url=root(url, "/v1beta/batches"), api_version="v1beta")
    client = genai.Client(api_key=key, vertexai=False, http_options=options)
    return [job.name for job in client.batches.list(config={"page_size": PAGE})]


def list_digitalocean(url: str, key: str) -> list[Any]:
    """Hands the last id on, as the client's description says."""
    from pydo import Client

    client = Client(token=key, inference_endpoint=root(url, "/v1/batches"))
    ids: list[Any] = []
    after = None
    while True:
        # the demo has no TLS
        reply = client.inference.list_batches(after=after, limit=PAGE, enforce_https=False)
        ids += [batch["batch_id"] for batch in reply["data"]]
        if not reply["has_more"]:
            return ids
        after = reply["last_id"]


def list_databricks(url: str, key: str) -> list[Any]:
    """Asks with a token of a person; the client pages by itself."""
    from databricks.sdk import WorkspaceClient

    host = root(url, "/api/2.0/ai-functions/batches")
    client = WorkspaceClient(host=host, token=key, auth_type="pat")
    return [batch.name for batch in client.ai_functions.list_batches(page_size=PAGE)]


def list_elevenlabs(url: str, key: str) -> list[Any]:
    """Hands the token on: the client gives one page a call."""
    from elevenlabs import ElevenLabs

    base_url = root(url, "/v1/convai/batch-calling/workspace")
    calls = ElevenLabs(api_key=key, base_url=base_url).conversational_ai.batch_calls
    ids: list[Any] = []
    last: str | None = None
    while True:
        reply = calls.list(limit=PAGE, last_doc=last)
        ids += [batch.id for batch in reply.batch_calls]
        last = reply.next_doc
        if not reply.has_more:
            return ids


def list_morph(url: str, key: str) -> list[Any]:
    """Adds the limit for each page, as the vendor's page says; OpenAI's client would send an id."""
    from openai import OpenAI

    client = OpenAI(base_url=root(url, "/batches"), api_key=key, max_retries=0)
    ids: list[Any] = []
    while True:
        reply = client.batches.list(limit=PAGE, extra_query={"after": len(ids) // PAGE * PAGE})
        ids += [batch.id for batch in reply.data]
        if not reply.has_more:
            return ids


def list_sap(url: str, key: str) -> list[Any]:
    """Takes the one reply; the token would come from a service that is not part of the demo."""
    from gen_ai_hub.batch_service import BatchService

    headers = {"Authorization": f"Bearer {key}", "AI-Resource-Group": "demo"}
    proxy = SimpleNamespace(request_header=headers)
    api_url = root(url, "/llm-batch-service/v1/batches")
    reply = BatchService(api_url=api_url, proxy_client=proxy).list()
    return [batch.id for batch in reply.resources]


def list_vapi(url: str, key: str) -> list[Any]:
    """Counts pages from 1 on, until the reply says that there is no other."""
    from vapi import Vapi

    client = Vapi(token=key, base_url=root(url, "/campaign"))
    ids: list[Any] = []
    page = 1
    while True:
        reply = client.campaigns.campaign_controller_find_all(page=page, limit=PAGE)
        ids += [campaign.id for campaign in reply.results]
        if not reply.metadata.has_next_page:
            return ids
        page += 1


CLIENTS: dict[str, Callable[[str, str], list[Any]]] = {
    "anthropic": list_anthropic,
    "azure_openai": list_azure_openai,
    "databricks": list_databricks,
    "digitalocean": list_digitalocean,
    "elevenlabs": list_elevenlabs,
    "gemini": list_gemini,
    "groq": list_groq,
    "mistral": list_mistral,
    "morph": list_morph,
    "openai": list_openai,
    "sap": list_sap,
    "together": list_together,
    "vapi": list_vapi,
}
"""Vendors that have a client of their own, to what lists by it."""

SPEAKS_OPENAIS = (
    "bedrock_openai",
    "dashscope",
    "deepinfra",
    "doubleword",
    "kimi",
    "nebius",
    "novita",
    "openai_compatible",
    "scaleway",
    "siliconflow",
)
"""Vendors whose pages send their users to OpenAI's client."""


def root(url: str, path: str) -> str:
    """The address to give to a client that adds the path itself."""
    if not url.endswith(path):
        raise ValueError(f"{url} does not end with {path}, where this client asks")
    return url.removesuffix(path)


if __name__ == "__main__":
    questions = json.loads(sys.argv[1])
    found = [CLIENTS.get(name, list_openai)(url, key) for name, url, key in questions]
    print(json.dumps(found))  # noqa: T201
