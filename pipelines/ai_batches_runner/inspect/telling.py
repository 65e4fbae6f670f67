"""Tells a person what is new since they were last told, once, whatever fails on the way.

Each way of telling, a channel, has its own memory. What it owes is all that was not told there,
whether or not the run that loaded it lived to tell; it is told when the channel works again. A
process that is killed between telling and noting it tells twice.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from dlt import Pipeline
from dlt.common import logger

from ..run.report import TAccount
from ..sql.runs import TOLERATED_SKEW
from .alert import Alert
from .alerts import CLOCK, Findings, in_order, look_up
from .ended import (
    FIRST_LOOK,
    LATER_LOOK,
    EndedBatch,
    Window,
    alerts_on,
    first_window,
    was_loaded,
)
from .told import REMEMBERED_BATCHES, Told, ToldFile

PRINT, SLACK = "print", "slack"
"""The channels."""

_SKEW = timedelta(seconds=TOLERATED_SKEW)


class Telling:
    """What one run tells.

    Args:
        pipeline (Pipeline): The run's pipeline, before it loads.
        channels (Collection[str]): Where it tells.
        wait (float): Seconds to wait for a DuckDB file that another program has open.
    """

    def __init__(self, pipeline: Pipeline, channels: Collection[str], wait: float = 0) -> None:
        self._pipeline = pipeline
        self._channels = channels
        self._file = ToldFile(pipeline)
        self._told = self._file.read()
        self._found = Findings.nothing()
        self._windows: dict[str, dict[TAccount, Window]] = {}
        new = [name for name in channels if name not in self._told]
        if not new:
            return
        for name in new:
            self._told[name] = Told()
        try:
            found = look_up(pipeline, wait)
        except Exception as ex:
            # of any driver; the run itself says what is the matter
            logger.debug(f"What was loaded before could not be looked up: {type(ex).__name__}.")
            return
        earlier = [batch.key for batch in found.ended if _is_settled_by_runs(batch, found)]
        for name in new:
            self._told[name].settle(earlier)
        self._write()

    def look_up(self, asked: Collection[TAccount], wait: float = 0) -> None:
        """Looks for what is to be told, after the run loaded.

        Args:
            asked (Collection[TAccount]): The accounts of the run. What ended in those of other
                working folders is theirs to tell.
            wait (float): Seconds to wait for a DuckDB file that another program has open.

        Raises:
            DestinationConnectionError: If no server answers, or it refuses.
            UnusableDestinationError: If the destination cannot be read back.
        """
        memories = {name: self._told[name] for name in self._channels}
        oldest: dict[TAccount, datetime] = {}
        for told in memories.values():
            for whose, moment in told.until.items():
                oldest[whose] = min(moment, oldest.get(whose, moment))
        self._found = look_up(self._pipeline, wait, oldest)
        for name, told in memories.items():
            owners = (told.until.keys() | set(asked)) & self._found.runs.keys()
            self._windows[name] = {whose: _window(told, self._found, whose) for whose in owners}
        begun = [self._begin(name) for name in memories]
        if any(begun):
            # noted before it is told: it may be owed for long
            self._write()

    def alerts(self, channel: str) -> list[Alert]:
        """What a channel is to tell, by provider and account; what still holds is repeated."""
        told, windows = self._told[channel], self._windows[channel]
        settled = set(told.settled)
        news = [
            batch
            for batch in self._batches(channel)
            if batch in windows[batch.whose]
            and batch.key not in settled
            and not (told.settled_until and batch.at and batch.at <= told.settled_until)
        ]
        standing = [
            alert
            for alert in self._found.standing
            if alert.kind != CLOCK or str(alert) not in told.standing
        ]
        return in_order([*standing, *alerts_on(news, windows)])

    def is_due(self, channel: str, alerts: Sequence[Alert]) -> bool:
        """Whether there is something among them that the channel did not tell last time."""
        return any(str(alert) not in self._told[channel].standing for alert in alerts)

    def note(self, channel: str) -> None:
        """Notes that a channel has told what it was to tell."""
        told, found = self._told[channel], self._found
        for whose in self._windows[channel]:
            if found.runs[whose]["read_at"]:
                told.until[whose] = found.runs[whose]["read_at"]
        batches = self._batches(channel)
        told.settle([batch.key for batch in batches])
        if len(batches) > REMEMBERED_BATCHES:
            told.settled_until = batches[-REMEMBERED_BATCHES - 1].at
        told.standing = [str(alert) for alert in found.standing]
        self._write()

    def _batches(self, channel: str) -> list[EndedBatch]:
        """Those of the accounts that a channel tells of."""
        windows = self._windows[channel]
        return [batch for batch in self._found.ended if batch.whose in windows]

    def _begin(self, channel: str) -> bool:
        """Notes where telling begins for accounts that a channel tells of for the first time."""
        told, windows = self._told[channel], self._windows[channel]
        new = windows.keys() - told.until.keys()
        told.settle(
            [
                batch.key
                for batch in self._batches(channel)
                if batch.whose in new and batch not in windows[batch.whose]
            ]
        )
        for whose in new:
            run = self._found.runs[whose]
            told.until[whose] = run["previous_at"] or run["started_at"]
        return bool(new)

    def _write(self) -> None:
        try:
            self._file.write(self._told)
        except OSError as ex:
            logger.warning(f"What was told could not be noted ({ex}): the next run tells it again.")


def _is_settled_by_runs(batch: EndedBatch, found: Findings) -> bool:
    """Whether runs that are recorded told of a batch, as far as one can know."""
    run = found.runs.get(batch.whose)
    if not run or not run["read_at"]:
        return False
    window = Window(run["read_at"] - LATER_LOOK, False, "")
    return batch not in window or was_loaded(batch, run)


def _window(told: Told, found: Findings, whose: TAccount) -> Window:
    run = found.runs[whose]
    previous: datetime | None = run["previous_at"]
    known = told.until.get(whose)
    if known is None or known > found.now + _SKEW:
        # the second: noted under another clock
        known = previous
    if known is None:
        return first_window(run["started_at"])
    is_last = previous is None or known >= previous
    text = "since the last run" if is_last else f"since the run of {known:%Y-%m-%d %H:%M} UTC"
    # less would do if no clock were wrong, and the keys keep all from being told again
    return Window(known - FIRST_LOOK, False, text)
