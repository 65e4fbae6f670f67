"""What Google's endpoints share: empty lists that are left out, and what an error looks like."""

from typing import Any

from .vendor import Reply

CODES = {
    0: (4, "DEADLINE_EXCEEDED"),
    400: (3, "INVALID_ARGUMENT"),
    404: (5, "NOT_FOUND"),
    429: (8, "RESOURCE_EXHAUSTED"),
    500: (13, "INTERNAL"),
    504: (4, "DEADLINE_EXCEEDED"),
}
"""HTTP status to the code and word of gRPC's."""

Taken = tuple[list[dict[str, object]], str | None]
"""Rows and the token of the next page."""


def list_reply(data_selector: str, taken: Taken | None) -> Reply:
    """Answers with a page, or refuses a wrong token."""
    if taken is None:
        return 400, _error(400, "INVALID_ARGUMENT", "The page token is not valid.")
    rows, token = taken
    return 200, {
        **({data_selector: rows} if rows else {}),
        **({"nextPageToken": token} if token else {}),
    }


def refusal(key: str) -> Any:
    """Body of the 401."""
    message = "Request had invalid authentication credentials."
    return _error(401, "UNAUTHENTICATED", message)


def missing(what: str) -> Any:
    """Body of the 404."""
    return _error(404, "NOT_FOUND", f"There is no {what}.")


def _error(code: int, status: str, message: str) -> Any:
    return {"error": {"code": code, "message": message, "status": status}}
