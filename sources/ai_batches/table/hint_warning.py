"""A filter for the one warning of dlt that a correct run of this source would print."""

import logging

from ..providers import PROVIDERS


class HintWarningFilter(logging.Filter):
    """Drops dlt's warning that the JSON hints of our columns differ from Arrow's strings.

    A hint is the only way from Arrow to a column of type JSON, and dlt warns of it at every yield.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to log a record."""
        text = record.getMessage()
        return "when merging arrow schema" not in text or not any(
            text.startswith(f"In resource: {name},") for name in PROVIDERS
        )


_FILTER = HintWarningFilter()


def mute_hint_warning() -> None:
    """Adds the filter to dlt's logger, once."""
    logging.getLogger("dlt").addFilter(_FILTER)
