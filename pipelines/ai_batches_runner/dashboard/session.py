"""Reads what a viewer asks for, in one short connection, and remembers it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock

from dlt.common.configuration.exceptions import ConfigurationException
from dlt.common.destination import TDestinationReferenceArg
from dlt.common.destination.exceptions import UnknownDestinationModule

from ai_batches import shown

from ..defaults import PIPELINE_NAME, SHORT_LOCK_TIMEOUT
from ..destinations.duckdb_file import explain_lock
from ..errors import UnusableDestinationError
from ..inspect.budgets import OF_THE_MONTH, read_budgets, read_spend
from ..run.pipeline import open_to_read
from ..sql.label_settings import read_labels
from ..sql.reader import Reader, TRow, open_reader
from .queries import BREAKDOWNS, Filters, owners
from .view import TAsk, View, read_view

_REMEMBERED = 500

# dlt has one active pipeline per process, and each viewer's page runs in its own thread
_turn = Lock()


class Session:
    """What one viewer reads.

    Args:
        destination (TDestinationReferenceArg): Any dlt destination.
        dataset (str | None): As of `open_to_read`.
        wait (float): Seconds to wait for a DuckDB file that another program has open.
        pipeline (str): Name of the pipeline that loads; as of `open_to_read`.

    Raises:
        SettingsError: If labels or budgets cannot be used.
    """

    def __init__(
        self,
        destination: TDestinationReferenceArg,
        dataset: str | None = None,
        wait: float = SHORT_LOCK_TIMEOUT,
        pipeline: str = PIPELINE_NAME,
    ) -> None:
        self._destination = destination
        self._dataset = dataset
        self._wait = wait
        self._pipeline = pipeline
        self._answers: dict[tuple[str | None, str], list[TRow]] = {}
        self._owners: list[TRow] = []
        self._view: View | None = None
        self._budgets = read_budgets()
        self.breakdowns = (*BREAKDOWNS, *(label.name for label in read_labels()))
        """Columns by which amounts can be split."""
        self.problem = ""
        """Why the last read failed."""

    def reload(self) -> list[TRow]:
        """Forgets all answers and reads the providers and accounts; keeps them on failure."""
        self._answers = {}
        self.problem = ""
        try:
            with self.asking() as ask:
                self._owners = ask(owners())
        except Exception as ex:
            # of any destination's driver
            self.problem = explain(ex)
        return self._owners

    def read(self, filters: Filters, breakdown: str, measure: str) -> View | None:
        """Reads a view, as `read_view` does; returns the one before on failure."""
        if not self._owners:
            return None
        try:
            with self.asking(OF_THE_MONTH) as ask:
                spent = read_spend(ask, self._budgets)
            budgets = list(zip(self._budgets, spent, strict=True))
            with self.asking(filters.near()) as ask:
                self._view = read_view(ask, filters, breakdown, measure, budgets)
            self.problem = ""
        except Exception as ex:
            # of any destination's driver
            self.problem = explain(ex)
        return self._view

    @contextmanager
    def asking(self, only: str | None = None) -> Iterator[TAsk]:
        """Connects on the first query without a remembered answer.

        While it is connected, no run can write to a DuckDB file.

        Args:
            only (str | None): As of `open_reader`.

        Yields:
            TAsk: Answers queries.
        """
        with ExitStack() as stack:
            readers: list[Reader] = []

            def ask(query: str) -> list[TRow]:
                if (only, query) not in self._answers:
                    if not readers:
                        readers.append(self._connect(stack, only))
                    self._answers[only, query] = readers[0].rows(query)
                return self._answers[only, query]

            if len(self._answers) > _REMEMBERED:
                self._answers = {}
            yield ask

    def _connect(self, stack: ExitStack, only: str | None) -> Reader:
        stack.enter_context(_turn)
        pipeline = stack.enter_context(
            open_to_read(self._destination, self._dataset, self._pipeline, self._wait)
        )
        return stack.enter_context(open_reader(pipeline, self._wait, only))


def explain(error: Exception) -> str:
    """Why nothing could be read, as a sentence."""
    locked = explain_lock(error)
    if locked:
        return f"A run may be writing: {shown(locked)}"
    if isinstance(error, UnknownDestinationModule):
        return "dlt does not know this destination."
    if isinstance(error, UnusableDestinationError | ConfigurationException):
        return shown(error)
    return f"The destination could not be read. {type(error).__name__}: {shown(error)}"
