"""Keeps the views in the destination, and the descriptions of tables, views and columns.

Destinations of files have no views; `reader` runs the same queries on them.
"""

from collections.abc import Iterable, Mapping, Sequence

from dlt import Pipeline
from dlt.common import logger
from dlt.common.utils import digest128

from ai_batches import TABLE_NAME, __version__

from ..destinations.registry import adapter_of
from ..destinations.sql import SqlAdapter
from ..local_state import remembered
from .comments import comment_statements
from .dialects import DIALECTS, translate
from .label_settings import read_labels
from .reader import table_exists
from .view_definitions import VIEWS, tables_of, views_with

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
    """Makes the views once; sends nothing to a destination that has them.

    What fails here is a warning: the rows are loaded, and the next run tries again. That somebody
    dropped a view is not noticed before a run whose working folder is new, or finds that the
    destination changed.

    Args:
        pipeline (Pipeline): The pipeline, after it loaded.
        wait (float): Seconds to wait for a DuckDB file that another program has open.

    Raises:
        SettingsError: If the user's labels cannot be used.
    """
    defined = views_with(read_labels())
    adapter = adapter_of(pipeline)
    if not isinstance(adapter, SqlAdapter) or adapter.dialect not in DIALECTS:
        return
    comments = list(comment_statements(adapter, defined))
    queries = [view.query for view in defined.values()]
    # what the translations follow from: to translate them takes longer than to store a small run
    made_of = (adapter.identity, adapter.table_name, adapter.dialect, __version__)
    wanted = digest128("\n".join((*made_of, *queries, *comments)))
    if remembered(pipeline, _KEPT) == wanted:
        return
    views = {
        name: translate(view.query, adapter.dialect, adapter.qualify_in_view)
        for name, view in defined.items()
    }
    try:
        with adapter.connected(wait):
            if not table_exists(pipeline):
                return
            _make(adapter, views)
            _comment(adapter, comments)
    except Exception as ex:
        # of any driver
        view = adapter.qualify(ex.view if isinstance(ex, ViewError) else next(iter(defined)))
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


def _run(adapter: SqlAdapter, view: str, *statements: str) -> None:
    """Runs the statements that make a view."""
    try:
        adapter.run(statements)
    except Exception as ex:
        # of any driver
        raise ViewError(view, ex) from ex


def _make(adapter: SqlAdapter, views: Mapping[str, str]) -> None:
    refused: list[ViewError] = []
    for name, query in views.items():
        try:
            with adapter.transaction():
                _run(adapter, name, *adapter.view_statements(name, query))
        except ViewError as ex:
            refused.append(ex)
    if refused and adapter.REMAKES_VIEWS:
        _make_anew(adapter, views, {ex.view for ex in refused})
    elif refused:
        raise refused[0]


def _make_anew(adapter: SqlAdapter, views: Mapping[str, str], names: Iterable[str]) -> None:
    """Drops views, and those of ours that read them, and makes them: all of them, or none."""
    chosen = set(names)
    for name, view in VIEWS.items():
        if tables_of(view.query) & chosen:
            chosen.add(name)
    with adapter.transaction():
        for name in reversed(VIEWS):
            if name in chosen:
                _run(adapter, name, f"DROP VIEW IF EXISTS {adapter.qualify(name)}")
        for name in VIEWS:
            if name in chosen:
                _run(adapter, name, f"CREATE VIEW {adapter.qualify(name)} AS {views[name]}")


def _comment(adapter: SqlAdapter, comments: Sequence[str]) -> None:
    if not comments:
        return
    try:
        with adapter.transaction():
            adapter.run(comments)
    except Exception as ex:
        # of any driver; not tried again before there is something else to say
        logger.warning(
            "The rows are loaded, but what the columns mean could not be written to"
            f" {adapter.qualify(TABLE_NAME)}: {str(ex).strip()}\nThe user has to own the table"
            " and the views."
        )
