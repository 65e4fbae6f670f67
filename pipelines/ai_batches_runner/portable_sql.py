"""SQL that is written once, in DuckDB's words, for the SQL of each destination.

sqlglot translates what the standard and the dialects agree about. Where they do not agree, or not
on the result, four functions of our own stand in a query:

- `DAY_IN_UTC(moment)`: the date on which a moment is in UTC
- `NOW_IN_UTC()`: the present moment, comparable with the columns of the table
- `SECONDS_BETWEEN(earlier, later)`: whole seconds; parts of a second are cut off from both
- `JSON_TEXT(document, step, ...)`: the text at a place in JSON, or all of it; null where nothing is
"""

from collections.abc import Callable, Sequence

import sqlglot
from sqlglot import exp

Qualify = Callable[[str], str]
"""Gives a table its full name, quoted."""


def translate(query: str, dialect: str, qualify: Qualify | None = None) -> str:
    """Writes a query in the SQL of a destination.

    Args:
        query (str): In DuckDB's SQL, with the functions above.
        dialect (str): The destination's SQL, as sqlglot calls it.
        qualify (Qualify | None): Names the tables; None leaves their names alone.

    Returns:
        str: The query.
    """
    tree = sqlglot.parse_one(query, read="duckdb")
    own = {part.alias for part in tree.find_all(exp.CTE)}
    for table in list(tree.find_all(exp.Table)):
        if qualify and table.name not in own:
            named = exp.to_table(qualify(table.name), dialect=dialect)
            table.set("this", named.this)
            table.set("db", named.args.get("db"))
            table.set("catalog", named.args.get("catalog"))

    def replace(node: exp.Expression) -> exp.Expression:
        if isinstance(node, exp.Anonymous) and node.name in _FUNCTIONS:
            arguments = [argument.transform(replace) for argument in node.expressions]
            return _FUNCTIONS[node.name](dialect, arguments)
        return node

    return tree.transform(replace).sql(dialect=dialect)


def _day_in_utc(dialect: str, arguments: Sequence[exp.Expression]) -> exp.Expression:
    if dialect in ("sqlite", "mysql"):
        # they hold UTC without saying so
        return _fill("DATE({})", dialect, arguments)
    if dialect == "bigquery":
        return _fill("DATE({}, 'UTC')", dialect, arguments)
    return _fill("CAST({} AT TIME ZONE 'UTC' AS DATE)", "duckdb", arguments)


def _now_in_utc(dialect: str, arguments: Sequence[exp.Expression]) -> exp.Expression:
    return _fill("UTC_TIMESTAMP()" if dialect == "mysql" else "CURRENT_TIMESTAMP", dialect, ())


def _seconds_between(dialect: str, arguments: Sequence[exp.Expression]) -> exp.Expression:
    seconds = {
        "postgres": "CAST(FLOOR(EXTRACT(EPOCH FROM {1})) - FLOOR(EXTRACT(EPOCH FROM {0}))"
        " AS BIGINT)",
        "sqlite": "CAST(STRFTIME('%s', {1}) AS INTEGER) - CAST(STRFTIME('%s', {0}) AS INTEGER)",
        "mysql": "TO_SECONDS({1}) - TO_SECONDS({0})",
    }
    if dialect in seconds:
        return exp.Paren(this=_fill(seconds[dialect], dialect, arguments))
    return _fill("DATE_DIFF('second', {0}, {1})", "duckdb", arguments)


def _json_text(dialect: str, arguments: Sequence[exp.Expression]) -> exp.Expression:
    document, *steps = arguments
    names = [step.name for step in steps]
    path = "$" + "".join(f".{step.name}" if step.is_string else f"[{step.name}]" for step in steps)
    if dialect == "postgres":
        return _fill(f"{{0}} #>> '{{{{{','.join(names)}}}}}'", dialect, [document])
    if dialect == "sqlite":
        # ->> is younger than the SQLite of Python 3.10
        return _fill(f"JSON_EXTRACT({{0}}, '{path}')", dialect, [document])
    if dialect == "mysql":
        # MariaDB has no ->>; and JSON_VALUE tells single values only
        found = _fill(f"JSON_VALUE({{0}}, '{path}')", dialect, [document])
        return found if steps else exp.Coalesce(this=found, expressions=[document.copy()])
    return _fill(f"({{0}} ->> '{path}')", "duckdb", [document])


_FUNCTIONS: dict[str, Callable[[str, Sequence[exp.Expression]], exp.Expression]] = {
    "DAY_IN_UTC": _day_in_utc,
    "NOW_IN_UTC": _now_in_utc,
    "SECONDS_BETWEEN": _seconds_between,
    "JSON_TEXT": _json_text,
}


def _fill(template: str, dialect: str, arguments: Sequence[exp.Expression]) -> exp.Expression:
    texts = [argument.sql(dialect=dialect) for argument in arguments]
    return sqlglot.maybe_parse(template.format(*texts), dialect=dialect)
