"""What becomes of each request of a made-up batch, and the tokens that it takes.

It follows from the batch and a moment. Any request can be asked for without those before it, so
that a file of 50,000 lines is never in memory.
"""

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from .batches import Batch

MARKER = "words-that-must-not-be-kept"
"""Stands in every text that a model was sent or answered, so that tests can look for it."""

Kind = Literal["succeeded", "failed", "expired", "cancelled"]


class Tokens(NamedTuple):
    """Tokens of one request."""

    input: int
    """All of the input, cached ones included."""
    cached: int
    output: int
    """All of the output, reasoning included."""
    reasoning: int


MEAN_TOKENS = Tokens(input=40, cached=8, output=150, reasoning=90)
"""What the lists of most vendors report for a request that succeeded."""

NO_TOKENS = Tokens(0, 0, 0, 0)

LARGEST_SHIFT = 8
"""Tokens by which a request differs from the mean at most; no more than the cached ones."""


class Failure(NamedTuple):
    """Why a request has no output."""

    status: int
    """HTTP status of the request itself; 0 if it was never sent."""
    code: str
    message: str


FAILURES = (
    Failure(429, "rate_limit_exceeded", "Too many tokens in this minute for the project."),
    Failure(400, "content_policy_violation", "The request breaks the rules for content."),
    Failure(400, "context_length_exceeded", "The input has more tokens than the model takes."),
    Failure(500, "server_error", "The server had an error. The request can be sent again."),
    Failure(504, "request_timeout", "The model did not answer in time."),
)
"""Why single requests fail."""

CUT = {
    "expired": Failure(0, "batch_expired", "The batch expired before this request ran."),
    "cancelled": Failure(0, "batch_cancelled", "The batch was cancelled before this request ran."),
    "failed": Failure(400, "invalid_request", "The batch was refused as a whole."),
}
"""Why a request never ran, by the status word of its batch."""


class Outcome(NamedTuple):
    """What became of one request."""

    number: int
    """Position of the request in the input, from 0."""
    kind: Kind
    failure: Failure | None
    """None if it succeeded."""
    tokens: Tokens
    """Of a request that succeeded; others take none."""

    @property
    def custom_id(self) -> str:
        """The name that its sender gave to the request."""
        return f"request-{self.number:06d}"

    @property
    def text(self) -> str:
        """What the model answered."""
        return f"{MARKER} {self.number}"


class Results:
    """The outcomes of a batch's requests, as they stand at a moment.

    Args:
        batch (Batch): The batch.
        now (int): The moment, in Unix seconds.
        mean (Tokens): Tokens of a request that succeeded; those of all together are this often.
    """

    def __init__(self, batch: Batch, now: int, mean: Tokens = MEAN_TOKENS) -> None:
        self.batch = batch
        self.now = now
        self.mean = mean
        self.succeeded = batch.done(now)
        self.failed = batch.failed(now)
        self.reached = self.succeeded + self.failed
        """Requests that ran; they are the first ones of the input."""
        self._cut: tuple[Kind, Failure] | None = None
        match batch.status(now):
            case ("expired" | "cancelled") as status:
                self._cut = status, CUT[status]
            case "failed":
                self._cut = "failed", CUT["failed"]

    def outcome(self, number: int) -> Outcome:
        """What became of a request.

        Args:
            number (int): Position of the request in the input, from 0.

        Returns:
            Outcome: The outcome.

        Raises:
            IndexError: If it has none yet, or if there is no such request.
        """
        if 0 <= number < self.reached:
            # the failed ones are spread evenly over those that ran
            before = number * self.failed // self.reached
            if (number + 1) * self.failed // self.reached > before:
                # with the first codes somewhat more often
                return Outcome(number, "failed", FAILURES[before % 7 % len(FAILURES)], NO_TOKENS)
            return Outcome(number, "succeeded", None, self._tokens(number - before))
        if self.reached <= number < self.batch.requests and self._cut:
            return Outcome(number, *self._cut, NO_TOKENS)
        raise IndexError(f"request {number} has no outcome")

    def of(self, numbers: Iterable[int]) -> Iterator[Outcome]:
        """The outcomes of requests, one by one."""
        return map(self.outcome, numbers)

    def successes(self) -> Iterator[Outcome]:
        """Requests that succeeded."""
        return (one for one in self.of(range(self.reached)) if one.failure is None)

    def failures(self) -> Iterator[Outcome]:
        """Requests that ran and failed."""
        return self.of(
            -(-(ordinal + 1) * self.reached // self.failed) - 1 for ordinal in range(self.failed)
        )

    def cut(self) -> Iterator[Outcome]:
        """Requests that never ran, of a batch that ended."""
        return self.of(range(self.reached, self.batch.requests) if self._cut else ())

    def _tokens(self, ordinal: int) -> Tokens:
        """Tokens of a request by its place among those that succeeded.

        What one has more than the mean, its neighbour has less.
        """
        if ordinal + 1 == self.succeeded and self.succeeded % 2:
            return self.mean
        shift = (ordinal // 2 + self.batch.number) % (LARGEST_SHIFT + 1)
        return Tokens(*(count + (-shift if ordinal % 2 else shift) for count in self.mean))
