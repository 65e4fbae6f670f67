"""Refuses hints under which dlt would make a wrong table in silence, before anything is read."""

from collections.abc import Mapping
from typing import Any

import dlt
from dlt.common.destination.exceptions import DestinationCapabilitiesException
from dlt.common.destination.utils import resolve_merge_strategy
from dlt.extract import DltResource
from dlt.extract.exceptions import DataItemRequiredForDynamicTableHints
from dlt.extract.items_transform import FilterItem

from ..errors import SettingsError
from ..providers import Provider
from .columns import PRIMARY_KEY

STRATEGIES = (None, "upsert", "delete-insert")
"""Merge strategies that keep one row per batch, as it was read last."""

_OPTIONS = {"disposition", "strategy", "skip_unchanged_rows", "deduplicated"}

_WRONG = {
    "replace": "would drop the rows of other providers and of batches that are not read again",
    "append": "would add a batch once more whenever it is read",
    "skip": "would load nothing and remember it as loaded",
    "insert-only": "would leave batches as they were when first seen",
    "scd2": "would take batches that are not read again for deleted ones",
}


def refuse_hints(provider: Provider) -> None:
    """Refuses hints, set on the running resource or for the run, that cannot be right.

    Args:
        provider (Provider): The provider of the resource.

    Raises:
        SettingsError: If the hints would lead to a wrong table.
    """
    package: Any = dlt.current.load_package_state()["state"]
    resource = dlt.current.resource()
    try:
        table: Any = resource.compute_table_schema()
    except DataItemRequiredForDynamicTableHints:
        raise SettingsError(
            provider.name,
            None,
            "hints that depend on the data cannot be checked",
            "Set values, not functions.",
        ) from None
    problem = (
        _problem_of_refresh(table["name"], package)
        or _problem_of_steps(resource)
        or _problem_of_disposition(resource.write_disposition, table)
        or _problem_of_columns(table["columns"])
        or _problem_of_destination(table)
    )
    if problem:
        raise SettingsError(provider.name, None, *problem)


_TProblem = tuple[str, str] | None
"""What is wrong, as a clause, and what to do, as a sentence."""


def _problem_of_refresh(name: str, package: Mapping[str, Any]) -> _TProblem:
    """Dlt's `refresh`, if rows of the shared table go and the state of accounts stays."""
    gone = [*package.get("dropped_tables", ()), *package.get("truncated_tables", ())]
    states = dlt.current.source_state().get("resources", {})
    if not any(table["name"] == name for table in gone) or not any(states.values()):
        return None
    return (
        "this refresh would empty the table of all providers, but some would resume from where they"
        " were and leave a gap",
        "Use `--full-refresh`, or dlt's refresh mode `drop_sources`.",
    )


def _problem_of_steps(resource: DltResource) -> _TProblem:
    if any(isinstance(step, FilterItem) for step in resource._pipe.steps):
        return (
            "`add_filter` sees Arrow tables, not rows, and would drop or keep thousands at a time",
            "Filter with Arrow instead, such as `add_map(lambda table:"
            ' table.filter(pc.equal(table["status"], "failed")))`, pc being pyarrow.compute.',
        )
    if resource.incremental is not None:
        return (
            "the hint `incremental` would drop batches that changed after they were first seen",
            "Take it away: the source itself reads only what is new or open.",
        )
    return None


def _problem_of_disposition(hint: Any, table: Mapping[str, Any]) -> _TProblem:
    remedy = (
        "Leave it at `merge`, with the strategy `upsert` or `delete-insert`; to read everything"
        " again, use `RunRequest(full_refresh=True)` or `--full-refresh`."
    )
    disposition = table["write_disposition"]
    if disposition != "merge":
        wrong = _WRONG.get(disposition, "is not known to keep one row per batch")
        return f"the write disposition `{disposition}` {wrong}", remedy
    strategy = table.get("x-merge-strategy")
    if strategy not in STRATEGIES:
        wrong = _WRONG.get(strategy, "is not known to keep one row per batch")
        return f"the merge strategy `{strategy}` {wrong}", remedy
    options = sorted(set(hint) - _OPTIONS) if isinstance(hint, Mapping) else []
    if options:
        return f"the merge option `{options[0]}` may leave batches out", remedy
    return None


def _problem_of_columns(columns: Mapping[str, Mapping[str, Any]]) -> _TProblem:
    key = {name for name, hints in columns.items() if hints.get("primary_key")}
    if key != set(PRIMARY_KEY):
        return (
            f"the primary key ({', '.join(sorted(key))}) would take different batches for one",
            f"Leave it at ({', '.join(PRIMARY_KEY)}).",
        )
    for hint in ("merge_key", "hard_delete"):
        for name, hints in columns.items():
            if hints.get(hint):
                return (
                    f"the hint `{hint}` of the column `{name}` would delete batches that are still"
                    " listed",
                    "Take it away.",
                )
    return None


def _problem_of_destination(table: Mapping[str, Any]) -> _TProblem:
    """A destination that cannot merge: dlt would append, with only a warning."""
    destination = dlt.current.pipeline().destination
    if destination is None:
        return None
    capabilities = destination.capabilities()
    remedy = "Set other hints, as the README of the source shows, or choose another destination."
    if not capabilities.supported_merge_strategies:
        strategy = None
    else:
        tables: Any = {table["name"]: dict(table)}
        try:
            strategy = resolve_merge_strategy(tables, tables[table["name"]], capabilities)
        except DestinationCapabilitiesException:
            strategy = None
    if strategy in STRATEGIES[1:]:
        return None
    wanted = table.get("x-merge-strategy") or "merge"
    name = destination.destination_name
    return (
        f"the destination `{name}` cannot {wanted} this table, so that batches might be in it"
        " more than once",
        remedy,
    )
