"""The words for a batch's state: what vendors and gateways write, to the words of the table.

One list serves all vendors. A word is here only if it means the same wherever it was seen; a word
of a single vendor is in its declaration, which takes precedence.
"""

import re

ENDED = "ended"
"""Not a word of the table: the batch is over, and its own times say how. In doubt it completed."""

_SYNONYMS = {
    "validating": (
        "validation created creating submitted accepted received registered enqueued queued"
        " queueing queuing in_queue pending waiting scheduled scheduling initializing"
        " initialising preparing not_started"
    ),
    "in_progress": (
        "progress progressing processing running active executing started working ongoing paused"
    ),
    "finalizing": "finalising finishing completing",
    "completed": (
        "complete succeeded succeed success successful partially_completed partially_complete"
        " partially_succeeded partial_success completed_partial completed_partially"
        " completed_with_errors completed_with_failures"
    ),
    ENDED: "ended done finished finalized finalised",
    "failed": "fail failure error errored validation_failed",
    "expired": "timeout timed_out timeout_exceeded",
    "cancelling": (
        "canceling cancel_requested cancellation_requested cancel_pending cancellation_pending"
        " cancel_in_progress cancellation_in_progress stopping aborting"
    ),
    "cancelled": "canceled stopped aborted",
}
"""What each word of the table is called elsewhere."""

_TOKEN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+|[^\W\d_a-zA-Z]+")
_QUALIFIER = re.compile(r"\A[\w.]+\.(?=\w)")
_KINDS = frozenset({"batch", "job", "task", "state", "status"})
"""Words that say what has the state, not which: `JOB_STATE_RUNNING`, `BatchStatus.Running`."""


def spelling(word: str) -> str:
    """Reduces a status to the part that does not depend on how it is written.

    Args:
        word (str): A status as it was sent.

    Returns:
        str: The word without case, spaces, hyphens, underscores, humps and a prefix that says what
            the state is of, such as `inprogress` for `BATCH_STATUS_IN_PROGRESS` or `In progress`;
            empty if nothing is left.
    """
    tokens = [token.lower() for token in _TOKEN.findall(_QUALIFIER.sub("", word.strip()))]
    start = 0
    while start < len(tokens) - 1 and tokens[start] in _KINDS:
        start += 1
    return "".join(tokens[start:])


_WORDS = {
    spelling(synonym): word
    for word, synonyms in _SYNONYMS.items()
    for synonym in (word, *synonyms.split())
}


def known_word(status: str) -> str | None:
    """Translates a status into the words of the table.

    Args:
        status (str): A status as a vendor writes it.

    Returns:
        str | None: A word of `columns.STATUSES`, `ENDED`, or None for an unknown word.
    """
    return _WORDS.get(spelling(status))
