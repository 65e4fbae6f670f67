"""Keeps the views on the table in the destination, with words on every column for who looks there.

Destinations of files have no views; `reading` runs the same queries on them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from dlt import Pipeline
from dlt.common import logger
from dlt.common.utils import digest128

from ai_batches import TABLE_NAME

from ..run.pipeline import connected
from ..run.state_sync import place_of, remembered
from .comments import comment_statements
from .dialects import DIALECTS, translate
from .stored import as_it_stands, speaks_sql, table_exists
from .view_definitions import VIEWS, tables_of

LOCK_SECONDS = 5
"""How long to wait for a view that somebody reads at the moment; the next run tries again."""

_KEPT = "ai_batches_kept_views"


class ViewError(Exception):
    """The destination refused to make a view.

    Args:
        view (str): Which one.
        reason (Exception): Its driver's error.
    """

    def __init__(self, view: str, reason: Exception) -> None:
        super().__init__(str(reason).strip())
        self.view = view


def keep_views(pipeline: Pipeline, wait: float = 0) -> None:
    """Makes the views as they are to be, once; asks nothing of a destination that has them.

    What fails here is a warning: the rows are loaded, and the next run tries again. That somebody
    dropped a view is not noticed before a run whose working folder is new, or finds that the
    destination changed.

    Args:
        pipeline (Pipeline): The pipeline, after it loaded.
        wait (float): Seconds to wait for a DuckDB file that another program has open.
    """
    if not speaks_sql(pipeline):
        return
    destination = _Destination(pipeline)
    if destination.dialect not in DIALECTS:
        return
    views, comments = destination.views(), destination.comments()
    wanted = digest128("\n".join((place_of(pipeline), *views.values(), *comments)))
    if remembered(pipeline, _KEPT) == wanted:
        return
    try:
        with connected(pipeline, wait):
            if not table_exists(pipeline):
                return
            with destination.client:
                _make(destination, views)
                _comment(destination, comments)
    except Exception as ex:
        # of any driver
        view = destination.qualify(ex.view if isinstance(ex, ViewError) else next(iter(VIEWS)))
        logger.warning(
            f"The rows are loaded, but the view {view} is not up to date: {ex}\nThe user needs the"
            " right to make views there and has to own them. A view or table that stands in the"
            " way has to be dropped. The next run tries again."
        )
        return
    pipeline.set_local_state_val(_KEPT, wanted)


def forget_views(pipeline: Pipeline) -> None:
    """Has the next `keep_views` make them: the table was dropped, and they with it."""
    pipeline.set_local_state_val(_KEPT, "")


class _Destination:
    """A destination that runs SQL with views.

    Args:
        pipeline (Pipeline): Whose destination.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self.client: Any = pipeline.sql_client()
        self.dialect = str(self.client.capabilities.sqlglot_dialect)
        self.qualify = self.client.make_qualified_table_name
        self._pipeline = pipeline

    def views(self) -> dict[str, str]:
        """The query of each view by its name, in the order of making them."""
        # a DuckDB file that is renamed or attached is another catalog; and one of SQLite that is
        # opened by itself has no schema: with a view that names one, it could not be read at all
        parts = {"sqlite": 1, "duckdb": 2}.get(self.dialect)

        def qualify(name: str) -> str:
            path = self.client.make_qualified_table_name_path(name)
            return ".".join(path[-parts:] if parts else path)

        return {name: translate(view.query, self.dialect, qualify) for name, view in VIEWS.items()}

    def comments(self) -> list[str]:
        """The statements that say what everything means."""
        # DuckLake has words for a view, and none for its columns
        is_lake = self._pipeline.destination.destination_type == "dlt.destinations.ducklake"
        return list(comment_statements(self.dialect, self.qualify, on_columns_of_views=not is_lake))

    def run(self, statements: Sequence[str]) -> None:
        """Runs statements as they stand."""
        self.client.execute_many([as_it_stands(self._pipeline, each) for each in statements])

    def make(self, view: str, *statements: str) -> None:
        """Runs the statements that make a view.

        Raises:
            ViewError: If the destination refuses.
        """
        try:
            self.run(statements)
        except Exception as ex:
            # of any driver
            raise ViewError(view, ex) from ex

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing where the destination knows that; does not wait for readers for long."""
        if self.dialect == "mysql":
            # it would wait for a day
            self.run([f"SET SESSION lock_wait_timeout = {LOCK_SECONDS}"])
            try:
                yield
            finally:
                self.run(["SET SESSION lock_wait_timeout = DEFAULT"])
        elif self.client.capabilities.supports_ddl_transactions:
            with self.client.begin_transaction():
                if self.dialect == "postgres":
                    self.run([f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'"])
                yield
        else:
            yield


def _make(destination: _Destination, views: Mapping[str, str]) -> None:
    refused: list[ViewError] = []
    for name, query in views.items():
        view = destination.qualify(name)
        statements = [f"CREATE OR REPLACE VIEW {view} AS {query}"]
        if destination.dialect == "sqlite":
            statements = [f"DROP VIEW IF EXISTS {view}", f"CREATE VIEW {view} AS {query}"]
        try:
            with destination.transaction():
                destination.make(name, *statements)
        except ViewError as ex:
            refused.append(ex)
    if refused and destination.dialect in ("postgres", "redshift"):
        # they replace no view by one with other columns
        _make_anew(destination, views, {ex.view for ex in refused})
    elif refused:
        raise refused[0]


def _make_anew(destination: _Destination, views: Mapping[str, str], names: Iterable[str]) -> None:
    """Drops views, and those of ours that read them, and makes them: all of them, or none."""
    chosen = set(names)
    for name, view in VIEWS.items():
        if tables_of(view.query) & chosen:
            chosen.add(name)
    with destination.transaction():
        for name in reversed(VIEWS):
            if name in chosen:
                destination.make(name, f"DROP VIEW IF EXISTS {destination.qualify(name)}")
        for name in VIEWS:
            if name in chosen:
                create = f"CREATE VIEW {destination.qualify(name)} AS {views[name]}"
                destination.make(name, create)


def _comment(destination: _Destination, comments: Sequence[str]) -> None:
    if not comments:
        return
    try:
        with destination.transaction():
            destination.run(comments)
    except Exception as ex:
        # of any driver; not tried again before there is something else to say
        logger.warning(
            "The rows are loaded, but what the columns mean could not be written to"
            f" {destination.qualify(TABLE_NAME)}: {str(ex).strip()}\nThe user has to own the table"
            " and the views."
        )
