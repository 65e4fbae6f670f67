"""Delivers new alerts once per channel, whatever fails on the way.

Each channel has its own record. An alert that was not delivered on a channel is delivered when the
channel works again, also if the run that loaded it was killed. A process that is killed between the
delivery and its record delivers twice.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from dlt import Pipeline
from dlt.common import logger

from ..run.report import TAccount
from ..sql.runs import TOLERATED_SKEW
from .alert import Alert
from .alerts import Findings, in_order, look_up
from .delivered import REMEMBERED_BATCHES, Delivered, DeliveredFile
from .ended_batches import (
    FIRST_LOOK,
    LATER_LOOK,
    EndedBatch,
    Window,
    alerts_on,
    first_window,
    was_loaded,
)
from .thresholds import read_thresholds

PRINT, SLACK = "print", "slack"
"""The channels."""

_SKEW = timedelta(seconds=TOLERATED_SKEW)


class AlertDelivery:
    """The alerts that one run delivers.

    Args:
        pipeline (Pipeline): The run's pipeline, before it loads.
        channels (Collection[str]): Where it delivers.
        wait (float): Seconds to wait for a DuckDB file that another program has open.

    Raises:
        SettingsError: If a threshold cannot be used.
    """

    def __init__(self, pipeline: Pipeline, channels: Collection[str], wait: float = 0) -> None:
        self._pipeline = pipeline
        self._channels = channels
        self._thresholds = read_thresholds()
        self._file = DeliveredFile(pipeline)
        self._delivered = self._file.read()
        self._found = Findings.nothing()
        self._windows: dict[str, dict[TAccount, Window]] = {}
        new = [name for name in channels if name not in self._delivered]
        if not new:
            return
        for name in new:
            self._delivered[name] = Delivered()
        try:
            found = look_up(pipeline, self._thresholds, wait)
        except Exception as ex:
            # of any driver; the run itself says what is the matter
            logger.debug(f"What was loaded before could not be looked up: {type(ex).__name__}.")
            return
        earlier = [batch.key for batch in found.ended if _is_settled_by_runs(batch, found)]
        for name in new:
            self._delivered[name].settle(earlier)
        self._write()

    def look_up(self, asked: Collection[TAccount], wait: float = 0) -> None:
        """Looks for what is to be delivered, after the run loaded.

        Args:
            asked (Collection[TAccount]): The accounts of the run. What ended in those of other
                working folders is theirs to deliver.
            wait (float): Seconds to wait for a DuckDB file that another program has open.

        Raises:
            DestinationConnectionError: If no server answers, or it refuses.
            UnusableDestinationError: If the destination cannot be read back.
        """
        memories = {name: self._delivered[name] for name in self._channels}
        oldest: dict[TAccount, datetime] = {}
        for delivered in memories.values():
            for whose, moment in delivered.until.items():
                oldest[whose] = min(moment, oldest.get(whose, moment))
        self._found = look_up(self._pipeline, self._thresholds, wait, oldest)
        for name, delivered in memories.items():
            owners = (delivered.until.keys() | set(asked)) & self._found.runs.keys()
            self._windows[name] = {
                whose: _window(delivered, self._found, whose) for whose in owners
            }
        begun = [self._begin(name) for name in memories]
        if any(begun):
            # recorded before delivery, which may fail for long
            self._write()

    def alerts(self, channel: str) -> list[Alert]:
        """What to deliver on a channel, by provider and account, with all conditions that hold."""
        delivered, windows = self._delivered[channel], self._windows[channel]
        settled = set(delivered.settled)
        news = [
            batch
            for batch in self._batches(channel)
            if batch in windows[batch.whose]
            and batch.key not in settled
            and not (delivered.settled_until and batch.at and batch.at <= delivered.settled_until)
        ]
        standing = [
            alert
            for alert in self._found.standing
            if not settled.intersection(alert.once[-1:])
            and not (alert.about and alert.key in delivered.standing)
        ]
        return in_order([*standing, *alerts_on(news, windows)])

    def is_due(self, channel: str, alerts: Sequence[Alert]) -> bool:
        """Whether any of them was not in the last delivery on the channel."""
        return any(alert.key not in self._delivered[channel].standing for alert in alerts)

    def note(self, channel: str) -> None:
        """Records the delivery on a channel."""
        delivered, found = self._delivered[channel], self._found
        for whose in self._windows[channel]:
            if found.runs[whose]["read_at"]:
                delivered.until[whose] = found.runs[whose]["read_at"]
        batches = self._batches(channel)
        once = [key for alert in found.standing for key in alert.once]
        delivered.settle([*(batch.key for batch in batches), *once])
        if len(batches) > REMEMBERED_BATCHES:
            delivered.settled_until = batches[-REMEMBERED_BATCHES - 1].at
        delivered.standing = [alert.key for alert in found.standing]
        self._write()

    def _batches(self, channel: str) -> list[EndedBatch]:
        """Batches of the accounts of a channel."""
        windows = self._windows[channel]
        return [batch for batch in self._found.ended if batch.whose in windows]

    def _begin(self, channel: str) -> bool:
        """Records where delivery begins for accounts that are new on a channel."""
        delivered, windows = self._delivered[channel], self._windows[channel]
        new = windows.keys() - delivered.until.keys()
        delivered.settle(
            [
                batch.key
                for batch in self._batches(channel)
                if batch.whose in new and batch not in windows[batch.whose]
            ]
        )
        for whose in new:
            run = self._found.runs[whose]
            delivered.until[whose] = run["previous_at"] or run["started_at"]
        return bool(new)

    def _write(self) -> None:
        try:
            self._file.write(self._delivered)
        except OSError as ex:
            logger.warning(
                f"What was reported could not be noted ({ex}): the next run reports it again."
            )


def _is_settled_by_runs(batch: EndedBatch, found: Findings) -> bool:
    """Whether recorded runs reported a batch, as far as can be known."""
    run = found.runs.get(batch.whose)
    if not run or not run["read_at"]:
        return False
    window = Window(run["read_at"] - LATER_LOOK, False, "")
    return batch not in window or was_loaded(batch, run)


def _window(delivered: Delivered, found: Findings, whose: TAccount) -> Window:
    run = found.runs[whose]
    previous: datetime | None = run["previous_at"]
    known = delivered.until.get(whose)
    if known is None or known > found.now + _SKEW:
        # the second: noted under another clock
        known = previous
    if known is None:
        return first_window(run["started_at"])
    is_last = previous is None or known >= previous
    text = "since the last run" if is_last else f"since the run of {known:%Y-%m-%d %H:%M} UTC"
    # less would do if no clock were wrong; the keys prevent a second delivery
    return Window(known - FIRST_LOOK, False, text)
