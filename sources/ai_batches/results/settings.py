"""What is kept of results, which a user decides by provider or account."""

from typing import Literal, NamedTuple

Mode = Literal["off", "errors", "totals", "all"]

MODES: tuple[Mode, ...] = ("off", "errors", "totals", "all")
"""By how much is kept: `errors` has the failed requests, `totals` sums of all requests by batch,
model and outcome, `all` each request."""

CustomId = Literal["keep", "hash", "drop"]


class ResultSettings(NamedTuple):
    """What is kept of the results of an account's batches."""

    mode: Mode = "off"
    """The setting `results`."""
    max_mb: int = 2_000
    """Size of a file beyond which it is refused, decompressed, in megabytes."""
    error_text: bool = True
    """Whether the text of an error is kept, which a vendor writes."""
    custom_id: CustomId = "keep"
    """What is kept of the ids that users gave to requests."""
