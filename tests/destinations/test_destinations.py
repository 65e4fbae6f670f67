"""Each destination against the real thing: the same rows, whatever happened on the way."""

import random
import signal
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psycopg2
import pytest

from ai_batches import COLUMNS, JSON_COLUMNS
from ai_batches_runner.sql.runs import RUN_COLUMNS
from cases import Case, by_id
from killing import run_and_kill
from older import OLDER_COMMAND
from servers import PASSWORD
from support import Lists, TRow, batch, cursor_list, failure, offset_list
from targets import READER, TARGETS, Target, TServers, duckdb_file, each_family

pytestmark = pytest.mark.timeout(400)

NOW = int(time.time())
DAY = 86_400
HARD_TO_QUOTE = 'it\'s "so" \\ %s {x} :y \n\t; --'
MERGES_WITHOUT_COMPARING = ("sqlite", "mariadb", "iceberg", "iceberg_on_s3")
"""dlt rewrites rows there that did not change, so that nobody can count the changed ones."""

TIMESTAMPS = {
    "duckdb_file": "TIMESTAMP WITH TIME ZONE",
    "postgres": "timestamp with time zone",
    "sqlite": "DATETIME",
    "mariadb": "datetime(6)",
    "delta": "timestamp",
    "delta_on_s3": "timestamp",
    "iceberg": "timestamptz",
    "iceberg_on_s3": "timestamptz",
    "ducklake_in_sqlite": "TIMESTAMP WITH TIME ZONE",
    "ducklake_in_postgres": "TIMESTAMP WITH TIME ZONE",
}
JSONS = {
    "duckdb_file": "JSON",
    "postgres": "jsonb",
    "sqlite": "JSON",
    # MariaDB's JSON is a text that it checks
    "mariadb": "longtext",
    "delta": "string",
    "delta_on_s3": "string",
    "iceberg": "string",
    "iceberg_on_s3": "string",
    "ducklake_in_sqlite": "JSON",
    "ducklake_in_postgres": "JSON",
}


OTHERS = [name for name in TARGETS if name != "duckdb_file"]
everywhere = pytest.mark.parametrize("case", each_family(OTHERS, everywhere=True), indirect=True)
in_each_family = pytest.mark.parametrize("case", each_family(OTHERS), indirect=True)


@pytest.fixture
def case(request: pytest.FixtureRequest, server: TServers, lists: Lists, tmp_path: Path) -> Case:
    """A place of its own in each destination."""
    dataset = f"test_{random.getrandbits(32):x}"
    name: str = request.param
    target = TARGETS[name](tmp_path, server)
    reference = duckdb_file(tmp_path, server)
    return Case(name, target, reference, tmp_path, dataset, lists)


def ended(count: int) -> list[TRow]:
    """Batches that ended long ago, ten minutes apart, the newest first."""
    return [
        batch(n, created_at=NOW - 2 * DAY - 600 * (count - n), completed_at=NOW - 2 * DAY + n)
        for n in range(count, 0, -1)
    ]


def odd_rows() -> list[TRow]:
    """Batches whose values are hard on one destination or another."""
    created = NOW - 3_000
    return [
        batch(
            9_001,
            status="in_progress",
            created_at=created,
            metadata={
                "name": "Zoë 中 \U0001f600",
                "quoted": 'it\'s "so" \\ %s {x} :y',
                "": [1.5, {}],
            },
            errors={"data": [{"line": 2**53 + 1, "message": None}]},
            later={"nested": [True, None, -1]},
        ),
        batch(
            9_000,
            created_at=f"{datetime.fromtimestamp(created, UTC):%Y-%m-%dT%H:%M:%S}.123456Z",
            completed_at=(NOW - 900) * 1_000 + 7,
            request_counts={"total": 2**62, "completed": 0, "failed": None},
            metadata={"long": "x" * 70_000, "nul": "a\u0000b"},
            input_file_id='it\'s "so" \\ %s {x} :y \n\t; nul \u0000 --',
            completed=True,
        ),
    ]


@in_each_family
@pytest.mark.integration
def test_ids_that_collations_take_for_one_stay_apart(case: Case) -> None:
    ids = ["abc", "ABC", "abc ", "\u00e1bc", "a\u0301bc", "\uff41bc"]
    rows = ended(len(ids))
    for row, row_id in zip(rows, ids, strict=True):
        row["id"] = row_id
    rows[0] |= {"status": "in_progress", "completed_at": None}
    case.lists.serve("openai", cursor_list(rows))
    code, printed = case.run("openai")
    assert code == 0, printed
    # one of them is read and stored again
    rows[0]["status"] = "completed"
    case.lists.serve("openai", cursor_list(rows[:1]))
    code, printed = case.run("openai")
    assert code == 0, printed
    assert case.rows().keys() == set(ids)


@in_each_family
@pytest.mark.integration
def test_a_check_leaves_nothing(case: Case) -> None:
    def files() -> set[Path]:
        return set(case.folder.rglob("*"))

    rows = [batch(n, created_at=NOW - DAY - 60 * (300 - n)) for n in range(300, 0, -1)]
    rows[99]["status"] = "in_progress"
    case.lists.serve("openai", cursor_list(rows))
    case.lists.serve("bland", offset_list([{"id": "b1", "created_at": NOW - DAY}]))
    before = files()
    code, printed = case.run(command="check")
    assert code == 0, printed
    assert files() == before
    # the clients of the destinations have no error in common
    with pytest.raises(Exception):  # noqa: B017, PT011
        case.rows()
    code, printed = case.run()
    assert code == 0, printed
    before, rows_before = files(), case.target.read(case.dataset)
    code, printed = case.run(command="check")
    assert code == 0, printed
    # SQLite removes what a process that did not close left
    assert files() <= before
    assert case.target.read(case.dataset) == rows_before
    case.lists.requests.clear()
    assert case.run()[0] == 0
    assert case.lists.count("openai") == 2


@everywhere
@pytest.mark.integration
def test_rows_are_the_same_everywhere(case: Case) -> None:
    rows = [*odd_rows(), *ended(250)]
    case.lists.serve("openai", cursor_list(rows))
    calls = [{"id": "b1", "created_at": "2025-05-08T19:28:12.627001Z"}, {"id": "b2"}]
    case.lists.serve("bland", offset_list(calls))
    code, printed = case.run()
    assert code == 0, printed

    rows[0] |= {"status": "completed", "completed_at": NOW, "errors": None}
    rows.insert(0, batch(9_002, status="validating", created_at=NOW - 60))
    code, printed = case.run()
    assert code == 0, printed
    summary = next(line.split() for line in printed.splitlines() if line.startswith("openai"))
    changed = "?" if case.name in MERGES_WITHOUT_COMPARING else "1"
    assert summary[2:6] == ["100", "1", changed, "1"]

    assert case.run(folder="reference", target=case.reference)[0] == 0
    types, reference = case.reference.read(case.dataset)
    assert case.rows() == by_id(reference)
    assert case.rows()["batch_9000"]["created_at"].endswith(".123456+00:00")
    found = case.target.read(case.dataset)[0]
    assert list(found) == list(COLUMNS)
    assert {found[name] for name in COLUMNS if name.endswith("_at")} == {TIMESTAMPS[case.name]}
    assert {found[name] for name in JSON_COLUMNS} == {JSONS[case.name]}
    assert types["created_at"] == TIMESTAMPS["duckdb_file"]


@in_each_family
@pytest.mark.integration
def test_runs_and_what_needs_attention_are_known_everywhere(case: Case) -> None:
    long_ago = {"created_at": NOW - 3 * DAY, "expires_at": NOW - 2 * DAY}
    rows = [batch(300, status="in_progress", **long_ago), *ended(20)]
    case.lists.serve("openai", cursor_list(rows))
    case.lists.serve("bland", failure(401))
    stuck = "- openai, account default: 1 batch open beyond its window: batch_300"
    code, printed = case.run()
    assert code == 1
    assert stuck in printed
    fresh = {"status": "failed", "created_at": NOW - 900, "failed_at": NOW - 60}
    rows.insert(0, batch(301, **fresh))
    code, printed = case.run("openai")
    assert code == 0, printed
    failed = "- openai, account default: 1 batch failed since the last run: batch_301"
    assert {stuck, failed} <= set(printed.splitlines())
    code, printed = case.run(command="alerts")
    assert code == 1
    assert printed.splitlines() == [
        "Alerts:",
        "- bland, account default: the provider refused the key; not loaded yet",
        stuck,
        failed,
    ]


@in_each_family
@pytest.mark.integration
def test_a_full_refresh_doubles_nothing_and_verify_agrees(case: Case) -> None:
    rows = ended(120)
    case.lists.serve("openai", cursor_list(rows))
    case.lists.serve("bland", offset_list([{"id": "b1"}]))
    assert case.run()[0] == 0
    # nobody sees a change so far down but a whole read
    rows[110]["metadata"] = {"late": "change"}
    code, printed = case.run(command="verify")
    assert code == 1
    assert f"stale: {rows[110]['id']}" in printed
    assert case.run("--full-refresh")[0] == 0
    assert len(case.rows()) == 121
    assert case.rows()[rows[110]["id"]]["metadata"] == {"late": "change"}
    code, printed = case.run(command="verify")
    assert code == 0, printed


@in_each_family
@pytest.mark.integration
def test_a_fresh_machine_goes_on(case: Case) -> None:
    rows = [batch(900, status="in_progress", created_at=NOW - DAY), *ended(500)]
    case.lists.serve("openai", cursor_list(rows))
    case.lists.serve("bland", offset_list([]))
    assert case.run()[0] == 0
    code, printed = case.run(command="verify", folder="a third")
    assert code == 0, printed
    rows[0]["status"] = "cancelled"
    case.lists.requests.clear()
    code, printed = case.run(folder="another")
    assert code == 0, printed
    assert case.lists.count("openai") == 1
    assert len(case.rows()) == 501
    assert case.rows()["batch_900"]["status"] == "cancelled"


@in_each_family
@pytest.mark.integration
def test_an_older_table_gets_new_columns_and_a_dropped_one_its_rows(case: Case) -> None:
    rows = ended(120)
    case.lists.serve("openai", cursor_list(rows))
    case.lists.serve("bland", offset_list([{"id": "b1"}]))

    def run_code(code: str, *arguments: str) -> None:
        done = subprocess.run(  # noqa: S603
            [case.target.python, "-c", code, *arguments],
            env=case.variables(case.target),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "could not be written" not in done.stderr

    run_code(OLDER_COMMAND, "load", *case.target.arguments, "--dataset", case.dataset)
    assert set(case.target.read(case.dataset)[0]) == set(COLUMNS) - {"updated_at", "finalizing_at"}
    rows.insert(0, batch(200, finalizing_at=NOW - 60, created_at=NOW - 600, unheard_of=1))
    code, printed = case.run()
    assert code == 0, printed
    assert "could not be written" not in printed
    assert set(case.target.read(case.dataset)[0]) == set(COLUMNS)
    assert set(case.target.read(case.dataset, "runs")[0]) == set(RUN_COLUMNS)
    assert len(case.rows()) == 122
    assert case.rows()["batch_200"]["finalizing_at"]

    destination = case.target.arguments[1]
    for table in ("batches", "runs"):
        run_code(
            "from ai_batches_runner import open_pipeline\n"
            f"with open_pipeline({destination!r}, {case.dataset!r}) as pipeline:\n"
            "    pipeline.sync_destination()\n"
            "    with pipeline.destination_client() as client:\n"
            "        if client.capabilities.sqlglot_dialect == 'postgres':\n"
            "            # its views go with it\n"
            "            sql = client.sql_client\n"
            f"            name = sql.make_qualified_table_name({table!r})\n"
            "            sql.execute_sql(f'DROP TABLE {name} CASCADE')\n"
            "        else:\n"
            f"            client.drop_tables({table!r}, delete_schema=False)\n"
        )
        code, printed = case.run()
        assert code == 0, printed
        assert "could not be written" not in printed
        assert set(case.rows()) == {"b1", *(str(row["id"]) for row in rows)}
        assert len(case.target.read(case.dataset, "runs")[1]) == (6 if table == "batches" else 2)


@in_each_family
@pytest.mark.integration
def test_an_interrupted_run_loses_doubles_and_ages_nothing(case: Case) -> None:
    rows = [batch(900, status="in_progress", created_at=NOW - DAY), *ended(300)]
    case.lists.serve("openai", cursor_list(rows))
    case.lists.serve("bland", offset_list([]))
    arguments = ["load", *case.target.arguments, "--rows-per-load", "100", "--dataset"]
    python = case.target.python if case.target.python != sys.executable else None
    variables = case.variables(case.target)

    def run(suffix: str, touches: int | None = None) -> tuple[int, int]:
        place = case.folder / f"killed{suffix}"
        place.mkdir(exist_ok=True)
        own = {**variables, "DLT_DATA_DIR": str(place)}
        return run_and_kill([*arguments, case.dataset + suffix], place, own, touches, python)

    code, touches = run("_whole")
    assert code == 0
    for suffix, part in {"_half": 0.5, "_most": 0.85}.items():
        rows[0]["status"] = "in_progress"
        assert run(suffix, int(touches * part))[0] == -signal.SIGKILL
        rows[0]["status"] = "completed"
        assert run(suffix)[0] == 0
        assert {name: row["status"] for name, row in case.rows(suffix).items()} == {
            row["id"]: row["status"] for row in rows
        }


@pytest.mark.integration
def test_a_load_that_was_refused_keeps_no_other_destination_from_its_rows(
    lists: Lists, server: TServers, tmp_path: Path
) -> None:
    lists.serve("openai", cursor_list(ended(120)))
    lists.serve("bland", offset_list([]))
    target = duckdb_file(tmp_path, server)
    case = Case("", target, target, tmp_path, "test_refused", lists)
    url = server("postgres")
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE guest LOGIN PASSWORD '{PASSWORD}'")
        connection.commit()
    guest = {"DESTINATION__POSTGRES__CREDENTIALS": url.replace("loader", "guest")}
    refused = Target(("--destination", "postgres"), guest, target.read)
    code, printed = case.run(target=refused)
    assert code == 1
    assert "permission denied" in printed
    code, printed = case.run()
    assert code == 0, printed
    assert len(case.rows()) == 120


@pytest.mark.integration
def test_files_are_known_to_every_pipeline(lists: Lists, server: TServers, tmp_path: Path) -> None:
    lists.serve("openai", cursor_list(ended(120)))
    lists.serve("bland", offset_list([]))
    target = TARGETS["delta"](tmp_path, server)
    case = Case("", target, target, tmp_path, "test_names", lists)
    assert case.run()[0] == 0
    code, printed = case.run("--pipeline-name", "another", command="verify", folder="another")
    assert code == 0, printed
    code, printed = case.run("--pipeline-name", "another", "--table-format", "iceberg")
    assert code == 2
    assert "is kept as `delta`" in printed
    code, printed = case.run("--pipeline-name", "another")
    assert code == 0, printed
    summary = next(line.split() for line in printed.splitlines() if line.startswith("openai"))
    assert summary[2:5] == ["120", "0", "0"]


@pytest.mark.integration
def test_a_ducklake_can_be_read_while_a_run_writes(
    lists: Lists, server: TServers, tmp_path: Path
) -> None:
    target = TARGETS["ducklake_in_postgres"](tmp_path, server)
    case = Case("", target, target, tmp_path, "test_reader", lists)
    rows = ended(120)
    lists.serve("openai", cursor_list(rows))
    lists.serve("bland", offset_list([]))
    assert case.run()[0] == 0
    catalog = target.variables["DESTINATION__DUCKLAKE__CREDENTIALS__CATALOG"]
    lake = target.variables["DESTINATION__DUCKLAKE__CREDENTIALS__METADATA_SCHEMA"]
    with subprocess.Popen(  # noqa: S603
        [target.python, str(READER), "watch", catalog, lake, case.dataset],
        env=dict(target.variables),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as reader:
        questions, answers = reader.stdin, reader.stdout
        assert questions is not None
        assert answers is not None

        def count() -> int:
            questions.write("\n")
            questions.flush()
            return int(answers.readline())

        assert count() == 120
        rows.insert(0, batch(900, created_at=NOW))
        code, printed = case.run()
        assert code == 0, printed
        assert count() == 121
        questions.close()
