"""The exit codes of every subcommand."""

ALL_GOOD = 0
FAILED = 1
"""A provider, the load, a check or a comparison failed, or there are alerts."""
NOTHING_TO_DO = 2
"""No provider has a key, or the command or a setting cannot be used."""
PARTIAL = 3
"""The time limit was reached; the next run continues."""
ANOTHER_RUN = 4
"""Another run of the same pipeline is in progress."""
INTERRUPTED = 130
"""By Ctrl-C."""
