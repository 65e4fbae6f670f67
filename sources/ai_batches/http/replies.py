"""From a response to the rows of a page: checked, decoded once, or refused."""

from contextlib import suppress
from typing import Any
from urllib.parse import urljoin, urlsplit

from requests import HTTPError, RequestException, Response
from requests.exceptions import ChunkedEncodingError

from .. import lenient_json
from ..display import shown
from ..paginators import Reply, UntrustedPageError, reports_failure
from ..providers import Provider
from .quoting import charset_of, message_in, read_message

WHOLE_REPLY = "$"
"""`data_selector` of a provider that replies with the list itself."""


def refuse_foreign_redirect(response: Response, *args: Any, **kwargs: Any) -> None:
    """Response hook: refuses a redirect to another server, which must not get the key.

    Raises:
        UntrustedPageError: If the response redirects to another scheme, host or port.
    """
    if not response.is_redirect:
        return
    try:
        # requests reads it as UTF-8, too
        location = response.headers["location"].encode("latin-1").decode()
        target = urljoin(response.url, location)
        stays = urlsplit(target)[:2] == urlsplit(response.url)[:2]
    except ValueError:
        target, stays = "an invalid address", False
    if not stays:
        raise UntrustedPageError(
            "the server redirects to another one, which gets no key", quote=target.split("?")[0]
        )


def decode(response: Response) -> Reply:
    """Decodes the body of a response.

    Args:
        response (Response): The last one of a chain of redirects.

    Returns:
        Reply: What the paginators need of it.

    Raises:
        HTTPError: If the status is 400 or above.
        ChunkedEncodingError: If the body breaks off.
        UntrustedPageError: If the body is not JSON, or the status says that there is none.
    """
    code = response.status_code
    if code >= 400:
        # read while the connection is at hand, which then can serve the next request
        with suppress(RequestException):
            _ = response.content
        raise HTTPError(response=response)
    if code >= 300:
        raise UntrustedPageError(f"the server answers HTTP {code}, and names no address to go to")
    if code in (204, 205):
        raise UntrustedPageError(f"the server answers HTTP {code}, which means no content: no list")
    charset = charset_of(response)
    try:
        body = lenient_json.loads(response.content, charset)
    except lenient_json.NestedTooDeeplyError:
        raise UntrustedPageError("the reply is nested too deeply") from None
    except ValueError:
        text = lenient_json.decoded(response.content[:1_000], charset).lstrip("\ufeff \t\r\n")
        if text[:1] in ("", "{", "["):
            raise ChunkedEncodingError("the reply breaks off", response=response) from None
        raise _not_json(response) from None
    return Reply(body, response.url, response.headers, response.links, len(response.content))


def rows_of(reply: Reply, provider: Provider) -> list[dict[str, Any]]:
    """The rows of a page.

    Args:
        reply (Reply): The decoded reply.
        provider (Provider): The provider that declares where the rows and their ids are.

    Returns:
        list[dict[str, Any]]: The list in the body, not a copy; each row has an id.

    Raises:
        UntrustedPageError: If the reply has no list of rows, or a row has no id.
    """
    body, selector, empty = reply.body, provider.data_selector, provider.empty_reply
    rows = None
    if selector == WHOLE_REPLY:
        rows = [] if body is None and empty is not None else body
    elif isinstance(body, dict):
        rows = body.get(selector)
        is_left_out = empty is not None and body.keys() <= empty
        is_unset = selector in body and rows in (None, {}) and not reports_failure(body)
        if is_left_out or is_unset:
            rows = []
    if not isinstance(rows, list):
        raise UntrustedPageError(
            f"the reply has no list of rows under `{selector}`", quote=message_in(body)
        )
    for row in rows:
        row_id = row.get(provider.id_field) if isinstance(row, dict) else None
        if not row_id or row_id is True or not isinstance(row_id, (str, int)):
            raise UntrustedPageError(f"a row of the page has no `{provider.id_field}`")
        if type(row_id) is str and lenient_json.REPLACEMENT in row_id:
            raise UntrustedPageError(
                f"the id of a row, `{shown(row_id)}`, holds U+0000, half of a character or broken"
                " text, which cannot be stored as it is: other batches might be taken for this one"
            )
    return rows


def _not_json(response: Response) -> UntrustedPageError:
    message = read_message(response)
    if message.is_web_page:
        return UntrustedPageError("the reply is not JSON but a web page", message.text, True)
    kind = shown(response.headers.get("Content-Type", "of no stated type"), 80)
    quote = f"{kind}: {message.text}" if message.text else kind
    return UntrustedPageError("the reply is not JSON", quote)
