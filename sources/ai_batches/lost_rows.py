"""The stored state of accounts, held against the table: it may claim no more than is there."""

import dlt

from .scan.run import Run
from .scan.state import claims_rows, without_rows
from .table.columns import TABLE_NAME


def table_is_known() -> bool:
    """Whether the table of the resource that runs has been loaded into, by what dlt knows."""
    schema = dlt.current.source_schema()
    name = schema.naming.normalize_tables_path(str(dlt.current.resource().table_name))
    return any(table["name"] == name for table in schema.data_tables(seen_data_only=True))


def disbelieve(run: Run) -> None:
    """Has the lists of accounts read whole whose rows are no longer in the table.

    Somebody may have dropped, emptied or replaced it and left the state. All providers are looked
    at, not only the one that runs: with its rows the table is there again, and nobody could tell.

    Args:
        run (Run): What it knows of the table counts; otherwise, what dlt knows.
    """
    if run.holding is None and table_is_known():
        return
    resource = dlt.current.resource()
    resources = dlt.current.source_state().get("resources", {})
    # somebody may have given the provider a table of its own
    shares = resource.table_name == TABLE_NAME
    for provider in list(resources) if shares else [resource.name]:
        accounts = resources.get(provider, {})
        for account, state in list(accounts.items()):
            # what this run stored itself, in an earlier package, is with its rows
            is_own = state.get("run") == run.id
            is_there = (provider, account) in (run.holding or ())
            if not is_own and not is_there and claims_rows(state):
                accounts[account] = without_rows(state)
