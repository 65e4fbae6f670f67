"""What can go wrong while a list is read: one family, each error with what to do about it."""

from dlt.common.exceptions import DltException


class AiBatchesError(DltException):
    """Base of every error that this source raises on purpose.

    The text names the provider and, where one is concerned, the account; it never holds a key.

    Args:
        provider (str): Name of the provider, as its resource is called.
        account (str | None): Name of the account, or None where no account is concerned.
        problem (str): What was wrong, as a clause.
        remedy (str): What the user can do, as a sentence.
    """

    def __init__(self, provider: str, account: str | None, problem: str, remedy: str) -> None:
        self.provider = provider
        self.account = account
        self.problem = problem
        self.remedy = remedy
        self.is_of_the_list = not isinstance(self, (TransientRequestError, AuthenticationError))
        """Whether the position that was asked for may be what is wrong."""
        super().__init__(f"{self.subject}: {problem}. {remedy}")

    @property
    def subject(self) -> str:
        """Whom the error is about: `openai`, or `openai, account research`."""
        return f"{self.provider}, account {self.account}" if self.account else self.provider

    def __reduce__(self) -> tuple[object, ...]:
        # the default would call the class with the finished text only
        return type(self), (self.provider, self.account, self.problem, self.remedy)


class TimeUpError(Exception):
    """The time of a run is up, or would be before a request could be tried again: no failure."""


class SettingsError(AiBatchesError):
    """A setting is missing or cannot be used; nothing was requested."""


class AuthenticationError(AiBatchesError):
    """The provider answered 401 or 403."""


class RequestError(AiBatchesError):
    """A request failed for good: a status that is not retried, or the last retry."""


class TransientRequestError(RequestError):
    """The server could not be reached, or is out of order; the same request may succeed later."""


class UnexpectedError(AiBatchesError):
    """Something went wrong that should not; the text says where in the code."""


class BadPageError(AiBatchesError):
    """A reply cannot be trusted as a page of the list, so reading stops here.

    A list that ends in doubt is never taken for a complete one.
    """
