"""Reads what one view of the page needs, in one short connection, and remembers it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock

from dlt.common.configuration.exceptions import ConfigurationException
from dlt.common.destination import TDestinationReferenceArg
from dlt.common.destination.exceptions import UnknownDestinationModule

from ..destination import PIPELINE_NAME, UnusableDestinationError, explain_lock, open_to_read
from ..reading import Reader, TRow, open_reader

WAIT = 5.0
"""Seconds to wait for a DuckDB file into which a run just writes."""

_REMEMBERED = 500

TAsk = Callable[[str], list[TRow]]
"""Answers a query."""

# dlt has one active pipeline in a process, and each viewer's page runs in a thread of its own
_turn = Lock()


class Session:
    """Answers the questions of one viewer.

    Args:
        destination (TDestinationReferenceArg): Any destination of dlt.
        dataset (str | None): As of `open_to_read`.
        wait (float): Seconds to wait for a DuckDB file that another program has open.
        pipeline (str): Name of the pipeline that loads; as of `open_to_read`.
    """

    def __init__(
        self,
        destination: TDestinationReferenceArg,
        dataset: str | None = None,
        wait: float = WAIT,
        pipeline: str = PIPELINE_NAME,
    ) -> None:
        self._destination = destination
        self._dataset = dataset
        self._wait = wait
        self._pipeline = pipeline
        self._answers: dict[tuple[str | None, str], list[TRow]] = {}

    def forget(self) -> None:
        """Has everything read anew from now on."""
        self._answers = {}

    @contextmanager
    def asking(self, only: str | None = None) -> Iterator[TAsk]:
        """Connects, if at all, with the first question that was not answered before.

        While it is connected, no run can write into a DuckDB file.

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
                self.forget()
            yield ask

    def _connect(self, stack: ExitStack, only: str | None) -> Reader:
        stack.enter_context(_turn)
        pipeline = stack.enter_context(
            open_to_read(self._destination, self._dataset, self._pipeline)
        )
        return stack.enter_context(open_reader(pipeline, self._wait, only))


def explain(error: Exception) -> str:
    """Says in a sentence why nothing could be read."""
    locked = explain_lock(error)
    if locked:
        return f"A run may be writing: {locked}"
    if isinstance(error, UnknownDestinationModule):
        return "dlt does not know this destination."
    if isinstance(error, UnusableDestinationError | ConfigurationException):
        return str(error)
    return f"The destination could not be read. {type(error).__name__}: {error}"
