"""Addresses of services where a DuckDB file belongs, of which dlt would make a file of that name.

Such an address often holds a token, so none of it is quoted but a scheme that is well known.
"""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from ..errors import UnusableDestinationError

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+._-]+):")
_OWN_URL = re.compile(r"duckdb:(?:///?)?", re.IGNORECASE)
_SECRET = re.compile(r"token|password|passwd|secret|key|credential", re.IGNORECASE)

_BUCKET = "use --destination filesystem with --table-format"
_REMEDIES: Mapping[str, str] = {
    "md": "use --destination motherduck",
    "motherduck": "use --destination motherduck",
    "postgres": "use --destination postgres",
    "postgresql": "use --destination postgres",
    "mysql": "use --destination sqlalchemy",
    "sqlite": "use --destination sqlalchemy",
    "ducklake": "use --destination ducklake",
    "s3": _BUCKET,
    "gs": _BUCKET,
    "gcs": _BUCKET,
    "az": _BUCKET,
    "abfss": _BUCKET,
    "file": "give its path alone",
}


def refuse_remote_address(value: Any, where: str) -> None:
    """Refuses what is not the path of a DuckDB file on this machine.

    Args:
        value (Any): Credentials for dlt's destination `duckdb`: a path, an address of dlt's, a
            table of them, or anything else, which is accepted.
        where (str): Where it was set.

    Raises:
        UnusableDestinationError: If it is the address of something else, or holds a secret.
    """
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = json.loads(value)
        except ValueError:
            raise _refusal(where, "is not valid JSON", "Correct it") from None
    if isinstance(value, Mapping):
        value = value.get("database")
    if isinstance(value, str):
        _refuse(value.strip().strip("'\"").strip(), where)


def _refuse(text: str, where: str) -> None:
    own = _OWN_URL.match(text)
    rest = text[own.end() :] if own else text
    scheme = _SCHEME.match(rest)
    if scheme:
        known = next((name for name in _REMEDIES if scheme[1].lower().split("+")[0] == name), None)
        remedy = (
            f"For `{known}:`, {_REMEDIES[known]}, and set its own credentials"
            if known
            else "Name a file here, or choose another --destination"
        )
        raise _refusal(where, "is the address of something else than a file", remedy)
    names = [name for name, _ in parse_qsl(rest.partition("?")[2], keep_blank_values=True)]
    if any(_SECRET.search(name) for name in names) or (own and "@" in rest.partition("/")[0]):
        raise _refusal(where, "holds a token or a password", "Take it out of there")


def _refusal(where: str, problem: str, remedy: str) -> UnusableDestinationError:
    return UnusableDestinationError(
        f"{where} {problem}: dlt's destination `duckdb` would make a file of that name on this"
        f" machine. {remedy}."
    )
