"""The views on each real destination, against what the rows that were served come to."""

import json
import random
import re
import shutil
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import dlt
import duckdb
import psycopg2
import pytest
import sqlglot
from starlette.requests import Request

from ai_batches import COLUMNS, TABLE_DESCRIPTION
from ai_batches_runner.run.pipeline import open_pipeline, open_to_read
from ai_batches_runner.sql import view_definitions
from ai_batches_runner.sql.dialects import DIALECTS, translate
from ai_batches_runner.sql.known_tables import KNOWN_TABLES
from ai_batches_runner.sql.reader import literal, open_reader
from ai_batches_runner.sql.view_definitions import VIEWS
from cases import Case
from servers import PASSWORD
from support import KEY, Lists, TAnswer, TAnswerer, TRow, cursor_list, load, offset_list
from targets import QUICK, READER, TARGETS, ZONE, TServers, each_family

pytestmark = pytest.mark.timeout(400)

IN_SQL = tuple(name for name in TARGETS if name.split("_on_")[0] not in ("delta", "iceberg"))
IN_FILES = ("delta", "iceberg")
SERVED = ("duckdb_file", "postgres", "sqlite", "mariadb")
QUICK_HERE = {*QUICK, "duckdb_file", "sqlite"}

HOUR, DAY = 3_600, 86_400
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
START = TODAY - timedelta(days=10)

TYPES = {
    "duckdb_file": ("BIGINT", "DATE", "BOOLEAN", "TIMESTAMP WITH TIME ZONE"),
    "postgres": ("bigint", "date", "boolean", "timestamp with time zone"),
    "mariadb": ("bigint", "date", "int", "datetime(6)"),
    "ducklake_in_sqlite": ("BIGINT", "DATE", "BOOLEAN", "TIMESTAMP WITH TIME ZONE"),
    "ducklake_in_postgres": ("BIGINT", "DATE", "BOOLEAN", "TIMESTAMP WITH TIME ZONE"),
}
"""Of whole numbers, days, truth values and moments; SQLite has none for what it computes."""

REASONS: dict[str, tuple[Any, str | None, str | None]] = {
    "failed-list": (
        {"data": [{"code": "invalid", "line": 1, "message": 'it\'s "50%": é\n\\'}, None]},
        "invalid",
        'it\'s "50%": é\n\\',
    ),
    "failed-empty-list": ({"object": "list", "data": []}, None, None),
    "failed-text": ("no quota", None, "no quota"),
    "failed-empty-text": ("", None, None),
    "failed-null": (None, None, None),
    "failed-object": ({"code": 429, "message": "slow down " * 100}, "429", "slow down " * 100),
    "failed-array": ([{"code": None, "message": "first"}, {"message": "second"}], None, "first"),
    "failed-empty-object": ({}, None, None),
    "failed-other": ({"why": [1, None]}, None, '{"why": [1, null]}'),
    "failed-later-message": ({"data": [{"code": "c", "message": None}], "message": "m"}, "c", "m"),
}
"""What a provider says of a batch that failed, and the code and the words of it."""


def moment(seconds: float, style: str = "unix") -> Any:
    """A moment after the start, as one provider or another writes it."""
    at = START + timedelta(seconds=seconds)
    return int(at.timestamp()) if style == "unix" else at.isoformat()


def openai(name: str, status: str, created: float | None, **fields: Any) -> TRow:
    """A row in OpenAI's shape; times are given in seconds after the start."""
    times = {key: moment(value, "iso") for key, value in fields.items() if key.endswith("_at")}
    row = {"id": name, "status": status, "object": "batch", **fields, **times}
    return row if created is None else {**row, "created_at": moment(created, "iso")}


def counts(total: int, completed: int, failed: int) -> dict[str, int]:
    return {"total": total, "completed": completed, "failed": failed}


USAGE = {
    "input_tokens": 2**40,
    "input_tokens_details": {"cached_tokens": 7},
    "output_tokens": 30,
    "output_tokens_details": {"reasoning_tokens": 5},
    "total_tokens": 2**40 + 30,
}

LISTS: dict[tuple[str, str], list[TRow]] = {
    ("openai", "research"): [
        # stuck beyond a day; within a week; beyond its day; open for a moment only
        openai("paused", " Paused", 8 * DAY - 1),
        openai("in-a-week", "validating", 8 * DAY - 10, completion_window="7d"),
        openai("late", "in_progress", 7 * DAY, completion_window="24h", in_progress_at=7 * DAY + 5),
        openai("left-open", "in_progress", 6 * DAY, completion_window="24h", model="m"),
        # the last microsecond of a day, and the last of a second
        openai(
            "midnight",
            "completed",
            DAY - 1e-6,
            in_progress_at=DAY,
            completed_at=DAY + 59.999999,
            expires_at=2 * DAY - 1e-6,
            completion_window="7d",
            model="gpt",
            endpoint="/v1/responses",
            request_counts=counts(10, 9, 1),
            usage=USAGE,
            metadata={"team": "it's"},
        ),
        openai("slow", "completed", DAY, completed_at=DAY + 3 * HOUR, completion_window="2h"),
        openai("vague", "completed", DAY, completed_at=DAY + 1, completion_window="soon"),
        # it ends in the very second in which it expires
        openai(
            "expired",
            "expired",
            DAY + 2,
            expired_at=2 * DAY + 2,
            expires_at=2 * DAY + 2,
            output_file_id="file-paid",
            request_counts=counts(4, 3, 0),
            usage=USAGE,
        ),
        openai("cancelled", "cancelled", 3 * DAY, cancelled_at=3 * DAY + 9),
        *(
            openai(name, "failed", 4 * DAY, failed_at=4 * DAY + 1.5, errors=errors)
            for name, (errors, _, _) in REASONS.items()
        ),
        openai("no-time", "completed", None, request_counts=counts(1, 1, 0)),
        openai("no-time-open", "in_progress", None),
    ],
    # another key of the same project: what it shows is there once, and here it has ended
    ("openai", "staging"): [
        openai("left-open", "completed", 6 * DAY, completed_at=6 * DAY + 60, model="m"),
        openai("midnight", "completed", DAY - 1e-6, completed_at=DAY + 59.999999, model="theirs"),
    ],
    # the gateway shows fewer fields, and is late
    ("respan", "default"): [
        openai("in-a-week", "completed", 8 * DAY - 10, completed_at=8 * DAY),
        openai("failed-list", "failed", 4 * DAY, failed_at=4 * DAY + 2),
        openai("own", "in_progress", 7 * DAY),
    ],
    ("kimi", "default"): [openai("midnight", "completed", DAY, completed_at=DAY + 7)],
    ("bland", "default"): [
        {"id": "call", "created_at": moment(2 * DAY, "iso"), "description": "Untitled Batch"},
        {"id": "call-without-time"},
    ],
}

WINDOWS = {"24h": DAY, "7d": 7 * DAY, "2h": 2 * HOUR}


def seconds(earlier: datetime | None, later: datetime | None) -> int | None:
    """Whole seconds of the clock between two moments."""
    if earlier is None or later is None:
        return None
    return int(later.timestamp() // 1) - int(earlier.timestamp() // 1)


def batches() -> list[TRow]:
    """What `batches` has to hold of the lists, for the columns that the views read."""
    found = []
    for (provider, account), rows in LISTS.items():
        for row in rows:
            word = row["status"].strip().lower() if "status" in row else None
            status = "in_progress" if word == "paused" else word
            ended = status in ("completed", "failed", "expired", "cancelled")
            times = {
                name: datetime.fromisoformat(row[name]) if name in row else None
                for name in COLUMNS
                if name.endswith("_at")
            }
            numbers, usage = row.get("request_counts", {}), row.get("usage", {})
            found.append(
                {
                    **{name: row.get(name) for name in COLUMNS},
                    # an empty object is no error
                    "errors": row.get("errors") or None,
                    **times,
                    "ended_at": times[f"{status}_at"] if ended else None,
                    "provider": provider,
                    "account": account,
                    "status": status,
                    "is_open": None if status is None else not ended,
                    **{f"requests_{part}": numbers.get(part) for part in counts(0, 0, 0)},
                    **{name: usage.get(name) for name in USAGE if name.endswith("tokens")},
                    "cached_input_tokens": (usage and 7) or None,
                    "reasoning_tokens": (usage and 5) or None,
                }
            )
    return found


def expected() -> dict[str, list[TRow]]:
    """The rows of each view, without what depends on the present."""
    best: dict[tuple[str, str], TRow] = {}
    for row in batches():
        gateway = row["provider"] == "respan"
        key = ("openai" if gateway else row["provider"], row["id"])

        def rank(one: TRow) -> tuple[Any, ...]:
            return one["provider"] == "respan", one["is_open"] is True, one["account"]

        if key not in best or rank(row) < rank(best[key]):
            best[key] = row
    unique = []
    for row in best.values():
        told = seconds(row["created_at"], row["expires_at"])
        row["created_on"] = row["created_at"] and row["created_at"].date()
        row["window_seconds"] = WINDOWS.get(row["completion_window"]) if told is None else told
        row["queue_seconds"] = seconds(row["created_at"], row["in_progress_at"])
        row["processing_seconds"] = seconds(row["in_progress_at"], row["ended_at"])
        took = row["turnaround_seconds"] = seconds(row["created_at"], row["ended_at"])
        in_time = None
        if took is not None and row["window_seconds"] is not None:
            in_time = took <= row["window_seconds"]
        row["is_within_window"] = row["status"] != "expired" and in_time
        _, row["reason_code"], row["reason"] = REASONS.get(row["id"], (None, None, None))
        row["is_stuck"] = row["created_at"] and row["id"] != "in-a-week"
        unique.append(row)
    ended = [row for row in unique if row["is_open"] is False]
    return {
        "batches_unique": unique,
        "batches_daily": daily(unique),
        "batches_open": [row for row in unique if row["is_open"]],
        "batches_turnaround": [row for row in ended if row["ended_at"]],
        "batches_failed": [
            row
            for row in unique
            if row["status"] in ("failed", "expired", "cancelled") or row["requests_failed"]
        ],
    }


def daily(rows: list[TRow]) -> list[TRow]:
    """Rows summed up."""
    grain = ("created_on", "provider", "account", "model", "endpoint")
    groups: dict[tuple[Any, ...], list[TRow]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[name] for name in grain)].append(row)
    found = []
    for key, members in groups.items():
        summed: TRow = dict(zip(grain, key, strict=True))
        statuses = Counter(row["status"] for row in members)
        summed |= {f"{word}_batches": statuses[word] for word in ("completed", "failed")}
        summed |= {f"{word}_batches": statuses[word] for word in ("expired", "cancelled")}
        summed["unknown_batches"] = statuses[None]
        summed["open_batches"] = sum(row["is_open"] is True for row in members)
        summed["batches"] = len(members)
        # what they cost is shown in test_cost.py
        summed |= {"cost_usd": None, "batches_without_cost": len(members)}
        for name in VIEWS["batches_daily"].columns:
            if name not in summed:
                told = [row[name] for row in members if row[name] is not None]
                summed[name] = sum(told) if told else None
        found.append(summed)
    return found


def plain(name: str, value: Any) -> Any:
    """A value as it is to be compared; what should be a whole number has to be one."""
    if value is None:
        return None
    assert not isinstance(value, float | Decimal), name
    if name.endswith("_at"):
        found = datetime.fromisoformat(value) if isinstance(value, str) else value
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    if name.endswith("_on"):
        return date.fromisoformat(value) if isinstance(value, str) else value
    is_json = name in ("errors", "metadata") or (name == "reason" and value.startswith("{"))
    if is_json and isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            # of a client that reads JSON itself, and a document that is a text
            return value
    return bool(value) if name.startswith("is_") else value


def in_order(view: str, rows: list[TRow]) -> list[TRow]:
    """Rows of a view with its columns, sorted; without what each run or second makes anew."""
    changing = ("open_seconds", "_dlt_load_id")
    columns = [name for name in VIEWS[view].columns if name not in changing]
    found = [{name: plain(name, row[name]) for name in columns} for row in rows]
    return sorted(found, key=lambda row: json.dumps(row, default=str, sort_keys=True))


def check_open(rows: list[TRow], since: float) -> None:
    """How long batches have been open, as of between a moment and now."""
    for row in rows:
        if row["created_at"] is None:
            assert row["open_seconds"] is None
            continue
        created = plain("created_at", row["created_at"]).timestamp() // 1
        assert since - created - 1 <= row["open_seconds"] <= time.time() - created


def settings(lists: Lists) -> dict[str, str]:
    """Serves the lists; returns what the command has to be told about them."""
    chosen: dict[str, dict[str, str]] = defaultdict(dict)
    answers: dict[str, TAnswerer] = {}
    for (provider, account), rows in LISTS.items():
        key = chosen[provider][account] = f"{KEY}-{provider}-{account}"
        answers[key] = offset_list(rows) if provider == "bland" else cursor_list(rows)

    def answer(request: Request) -> TAnswer:
        return answers[request.headers["authorization"].removeprefix("Bearer ")](request)

    found: dict[str, str] = {}
    for provider, keys in chosen.items():
        lists.serve(provider, answer)
        prefix = f"SOURCES__AI_BATCHES__{provider.upper()}__"
        found |= {prefix + "ACCOUNTS": json.dumps(keys), prefix + "BASE_URL": lists.url(provider)}
    return found


def make_case(name: str, server: TServers, lists: Lists, folder: Path) -> Case:
    """A place of its own in a destination."""
    target = TARGETS[name](folder, server)
    dataset = f"test_{random.getrandbits(32):x}"
    return Case(name, target, target, folder, dataset, lists, settings(lists))


@pytest.mark.sample(1)
@pytest.mark.parametrize("name", each_family(IN_SQL, QUICK_HERE))
def test_views_say_what_was_served(
    name: str, server: TServers, lists: Lists, tmp_path: Path
) -> None:
    case = make_case(name, server, lists, tmp_path)
    code, printed = case.run()
    assert code == 0, printed
    assert "WARNING" not in printed
    rows = case.target.read(case.dataset)[1]
    assert len(rows) == sum(map(len, LISTS.values()))
    for zone in (ZONE, "UTC"):
        since = time.time()
        views = {view: case.target.read(case.dataset, view, zone) for view in VIEWS}
        for view, wanted in expected().items():
            types, found = views[view]
            assert list(types) == list(VIEWS[view].columns)
            assert in_order(view, found) == in_order(view, wanted), (view, zone)
            check_types(name, types)
        check_open(views["batches_open"][1], since)
        check_totals({view: found for view, (_, found) in views.items()}, rows)


def check_types(name: str, types: Mapping[str, str]) -> None:
    """Numbers, days, truth values and moments have their types."""
    if name not in TYPES:
        return
    number, day, truth, time_type = TYPES[name]
    for column, found in types.items():
        if column.endswith("_on"):
            assert found == day, column
        elif column.endswith("_at"):
            assert found == time_type, column
        elif column.startswith("is_"):
            assert found.split("(")[0] in (truth, "tinyint"), column
        elif column.endswith(("_seconds", "_tokens", "batches")) or column.startswith("requests_"):
            assert found.split("(")[0] == number, column


def check_totals(views: Mapping[str, list[TRow]], rows: list[TRow]) -> None:
    """The views agree with each other and with the table."""
    days, unique = views["batches_daily"], views["batches_unique"]
    kinds = ("open", "completed", "failed", "expired", "cancelled", "unknown")
    for day in days:
        assert day["batches"] == sum(day[f"{kind}_batches"] for kind in kinds)
    doubles = len(rows) - len({(row["provider"] == "kimi", row["id"]) for row in rows})
    assert doubles == 4
    assert sum(day["batches"] for day in days) == len(unique) == len(rows) - doubles
    ended = sum(row["is_open"] is not None and not row["is_open"] for row in unique)
    unknown = sum(row["is_open"] is None for row in unique)
    assert len(views["batches_open"]) + ended + unknown == len(unique)
    assert len(views["batches_turnaround"]) == ended - 1  # the one without any time
    for name in ("requests_total", "requests_failed", "total_tokens"):
        told = sum(row[name] or 0 for row in unique)
        assert sum(day[name] or 0 for day in days) == told > 0


@pytest.mark.sample(1)
@pytest.mark.parametrize("name", each_family((*IN_FILES, *SERVED), QUICK_HERE))
def test_a_reader_answers_the_same(
    name: str,
    server: TServers,
    lists: Lists,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = make_case(name, server, lists, tmp_path)
    code, printed = case.run()
    assert code == 0, printed
    assert "WARNING" not in printed
    for variable, value in case.target.variables.items():
        monkeypatch.setenv(variable, value)
    since = time.time()
    destination = case.target.arguments[1] if case.target.arguments else "duckdb"
    with open_to_read(destination, case.dataset) as pipeline, open_reader(pipeline) as reader:
        for view, wanted in expected().items():
            found = reader.rows(f"SELECT * FROM {view}")  # noqa: S608
            assert in_order(view, found) == in_order(view, wanted), view
        check_open(reader.rows("SELECT * FROM batches_open"), since)
        first = literal((START + timedelta(days=4)).date())
        days = reader.rows(
            "SELECT created_on, SUM(batches) AS batches FROM batches_daily"  # noqa: S608
            f" WHERE created_on >= {first} GROUP BY created_on ORDER BY created_on"
        )
    assert [row["batches"] for row in days] == [len(REASONS), 1, 4]


@pytest.mark.integration
@pytest.mark.sample(1)
@pytest.mark.parametrize("name", each_family(IN_SQL, QUICK_HERE))
def test_views_come_back(name: str, server: TServers, lists: Lists, tmp_path: Path) -> None:
    case = make_case(name, server, lists, tmp_path)
    assert case.run()[0] == 0
    wanted = in_order("batches_daily", expected()["batches_daily"])
    # another folder, with another state, and another dataset
    for again in (case, case._replace(dataset=f"{case.dataset}_b")):
        code, printed = again.run(folder=f"another {again.dataset}")
        assert code == 0, printed
        assert "WARNING" not in printed
        found = again.target.read(again.dataset, "batches_daily")[1]
        assert in_order("batches_daily", found) == wanted


def test_a_duckdb_file_can_be_renamed_and_attached(
    server: TServers, lists: Lists, tmp_path: Path
) -> None:
    case = make_case("duckdb_file", server, lists, tmp_path)
    assert case.run()[0] == 0
    shutil.move(tmp_path / "batches.duckdb", tmp_path / "renamed.duckdb")
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{tmp_path / 'renamed.duckdb'}' AS other (READ_ONLY)")
        found = connection.execute(f"FROM other.{case.dataset}.batches_failed").fetchall()
    assert len(found) == len(expected()["batches_failed"])


@pytest.mark.integration
def test_an_unchanged_run_asks_for_no_view_and_a_new_folder_brings_it_back(
    server: TServers, lists: Lists, tmp_path: Path
) -> None:
    case = make_case("postgres", server, lists, tmp_path)
    assert case.run()[0] == 0
    with closing(psycopg2.connect(server("postgres"))) as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP VIEW {case.dataset}.batches_failed")
        connection.commit()
        code, printed = case.run()
        assert code == 0, printed
        cursor.execute(f"SELECT to_regclass('{case.dataset}.batches_failed')")
        assert cursor.fetchall() == [(None,)]
    assert case.run(folder="another")[0] == 0
    assert len(case.target.read(case.dataset, "batches_failed")[1]) > 0


@pytest.mark.integration
def test_what_depends_on_an_old_view_stays_and_is_named(
    server: TServers, lists: Lists, tmp_path: Path
) -> None:
    case = make_case("postgres", server, lists, tmp_path)
    assert case.run()[0] == 0
    with closing(psycopg2.connect(server("postgres"))) as connection, connection.cursor() as cursor:
        cursor.execute(f"SET search_path = {case.dataset}")
        cursor.execute("DROP VIEW batches_unique CASCADE")
        cursor.execute("CREATE VIEW batches_unique AS SELECT 1 AS old")
        cursor.execute("CREATE VIEW mine AS SELECT old FROM batches_unique")
        connection.commit()
        code, printed = case.run(folder="another")
        assert code == 0, printed
        assert printed.count("is not up to date") == 1
        assert f'"{case.dataset}"."batches_unique" is not up to date' in printed
        assert "mine depends on" in printed
        # what follows in the same folder is right, and says it again
        code, printed = case.run("--full-refresh", folder="another")
        assert code == 0, printed
        assert "is not up to date" in printed
        cursor.execute("SELECT old FROM mine")
        assert cursor.fetchall() == [(1,)]
        cursor.execute("DROP VIEW mine")
        connection.commit()
    code, printed = case.run(folder="another")
    assert code == 0, printed
    assert "WARNING" not in printed
    found = case.target.read(case.dataset, "batches_unique")[1]
    assert in_order("batches_unique", found) == in_order(
        "batches_unique", expected()["batches_unique"]
    )


@pytest.mark.integration
@pytest.mark.sample(1)
@pytest.mark.parametrize("name", each_family(SERVED, QUICK_HERE))
def test_a_table_in_the_way_is_named_and_the_others_are_made(
    name: str, server: TServers, lists: Lists, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = make_case(name, server, lists, tmp_path)
    assert case.run()[0] == 0
    execute(case, monkeypatch, "DROP VIEW {}.batches_open")
    execute(case, monkeypatch, "CREATE TABLE {}.batches_open (mine INTEGER)")
    code, printed = case.run(folder="another")
    assert code == 0, printed
    assert printed.count("is not up to date") == 1
    assert "batches_open" in printed
    assert case.target.read(case.dataset, "batches_open")[1] == []
    assert len(case.target.read(case.dataset, "batches_failed")[1]) > 0


@pytest.mark.integration
@pytest.mark.sample(1)
@pytest.mark.parametrize("name", each_family(SERVED, QUICK_HERE))
def test_dlt_changes_a_table_that_has_views(
    name: str, server: TServers, lists: Lists, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = make_case(name, server, lists, tmp_path)
    assert case.run()[0] == 0
    # as if an earlier version had made it, with a column less
    execute(case, monkeypatch, "ALTER TABLE {}.batches DROP COLUMN updated_at")
    execute(case, monkeypatch, "DELETE FROM {}._dlt_version")
    code, printed = case.run("--full-refresh", folder="another")
    assert code == 0, printed
    assert "not up to date" not in printed
    types, rows = case.target.read(case.dataset)
    assert set(types) == set(COLUMNS)
    assert len(rows) == sum(map(len, LISTS.values()))
    assert len(case.target.read(case.dataset, "batches_failed")[1]) > 0


@pytest.mark.integration
def test_a_user_who_may_not_make_views_still_loads(
    server: TServers, lists: Lists, tmp_path: Path
) -> None:
    case = make_case("postgres", server, lists, tmp_path)
    assert case.run()[0] == 0
    url = server("postgres")
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE writer LOGIN PASSWORD '{PASSWORD}'")
        for schema in (case.dataset, f"{case.dataset}_staging"):
            cursor.execute(f"GRANT USAGE ON SCHEMA {schema} TO writer")
            cursor.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO writer")
        connection.commit()
    variables = {"DESTINATION__POSTGRES__CREDENTIALS": url.replace("loader", "writer")}
    LISTS["kimi", "default"].insert(0, openai("new", "in_progress", 9 * DAY))
    try:
        code, printed = case.run(folder="another", target=case.target._replace(variables=variables))
        assert code == 0, printed
        assert printed.count("WARNING") == 1
        assert "is not up to date: must be owner of view" in printed
        found = case.target.read(case.dataset, "batches_unique")[1]
        assert in_order("batches_unique", found) == in_order(
            "batches_unique", expected()["batches_unique"]
        )
    finally:
        LISTS["kimi", "default"].pop(0)


@pytest.mark.parametrize("name", each_family(("postgres", "mariadb"), QUICK_HERE))
@pytest.mark.integration
def test_a_run_does_not_wait_for_a_reader(
    name: str, server: TServers, lists: Lists, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = make_case(name, server, lists, tmp_path)
    assert case.run()[0] == 0
    variables(case, monkeypatch)
    with open_pipeline(case.target.arguments[1], case.dataset, "reader") as pipeline:
        with pipeline.sql_client() as client, client.begin_transaction():
            client.execute_sql(f"SELECT * FROM {case.dataset}.batches_daily")  # noqa: S608
            code, printed = case.run(folder="another")
        assert code == 0, printed
        assert "is not up to date" in printed
    code, printed = case.run(folder="another")
    assert code == 0, printed
    assert "WARNING" not in printed


def test_every_column_is_described_where_people_look(
    server: TServers, lists: Lists, tmp_path: Path
) -> None:
    case = make_case("postgres", server, lists, tmp_path)
    assert case.run()[0] == 0
    with closing(psycopg2.connect(server("postgres"))) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, a.attname, d.description FROM pg_class c"
            " JOIN pg_description d ON d.objoid = c.oid"
            " LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.objsubid"
            " AND d.objsubid > 0 WHERE c.relnamespace = %s::regnamespace",
            (case.dataset,),
        )
        assert set(cursor.fetchall()) == described()


@pytest.mark.integration
def test_a_lake_describes_its_columns(server: TServers, lists: Lists, tmp_path: Path) -> None:
    case = make_case("ducklake_in_sqlite", server, lists, tmp_path)
    assert case.run()[0] == 0
    prefix = "DESTINATION__DUCKLAKE__CREDENTIALS__"
    places = [case.target.variables[prefix + name] for name in ("CATALOG", "METADATA_SCHEMA")]
    done = subprocess.run(  # noqa: S603
        [case.target.python, str(READER), "comments", *places, case.dataset],
        env=dict(case.target.variables),
        capture_output=True,
        check=True,
    )
    of_columns = {(view, name) for view, defined in VIEWS.items() for name in defined.columns}
    assert {tuple(row) for row in json.loads(done.stdout) if row[2]} == {
        each for each in described() if each[:2] not in of_columns
    }


@pytest.mark.integration
def test_a_mariadb_describes_its_table(
    server: TServers, lists: Lists, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = make_case("mariadb", server, lists, tmp_path)
    assert case.run()[0] == 0
    found = execute(case, monkeypatch, "SHOW TABLE STATUS FROM {} LIKE 'batches'")
    assert TABLE_DESCRIPTION in found[0]


@pytest.mark.integration
def test_who_may_read_a_view_still_may(server: TServers, lists: Lists, tmp_path: Path) -> None:
    case = make_case("postgres", server, lists, tmp_path)
    assert case.run()[0] == 0
    with closing(psycopg2.connect(server("postgres"))) as connection, connection.cursor() as cursor:
        cursor.execute(f"SET search_path = {case.dataset}")
        cursor.execute("CREATE VIEW mine AS SELECT * FROM batches_daily")
        cursor.execute("GRANT SELECT ON batches_daily TO pg_monitor")
        connection.commit()
        code, printed = case.run(folder="another")
        assert code == 0, printed
        assert "WARNING" not in printed
        cursor.execute("SELECT has_table_privilege('pg_monitor', 'batches_daily', 'SELECT')")
        assert cursor.fetchall() == [(True,)]


def test_a_duckdb_file_describes_its_columns(
    server: TServers, lists: Lists, tmp_path: Path
) -> None:
    case = make_case("duckdb_file", server, lists, tmp_path)
    assert case.run()[0] == 0
    with duckdb.connect(str(tmp_path / "batches.duckdb"), read_only=True) as connection:
        found = connection.execute(
            "SELECT table_name, column_name, comment FROM duckdb_columns() UNION ALL"
            " SELECT table_name, NULL, comment FROM duckdb_tables() UNION ALL"
            " SELECT view_name, NULL, comment FROM duckdb_views()"
        ).fetchall()
    assert {row for row in found if row[2] is not None} == described()


def described() -> set[tuple[str, str | None, str]]:
    """Table or view, column, and what is said of it."""
    found: set[tuple[str, str | None, str]] = set()
    for name, table in KNOWN_TABLES.items():
        found.add((name, None, table.description))
        found |= {(name, column, text) for column, (_, text) in table.columns.items()}
    for view, defined in VIEWS.items():
        found.add((view, None, defined.description))
        found |= {(view, column, text) for column, text in defined.columns.items()}
    return found


def test_the_schema_describes_the_table(lists: Lists, pipeline: dlt.Pipeline) -> None:
    lists.serve("openai", cursor_list(LISTS["openai", "staging"]))
    load(pipeline, lists.settings("openai"))
    table = pipeline.default_schema.tables["batches"]
    assert table["description"] == TABLE_DESCRIPTION
    assert {name: column.get("description") for name, column in table["columns"].items()} == {
        name: text for name, (_, text) in COLUMNS.items()
    }


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_views_are_sql_of_every_dialect(dialect: str, view: str) -> None:
    query = translate(VIEWS[view].query, dialect)
    assert sqlglot.parse_one(query, dialect=dialect).sql(dialect=dialect) == query
    own = "DAY_IN_UTC|NOW_IN_UTC|SECONDS_BETWEEN|JSON_TEXT|JSON_NUMBER|NANOS|USD|COST"
    assert not re.search(rf"\b({own})\(", query)
    selected = sqlglot.parse_one(query, dialect=dialect).find(sqlglot.exp.Select)
    assert selected is not None
    assert [column.alias_or_name for column in selected.selects] == list(VIEWS[view].columns)


def test_duckdb_runs_the_files_of_views_as_they_are(
    server: TServers, lists: Lists, tmp_path: Path
) -> None:
    case = make_case("duckdb_file", server, lists, tmp_path)
    assert case.run()[0] == 0
    folder = Path(view_definitions.__file__).parent
    with duckdb.connect(str(tmp_path / "batches.duckdb"), read_only=True) as connection:
        connection.execute(f"USE {case.dataset}")
        connection.execute((folder / "functions.sql").read_text())
        connection.execute(
            "CREATE OR REPLACE TEMP MACRO VENDOR_OF(provider) AS"
            " CASE provider WHEN 'respan' THEN 'openai' ELSE provider END"
        )
        for view, wanted in expected().items():
            found = connection.execute((folder / "views" / f"{view}.sql").read_text())
            names = [column[0] for column in found.description]
            rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
            assert in_order(view, rows) == in_order(view, wanted), view


@pytest.mark.parametrize(
    "text",
    [
        "SELECT id FROM batches",
        "-- One row per batch\n\nSELECT 1 AS one FROM batches",
        "-- One row per batch\n--\n-- other: A column\n\nSELECT id FROM batches",
        "-- One row per batch\n--\n-- id\n\nSELECT id FROM batches",
        "-- Nothing\n\nDROP TABLE batches",
    ],
)
def test_a_view_describes_its_columns_and_no_others(text: str) -> None:
    with pytest.raises(ValueError, match="does not describe"):
        view_definitions.parse_view(text)


def test_a_column_that_is_as_in_the_table_is_described_as_there() -> None:
    view = view_definitions.parse_view(
        "-- One row per batch,\n--   however many\n--\n-- total: All: of\n--   them\n\n"
        "-- whose?\nSELECT id, -- its own\n 1 AS total FROM batches;\n"
    )
    assert view.description == "One row per batch, however many"
    assert view.columns == {"id": COLUMNS["id"][1], "total": "All: of them"}
    assert translate(view.query, "duckdb") == "SELECT id, 1 AS total FROM batches"


def variables(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sets what the destination is told."""
    for variable, value in case.target.variables.items():
        monkeypatch.setenv(variable, value)


def execute(case: Case, monkeypatch: pytest.MonkeyPatch, statement: str) -> list[tuple[Any, ...]]:
    """Runs SQL in the destination as somebody else would."""
    variables(case, monkeypatch)
    destination = case.target.arguments[1] if case.target.arguments else "duckdb"
    with (
        open_pipeline(destination, case.dataset, "somebody") as pipeline,
        pipeline.sql_client() as client,
    ):
        found = client.execute_sql(statement.format(case.dataset))
    pipeline.deactivate()
    return [tuple(row) for row in found or ()]
