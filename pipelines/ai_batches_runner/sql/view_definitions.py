"""The views, as the files in `views/` define them.

A file is a query in DuckDB's SQL with the functions of `functions.sql`. Comments before the query
describe what a row is, and then each column, `name: text`. A column without a description of its
own has that of the same column of `batches`. The user's labels stand where a comment says
`labels`.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from graphlib import TopologicalSorter
from importlib.resources import files
from typing import NamedTuple

import sqlglot
from sqlglot import exp

from ai_batches import COLUMNS, PROVIDERS, TABLE_NAME

from .labels import Labels

_DEFINED, _NAMED = "/* labels, defined */", "/* labels */"


class View(NamedTuple):
    """A view on the table `batches`."""

    description: str
    """What a row is."""
    query: str
    """In DuckDB's SQL, with the functions of `dialects`."""
    columns: dict[str, str]
    """Description of every column, in order."""


def parse_view(text: str, labels: Labels = ()) -> View:
    """Parses the text of a file.

    Args:
        text (str): Comments and a query.
        labels (Labels): Columns to add at the query's marks.

    Returns:
        View: The view, with what the registry knows of providers written out.

    Raises:
        ValueError: If the text is not a query that describes its columns, and no others.
    """
    return _parse(text, labels)[0]


@lru_cache
def _parse(text: str, labels: Labels) -> tuple[View, frozenset[str]]:
    """A view, and the tables and views that it reads."""
    text = text.replace(_DEFINED, "".join(f', {each.value} AS "{each.name}"' for each in labels))
    text = text.replace(_NAMED, "".join(f', "{each.name}"' for each in labels))
    header = re.match(r"(?:--.*\n)*", text)
    query = text[header.end() if header else 0 :].strip().rstrip(";")
    select, tables = _tree(query), tables_of(query)
    # an indented line continues the one before
    lines = header[0].replace("\n--   ", " ").splitlines() if header else []
    description, *texts = [line[3:] for line in lines if line != "--"] or [""]
    described = dict(each.partition(": ")[::2] for each in texts)
    names = select.named_selects if isinstance(select, exp.Select) else []
    inherited = {name: COLUMNS[name][1] for name in names if name in COLUMNS}
    inherited |= {label.name: label.description for label in labels if label.name in names}
    columns = {name: (inherited | described).get(name, "") for name in names}
    if not (names and description and all(columns.values())) or described.keys() - columns:
        raise ValueError(f"`{description}` does not describe the columns {names}.")
    if _names_lookup(query):
        # to write a query takes as long as to parse it
        query = select.transform(_look_up_providers).sql("duckdb", comments=False)
    return View(description, query, columns), tables


@lru_cache
def _tree(query: str) -> exp.Expr:
    """What a query in DuckDB's SQL is parsed into, once; it must not be changed."""
    return sqlglot.parse_one(query, read="duckdb")


def _look_up_providers(node: exp.Expression) -> exp.Expression:
    """Writes out what the registry knows of providers."""
    if isinstance(node, exp.Anonymous) and node.name in _LOOKUPS:
        return _LOOKUPS[node.name](*node.expressions)
    return node


def _names_lookup(query: str) -> bool:
    return any(name in query for name in _LOOKUPS)


def _vendor(provider: exp.Expression) -> exp.Expression:
    """`VENDOR_OF(provider)`: a gateway lists batches of another provider."""
    case = exp.Case(this=provider, default=provider)
    for name, declared in PROVIDERS.items():
        if declared.gateway_to:
            case = case.when(exp.Literal.string(name), exp.Literal.string(declared.gateway_to))
    return case


def _reported_cost(provider: exp.Expression, extra: exp.Expression) -> exp.Expression:
    """`REPORTED_COST(provider, extra)`, in USD; null if the provider reports none."""
    case = exp.Case(this=provider)
    for name, declared in PROVIDERS.items():
        if cost := declared.reported_cost:
            amount: exp.Expr = exp.func(
                "JSON_NUMBER", extra.copy(), exp.Literal.string(f"$.{cost.field}")
            )
            if cost.is_lost_as_zero:
                amount = exp.func("NULLIF", amount, exp.Literal.number(0))
            if cost.per_usd != 1:
                amount = exp.Div(this=amount, expression=exp.Literal.number(f"{cost.per_usd}.0"))
            case = case.when(exp.Literal.string(name), amount)
    return case


_LOOKUPS: dict[str, Callable[..., exp.Expression]] = {
    "VENDOR_OF": _vendor,
    "REPORTED_COST": _reported_cost,
}
"""Functions whose values the registry has, to what writes them out."""


@lru_cache
def tables_of(query: str) -> frozenset[str]:
    """Names of the tables and views that a query reads, without those that it makes itself."""
    tree = _tree(query)
    own = {part.alias for part in tree.find_all(exp.CTE)}
    return frozenset({table.name for table in tree.find_all(exp.Table)} - own)


@lru_cache
def columns_of(query: str) -> frozenset[str]:
    """Names of the columns that a query, or a condition, mentions."""
    return frozenset(column.name for column in _tree(query).find_all(exp.Column))


@lru_cache
def views_with(labels: Labels) -> dict[str, View]:
    """The views by name, each after those that it reads.

    Args:
        labels (Labels): Columns that the user adds to some of them.

    Returns:
        dict[str, View]: Must not be changed.
    """
    texts = {
        file.name.removesuffix(".sql"): file.read_text(encoding="utf-8")
        for file in sorted((files(__package__) / "views").iterdir(), key=lambda file: file.name)
        if file.name.endswith(".sql")
    }
    found = {
        # most views have no labels, and are parsed once
        name: _parse(text, labels if _DEFINED in text or _NAMED in text else ())
        for name, text in texts.items()
    }
    needs = {name: tables & found.keys() for name, (_, tables) in found.items()}
    return {name: found[name][0] for name in TopologicalSorter(needs).static_order()}


VIEWS = views_with(())
"""The views without any labels."""

_CHOSEN = "chosen_batches"


@lru_cache
def tables_needed(query: str) -> frozenset[str]:
    """Names of the tables and views that a query reads, and of those that these read."""
    needed = tables_of(query)
    for name in reversed(VIEWS):
        if name in needed:
            needed |= tables_of(VIEWS[name].query)
    return needed


@lru_cache
def columns_needed(query: str) -> frozenset[str]:
    """Names of the columns that a query mentions, or a view that it needs."""
    views = (VIEWS[name].query for name in tables_needed(query) if name in VIEWS)
    return columns_of(query).union(*map(columns_of, views))


@lru_cache
def with_views(
    query: str,
    only: str | None = None,
    absent: tuple[tuple[str, str], ...] = (),
    labels: Labels = (),
) -> str:
    """Puts the views that a query reads before it, so that the destination need not have them.

    Args:
        query (str): A query on the views and tables, without common table expressions of its own.
        only (str | None): A condition on the batches of interest; the views lack most others, and
            are computed faster.
        absent (tuple[tuple[str, str], ...]): Tables that the destination does not have, and
            queries to read in their place.
        labels (Labels): Columns that the user adds.

    Returns:
        str: The query, with each view that it needs as a common table expression.
    """
    needed = tables_needed(query)
    queries = {name: view.query for name, view in views_with(labels).items() if name in needed}
    if only and queries:
        # with all copies of a batch, so that the views choose the same one
        same = f"SELECT id FROM {TABLE_NAME} AS wanted WHERE {only}"
        queries = {
            _CHOSEN: f"SELECT * FROM {TABLE_NAME} WHERE id IN ({same})",
            **{name: _read_chosen(each) for name, each in queries.items()},
        }
    queries = dict(absent) | queries
    if _names_lookup(query):
        query = _tree(query).transform(_look_up_providers).sql("duckdb")
    parts = ", ".join(f"{name} AS ({part})" for name, part in queries.items())
    return f"WITH {parts} {query}" if parts else query


def _read_chosen(query: str) -> str:
    tree = _tree(query).copy()
    for table in tree.find_all(exp.Table):
        if table.name == TABLE_NAME:
            table.set("this", exp.to_identifier(_CHOSEN))
    return tree.sql("duckdb")
