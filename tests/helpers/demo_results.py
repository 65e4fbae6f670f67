"""Reads the results of the demo's vendors, each in its vendor's shape, without the source."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import requests

from ai_batches import PROVIDERS
from ai_batches.table.rows import RowReader
from ai_batches_demo import VENDORS, DemoProviders, LoopbackServer
from ai_batches_demo.batches import Batch
from ai_batches_demo.results import NO_TOKENS, Tokens

WITH_REQUESTS = [name for name, vendor in VENDORS.items() if vendor.results and name != "bedrock"]
"""Vendors that hand out the outcome of each request."""

CODES = {"batch_expired": "expired", "batch_cancelled": "cancelled"}


class Line(NamedTuple):
    """One request as its vendor reports it."""

    custom_id: str
    outcome: str
    tokens: Tokens
    text: str
    """The line itself."""


class DemoClient:
    """Asks a vendor of a running demo, with its key.

    Args:
        providers (DemoProviders): The vendors.
        server (LoopbackServer): What serves them.
        name (str): The provider to ask.
    """

    def __init__(self, providers: DemoProviders, server: LoopbackServer, name: str) -> None:
        vendor = VENDORS[name]
        self.name = name
        self.clock = providers.lists[name].clock
        self.root = server.url + vendor.root
        self.host = server.url
        self.key = {vendor.key_header: vendor.key_value(providers.keys[name])}
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers.update(self.key | dict(vendor.further_headers))

    def get(self, path: str, **options: Any) -> requests.Response:
        """Asks for a path below the vendor's root, or for an address."""
        url = path if path.startswith("http") else self.root + path
        return self.session.get(url, timeout=20, **options)

    def row(self, batch: Batch) -> dict[str, Any]:
        """The columns of a batch, as the source reads them of the list."""
        reader = RowReader(PROVIDERS[self.name], "default")
        shown = VENDORS[self.name].row(batch, self.clock)
        return dict(reader.to_arrow(reader.read([shown]).records).to_pylist()[0])

    def lines(self, batch: Batch) -> list[Line]:
        """The outcomes of all requests that the vendor reports."""
        reader = READERS.get(self.name, _files)
        return list(reader(self, batch))

    def paths(self, batch: Batch) -> list[str]:
        """Where the results of a batch are."""
        shown = VENDORS[self.name].row(batch, self.clock)
        if self.name == "anthropic":
            return [f"/v1/messages/batches/{shown['id']}/results"]
        if self.name in ("digitalocean", "openrouter", "xai"):
            return [f"/batches/{self.row(batch)['id']}/results"]
        if self.name == "gemini":
            return ["/" + shown["name"]]
        if self.name == "respan":
            shown = self.get(f"/v1/batches/{shown['id']}/").json()
        row = self.row(batch) | {key: shown[key] for key in shown if key.endswith("_file_id")}
        end = "/" if self.name == "respan" else ""
        files = [row["output_file_id"], row["error_file_id"]]
        return [f"/files/{file}/content{end}" for file in files if file]


def _files(client: DemoClient, batch: Batch) -> Iterator[Line]:
    for path in client.paths(batch):
        for text in _json_lines(client.get(path)):
            line = json.loads(text)
            yield _openai(line["custom_id"], line["response"], line["error"], text)


def _json_lines(reply: requests.Response) -> list[str]:
    assert reply.status_code == 200, reply.text
    length = reply.headers.get("content-length")
    assert length in (None, str(len(reply.content)))
    assert reply.content.endswith(b"\n")
    return reply.text.splitlines()


def _openai(custom_id: str, response: Any, error: Any, text: str) -> Line:
    if error:
        return Line(custom_id, CODES.get(error.get("code"), "failed"), NO_TOKENS, text)
    if response["status_code"] != 200:
        return Line(custom_id, "failed", NO_TOKENS, text)
    usage = response["body"]["usage"]
    return Line(custom_id, "succeeded", _usage(usage), text)


def _usage(usage: Mapping[str, Any]) -> Tokens:
    sent = "input" if "input_tokens" in usage else "prompt"
    received = "output" if "output_tokens" in usage else "completion"
    return Tokens(
        usage[f"{sent}_tokens"],
        usage.get(f"{sent}_tokens_details", {}).get("cached_tokens", 0),
        usage.get(f"{received}_tokens", 0),
        usage.get(f"{received}_tokens_details", {}).get("reasoning_tokens", 0),
    )


def _anthropic(client: DemoClient, batch: Batch) -> Iterator[Line]:
    (path,) = client.paths(batch)
    for text in _json_lines(client.get(path)):
        yield _message(json.loads(text), text)


def _message(line: Mapping[str, Any], text: str) -> Line:
    kinds = {"errored": "failed", "canceled": "cancelled"}
    result = line["result"]
    tokens = NO_TOKENS
    if result["type"] == "succeeded":
        usage = result["message"]["usage"]
        cached = usage["cache_read_input_tokens"]
        sent = usage["input_tokens"] + cached + usage["cache_creation_input_tokens"]
        tokens = Tokens(sent, cached, usage["output_tokens"], 0)
    return Line(line["custom_id"], kinds.get(result["type"], result["type"]), tokens, text)


def _digitalocean(client: DemoClient, batch: Batch) -> Iterator[Line]:
    row = client.row(batch)
    reply = client.get(f"/batches/{row['id']}/results").json()
    assert reply["result_available"] == bool(row["output_file_id"] or row["error_file_id"])
    for field in ("output_file_url", "error_file_url"):
        if field in reply:
            # with the key, the storage refuses
            for text in _json_lines(requests.get(reply[field], timeout=20)):
                line = json.loads(text)
                if "result" in line:
                    yield _message(line, text)
                else:
                    yield _openai(line["custom_id"], line["response"], line["error"], text)


def _openrouter(client: DemoClient, batch: Batch) -> Iterator[Line]:
    for page in _pages(client, batch, "cursor", "next_cursor"):
        assert page["has_more"] == (page["next_cursor"] is not None)
        for row in page["data"]:
            yield _openai(row["custom_id"], row["response"], row["error"], json.dumps(row))


def _xai(client: DemoClient, batch: Batch) -> Iterator[Line]:
    for page in _pages(client, batch, "pagination_token", "pagination_token"):
        for row in page["results"]:
            name, result = row["batch_request_id"], row["batch_result"]
            if "error" in result:
                yield Line(name, "failed", NO_TOKENS, json.dumps(row))
            else:
                usage = result["response"]["chat_get_completion"]["usage"]
                yield Line(name, "succeeded", _usage(usage), json.dumps(row))


def _pages(client: DemoClient, batch: Batch, param: str, field: str) -> Iterator[dict[str, Any]]:
    query = {"limit": "100"}
    (path,) = client.paths(batch)
    while True:
        reply = client.get(path, params=query)
        assert reply.status_code == 200, reply.text
        page = reply.json()
        yield page
        if not page[field]:
            return
        query[param] = page[field]


def _gemini(client: DemoClient, batch: Batch) -> Iterator[Line]:
    (path,) = client.paths(batch)
    operation = client.get(path).json()
    output = operation.get("response", {})
    if file := output.get("responsesFile"):
        url = f"{client.host}/gemini/download/v1beta/{file}:download?alt=media"
        items = [json.loads(text) for text in _json_lines(client.get(url))]
    else:
        items = output.get("inlinedResponses", {}).get("inlinedResponses", [])
    for item in items:
        name = item["key"] if file else item["metadata"]["key"]
        if "error" in item:
            yield Line(name, "failed", NO_TOKENS, json.dumps(item))
            continue
        usage = item["response"]["usageMetadata"]
        thoughts = usage["thoughtsTokenCount"]
        tokens = Tokens(
            usage["promptTokenCount"],
            usage["cachedContentTokenCount"],
            usage["candidatesTokenCount"] + thoughts,
            thoughts,
        )
        yield Line(name, "succeeded", tokens, json.dumps(item))


READERS: dict[str, Callable[[DemoClient, Batch], Iterator[Line]]] = {
    "anthropic": _anthropic,
    "digitalocean": _digitalocean,
    "gemini": _gemini,
    "openrouter": _openrouter,
    "xai": _xai,
}
"""Vendors that have no files in OpenAI's shape by their ids, to what reads theirs."""
