"""Chooses how a command reports what it does."""

import logging
import sys

from ai_batches import protect_log

from .json_output import JsonLines
from .output import Lines, Output, Terminal


def new_output(log_format: str, quiet: bool, debug: bool) -> Output:
    """Chooses how a command prints.

    Args:
        log_format (str): `text` or `json`.
        quiet (bool): Whether to print failures and alerts only.
        debug (bool): Whether an error is followed by its stack trace.

    Returns:
        Output: Live on a terminal, else in lines, unless the user chose otherwise.
    """
    protect_log()
    if log_format == "json":
        return JsonLines(debug, logging.WARNING if quiet else logging.INFO)
    if quiet:
        return Output(debug)
    return Terminal(debug) if sys.stderr.isatty() else Lines(debug)
