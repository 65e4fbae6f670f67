"""The files in `docs/dbt`, in a project of dbt, on what the command loaded."""

import json
import os
from decimal import Decimal
from pathlib import Path
from shutil import copytree
from typing import Any
from urllib.parse import urlsplit

import pytest

from ai_batches import TABLES
from ai_batches_runner.sql.known_tables import KNOWN_TABLES
from ai_batches_runner.sql.view_definitions import VIEWS
from cases import Case
from commands import call, keys
from environments import ROOT, binary
from stored_results import store_results
from support import Lists, batch, cursor_list
from targets import TARGETS, TServers

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

DATASETS = {"duckdb_file": "ai_batches_dataset", "postgres": "ai_batches"}
"""Where a load writes to that names none."""

NOON = 1_795_867_200
"""Of 2026-11-28, in Unix seconds: a day with prices."""
TIMES = {"created_at": NOON, "completed_at": NOON + 60}
USAGE = {"input_tokens": 1_000_000, "output_tokens": 1_000_000}
BATCHES = [
    batch(5, status="in_progress", model="gpt-5", created_at=NOON),
    batch(4, status="hibernating", created_at=NOON),
    batch(3, model="gpt-99", usage=USAGE, **TIMES),
    batch(2, model="gpt-5-mini", usage=USAGE, **TIMES),
    batch(1, model="gpt-5", usage=USAGE, metadata={"team": "search"}, **TIMES),
]
OWN = "provider,model,input_usd_per_mtok,output_usd_per_mtok,source\nopenai,gpt-5-mini,1,1,contract"

RESULTS = {
    "batch_files": {"kind": "output", "results": "totals", "outcome": "loaded"},
    "batch_requests": {"request_key": "1", "outcome": "failed"},
    "batch_usage": {"model": "gpt-5", "outcome": "failed"},
}
"""A row of each table of results."""


@pytest.fixture
def load(lists: Lists, server: TServers, tmp_path: Path) -> Any:
    """Loads into a destination, with labels."""
    lists.serve("openai", cursor_list(BATCHES))
    (tmp_path / "own.csv").write_text(OWN)
    settings = {**keys(lists, "openai"), "SOURCES__AI_BATCHES__PRICES": str(tmp_path / "own.csv")}

    def run(name: str, **labels: str) -> Case:
        target = TARGETS[name](tmp_path, server)
        told = settings | {"SOURCES__AI_BATCHES__LABELS": json.dumps(labels)}
        case = Case(name, target, target, tmp_path, DATASETS[name], lists, told)
        code, log = case.run()
        assert code == 0, log
        return case

    return run


BUILD = """
import sys
from dbt.cli.main import dbtRunner
for command in (["build"], ["source", "freshness"]):
    if not dbtRunner().invoke([*command, *sys.argv[1:]]).success:
        sys.exit(1)
"""
"""To start dbt takes longer than what it does here."""


def build(case: Case, profile: dict[str, Any], **variables: Any) -> dict[str, Any]:
    """Runs dbt in a project that has the files; returns what it wrote, by the name of the file."""
    project = case.folder / "project"
    copytree(ROOT / "docs" / "dbt", project / "models")
    (project / "dbt_project.yml").write_text("name: costs\nprofile: costs\n")
    output = {**profile, "schema": f"{case.dataset}_made", "threads": 2}
    profiles = {"costs": {"target": "it", "outputs": {"it": output}}}
    (project / "profiles.yml").write_text(json.dumps(profiles))
    folders = ["--project-dir", str(project), "--profiles-dir", str(project)]
    command = [binary("dbt"), "-c", BUILD, *folders, "--vars", json.dumps(variables)]
    code, printed, log = call(command, {**os.environ, "DO_NOT_TRACK": "1"})
    assert code == 0, printed + log
    assert "deprecat" not in printed.lower()
    return {file.stem: json.loads(file.read_text()) for file in (project / "target").glob("*.json")}


def check(case: Case, profile: dict[str, Any], names: set[str], **variables: Any) -> None:
    """Builds all, and looks at the sources, the tests, the model and the freshness."""
    made = build(case, profile, **variables)
    sources = made["manifest"]["sources"].values()
    assert {source["name"] for source in sources} == names
    for source in sources:
        assert source["columns"].keys() <= case.target.read(case.dataset, source["name"])[0].keys()
    results = {each["unique_id"]: each["status"] for each in made["run_results"]["results"]}
    (warned,) = (name for name, status in results.items() if status == "warn")
    assert "accepted_values_ai_batches_batches_status" in warned
    assert set(results.values()) == {"pass", "warn", "success"}

    rows = {row["ResourceId"]: row for row in case.target.read(f"{case.dataset}_made", "focus")[1]}
    assert rows.keys() == {"batch_1", "batch_2", "batch_3"}
    assert not {"BilledCost", "EffectiveCost", "InvoiceId"} & rows["batch_1"].keys()
    shown = ("SkuId", "ListCost", "x_EstimatedCost", "x_CostBasis", "x_CostGap")
    assert {name: tuple(row[column] for column in shown) for name, row in rows.items()} == {
        "batch_1": ("gpt-5", Decimal("5.625"), Decimal("5.625"), "tokens", None),
        # the price is one's own
        "batch_2": ("gpt-5-mini", None, Decimal(2), "tokens", None),
        "batch_3": ("gpt-99", None, None, None, "unknown model"),
    }
    assert {row["ConsumedQuantity"] for row in rows.values()} == {2_000_000}
    times = [rows["batch_1"][name].timestamp() for name in ("ChargePeriodStart", "ChargePeriodEnd")]
    assert times == [NOON, NOON + 60]

    (fresh,) = made["sources"]["results"]
    assert (fresh["unique_id"], fresh["status"]) == ("source.costs.ai_batches.runs", "pass")


def test_dbt_reads_a_duckdb_file(load: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    case = load("duckdb_file")
    for variable, value in case.target.variables.items():
        monkeypatch.setenv(variable, value)
    key = {"provider": "openai", "account": "default", "batch_id": "batch_3"}
    store_results("duckdb", case.dataset, {name: [key | row] for name, row in RESULTS.items()})
    profile = {"type": "duckdb", "path": case.target.variables["DESTINATION__DUCKDB__CREDENTIALS"]}
    check(case, profile, {*KNOWN_TABLES, *VIEWS}, ai_batches_results=True)


def test_dbt_reads_postgres_where_no_results_were_loaded(load: Any) -> None:
    case = load("postgres", team="metadata.team")
    url = urlsplit(case.target.variables["DESTINATION__POSTGRES__CREDENTIALS"])
    profile = {
        "type": "postgres",
        "host": url.hostname,
        "port": url.port,
        "user": url.username,
        "password": url.password,
        "dbname": url.path[1:],
    }
    results = {table.name for table in TABLES}
    check(case, profile, {*KNOWN_TABLES, *VIEWS} - results)
    # the model is not in the way of a view that it read
    assert "team" in case.target.read(case.dataset, "batches_labelled")[0]
    load("postgres")
    assert "team" not in case.target.read(case.dataset, "batches_labelled")[0]
