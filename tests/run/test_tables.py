"""A table that is not as the state says: emptied, dropped, older, newer, or somebody else's."""

import json
import os
import subprocess
import sys
from pathlib import Path

import dlt
import duckdb
import pytest

from ai_batches import COLUMNS, FILES, __version__, ai_batches_source
from ai_batches_runner.sql.runs import RUN_COLUMNS
from commands import COMMAND, keys, run, summary, table
from older import OLDER, OLDER_COMMAND
from support import COUNTS, FIRST, Lists, batch, cursor_list, failure, few_of

FILE = "ai_batches.duckdb"
DATASET = "ai_batches_dataset"


def execute(folder: Path, *statements: str) -> None:
    """Runs SQL on the DuckDB file; `{}` is the dataset."""
    with duckdb.connect(str(folder / FILE)) as connection:
        for statement in statements:
            connection.execute(statement.replace("{}", DATASET))


def counts(folder: Path) -> dict[object, object]:
    """Rows by provider."""
    query = f"SELECT provider, count(*) FROM {DATASET}.batches GROUP BY ALL"
    return dict(table(folder / FILE, query))  # type: ignore[arg-type]


@pytest.fixture
def variables(lists: Lists) -> dict[str, str]:
    """Of two providers that were loaded, and one whose list is empty."""
    for name in ("openai", "kimi"):
        # their order is proven: without a reason, one page is read
        lists.serve(name, cursor_list([batch(n, request_counts=COUNTS) for n in range(250, 0, -1)]))
    lists.serve("novita", cursor_list([]))
    found = keys(lists, "openai", "kimi", "novita")
    assert run("load", **found)[0] == 0
    lists.requests.clear()
    return found


DROP = [COMMAND.replace("ai-batches", "dlt"), "--non-interactive", "pipeline"]

LOSSES = {
    "deleted": "DELETE FROM {}.batches WHERE provider = 'openai'",
    "all deleted": "DELETE FROM {}.batches",
    "truncated": "TRUNCATE {}.batches",
    "dropped": "DROP TABLE {}.batches",
    "made anew": "CREATE OR REPLACE TABLE {}.batches AS FROM {}.batches WHERE provider = 'kimi'",
}


@pytest.mark.sample(1)
@pytest.mark.parametrize("loss", few_of(LOSSES, quick=["deleted", "dropped"]))
def test_an_account_without_its_rows_is_read_whole_in_the_same_run(
    variables: dict[str, str], lists: Lists, tmp_path: Path, loss: str
) -> None:
    execute(tmp_path, LOSSES[loss])
    assert run("check", **variables)[0] == 0
    lists.requests.clear()
    code, printed, log = run("load", **variables)
    assert code == 0, log
    assert counts(tmp_path) == {"openai": 250, "kimi": 250}
    assert summary(printed, "openai")[2:4] == ["250", "250"]
    # and only then, and only whom it concerns
    if loss in ("deleted", "made anew"):
        assert lists.count("kimi") == 1
    assert lists.count("novita") == 1
    lists.requests.clear()
    assert run("load", **variables)[0] == 0
    assert [lists.count(name) for name in ("openai", "kimi", "novita")] == [1, 1, 1]
    views = table(tmp_path / FILE, f"SELECT count(*) FROM {DATASET}.batches_unique")
    assert views == [(500,)]


@pytest.mark.integration
def test_what_dlts_own_command_drops_is_read_again(
    variables: dict[str, str], tmp_path: Path
) -> None:
    query = f"SELECT schema FROM {DATASET}._dlt_version ORDER BY inserted_at DESC LIMIT 1"
    ((schema,),) = table(tmp_path / FILE, query)
    writer = json.loads(str(schema))["tables"]["batches"]["resource"]
    place = str(tmp_path / "dlt" / "pipelines")
    dropping = [*DROP, "--pipelines-dir", place, "ai_batches", "drop", writer]
    subprocess.run(dropping, env={**os.environ, **variables}, check=True)  # noqa: S603
    # with another provider's rows, the table is there again
    for provider in ("novita", "openai", "kimi"):
        assert run("load", provider, **variables)[0] == 0
    assert counts(tmp_path) == {"openai": 250, "kimi": 250}


@pytest.mark.integration
def test_old_rows_that_somebody_deleted_do_not_come_back(
    variables: dict[str, str], lists: Lists, tmp_path: Path
) -> None:
    execute(tmp_path, "DELETE FROM {}.batches WHERE id <> 'batch_250'")
    assert run("load", "openai", **variables)[0] == 0
    assert lists.count("openai") == 1
    assert counts(tmp_path)["openai"] == 100


@pytest.mark.integration
def test_a_whole_read_that_is_cut_goes_on(
    variables: dict[str, str], lists: Lists, tmp_path: Path
) -> None:
    execute(tmp_path, "DELETE FROM {}.batches WHERE provider = 'openai'")
    inner = cursor_list([batch(n) for n in range(250, 0, -1)])
    lists.serve("openai", lambda r: failure(401) if lists.count("openai") > 2 else inner(r))
    assert run("load", "openai", **variables)[0] == 1
    assert counts(tmp_path)["openai"] == 200
    lists.serve("openai", inner)
    assert run("load", "openai", "--rows-per-load", "20", **variables)[0] == 0
    assert counts(tmp_path)["openai"] == 250


@pytest.mark.integration
def test_what_was_left_to_load_does_not_hide_a_loss(
    variables: dict[str, str], lists: Lists, tmp_path: Path
) -> None:
    code = (
        "from ai_batches import ai_batches_source\n"
        "from ai_batches_runner import open_pipeline\n"
        "with open_pipeline() as pipeline:\n"
        "    pipeline.extract(ai_batches_source().with_resources('openai'))\n"
    )
    for loss in ("DELETE FROM {}.batches", "DROP TABLE {}.batches"):
        environment = {**os.environ, **variables}
        subprocess.run([sys.executable, "-c", code], env=environment, check=True)  # noqa: S603
        execute(tmp_path, loss)
        exit_code, _, log = run("load", **variables)
        assert exit_code == 0, log
        assert "no longer in the table" in log
        assert counts(tmp_path) == {"openai": 250, "kimi": 250}


@pytest.mark.integration
def test_a_table_of_runs_that_was_dropped_is_made_again(
    variables: dict[str, str], lists: Lists, tmp_path: Path
) -> None:
    execute(tmp_path, "DROP TABLE {}.runs")
    code, _, log = run("load", **variables)
    assert code == 0
    assert "Made again" in log
    assert table(tmp_path / FILE, f"SELECT count(*) FROM {DATASET}.runs") == [(3,)]
    # their batches are there
    assert lists.count("openai") == 1


@pytest.mark.integration
def test_a_column_that_was_dropped_is_made_and_filled_again(
    variables: dict[str, str], tmp_path: Path
) -> None:
    execute(
        tmp_path,
        "ALTER TABLE {}.batches DROP COLUMN status_raw",
        "ALTER TABLE {}.runs DROP COLUMN error",
    )
    code, _, log = run("load", **variables)
    assert code == 0, log
    assert "batches.status_raw" in log
    query = f"SELECT count(*), count(status_raw) FROM {DATASET}.batches"
    assert table(tmp_path / FILE, query) == [(500, 500)]
    query = f"SELECT count(*) FROM {DATASET}.runs WHERE error IS NULL"
    assert table(tmp_path / FILE, query) == [(6,)]


def as_older(variables: dict[str, str], *arguments: str) -> None:
    """Runs an earlier version."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", OLDER_COMMAND, "load", *arguments],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "could not be written" not in done.stderr


def versions(folder: Path) -> list[str]:
    """Versions that made or changed the table, by what dlt stores, the last one first."""
    query = f"SELECT schema FROM {DATASET}._dlt_version ORDER BY version DESC"
    found = []
    for (schema,) in table(folder / FILE, query):
        tables = json.loads(str(schema))["tables"]
        found += [tables["batches"]["x-ai-batches-version"]] if "batches" in tables else []
    return found


def columns(folder: Path, name: str) -> set[object]:
    """Names of the columns of a table."""
    query = (
        "SELECT column_name FROM information_schema.columns"
        f" WHERE table_schema = '{DATASET}' AND table_name = '{name}'"
    )
    return {row[0] for row in table(folder / FILE, query)}


@pytest.mark.integration
def test_tables_of_an_earlier_version_get_the_new_columns(lists: Lists, tmp_path: Path) -> None:
    rows = [batch(n, request_counts=COUNTS) for n in range(250, 0, -1)]
    lists.serve("openai", cursor_list(rows))
    variables = keys(lists, "openai")
    as_older(variables)
    assert columns(tmp_path, "batches") == set(COLUMNS) - {"updated_at", "finalizing_at"}
    assert columns(tmp_path, "runs") == set(RUN_COLUMNS) - {"batches_open"}
    assert columns(tmp_path, "batch_files") == set(FILES.columns) - {"not_found"}
    assert set(versions(tmp_path)) == {"0.0.1"}
    rows.insert(0, batch(251, finalizing_at=FIRST, a_field_of_the_vendor=1))
    code, _, log = run("load", **variables)
    assert (code, log) == (0, "")
    assert columns(tmp_path, "batches") == set(COLUMNS)
    assert columns(tmp_path, "runs") == set(RUN_COLUMNS)
    assert columns(tmp_path, "batch_files") == set(FILES.columns)
    assert versions(tmp_path)[0] == __version__
    query = f"SELECT count(*), count(finalizing_at) FROM {DATASET}.batches"
    assert table(tmp_path / FILE, query) == [(251, 1)]
    assert table(tmp_path / FILE, f"SELECT count(*) FROM {DATASET}.batches_unique") == [(251,)]
    # back, and forth again
    rows.insert(0, batch(252))
    as_older(variables)
    assert versions(tmp_path)[0] == "0.0.1"
    query = f"SELECT count(*) FROM {DATASET}.batches WHERE id = 'batch_252'"
    assert table(tmp_path / FILE, query) == [(1,)]
    assert run("load", **variables)[0] == 0


@pytest.mark.integration
def test_columns_of_somebody_else_stay(
    variables: dict[str, str], lists: Lists, tmp_path: Path
) -> None:
    execute(
        tmp_path,
        "ALTER TABLE {}.batches ADD COLUMN team VARCHAR",
        "ALTER TABLE {}.runs ADD COLUMN note VARCHAR",
        "UPDATE {}.batches SET team = 'search'",
    )
    rows = [batch(n, request_counts=COUNTS) for n in range(251, 0, -1)]
    rows[1]["status"] = "expired"
    lists.serve("openai", cursor_list(rows))
    code, _, log = run("load", **variables)
    assert (code, log) == (0, "")
    query = f"SELECT id, team FROM {DATASET}.batches WHERE provider = 'openai' AND {{}}"
    assert table(tmp_path / FILE, query.format("team IS NULL")) == [("batch_251", None)]
    assert table(tmp_path / FILE, query.format("status = 'expired'")) == [("batch_250", "search")]


@pytest.mark.integration
def test_the_source_alone_adds_its_columns(lists: Lists, tmp_path: Path) -> None:
    lists.serve("openai", cursor_list([batch(1)]))
    older = OLDER + (
        "p = dlt.pipeline('plain', sys.argv[1], destination=dlt.destinations.duckdb(sys.argv[2]),"
        " dataset_name='data')\n"
        "p.run(ai_batches.ai_batches_source().with_resources('openai'))\n"
    )
    place, file = tmp_path / "plain", tmp_path / "plain.db"
    subprocess.run(  # noqa: S603
        [sys.executable, "-c", older, str(place), str(file)],
        env={**os.environ, **keys(lists, "openai")},
        check=True,
    )
    destination = dlt.destinations.duckdb(str(file))
    pipeline = dlt.pipeline("plain", str(place), destination=destination, dataset_name="data")
    assert "updated_at" not in pipeline.default_schema.tables["batches"]["columns"]
    lists.serve("openai", cursor_list([batch(2, unheard_of=1), batch(1)]))
    pipeline.run(ai_batches_source(lists.settings()))
    assert set(pipeline.default_schema.tables["batches"]["columns"]) == set(COLUMNS)
    pipeline.deactivate()


OTHERS = {
    "batches": "CREATE TABLE {}.batches (id INTEGER, name VARCHAR)",
    "batches of dlt": "CREATE TABLE {}.batches (id VARCHAR, _dlt_load_id VARCHAR, _dlt_id VARCHAR)",
    "batches of other types": "CREATE TABLE {}.batches (provider VARCHAR, account VARCHAR,"
    " id BIGINT, _dlt_load_id VARCHAR)",
    "a view batches": "CREATE VIEW {}.batches AS SELECT 'a' AS provider, 'b' AS account, 'c' AS id,"
    " '1' AS _dlt_load_id",
    "runs": "CREATE TABLE {}.runs (run_id UUID, score DOUBLE)",
    "a view runs": "CREATE VIEW {}.runs AS SELECT 1 AS x",
    "batches_open": "CREATE TABLE {}.batches_open (x INTEGER)",
    "_dlt_version": "CREATE TABLE {}._dlt_version (x INTEGER)",
    "_dlt_loads": "CREATE TABLE {}._dlt_loads (load_id INTEGER)",
    "_dlt_pipeline_state": "CREATE TABLE {}._dlt_pipeline_state (x INTEGER)",
}


@pytest.mark.integration
@pytest.mark.sample(2)
@pytest.mark.parametrize(
    "name", few_of(OTHERS, quick=["batches", "a view runs", "batches_open", "_dlt_loads"])
)
def test_a_table_of_somebody_else_is_named_before_anything_is_read(
    lists: Lists, tmp_path: Path, name: str
) -> None:
    lists.serve("openai", cursor_list([batch(1)]))
    variables = keys(lists, "openai")
    execute(tmp_path, "CREATE SCHEMA {}", OTHERS[name])
    what = f"{DATASET}.{name.split()[-1] if ' view ' in f' {name}' else name.split()[0]}"
    code, _, log = run("load", **variables)
    assert code == 2
    assert what in log
    assert "--dataset" in log
    assert "rename" in log
    assert len(log.splitlines()) == 1
    assert lists.requests == []
    code, printed, log = run("check", **variables)
    assert code == 1
    assert what in printed + log
    for arguments in (("alerts",), ("verify",)) if "batches" in name else ():
        code, _, log = run(*arguments, **variables)
        assert code == 2
        assert what in log
    execute(tmp_path, f"ALTER {'VIEW' if 'view' in name else 'TABLE'} {what} RENAME TO mine")
    assert run("load", **variables)[0] == 0
    assert counts(tmp_path) == {"openai": 1}


@pytest.mark.integration
def test_a_table_of_somebody_else_in_a_known_dataset(
    variables: dict[str, str], lists: Lists, tmp_path: Path
) -> None:
    execute(
        tmp_path, "DROP TABLE {}.runs", "CREATE TABLE {}.runs AS SELECT 1 AS runs, 'x' AS sprinter"
    )
    code, _, log = run("load", **variables)
    assert code == 2
    assert f"{DATASET}.runs is not of this package" in log
    assert lists.requests == []


@pytest.mark.integration
def test_a_table_that_was_restored_alone_is_taken_over(
    variables: dict[str, str], lists: Lists, tmp_path: Path
) -> None:
    execute(
        tmp_path,
        "CREATE SCHEMA other",
        "CREATE TABLE other.batches AS FROM {}.batches WHERE provider = 'kimi'",
        "DROP SCHEMA {} CASCADE",
    )
    code, _, log = run("load", "--dataset", "other", **variables)
    assert code == 0, log
    found = table(tmp_path / FILE, "SELECT provider, count(*) FROM other.batches GROUP BY ALL")
    assert dict(found) == {"openai": 250, "kimi": 250}  # type: ignore[arg-type]


@pytest.mark.integration
def test_files_of_somebody_else_are_named(lists: Lists, tmp_path: Path) -> None:
    lists.serve("openai", cursor_list([batch(1)]))
    bucket = {"DESTINATION__FILESYSTEM__BUCKET_URL": str(tmp_path / "bucket")}
    variables = {**keys(lists, "openai"), **bucket}
    command = ("--destination", "filesystem", "--table-format", "delta")

    def refusal() -> str:
        lists.requests.clear()
        code, _, log = run("load", *command, **variables)
        assert code == 2
        assert "--dataset" in log
        assert lists.requests == []
        return log

    dataset = tmp_path / "bucket" / "ai_batches"
    (dataset / "mine").mkdir(parents=True)
    assert f"The folder {dataset} is not of dlt" in refusal()
    dataset.rename(tmp_path / "mine")
    # another pipeline's dataset
    pipeline = dlt.pipeline(
        "other",
        str(tmp_path / "other"),
        destination=dlt.destinations.filesystem(str(tmp_path / "bucket")),
        dataset_name="ai_batches",
    )
    pipeline.run([{"id": 1}], table_name="batches", loader_file_format="parquet")
    pipeline.deactivate()
    assert "The table ai_batches.batches is not of this package" in refusal()
    (dataset / "batches").rename(dataset / "mine")
    assert run("load", *command, **variables)[0] == 0
