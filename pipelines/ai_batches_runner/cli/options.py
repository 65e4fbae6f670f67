"""Options that several subcommands share, which may stand before or after the subcommand."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from ipaddress import IPv6Address
from math import inf
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from ..defaults import LOCK_TIMEOUT, PIPELINE_NAME, SHORT_LOCK_TIMEOUT
from .since import parse_since

_HOST_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

TCallback = TypeVar("TCallback", bound=Callable[..., Any])


@dataclass(frozen=True)
class Options:
    """Values of the shared options."""

    destination: str = "duckdb"
    dataset: str | None = None
    pipeline_name: str = PIPELINE_NAME
    table_format: Any = None
    """`delta`, `iceberg` or None."""
    lock_timeout: float = LOCK_TIMEOUT
    """Seconds."""
    log_format: str = "text"
    """`text` or `json`."""
    quiet: bool = False
    debug: bool = False

    @property
    def place(self) -> tuple[str, str | None, str, float]:
        """What a pipeline is opened with: destination, dataset, pipeline name, lock timeout."""
        return self.destination, self.dataset, self.pipeline_name, self.lock_timeout


def seconds(text: str) -> float:
    """Parses a positive number of seconds.

    Raises:
        click.BadParameter: If it is not one.
    """
    try:
        number = float(text)
    except ValueError:
        number = 0
    if not 0 < number < inf:
        raise click.BadParameter(f"must be a positive number of seconds, got `{text}`")
    return number


def shard(text: str) -> tuple[int, int]:
    """Parses a part of a whole, such as 3/8.

    Raises:
        click.BadParameter: If it is not one.
    """
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise click.BadParameter(f"must be a part of a whole, such as 3/8, got `{text}`")
    return int(number), int(count)


def _since(text: str) -> int:
    """Parses a date into Unix microseconds."""
    try:
        return parse_since(text)
    except ValueError as ex:
        raise click.BadParameter(str(ex)) from ex


def _provider(name: str) -> str:
    """Accepts the names in the registry."""
    from ai_batches import PROVIDERS

    if name not in PROVIDERS:
        raise click.BadParameter(f"no such provider: {name} (choose from {', '.join(PROVIDERS)})")
    return name


def _complete_provider(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    from ai_batches import PROVIDERS

    return [name for name in PROVIDERS if name.startswith(incomplete)]


def _is_address(text: str) -> bool:
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return "%" not in text


def _host_name(text: str) -> str:
    """Accepts the name or the address of a machine, without a port."""
    address = text.removeprefix("[").removesuffix("]")
    if not _HOST_NAME.fullmatch(text) and not _is_address(address):
        raise click.BadParameter(
            f"must be a name or an address without a port, such as figures.example, got `{text}`"
        )
    return text


allow_host_option = click.option(
    "--allow-host",
    "allowed_hosts",
    type=_host_name,
    multiple=True,
    metavar="NAME",
    help="A further name or address by which browsers find the dashboard; may be repeated. Needed"
    " for readers on other machines.",
)
since_option = click.option(
    "--since",
    type=_since,
    metavar="DATE",
    help="Only batches created since then, such as 2026-11-01 or 2026-11.",
)
providers_argument = click.argument(
    "providers",
    nargs=-1,
    type=_provider,
    metavar="[PROVIDER]...",
    shell_complete=_complete_provider,
)

_SHARED: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "destination": (
        ("--destination",),
        {"metavar": "NAME", "help": "Any dlt destination.  [default: duckdb]"},
    ),
    "dataset": (
        ("--dataset",),
        {
            "metavar": "NAME",
            "help": "Dataset or schema.  [default: ai_batches, or ai_batches_dataset in a file"
            " ai_batches.duckdb]",
        },
    ),
    "pipeline_name": (
        ("--pipeline-name",),
        {
            "metavar": "NAME",
            "help": "dlt pipeline name; use a different one for each concurrent run."
            f"  [default: {PIPELINE_NAME}]",
        },
    ),
    "table_format": (
        ("--table-format",),
        {
            "type": click.Choice(["delta", "iceberg"]),
            "help": "Table format in files; required by the destination `filesystem`.",
        },
    ),
    "lock_timeout": (
        ("--lock-timeout",),
        {
            "type": seconds,
            "metavar": "SECONDS",
            "help": "Wait this long for a DuckDB file that another program has open."
            f"  [default: {LOCK_TIMEOUT:g}, dashboard {SHORT_LOCK_TIMEOUT:g}]",
        },
    ),
    "log_format": (
        ("--log-format",),
        {
            "type": click.Choice(["text", "json"]),
            "help": "`json`: one JSON object per event, on standard output.  [default: text]",
        },
    ),
    "quiet": (("--quiet",), {"is_flag": True, "help": "Print only failures and alerts."}),
    "debug": (
        ("--debug",),
        {"is_flag": True, "help": "Print the stack trace of an error that ends the command."},
    ),
}


def shared_options(*names: str, **defaults: Any) -> Callable[[TCallback], TCallback]:
    """Adds shared options to a command; without names, all of them to the group.

    A command's function receives their values as its first argument, `Options`.

    Args:
        names (str): Fields of `Options`.
        defaults (Any): Defaults of this command, by field.

    Returns:
        Callable[[TCallback], TCallback]: A decorator.
    """

    def decorate(function: TCallback) -> TCallback:
        chosen: Any = _passing_options(function, names, defaults) if names else function
        for name in reversed(names or tuple(_SHARED)):
            flags, keywords = _SHARED[name]
            chosen = click.option(*flags, name, callback=_remember, expose_value=False, **keywords)(
                chosen
            )
        return chosen  # type: ignore[no-any-return]

    return decorate


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Notes a value that was given; one after the subcommand replaces one before it."""
    given = ctx.find_root().ensure_object(dict)
    if ctx.get_parameter_source(str(param.name)) is not ParameterSource.DEFAULT:
        given[param.name] = value


def _passing_options(
    function: Callable[..., Any], names: tuple[str, ...], defaults: dict[str, Any]
) -> Callable[..., Any]:
    @wraps(function)
    def call(**arguments: Any) -> Any:
        ctx = click.get_current_context()
        given: dict[str, Any] = ctx.find_root().ensure_object(dict)
        for name in given:
            if name not in names:
                raise click.UsageError(f"`{ctx.info_name}` does not take {_SHARED[name][0][0]}.")
        return function(Options(**{**defaults, **given}), **arguments)

    return call
