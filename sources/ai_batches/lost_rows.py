"""Accounts whose rows are no longer in the table: their lists are read to the end again."""

from collections.abc import Iterable

import dlt

from .scan.run import Run
from .scan.state import claims_rows, without_rows
from .table.columns import TABLE_NAME


def is_table_known(columns: Iterable[str] = ()) -> bool:
    """Whether the table of the running resource has been loaded into, as far as dlt knows.

    Args:
        columns (Iterable[str]): Columns that it needs to have.

    Returns:
        bool: False also if an earlier version loaded into it, without one of the columns.
    """
    schema = dlt.current.source_schema()
    name = schema.naming.normalize_tables_path(str(dlt.current.resource().table_name))
    for table in schema.data_tables(seen_data_only=True):
        if table["name"] == name:
            known = table["columns"]
            return all("data_type" in known.get(column, {}) for column in columns)
    return False


def forget_lost_rows(run: Run) -> None:
    """Corrects the stored state of accounts whose rows are no longer in the table.

    Somebody may have dropped, emptied or replaced the table and left the state. All providers are
    looked at, not only the one that runs: its rows bring the table back, which would hide that
    those of the others are missing.

    Args:
        run (Run): Its `holding` says which accounts have rows; if that is None, dlt's schema does.
    """
    if run.holding is None and is_table_known():
        return
    resource = dlt.current.resource()
    resources = dlt.current.source_state().get("resources", {})
    # somebody may have given the provider a table of its own
    is_shared = resource.table_name == TABLE_NAME
    for provider in list(resources) if is_shared else [resource.name]:
        accounts = resources.get(provider, {})
        for account, state in list(accounts.items()):
            # what this run stored itself, in an earlier package, is with its rows
            is_own = state.get("run") == run.id
            has_rows = (provider, account) in (run.holding or ())
            if not is_own and not has_rows and claims_rows(state):
                accounts[account] = without_rows(state)
