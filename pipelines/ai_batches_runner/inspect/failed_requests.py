"""The failed requests of a batch, for whoever sends them again."""

from typing import Any

from dlt import Pipeline

from ai_batches import FILES, REQUESTS

from ..sql.reader import literal, open_reader

_SHOWN = ("provider", "account", "batch_id", "custom_id", "outcome", "status_code", "error_type")
_COLUMNS = (*_SHOWN, "error_code", "error_message")


def failed_requests(
    pipeline: Pipeline, batch_id: str, wait: float = 0
) -> tuple[list[dict[str, Any]], bool]:
    """Looks up requests of a batch that have no result.

    Args:
        pipeline (Pipeline): Whose destination to read.
        batch_id (str): The provider's identifier of the batch.
        wait (float): Seconds to wait for a DuckDB file that another program has open.

    Returns:
        tuple[list[dict[str, Any]], bool]: The requests, in the order of their lines, without what
            is null; and whether results of the batch were loaded that report single requests.
    """
    named = f"batch_id = {literal(batch_id)}"
    columns = ", ".join(f"one.{name} AS {name}" for name in (*_COLUMNS, "line_number"))
    with open_reader(pipeline, wait) as reader:
        loaded = reader.rows(
            f"SELECT COUNT(*) AS files FROM {FILES.name}"  # noqa: S608
            f" WHERE {named} AND outcome = 'loaded' AND results <> 'totals'"
            " AND kind IN ('output', 'error', 'results')"
        )
        # of several accounts that list the batch, one
        rows = reader.rows(
            f"SELECT {columns} FROM {REQUESTS.name} AS one INNER JOIN batch_totals AS chosen"  # noqa: S608
            " ON chosen.provider = one.provider AND chosen.account = one.account"
            " AND chosen.batch_id = one.batch_id"
            f" WHERE one.{named} AND one.outcome <> 'succeeded'"
            " ORDER BY one.provider, one.account, one.line_number, one.custom_id"
        )
    found = [{name: row[name] for name in _COLUMNS if row[name] is not None} for row in rows]
    return found, bool(found or (loaded and loaded[0]["files"]))
