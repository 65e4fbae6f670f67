"""Explains in a sentence what ended a subcommand, and chooses its exit code."""

import errno
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from dlt.common.configuration.exceptions import ConfigurationException
from dlt.common.configuration.providers.toml import TomlProviderReadException
from dlt.common.destination.exceptions import DestinationException, UnknownDestinationModule
from dlt.common.exceptions import DltException, MissingDependencyException
from dlt.pipeline.exceptions import PipelineStepFailed

from ai_batches import PROVIDERS, keep_configured_secrets

from ..destinations.duckdb_file import explain_damage, explain_lock
from ..errors import AnotherRunError, UnusableDestinationError, is_interruption
from .exit_codes import ANOTHER_RUN, FAILED, INTERRUPTED, NOTHING_TO_DO
from .new_output import new_output
from .options import Options
from .output import Output
from .settings_files import (
    UnreadableSettingsError,
    refuse_unreadable_settings,
    settings_paths,
)


def run_guarded(action: Callable[..., int], options: Options, *arguments: Any) -> int:
    """Runs a subcommand's action; an error becomes a sentence and an exit code.

    Args:
        action (Callable[..., int]): Receives the output, the options and the arguments, and
            returns the exit code.
        options (Options): The shared options.
        arguments (Any): Of the action.

    Returns:
        int: The exit code.
    """
    output = new_output(options.log_format, options.quiet, options.debug)
    try:
        refuse_unreadable_settings(settings_paths())
        keep_configured_secrets()
        with output.printing_log():
            return action(output, options, *arguments)
    except KeyboardInterrupt:
        return _explain_interruption(output)
    except TomlProviderReadException as ex:
        return _explain_settings(ex, output)
    except UnknownDestinationModule as ex:
        output.complain(f"dlt has no destination `{options.destination}`.", ex)
    except MissingDependencyException as ex:
        cause = ex.__context__
        missing = f"{cause.name} is missing.\n" if isinstance(cause, ModuleNotFoundError) else ""
        output.complain(f"{missing}{ex}\nOr install this package with the destination's extra.", ex)
    except AnotherRunError as ex:
        output.complain(str(ex), ex)
        return ANOTHER_RUN
    except (PipelineStepFailed, DestinationException) as ex:
        return explain_failure(ex, output)
    except UnreadableSettingsError as ex:
        # without a stack trace: it would say no more
        output.complain(str(ex))
    except (UnusableDestinationError, DltException) as ex:
        # the last one: of dlt's configuration
        output.complain(str(ex), ex)
    except Exception as ex:
        # of a destination's driver
        return explain_failure(ex, output)
    return NOTHING_TO_DO


def _explain_interruption(output: Output) -> int:
    output.complain("Interrupted. What was loaded is kept; the next run continues.")
    return INTERRUPTED


def explain_failure(error: Exception, output: Output, keeps_data: bool = False) -> int:
    """Prints why a step of the pipeline, or the destination, failed.

    Args:
        error (Exception): What was raised.
        output (Output): Where to print.
        keeps_data (bool): Whether rows that were read are kept for the next run.

    Returns:
        int: The exit code.
    """
    cause: BaseException = error
    kept = step = ""
    if isinstance(error, PipelineStepFailed):
        cause, step = error.exception or error, f" at dlt's step `{error.step}`"
        if is_interruption(error):
            return _explain_interruption(output)
        kept = "The next run reads again."
    if keeps_data:
        kept = "Nothing is lost: the next run loads what was read, or reads it again."
    reason = explain_lock(cause) or explain_damage(cause) or _explain_full_disk(cause) or str(cause)
    if reason == str(cause) and not isinstance(cause, DltException | OSError):
        reason = f"{type(cause).__name__}: {reason}"
    output.complain(f"FAILED{step}: {reason}\n{kept}".rstrip(), error)
    return NOTHING_TO_DO if isinstance(cause, ConfigurationException) else FAILED


def _explain_full_disk(error: BaseException) -> str | None:
    if not isinstance(error, OSError) or error.errno not in (errno.ENOSPC, errno.EDQUOT):
        return None
    where = f" ({error.filename})" if error.filename else ""
    return f"The disk is full{where}. Free some space."


def _explain_settings(error: TomlProviderReadException, output: Output) -> int:
    """Says which file it is, of those in other folders, too; dlt's text may quote a key."""
    try:
        refuse_unreadable_settings(Path(path) for path in error.full_paths)
        output.complain(f"dlt cannot read {error.file_name}. Correct it.")
    except UnreadableSettingsError as ex:
        output.complain(str(ex))
    return NOTHING_TO_DO


def explain_missing_keys(without_key: Sequence[str], output: Output) -> None:
    """Prints where keys were looked for.

    Args:
        without_key (Sequence[str]): Providers that were named; empty if none was.
        output (Output): Where to print.
    """
    names = without_key or list(PROVIDERS)
    asked = f"No API key for {', '.join(names)}." if without_key else "No provider has an API key."
    # one that products share is looked at for providers that are asked for
    looked_at = [
        PROVIDERS[name].key_variables if without_key else (PROVIDERS[name].api_key_env,)
        for name in names
    ]
    # some have only one that products share
    variables = ", ".join(variable for each in looked_at for variable in each if variable)
    output.complain(
        f"{asked}\nLooked for the environment variables {variables}, and for `api_key` or"
        f" `accounts` in [sources.ai_batches.{names[0] if len(names) == 1 else '<provider>'}] of"
        " .dlt/secrets.toml; .dlt/example.secrets.toml shows how.\nTo see it work without a key:"
        " ai-batches demo"
    )
