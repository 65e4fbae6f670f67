"""Lists a vendor's batches by the vendor's own client; prints their ids as JSON.

`tests/test_official_clients.py` runs it in the environment of `tests/environments/clients.txt`:
python read_by_client.py PROVIDER LIST_URL KEY
"""

import json
import sys
from collections.abc import Callable
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


CLIENTS: dict[str, Callable[[str, str], list[Any]]] = {
    "anthropic": list_anthropic,
    "azure_openai": list_azure_openai,
    "gemini": list_gemini,
    "groq": list_groq,
    "mistral": list_mistral,
    "openai": list_openai,
    "together": list_together,
}
"""Vendors that have a client of their own, to what lists by it."""

SPEAKS_OPENAIS = (
    "dashscope",
    "deepinfra",
    "doubleword",
    "kimi",
    "nebius",
    "novita",
    "openai_compatible",
    "siliconflow",
)
"""Vendors whose pages send their users to OpenAI's client."""


def root(url: str, path: str) -> str:
    """The address to give to a client that adds the path itself."""
    if not url.endswith(path):
        raise ValueError(f"{url} does not end with {path}, where this client asks")
    return url.removesuffix(path)


if __name__ == "__main__":
    name, url, key = sys.argv[1:]
    print(json.dumps(CLIENTS.get(name, list_openai)(url, key)))  # noqa: T201
