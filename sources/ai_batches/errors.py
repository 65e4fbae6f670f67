"""What can go wrong while a list is read: one family of errors, each with what to do about it."""

from dlt.common.exceptions import DltException, TerminalException, TransientException

from .display import shown


def subject(provider: str, account: str | None) -> str:
    """What a message is about: `openai`, or `openai, account research`."""
    return f"{provider}, account {shown(account)}" if account else provider


class AiBatchesError(DltException):
    """Base of every error that this source raises on purpose.

    The text names the provider and, if one is concerned, the account; it never holds a key.

    Args:
        provider (str): Name of the provider, which is also that of its resource.
        account (str | None): Name of the account, or None if no single account is concerned.
        problem (str): What went wrong, as a clause.
        remedy (str): What the user can do, as a sentence.
        may_be_position (bool): Whether the requested position in the list may be the cause.
    """

    def __init__(
        self,
        provider: str,
        account: str | None,
        problem: str,
        remedy: str,
        may_be_position: bool = True,
    ) -> None:
        self.provider = provider
        self.account = account
        self.problem = problem
        self.remedy = remedy
        # an outage or a refused key says nothing about a position
        self.may_be_position = may_be_position and not isinstance(
            self, (TransientRequestError, AuthenticationError)
        )
        super().__init__(f"{self.subject}: {problem}. {remedy}")

    @property
    def subject(self) -> str:
        """What the error is about: `openai`, or `openai, account research`."""
        return subject(self.provider, self.account)

    def __reduce__(self) -> tuple[object, ...]:
        # the default would call the class with the finished text only
        given = (self.provider, self.account, self.problem, self.remedy, self.may_be_position)
        return type(self), given


class TimeUpError(DltException, TransientException):
    """The time of a run is up, or would be before a request could be retried: not a failure."""


class SettingsError(AiBatchesError, TerminalException):
    """A setting is missing or cannot be used; nothing was requested."""


class AuthenticationError(AiBatchesError, TerminalException):
    """The provider answered 401 or 403, or no credentials were found."""


class RequestError(AiBatchesError, TerminalException):
    """The provider refused a request, with a status that a retry does not change."""


class TransientRequestError(AiBatchesError, TransientException):
    """The last retry failed: the server cannot be reached, is out of order, or limits the rate."""


class UnexpectedError(AiBatchesError, TerminalException):
    """Something went wrong that should not; the text says where in the code."""


class BadPageError(AiBatchesError, TerminalException):
    """A reply cannot be trusted as a page of the list, so reading stops here.

    A list that ends in doubt is never taken for a complete one.
    """
