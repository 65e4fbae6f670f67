"""Lines of results in the shapes that vendors share: OpenAI's, and usage as any of them has it."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from .results import FILE_COLUMNS, FileKind, RequestFacts, Results, file_contents

_LARGEST_NUMBER = 2**53
"""As far as every program reads whole numbers; some of them fit into 64 bits together."""
_ENDED = {
    "batch_expired": "expired",
    "batch_cancelled": "cancelled",
    "batch_canceled": "cancelled",
}
"""Codes of errors that say that a request was not run."""

_LARGEST = Decimal(10) ** 9


def table(value: Any) -> Mapping[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def text(value: Any) -> str | None:
    """The value as a text; None if it is unset, or neither a text nor a number."""
    if type(value) is str:
        return value or None
    return str(value) if type(value) in (int, float) else None


def number(value: Any) -> int | None:
    """The value if it is a whole number that is neither negative nor senselessly large."""
    if type(value) is float and value.is_integer():
        value = int(value)
    return value if type(value) is int and 0 <= value < _LARGEST_NUMBER else None


def dollars(value: Any, unit: Decimal = Decimal(1)) -> Decimal | None:
    """An amount in US dollars to nine digits.

    Args:
        value (Any): As the vendor sends it.
        unit (Decimal): Dollars that one of it is.

    Returns:
        Decimal | None: None if it is not an amount.
    """
    if type(value) not in (int, float, str):
        return None
    try:
        amount = Decimal(str(value)) * unit
        return amount.quantize(Decimal("1e-9")) if 0 <= amount < _LARGEST else None
    except InvalidOperation:
        return None


_CHAT = (
    "prompt_tokens",
    "prompt_tokens_details",
    "completion_tokens",
    "completion_tokens_details",
)
_RESPONSES = ("input_tokens", "input_tokens_details", "output_tokens", "output_tokens_details")


class Tokens(NamedTuple):
    """Token counts of a request, in the order of the fields of `RequestFacts`."""

    input_tokens: int | None = None
    cached_input_tokens: int | None = None
    cache_write_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    web_searches: int | None = None


def tokens_of(usage: Mapping[str, Any]) -> Tokens:
    """Reads tokens under the names of OpenAI's endpoints, whose input includes cached ones.

    Args:
        usage (Mapping[str, Any]): The object `usage` of a reply to a request.

    Returns:
        Tokens: None for what is not reported.
    """
    sent, sent_details, made, made_details = _CHAT if "prompt_tokens" in usage else _RESPONSES
    given, written = usage.get(sent_details), usage.get(made_details)
    tools = usage.get("server_tool_use")
    return Tokens(
        number(usage.get(sent)),
        number(given.get("cached_tokens")) if type(given) is dict else None,
        number(given.get("cache_write_tokens")) if type(given) is dict else None,
        number(usage.get(made)),
        number(written.get("reasoning_tokens")) if type(written) is dict else None,
        number(tools.get("web_search_requests")) if type(tools) is dict else None,
    )


def read_line(line: Mapping[str, Any], kind: FileKind) -> RequestFacts:
    """Reads a line of OpenAI's shape, with the outcome of a request.

    An error may stand in the line or in the body; a status of 0 without a body was seen, too
    (https://github.com/tidyverse/ellmer/issues/830).

    Args:
        line (Mapping[str, Any]): The line.
        kind (FileKind): What file it stands in.

    Returns:
        RequestFacts: What is kept of it.
    """
    response = table(line.get("response"))
    body = table(response.get("body"))
    error = line.get("error") or body.get("error")
    status = number(response.get("status_code"))
    return facts(
        body,
        error if error or kind != "error" else response.get("message"),
        status,
        is_failed=kind == "error" or (status is not None and not 200 <= status < 300),
        request_id=text(response.get("request_id")),
    )


def facts(
    body: Mapping[str, Any],
    error: Any,
    status: int | None,
    is_failed: bool,
    request_id: str | None = None,
) -> RequestFacts:
    """What is kept of a reply to a request in the shape of OpenAI's endpoints.

    Args:
        body (Mapping[str, Any]): The reply.
        error (Any): An error's object or text, if there is one.
        status (int | None): HTTP status.
        is_failed (bool): Whether it failed even if it names no error.
        request_id (str | None): The vendor's id of the request.

    Returns:
        RequestFacts: What is kept of it.
    """
    usage = table(body.get("usage"))
    tokens = tokens_of(usage)
    model = text(body.get("model"))
    if error or is_failed:
        named = error if isinstance(error, dict) else {"message": error}
        code = text(named.get("code"))
        return RequestFacts(
            _ENDED.get(code or "", "failed"),
            status,
            text(named.get("type")),
            code,
            text(named.get("message")),
            request_id,
            model,
            None,
            None,
            False,
            *tokens,
        )
    choices, output = body.get("choices"), body.get("output")
    first = table(choices[0]) if choices and type(choices) is list else {}
    has_output = bool(choices or output or body.get("data") or body.get("results"))
    if isinstance(output, list) and tokens.web_searches is None:
        calls = sum(1 for item in output if table(item).get("type") == "web_search_call")
        tokens = tokens._replace(web_searches=calls or None)
    return RequestFacts(
        "succeeded" if status is not None or has_output else "unknown",
        status,
        None,
        None,
        None,
        request_id,
        model,
        text(first.get("finish_reason")) or _end_of(body),
        text(body.get("service_tier")),
        has_output,
        *tokens,
        dollars(usage.get("cost")),
    )


def _end_of(body: Mapping[str, Any]) -> str | None:
    """Why a reply of the Responses API ended."""
    reason = table(body.get("incomplete_details")).get("reason")
    return text(reason) or (text(body.get("status")) if "output" in body else None)


BATCH_OBJECT_RESULTS = Results(files=file_contents(), read=read_line, file_columns=FILE_COLUMNS)
"""Results of the batch object that most vendors share: two files of lines, by their ids."""
