"""What is ready to copy in pipelines/, run by its own scheduler or checked by its own linter."""

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from starlette.requests import Request

from ai_batches import PROVIDERS
from ai_batches_runner.cli.exit_codes import ANOTHER_RUN, PARTIAL
from commands import COMMAND, keys, run, table
from environments import ROOT, binary
from support import KEY, Lists, TAnswer, batch, cursor_list, failure, page

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

PIPELINES = ROOT / "pipelines" / "deploy"
WORKFLOW = PIPELINES / "github_actions" / "ai_batches.yml"
SERVICE = PIPELINES / "systemd" / "ai-batches.service"
TIMER = PIPELINES / "systemd" / "ai-batches.timer"

BATCHES = "SELECT provider, id, status FROM ai_batches_dataset.batches ORDER BY ALL"


def call(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end; what it prints to both streams comes in one."""
    return subprocess.run(  # noqa: S603
        command,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


class Airflow:
    """An Airflow of the test's own, with the DAG in its folder and a database of its own."""

    def __init__(self, folder: Path) -> None:
        self.command = binary("airflow", "airflow")
        self.folder = folder
        self.scratch = folder / "tmp"
        self.scratch.mkdir()
        dags = folder / "dags"
        shutil.copytree(PIPELINES / "airflow", dags, ignore=shutil.ignore_patterns("__pycache__"))
        self.variables = {
            "AIRFLOW_HOME": str(folder),
            "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
            "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "0",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "false",
            "TMPDIR": str(self.scratch),
        }
        done = self("db", "migrate")
        assert done.returncode == 0, done.stdout

    def __call__(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return call(self.command, *arguments, **self.variables, **variables)

    def rows(self) -> list[tuple[object, ...]]:
        """What is in the table."""
        return table(self.folder / "ai_batches.duckdb", BATCHES)


@pytest.fixture
def airflow(tmp_path: Path) -> Airflow:
    folder = tmp_path / "airflow"
    folder.mkdir()
    return Airflow(folder)


def test_airflow_runs_the_dag_and_goes_on_from_the_destination(
    airflow: Airflow, lists: Lists
) -> None:
    rows = [batch(number) for number in range(600, 0, -1)]
    rows[0]["status"] = "in_progress"
    lists.serve("openai", cursor_list(rows))
    lists.serve("kimi", page([batch(1)]))
    variables = keys(lists, "openai", "kimi")
    # one key by the environment, the other by Airflow's variable
    del variables["SOURCES__AI_BATCHES__KIMI__API_KEY"]
    variables["AIRFLOW_VAR_DLT_SECRETS_TOML"] = f'[sources.ai_batches.kimi]\napi_key = "{KEY}"'
    done = airflow("dags", "test", "ai_batches", **variables)
    assert done.returncode == 0, done.stdout
    stored = airflow.rows()
    assert len(stored) == 601
    assert stored[0] == ("kimi", "batch_1", "completed")
    assert ("openai", "batch_600", "in_progress") in stored
    asked = lists.count("openai")

    rows[:1] = [batch(601), batch(600, status="failed")]
    done = airflow("dags", "test", "ai_batches", **variables)
    assert done.returncode == 0, done.stdout
    stored = airflow.rows()
    assert len(stored) == 602
    assert ("openai", "batch_600", "failed") in stored
    assert ("openai", "batch_601", "completed") in stored
    assert lists.count("openai") - asked < asked / 2
    assert KEY not in done.stdout
    assert not list(airflow.scratch.glob("dlt_*")), "the working folder was left behind"


def test_airflow_fails_after_loading_the_others_and_tries_again(
    airflow: Airflow, lists: Lists
) -> None:
    lists.serve("openai", failure(401))
    lists.serve("kimi", page([batch(1)]))
    done = airflow("dags", "test", "ai_batches", **keys(lists, "openai", "kimi"))
    assert done.returncode == 1, done.stdout
    assert re.search(r"RuntimeError: openai, account default: .*HTTP 401", done.stdout)
    assert airflow.rows() == [("kimi", "batch_1", "completed")]
    # the first time and two retries
    assert lists.count("openai") == 3
    assert not list(airflow.scratch.glob("dlt_*")), "the working folder was left behind"


IN_STORAGE_OF_ONES_OWN = [
    batch(number, output_file_id=f"https://storage.example/{number}") for number in range(9)
]
"""Batches whose results are noted as unsupported: no file is asked for."""

FILES = "SELECT batch_id, outcome, attempts FROM ai_batches_dataset.batch_files ORDER BY ALL"


@pytest.mark.long
def test_airflow_reads_results_in_mapped_tasks(airflow: Airflow, lists: Lists) -> None:
    # `dags test` runs tasks one after the other, so that a DuckDB file will do
    file = airflow.folder / "dags" / "ai_batches_dag.py"
    file.write_text(file.read_text().replace("PARTS = 1", "PARTS = 2"))
    lists.serve("openai", page(IN_STORAGE_OF_ONES_OWN))
    variables = keys(lists, "openai") | {
        "SOURCES__AI_BATCHES__OPENAI__RESULTS": "all",
        # which bears the name of the pipeline otherwise
        "DESTINATION__DUCKDB__CREDENTIALS": str(airflow.folder / "ai_batches.duckdb"),
    }
    assert airflow("dags", "test", "ai_batches", **variables).returncode == 0
    done = airflow("dags", "test", "ai_batches_results", **variables)
    assert done.returncode == 0, done.stdout
    found = table(airflow.folder / "ai_batches.duckdb", FILES)
    assert found == [(f"batch_{number}", "unsupported", 1) for number in range(9)]
    assert not list(airflow.scratch.glob("dlt_*")), "the working folder was left behind"


@pytest.mark.long
def test_airflow_without_any_key_fails_and_says_so(airflow: Airflow, lists: Lists) -> None:
    done = airflow("dags", "test", "ai_batches")
    assert done.returncode == 1
    first = next(each.api_key_env for each in PROVIDERS.values() if each.api_key_env)
    assert f"No provider has an API key. Looked for {first}" in done.stdout


def test_airflow_runs_the_dag_one_at_a_time_and_makes_up_for_none(airflow: Airflow) -> None:
    assert airflow("dags", "reserialize").returncode == 0
    done = airflow("dags", "details", "ai_batches", "--output", "json")
    (details,) = json.loads(done.stdout[done.stdout.index("[{") :])
    assert details["has_import_errors"] == "False"
    assert details["max_active_runs"] == "1"
    # with catchup, it would be the first hour of the year
    assert not details["next_dagrun_run_after"].startswith("2026-01-01")
    assert "17 * * * *" in details["timetable_summary"]


DAGSTER = str(PIPELINES / "dagster" / "ai_batches_dagster.py")
DAGSTER_RUN = """
import json, runpy, sys
from datetime import datetime, timezone
import dagster as dg

file, name, *selected = sys.argv[1:]
defs = runpy.run_path(file)["defs"]
schedules = {each.job_name: each for each in defs.get_repository_def().schedule_defs}
context = dg.build_schedule_context(
    repository_def=defs.get_repository_def(),
    scheduled_execution_time=datetime.now(timezone.utc),
)
tick = schedules[name].evaluate_tick(context)
job = defs.resolve_job_def(name)
results = [
    job.execute_in_process(
        raise_on_error=False,
        partition_key=run.partition_key,
        asset_selection=[dg.AssetKey(["ai_batches", each]) for each in selected] or None,
    )
    for run in tick.run_requests
]
events = [event for result in results for event in result.all_events]
assets = {
    event.asset_key.path[-1]: {
        name: value.value for name, value in event.materialization.metadata.items()
    }
    for event in events if event.is_step_materialization
}
failures = [
    event.step_failure_data.user_failure_data.description
    if event.step_failure_data.user_failure_data
    else event.step_failure_data.error.cause.message
    for event in events
    if event.is_step_failure
]
success = all(result.success for result in results)
print(json.dumps({"assets": assets, "failures": failures, "success": success}))
"""


def materialize(
    *providers: str, job: str = "ai_batches", file: str = DAGSTER, **variables: str
) -> Any:
    """Runs the job of Dagster's schedule, or some assets of it; tells what came of it."""
    done = subprocess.run(  # noqa: S603
        [binary("dagster"), "-c", DAGSTER_RUN, file, job, *providers],
        env={**os.environ, **variables, "DAGSTER_DISABLE_TELEMETRY": "true"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_dagster_materializes_an_asset_a_provider(lists: Lists, tmp_path: Path) -> None:
    rows = [batch(2, status="in_progress"), batch(1)]
    lists.serve("openai", cursor_list(rows))
    lists.serve("kimi", page([batch(1)]))
    variables = keys(lists, "openai", "kimi")
    assert materialize(**variables) == {
        "success": True,
        "failures": [],
        "assets": {
            "kimi": {
                "read": 1, "new": 1, "changed": 0, "open": 0, "requests": 1, "partial": False,
            },
            "openai": {
                "read": 2, "new": 2, "changed": 0, "open": 1, "requests": 1, "partial": False,
            },
        },
    }  # fmt: skip
    rows[:] = [batch(3), batch(2), batch(1)]
    assert materialize(**variables)["assets"]["openai"] == {
        "read": 3, "new": 1, "changed": 1, "open": 0, "requests": 1, "partial": False,
    }  # fmt: skip
    assert table(tmp_path / "ai_batches.duckdb", BATCHES) == [
        ("kimi", "batch_1", "completed"),
        ("openai", "batch_1", "completed"),
        ("openai", "batch_2", "completed"),
        ("openai", "batch_3", "completed"),
    ]


def test_dagster_reads_the_selected_assets_only(lists: Lists, tmp_path: Path) -> None:
    for name in ("openai", "kimi", "novita"):
        lists.serve(name, page([batch(1)]))
    result = materialize("kimi", "novita", **keys(lists, "openai", "kimi", "novita"))
    assert result["success"]
    assert set(result["assets"]) == {"kimi", "novita"}
    assert lists.count("openai") == 0
    assert [row[0] for row in table(tmp_path / "ai_batches.duckdb", BATCHES)] == ["kimi", "novita"]


def test_dagster_reads_results_by_partitions(lists: Lists, tmp_path: Path) -> None:
    lists.serve("openai", page(IN_STORAGE_OF_ONES_OWN))
    variables = keys(lists, "openai") | {
        "SOURCES__AI_BATCHES__OPENAI__RESULTS": "all",
        "DESTINATION__DUCKDB__CREDENTIALS": str(tmp_path / "ai_batches.duckdb"),
    }
    file = tmp_path / "definitions.py"
    text = Path(DAGSTER).read_text()
    file.write_text(text.replace("PARTS = 1", "PARTS = 2"))
    assert materialize(file=str(file), **variables)["success"]
    done = materialize(file=str(file), job="ai_batches_results", **variables)
    assert done == {"success": True, "failures": [], "assets": {"results": {"lines": 0}}}
    assert len(table(tmp_path / "ai_batches.duckdb", FILES)) == 9


def test_dagster_fails_the_asset_of_a_provider_that_fails(lists: Lists, tmp_path: Path) -> None:
    def answer(request: Request) -> TAnswer:
        return page([batch(1)]) if request.headers["authorization"].endswith("good") else bad

    bad = failure(401)
    lists.serve("openai", answer)
    lists.serve("kimi", page([batch(1)]))
    variables = keys(lists, "openai", "kimi")
    del variables["SOURCES__AI_BATCHES__OPENAI__API_KEY"]
    variables["SOURCES__AI_BATCHES__OPENAI__ACCOUNTS"] = f'{{"one": "{KEY}good", "two": "{KEY}"}}'
    result = materialize(**variables)
    assert not result["success"]
    assert set(result["assets"]) == {"kimi"}
    (said,) = result["failures"]
    assert re.fullmatch(r"openai, account two: [^\n]*HTTP 401[^\n]*", said)
    assert table(tmp_path / "ai_batches.duckdb", BATCHES) == [
        ("kimi", "batch_1", "completed"),
        ("openai", "batch_1", "completed"),
    ]


def test_dagster_turns_a_second_run_away(lists: Lists, tmp_path: Path) -> None:
    lists.serve("openai", page([batch(1)]))
    (tmp_path / "dlt" / "pipelines").mkdir(parents=True)
    with FileLock(tmp_path / "dlt" / "pipelines" / "ai_batches.lock"):
        result = materialize(**keys(lists, "openai"))
    assert not result["success"]
    assert "Another run of this pipeline is at work" in result["failures"][0]
    assert lists.requests == []


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("github-workflows", [WORKFLOW, *(ROOT / ".github" / "workflows").iterdir()]),
        ("dependabot", [ROOT / ".github" / "dependabot.yml"]),
    ],
)
def test_workflows_are_valid(schema: str, files: list[Path]) -> None:
    options = ["--builtin-schema", f"vendor.{schema}"]
    done = call(binary("lint", "check-jsonschema"), *options, *map(str, files))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("answer", "seconds", "code"),
    [(page([batch(1)]), "3000", 0), (failure(401), "3000", 1), (page([batch(1)]), "1e-9", 0)],
)
def test_the_workflow_fails_where_a_provider_failed_and_not_where_time_was_up(
    lists: Lists, answer: TAnswer, seconds: str, code: int
) -> None:
    lists.serve("openai", answer)
    line = re.search(r"- run: (ai-batches .*)", WORKFLOW.read_text())
    assert line
    here = line[1].replace("postgres", "duckdb").replace("3000", seconds)
    path = f"{Path(COMMAND).parent}:{os.environ['PATH']}"
    # as GitHub does
    done = call("bash", "-e", "-c", here, PATH=path, **keys(lists, "openai"))
    assert done.returncode == code, done.stdout


def systemd_analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs systemd's checker; skips the test where it is not, unless in CI."""
    program = shutil.which("systemd-analyze")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("there is no systemd-analyze")
        pytest.skip("no systemd-analyze")
    return call(program, *arguments)


@pytest.fixture
def unit(tmp_path: Path) -> str:
    """The service, with a command that is there."""
    file = tmp_path / SERVICE.name
    file.write_text(SERVICE.read_text().replace("/opt/ai-batches/bin/ai-batches", COMMAND))
    shutil.copy(TIMER, tmp_path)
    return str(file)


def test_systemd_understands_the_units(unit: str) -> None:
    # what it does not know it ignores, with a line and exit code 0
    for file in (unit, str(Path(unit).with_suffix(".timer"))):
        done = systemd_analyze("verify", file)
        assert (done.returncode, done.stdout) == (0, "")


def test_systemd_finds_little_that_the_service_may_do(unit: str) -> None:
    # of 100, where a service without any hardening has 96
    done = systemd_analyze("security", "--offline=true", "--threshold=20", unit)
    assert done.returncode == 0, done.stdout


def test_the_service_takes_exit_codes_as_the_command_means_them(lists: Lists) -> None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(SERVICE)
    service = parser["Service"]
    assert {int(code) for code in service["SuccessExitStatus"].split()} == {PARTIAL, ANOTHER_RUN}
    lists.serve("openai", page([batch(1)]))
    code, _, log = run(*shlex.split(service["ExecStart"])[1:], **keys(lists, "openai"))
    assert code == 0, log


def test_the_dockerfile_is_as_it_should_be() -> None:
    done = call(binary("lint", "hadolint"), str(PIPELINES / "docker" / "Dockerfile"))
    assert (done.returncode, done.stdout) == (0, "")
