"""Reads results by the vendors' own clients; prints which requests succeeded, for each question.

`tests/integration/test_official_clients.py` runs it in the environment of
`tests/environments/clients.txt`:
python results_by_client.py '[["PROVIDER", "LIST_URL", "KEY", "REFERENCE", ...], ...]'
A reference is the id of a file or, at vendors without such files, of a batch.
"""

import json
import sys
from collections.abc import Callable, Iterable
from typing import Any
from urllib.request import urlopen

from read_by_client import root

TSucceeded = dict[str, bool]
"""Names of requests, to whether each has an output."""


def of_lines(content: bytes) -> TSucceeded:
    """Reads lines of OpenAI's shape, or of Anthropic's."""
    lines = map(json.loads, content.splitlines())
    return {line["custom_id"]: is_success(line) for line in lines}


def is_success(line: dict[str, Any]) -> bool:
    """Whether the request of a line succeeded."""
    if "result" in line:
        return bool(line["result"]["type"] == "succeeded")
    return is_output(line["response"])


def is_output(response: Any) -> bool:
    """Whether the response of a line is one of a model."""
    return bool(response) and response.get("status_code") == 200


def read_openai(url: str, key: str, files: Iterable[str]) -> list[TSucceeded]:
    """Asks as every client of OpenAI's does."""
    from openai import OpenAI

    client = OpenAI(base_url=root(url, "/batches"), api_key=key, max_retries=0)
    return [of_lines(client.files.content(file).read()) for file in files]


def read_azure_openai(url: str, key: str, files: Iterable[str]) -> list[TSucceeded]:
    """Asks with the header of Azure's own keys."""
    from openai import AzureOpenAI

    client = AzureOpenAI(
        base_url=root(url, "/batches"), api_key=key, api_version="preview", max_retries=0
    )
    return [of_lines(client.files.content(file).read()) for file in files]


def read_groq(url: str, key: str, files: Iterable[str]) -> list[TSucceeded]:
    """Asks as OpenAI's does."""
    from groq import Groq

    client = Groq(base_url=root(url, "/openai/v1/batches"), api_key=key, max_retries=0)
    return [of_lines(client.files.content(file).read()) for file in files]


def read_together(url: str, key: str, files: Iterable[str]) -> list[TSucceeded]:
    """Follows the redirect to the storage, without the key."""
    from together import Together

    client = Together(base_url=root(url, "/v1/batches"), api_key=key, max_retries=0)
    return [of_lines(client.files.content(file).read()) for file in files]


def read_mistral(url: str, key: str, files: Iterable[str]) -> list[TSucceeded]:
    """Asks for a stream, which has to be read."""
    from mistralai.client import Mistral

    client = Mistral(server_url=root(url, "/v1/batch/jobs"), api_key=key)
    return [of_lines(client.files.download(file_id=file).read()) for file in files]


def read_anthropic(url: str, key: str, batches: Iterable[str]) -> list[TSucceeded]:
    """Asks for each batch first, and goes where its `results_url` leads."""
    from anthropic import Anthropic

    client = Anthropic(
        base_url=root(url, "/v1/messages/batches"),
        api_key=key,
        default_headers={"x-api-key": key, "anthropic-version": "2023-06-01"},
        max_retries=0,
    )
    return [
        {
            result.custom_id: result.result.type == "succeeded"
            for result in client.messages.batches.results(batch)
        }
        for batch in batches
    ]


def read_gemini(url: str, key: str, batches: Iterable[str]) -> list[TSucceeded]:
    """Finds responses in the batch, or downloads the file that it names."""
    from google import genai
    from google.genai import types

    options = types.HttpOptions(base_url=root(url, "/v1beta/batches"), api_version="v1beta")
    client = genai.Client(api_key=key, vertexai=False, http_options=options)
    found: list[TSucceeded] = []
    for batch in batches:
        to = client.batches.get(name=batch).dest
        if to.file_name:
            lines = map(json.loads, client.files.download(file=to.file_name).splitlines())
            found.append({line["key"]: "response" in line for line in lines})
        else:
            inlined = to.inlined_responses
            found.append({item.metadata["key"]: item.response is not None for item in inlined})
    return found


def read_digitalocean(url: str, key: str, batches: Iterable[str]) -> list[TSucceeded]:
    """Asks for the addresses of both files of each batch."""
    from pydo import Client

    client = Client(token=key, inference_endpoint=root(url, "/v1/batches"))
    found: list[TSucceeded] = []
    for batch in batches:
        # the demo has no TLS
        links = client.inference.get_batch_results(batch, enforce_https=False)
        succeeded: TSucceeded = {}
        for field in ("output_file_url", "error_file_url"):
            if field in links:
                with urlopen(links[field]) as file:  # noqa: S310
                    succeeded |= of_lines(file.read())
        found.append(succeeded)
    return found


CLIENTS: dict[str, Callable[[str, str, Iterable[str]], list[TSucceeded]]] = {
    "anthropic": read_anthropic,
    "azure_openai": read_azure_openai,
    "digitalocean": read_digitalocean,
    "gemini": read_gemini,
    "groq": read_groq,
    "mistral": read_mistral,
    "openai": read_openai,
    "together": read_together,
}
"""Vendors that have a client of their own, to what reads results by it."""


if __name__ == "__main__":
    questions = json.loads(sys.argv[1])
    answers = [
        CLIENTS.get(name, read_openai)(url, key, references)
        for name, url, key, *references in questions
    ]
    print(json.dumps(answers))  # noqa: T201
