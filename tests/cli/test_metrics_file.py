"""Figures for Prometheus, as its official parsers read them."""

import json
import random
import shutil
import stat
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cases import Case
from commands import keys, run
from support import DAY, HOUR, KEY, NOW, Lists, batch, cursor_list, ended_ago, failure, few_of, page
from targets import TARGETS, TServers

FILE = Path("metrics/ai_batches.prom")
OPTION = ("--metrics-file", str(FILE))

ODD = 'a "b" \\n \\\\ c\nd\r\u2028é{},=#'
"""Quotes, backslashes, line ends and what the format is made of."""

TFigures = dict[tuple[str, ...], float]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> None:
    (tmp_path / "metrics").mkdir()


def figures() -> dict[str, TFigures]:
    """Values by the name of the metric, and by provider, account and, if there is one, status."""
    found: dict[str, TFigures] = {}
    for family in text_string_to_metric_families(FILE.read_bytes().decode()):
        assert (family.type, bool(family.documentation)) == ("gauge", True)
        for sample in family.samples:
            assert list(sample.labels) in (
                ["provider", "account"],
                ["provider", "account", "status"],
            )
            values = found.setdefault(sample.name.removeprefix("ai_batches_"), {})
            assert tuple(sample.labels.values()) not in values
            values[tuple(sample.labels.values())] = sample.value
    return found


def accounts(lists: Lists, names: Sequence[str]) -> dict[str, str]:
    """Variables that give OpenAI accounts of these names."""
    prefix = "SOURCES__AI_BATCHES__OPENAI__"
    given = {name: f"{KEY}-{number}" for number, name in enumerate(names)}
    return {prefix + "ACCOUNTS": json.dumps(given), prefix + "BASE_URL": lists.url("openai")}


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    "name",
    few_of(["duckdb_file", "sqlite", "postgres", "mariadb", "delta"], quick=["duckdb_file"]),
)
def test_each_account_has_its_figures_although_one_provider_fails(
    name: str, server: TServers, lists: Lists, tmp_path: Path
) -> None:
    # not at the start of the test run, which may be another day
    now = int(time.time())
    tokens = {"usage": {"input_tokens": 8_000_000, "output_tokens": 1_000_000}}
    rows = [
        batch(9, status="in_progress", created_at=NOW - HOUR, completion_window="24h"),
        batch(8, status="validating", created_at=NOW - 3 * DAY, completion_window="24h"),
        ended_ago(7, "failed", 60, model="gpt-5", created_at=now),
        ended_ago(6, "expired", 60, model="gpt-5", created_at=NOW - 50 * DAY),
        ended_ago(5, "failed", 2 * DAY, created_at=NOW - 50 * DAY),
        batch(4, created_at=now, completed_at=now, model="gpt-5", **tokens),
        batch(3, created_at=NOW - 50 * DAY, completed_at=NOW, model="gpt-5", **tokens),
    ]
    lists.serve("openai", cursor_list(rows))
    lists.serve("bland", page([{"id": "b1"}]))
    lists.serve("kimi", failure(401))
    variables = keys(lists, "bland", "kimi") | accounts(lists, [ODD])
    target = TARGETS[name](tmp_path, server)
    case = Case(
        name, target, target, tmp_path, f"test_{random.getrandbits(32):x}", lists, variables
    )
    code, printed = case.run(*OPTION)
    assert code == 1
    assert "metrics" not in printed
    found = figures()
    mine = ("openai", ODD)
    assert found["open"] == {mine: 2, ("kimi", "default"): 0}
    assert found["stuck"] == {mine: 1, ("kimi", "default"): 0}
    assert found["oldest_open_seconds"].keys() == {mine}
    assert 3 * DAY <= found["oldest_open_seconds"][mine] < 3 * DAY + 300
    assert found["failed_last_day"] == {
        (*mine, "failed"): 1,
        (*mine, "expired"): 1,
        ("kimi", "default", "failed"): 0,
        ("kimi", "default", "expired"): 0,
    }
    # unknown is not 0: Bland tells neither status nor cost
    assert "bland" not in {provider for provider, *_ in found["open"]}
    assert found["cost_today_usd"][mine] == found["cost_month_usd"][mine] == 10
    assert found["without_cost_today"][mine] >= 1
    assert found["cost_today_usd"]["kimi", "default"] == 0
    assert found["last_success_timestamp_seconds"].keys() == {mine, ("bland", "default")}
    assert NOW <= found["last_success_timestamp_seconds"][mine] < NOW + 600
    # for the exporter, which is another user
    assert stat.S_IMODE(FILE.stat().st_mode) == 0o644
    assert [file.name for file in FILE.parent.iterdir()] == [FILE.name]


def test_promtool_finds_no_fault(lists: Lists) -> None:
    promtool = shutil.which("promtool")
    if not promtool:
        pytest.skip("promtool is not on the PATH")
    rows = [batch(9, status="in_progress", created_at=NOW - HOUR), ended_ago(7, "failed", 60)]
    lists.serve("openai", cursor_list(rows))
    assert run("load", *OPTION, **accounts(lists, [ODD, "b"]))[0] == 0
    done = subprocess.run(  # noqa: S603
        [promtool, "check", "metrics"],
        input=FILE.read_bytes(),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_run_that_cannot_load_leaves_what_was_known(lists: Lists) -> None:
    lists.serve("openai", cursor_list([batch(1)]))
    assert run("load", *OPTION, **keys(lists, "openai"))[0] == 0
    before = FILE.read_bytes()
    database = Path("ai_batches.duckdb")
    database.unlink()
    database.mkdir()
    assert run("load", *OPTION, **keys(lists, "openai"))[0] != 0
    # the time of the last success, too, from which one is warned
    assert FILE.read_bytes() == before


def test_metrics_that_cannot_be_written_are_a_sentence(lists: Lists) -> None:
    lists.serve("openai", cursor_list([batch(1)]))
    variables = keys(lists, "openai")
    code, printed, log = run("load", "--metrics-file", "no/where.prom", **variables)
    assert (code, "ok" in printed) == (0, True)
    assert log == (
        "The metrics file no/where.prom could not be written, and is as it was: No such file or"
        " directory\n"
    )
    assert run("load", "--metrics-file", "metrics", **variables)[0] == 2
