"""One thing that a person should look at."""

from collections.abc import Sequence
from typing import NamedTuple

from ai_batches import shown, subject

SHOWN_IDS = 3


class Alert(NamedTuple):
    """One thing to look at, of one account."""

    kind: str
    """stuck, failed, expired, paid, uncounted, expiring, failure_rate, refused_key, failed_run,
    stale, budget or clock."""
    provider: str
    """Empty if it is about the table of runs or a budget."""
    account: str
    """Empty if it is about all of a provider, too."""
    total: int
    """Batches concerned, or runs; 0 if it is about the account."""
    ids: tuple[str, ...]
    """Some of their ids, the newest first."""
    text: str
    """A sentence on it, without whom it concerns."""
    about: str = ""
    """What sets it apart from others of its kind, if it is to be delivered once for as long as it
    holds."""
    once: tuple[str, ...] = ()
    """Keys of what is delivered once only, the last of which is new; empty: as long as it holds."""

    @property
    def key(self) -> str:
        """The same for as long as it is the same alert."""
        return f"{self.kind} {self.provider} {self.about}" if self.about else str(self)

    def __str__(self) -> str:
        more = f" and {self.total - len(self.ids)} more" if self.total > len(self.ids) else ""
        ids = f": {', '.join(map(shown, self.ids))}{more}" if self.ids else ""
        whose = f"{subject(self.provider, self.account)}: " if self.provider else ""
        return f"{whose}{self.text}{ids}"


def alert_on(
    kind: str, provider: str, account: str, ids: Sequence[str], text: str, total: int | None = None
) -> Alert:
    """An alert about batches of an account.

    Args:
        kind (str): As of `Alert`.
        provider (str): Name of the provider.
        account (str): Name of the account.
        ids (Sequence[str]): Ids of the batches, the first ones of which are shown.
        text (str): What is the matter with them.
        total (int | None): How many batches there are; None: as many as ids.

    Returns:
        Alert: It counts the batches and shows some ids.
    """
    count = len(ids) if total is None else total
    batches = "batch" if count == 1 else "batches"
    shown = tuple(ids[:SHOWN_IDS])
    return Alert(kind, provider, account, count, shown, f"{count:,} {batches} {text}")
