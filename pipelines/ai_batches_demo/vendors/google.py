"""What Google's endpoints share: empty lists that are left out, and what an error looks like."""

from typing import Any

from .vendor import Reply

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


def _error(code: int, status: str, message: str) -> Any:
    return {"error": {"code": code, "message": message, "status": status}}
