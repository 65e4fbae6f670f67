"""Describes the tables and views to dbt: `docs/dbt/sources.yml`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

import sqlglot
import yaml
from sqlglot import exp

from ai_batches import TABLE_NAME, TABLES
from ai_batches.providers.results import FileKind
from ai_batches.results.tables import FILES
from ai_batches.table.columns import PRIMARY_KEY, STATUSES
from ai_batches_runner.prices.matching import How
from ai_batches_runner.sql.known_tables import KNOWN_TABLES
from ai_batches_runner.sql.prices import PRICE_MODELS_TABLE
from ai_batches_runner.sql.runs import RUNS_TABLE
from ai_batches_runner.sql.view_definitions import VIEWS, View

DATASET = (
    "{{ var('ai_batches_dataset',"
    " 'ai_batches_dataset' if target.type == 'duckdb' else 'ai_batches') }}"
)
"""Where a load without `--dataset` writes to."""

RESULTS = "{{ var('ai_batches_results', false) }}"
"""Whether the tables of results are there: only a load with the setting `results` makes them."""

FRESHNESS: dict[str, Any] = {
    "loaded_at_field": "ended_at",
    "freshness": {
        "warn_after": {"count": 1, "period": "day"},
        "error_after": {"count": 2, "period": "day"},
        "filter": "result <> 'failed'",
    },
}
"""Of the table of runs. Alerts name an account that was not loaded for a day, too."""

VALUES: dict[tuple[str, str], Sequence[str]] = {
    (TABLE_NAME, "status"): sorted(STATUSES),
    (PRICE_MODELS_TABLE, "how"): get_args(How),
    (FILES.name, "kind"): get_args(FileKind),
}
"""Vocabularies of columns of tables."""

OPEN_VALUES = {(TABLE_NAME, "status")}
"""Those to which a vendor may add a word, which is a warning."""


def sources() -> str:
    """The descriptions, in the form of dbt 1.11."""
    source = {
        "name": "ai_batches",
        "description": "Batch jobs at vendors of AI, as `ai-batches load` stores them",
        "loader": "dlt",
        "schema": DATASET,
        "tables": [*_tables(), *_views()],
    }
    content = {"version": 2, "sources": [source]}
    text: str = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
    return text


def _tables() -> Iterator[dict[str, Any]]:
    results = {table.name for table in TABLES}
    for name, table in KNOWN_TABLES.items():
        enabled = {"enabled": RESULTS} if name in results else {}
        columns = []
        for column, (_, text) in table.columns.items():
            place = (name, column)
            config = enabled | ({"severity": "warn"} if place in OPEN_VALUES else {})
            values = VALUES.get(place, ())
            columns.append(_column(column, text, column in table.key, values, config))
        config = enabled | (FRESHNESS if name == RUNS_TABLE else {})
        yield _described(name, table.description, config, columns)


def _views() -> Iterator[dict[str, Any]]:
    for name, view in VIEWS.items():
        words = _words_of(view)
        columns = [
            _column(column, text, column in _KEYS, words.get(column, ()))
            for column, text in view.columns.items()
        ]
        yield _described(name, view.description, {}, columns)


_KEYS = {*PRIMARY_KEY, "batch_id"}
"""Columns that are never null, whatever view they are in."""


def _described(
    name: str, description: str, config: Mapping[str, Any], columns: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    found: dict[str, Any] = {"name": name, "description": description}
    if config:
        found["config"] = dict(config)
    return {**found, "columns": list(columns)}


def _column(
    name: str,
    text: str,
    is_key: bool,
    values: Sequence[str] = (),
    config: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A column and its tests, which have a configuration."""
    tests: dict[str, dict[str, Any]] = {}
    if is_key:
        tests["not_null"] = {}
    if values:
        tests["accepted_values"] = {"arguments": {"values": list(values)}}
    if config:
        tests = {test: {**each, "config": dict(config)} for test, each in tests.items()}
    found: dict[str, Any] = {"name": name, "description": text}
    if tests:
        found["data_tests"] = [{test: each} if each else test for test, each in tests.items()]
    return found


def _words_of(view: View) -> dict[str, list[str]]:
    """The words of those columns that are a choice of words in the query of a view."""
    found = {}
    query = sqlglot.parse_one(view.query, read="duckdb")
    for column in query.selects if isinstance(query, exp.Query) else ():
        case = column.unalias()
        if isinstance(case, exp.Case):
            results = [branch.args["true"] for branch in case.args["ifs"]]
            results += filter(None, [case.args.get("default")])
            words = [each for each in results if not isinstance(each, exp.Null)]
            if all(each.is_string for each in words):
                found[column.alias] = [each.name for each in words]
    return found
