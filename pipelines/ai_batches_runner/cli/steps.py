"""Steps that several subcommands take."""

from collections.abc import Sequence
from contextlib import suppress

from dlt import Pipeline

from ai_batches import (
    PROVIDERS,
    AiBatchesError,
    has_key,
    other_addresses,
    provider_settings,
    providers_with_key,
)

from ..run.report import AccountReport
from ..run.results import ResultsReport
from .exit_codes import ALL_GOOD, FAILED, PARTIAL
from .failures import explain_missing_keys
from .output import Output


def with_keys(named: Sequence[str], output: Output) -> list[str]:
    """The providers that were named, or all that have a key; none if a named one has no key."""
    providers = list(dict.fromkeys(named)) or providers_with_key()
    without_key = [name for name in providers if not has_key(PROVIDERS[name])]
    if without_key or not providers:
        explain_missing_keys(without_key, output)
        return []
    return providers


def note_other_addresses(providers: Sequence[str], output: Output) -> None:
    """Says whose key goes to another address than the vendor's own."""
    for name in providers:
        # unusable settings are reported when they are read
        with suppress(AiBatchesError):
            for each in other_addresses(PROVIDERS[name], provider_settings(PROVIDERS[name])):
                output.note(str(each), **each._asdict())


def keeps_data(pipeline: Pipeline) -> bool:
    """Whether the next run stores what was read."""
    try:
        return bool(pipeline.has_pending_data)
    except Exception:
        # a package that cannot be listed, as on a full disk, is read again
        return False


def exit_code(reports: Sequence[AccountReport | ResultsReport]) -> int:
    """The exit code of a run, by what became of each account."""
    if any(report.error for report in reports):
        return FAILED
    return PARTIAL if any(report.is_partial for report in reports) else ALL_GOOD
