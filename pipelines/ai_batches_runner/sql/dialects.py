"""SQL that is written once, as DuckDB's, and translated for each destination.

sqlglot translates what the standard and the dialects agree on. Where they do not agree, a query
calls a function of our own; `functions.sql` defines each of them for DuckDB:

- `DAY_IN_UTC(moment)`: the date of a moment in UTC
- `MONTH_OF(day)`: the first day of the month of a date
- `NOW_IN_UTC()`: the present moment, comparable with the columns of the table
- `SECONDS_BETWEEN(earlier, later)`: whole seconds; fractions are cut off from both
- `JSON_TEXT(document, path)`: the text at a path such as `$.data[0].code` or `$."a key"`; null if
  there is none
- `JSON_NUMBER(document, path)`: the number at a path, or in a text there; null if there is none
- `NANOS(usd)`: an amount of money as whole billionths, in 64 bits
- `USD(nanos)`: the amount of so many billionths
- `COST(fresh, cached, written, output, fresh_price, cached_price, written_price, output_price)`:
  what tokens cost, in
  billionths: prices are billionths per million tokens. Whole numbers are equal on all destinations;
  SQLite has no decimals. 64 bits are enough for 10^12 tokens of each kind at 2,000 USD per million.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import sqlglot
from sqlglot import Dialect, exp

DIALECTS = (
    "duckdb",
    "postgres",
    "sqlite",
    "mysql",
    "snowflake",
    "bigquery",
    "redshift",
    "databricks",
    "clickhouse",
)
"""Dialects that have the functions, by sqlglot's names; MariaDB counts as MySQL."""

_MARK = "ai_batches_dataset_here"

Qualify = Callable[[str], str]
"""Returns the full name of a table, quoted."""


def translate(query: str, dialect: str, qualify: Qualify | None = None) -> str:
    """Translates a query into the SQL of a destination.

    Args:
        query (str): In DuckDB's SQL, with the functions above.
        dialect (str): The destination's dialect, by sqlglot's name.
        qualify (Qualify | None): Qualifies the tables; None leaves their names alone.

    Returns:
        str: The query, without its comments.
    """
    if not qualify:
        return _translated(query, dialect, is_marked=False)
    sql = _translated(query, dialect, is_marked=True)
    return re.sub(rf"\b{_MARK}\.(\w+)", lambda found: qualify(found[1]), sql)


@lru_cache(512)
def _translated(query: str, dialect: str, is_marked: bool) -> str:
    """A query in the terms of a dialect; `_MARK` stands where its tables are to be qualified."""
    tree = sqlglot.parse_one(query, read="duckdb")
    own = {part.alias for part in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        if is_marked and table.name not in own:
            table.set("db", exp.to_identifier(_MARK))

    def replace(node: exp.Expression) -> exp.Expression:
        if isinstance(node, exp.Anonymous) and node.name in _FUNCTIONS:
            arguments = [argument.transform(replace) for argument in node.expressions]
            return _FUNCTIONS[node.name](dialect, arguments)
        if isinstance(node, exp.Identifier) and node.quoted:
            # a label that may be a reserved word; columns have the case that is usual there
            plain = exp.to_identifier(node.name, quoted=False)
            usual = Dialect.get_or_raise(dialect).normalize_identifier(plain)
            return exp.to_identifier(usual.name, quoted=True)
        return node

    return tree.transform(replace, copy=False).sql(dialect=dialect, comments=False)


def _day_in_utc(dialect: str, arguments: Sequence[exp.Expression]) -> exp.Expression:
    days = {
        # the first two hold UTC without a time zone; SQLite would round the last millisecond of
        # a day up
        "sqlite": "DATE(SUBSTR({0}, 1, 10))",
        "mysql": "DATE({0})",
        "bigquery": "DATE({0}, 'UTC')",
        # a cast goes by the time zone of the session
        "databricks": "CAST(TO_UTC_TIMESTAMP({0}, CURRENT_TIMEZONE()) AS DATE)",
        "clickhouse": "toDate({0}, 'UTC')",
    }
    return _choose(days, "CAST({0} AT TIME ZONE 'UTC' AS DATE)", dialect, arguments)


def _month_of(dialect: str, arguments: Sequence[exp.Expression]) -> exp.Expression:
    months = {
        "sqlite": "SUBSTR({0}, 1, 7) || '-01'",
        "mysql": "CAST(DATE_FORMAT({0}, '%Y-%m-01') AS DATE)",
        "bigquery": "DATE_TRUNC({0}, MONTH)",
        "clickhouse": "toStartOfMonth({0})",
    }
    return _choose(months, "CAST(DATE_TRUNC('month', {0}) AS DATE)", dialect, arguments)


def _now_in_utc(dialect: str, arguments: Sequence[exp.Expression]) -> exp.Expression:
    moments = {
        "mysql": "UTC_TIMESTAMP()",
        "redshift": "GETDATE() AT TIME ZONE 'UTC'",
        "clickhouse": "now64(6, 'UTC')",
    }
    return _choose(moments, "CURRENT_TIMESTAMP", dialect, arguments)


def _seconds_between(dialect: str, arguments: Sequence[exp.Expression]) -> exp.Expression:
    seconds = {
        "postgres": "CAST(FLOOR(EXTRACT(EPOCH FROM {1})) - FLOOR(EXTRACT(EPOCH FROM {0}))"
        " AS BIGINT)",
        # SQLite rounds to milliseconds, and so to the next second
        "sqlite": "CAST(STRFTIME('%s', SUBSTR({1}, 1, 19)) AS INTEGER)"
        " - CAST(STRFTIME('%s', SUBSTR({0}, 1, 19)) AS INTEGER)",
        "mysql": "TO_SECONDS({1}) - TO_SECONDS({0})",
        "bigquery": "UNIX_SECONDS({1}) - UNIX_SECONDS({0})",
        "databricks": "UNIX_TIMESTAMP({1}) - UNIX_TIMESTAMP({0})",
        "clickhouse": "toUnixTimestamp({1}) - toUnixTimestamp({0})",
    }
    # counts the seconds that begin in between
    found = _choose(seconds, "DATE_DIFF('second', {0}, {1})", dialect, arguments)
    return exp.Paren(this=found) if dialect in seconds else found


def _json_text(dialect: str, arguments: Sequence[exp.Expression]) -> exp.Expression:
    document, path = arguments[0], arguments[1].name
    steps = [
        name or key or int(place)
        for name, key, place in re.findall(r'\.(\w+)|\."([^"]+)"|\[(\d+)\]', path)
    ]
    texts = {
        "postgres": f"{{0}} #>> '{{{{{','.join(_in_an_array(step) for step in steps)}}}}}'",
        # ->> takes SQLite 3.38; Python may be linked with an older one
        "sqlite": f"CAST(JSON_EXTRACT({{0}}, '{path}') AS TEXT)",
        # MariaDB has no ->>, its JSON_VALUE returns scalars only, and MySQL's 512 characters
        "mysql": f"JSON_UNQUOTE(CASE WHEN JSON_TYPE(JSON_EXTRACT({{0}}, '{path}')) <> 'NULL'"
        f" THEN JSON_EXTRACT({{0}}, '{path}') END)",
        # JSON is a text there; or, the last two, a text within a type that can hold any value
        "bigquery": f"JSON_VALUE({{0}}, '{path}')" if steps else "COALESCE(JSON_VALUE({0}), {0})",
        "databricks": _json_in_databricks(path, steps),
        "clickhouse": _json_in_clickhouse(steps),
        "snowflake": f"CAST(GET_PATH(TRY_PARSE_JSON(TO_VARCHAR({{0}})), '{path[1:].lstrip('.')}')"
        " AS VARCHAR)"
        if steps
        else "CAST(TRY_PARSE_JSON(TO_VARCHAR({0})) AS VARCHAR)",
        "redshift": _json_in_redshift(steps),
    }
    return _choose(texts, f"({{0}} ->> '{path}')", dialect, [document])


def _json_number(dialect: str, arguments: Sequence[exp.Expression]) -> exp.Expression:
    document, path = arguments[0], arguments[1].name
    looks_like_one = "{0} ~ '^[0-9]{{1,19}}([.][0-9]+)?([eE][+-]?[0-9]{{1,2}})?$'"
    steps = ", ".join(f"'{step}'" for step in path.split(".")[1:])
    numbers = {
        "postgres": f"CASE WHEN {looks_like_one} THEN CAST({{0}} AS DOUBLE PRECISION) END",
        "redshift": f"CASE WHEN {looks_like_one} THEN CAST({{0}} AS DOUBLE PRECISION) END",
        # a cast reads what a text begins with, and else 0; true is 1
        "sqlite": f"CASE WHEN JSON_TYPE({{1}}, '{path}') IN ('integer', 'real', 'text')"
        " AND {0} GLOB '[0-9]*' AND NOT {0} GLOB '*[^0-9.eE+-]*'"
        " THEN CAST({0} AS REAL) END",
        # MariaDB and MySQL have no function for regular expressions in common
        "mysql": "CASE WHEN JSON_VALID({0}) THEN CASE WHEN JSON_TYPE({0})"
        " IN ('INTEGER', 'UNSIGNED INTEGER', 'DOUBLE', 'DECIMAL') THEN {0} + 0e0 END END",
        "snowflake": "TRY_TO_DOUBLE({0})",
        "bigquery": "SAFE_CAST({0} AS FLOAT64)",
        "databricks": "TRY_CAST({0} AS DOUBLE)",
        "clickhouse": f"toFloat64OrNull(TRIM(BOTH '\"' FROM JSONExtractRaw({{1}}, {steps})))",
    }
    text = exp.Paren(this=_json_text(dialect, arguments))
    return _choose(numbers, "TRY_CAST({0} AS DOUBLE)", dialect, [text, document])


def _nanos(dialect: str, arguments: Sequence[exp.Expression]) -> exp.Expression:
    amounts = {
        "sqlite": "CAST(ROUND({0} * 1000000000) AS INTEGER)",
        "clickhouse": "toInt64(toDecimal128({0}, 9) * 1000000000)",
    }
    # the product of a price as it is stored would have more digits than DuckDB's type
    exact = "CAST(CAST({0} AS DECIMAL(38, 9)) * 1000000000 AS BIGINT)"
    return _choose(amounts, exact, dialect, arguments)


def _usd(dialect: str, arguments: Sequence[exp.Expression]) -> exp.Expression:
    amounts = {
        # it has no decimals; a quotient is the nearest number
        "sqlite": "({0}) / 1000000000.0",
        "clickhouse": "toDecimal128({0}, 9) / 1000000000",
    }
    decimal = "CAST(({0}) * CAST('0.000000001' AS DECIMAL(10, 9)) AS DECIMAL(38, 9))"
    return _choose(amounts, decimal, dialect, arguments)


def _cost(dialect: str, arguments: Sequence[exp.Expression]) -> exp.Expression:
    quotients = {
        "sqlite": "(({0}) / {1})",
        # of whole numbers
        "postgres": "(({0}) / {1})",
        "redshift": "(({0}) / {1})",
        # which divide into decimals
        "mysql": "CAST((({0}) - ({0}) % {1}) / {1} AS SIGNED)",
        "snowflake": "CAST((({0}) - ({0}) % {1}) / {1} AS BIGINT)",
        "clickhouse": "intDiv({0}, {1})",
    }
    quotient = quotients.get(dialect, "(({0}) // {1})")
    millions = [quotient.format(f"{{{place}}}", 1_000_000) for place in range(4)]
    rests = [f"({{{place}}}) % 1000000" for place in range(4)]
    prices = ["{4}", "{5}", "{6}", "{7}"]
    whole = " + ".join(f"{a} * {b}" for a, b in zip(millions, prices, strict=True))
    part = " + ".join(f"({a}) * {b}" for a, b in zip(rests, prices, strict=True))
    # rounded once
    text = f"{whole} + {quotient.format(part + ' + 500000', 1_000_000)}"
    templates = {dialect: text} if dialect in quotients else {}
    return exp.Paren(this=_choose(templates, text, dialect, arguments))


def _in_an_array(step: str | int) -> str:
    return str(step) if re.fullmatch(r"\w+", str(step)) else f'"{step}"'


def _json_in_databricks(path: str, steps: Sequence[str | int]) -> str:
    if '"' not in path:
        return f"GET_JSON_OBJECT({{0}}, '{path}')"
    # whose paths quote in brackets only, which sqlglot writes otherwise
    return f"FROM_JSON({{0}}, 'MAP<STRING, STRING>')['{steps[0]}']"


def _json_in_clickhouse(steps: Sequence[str | int]) -> str:
    if not steps:
        return "COALESCE(NULLIF(JSONExtractString({0}), ''), {0})"
    # which counts from one, and has no null
    path = [f"'{step}'" if isinstance(step, str) else str(step + 1) for step in steps]
    return f"NULLIF(JSONExtractString({{0}}, {', '.join(path)}), '')"


def _json_in_redshift(steps: Sequence[str | int]) -> str:
    found = "CAST({0} AS VARCHAR(65535))"
    if not steps:
        return f"BTRIM({found}, '\"')"
    for step in steps:
        if isinstance(step, str):
            found = f"JSON_EXTRACT_PATH_TEXT({found}, '{step}', TRUE)"
        else:
            found = f"JSON_EXTRACT_ARRAY_ELEMENT_TEXT({found}, {step}, TRUE)"
    return f"NULLIF({found}, '')"


_FUNCTIONS: dict[str, Callable[[str, Sequence[exp.Expression]], exp.Expression]] = {
    "DAY_IN_UTC": _day_in_utc,
    "MONTH_OF": _month_of,
    "NOW_IN_UTC": _now_in_utc,
    "SECONDS_BETWEEN": _seconds_between,
    "JSON_TEXT": _json_text,
    "JSON_NUMBER": _json_number,
    "NANOS": _nanos,
    "USD": _usd,
    "COST": _cost,
}


def _choose(
    templates: Mapping[str, str], other: str, dialect: str, arguments: Sequence[exp.Expression]
) -> exp.Expression:
    """Fills in the template of a dialect, or else DuckDB's, which sqlglot translates."""
    template, written_in = (
        (templates[dialect], dialect) if dialect in templates else (other, "duckdb")
    )
    texts = [argument.sql(dialect=written_in) for argument in arguments]
    return sqlglot.maybe_parse(template.format(*texts), dialect=written_in)
