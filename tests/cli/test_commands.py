"""The command line: subcommands, shared options, help, version, completion."""

import subprocess
import sys
from pathlib import Path

import pytest

from ai_batches import PROVIDERS, __version__
from commands import call, keys, run, run_and_tell_all, run_process, table
from support import Lists, batch, page

SUBCOMMANDS = ("load", "check", "verify", "alerts", "dashboard", "demo", "failed")


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], *([s, "-h"] for s in SUBCOMMANDS)]
)
def test_help_and_version_take_no_dlt(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        "from ai_batches_runner.cli import main\n"
        f"code = main({arguments})\n"
        "heavy = {'dlt', 'duckdb', 'pyarrow', 'requests', 'rich'} & sys.modules.keys()\n"
        "assert not heavy, heavy\n"
        "sys.exit(code)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)  # noqa: S603
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(
        f"ai-batches, version {__version__}" if arguments == ["--version"] else "Usage: ai-batches "
    )


def test_alone_it_prints_its_help() -> None:
    code, printed, log = run()
    assert code == 2
    assert all(f"\n  {name} " in printed + log for name in SUBCOMMANDS)


@pytest.mark.integration
def test_shared_options_stand_before_or_after_the_subcommand(lists: Lists, tmp_path: Path) -> None:
    lists.serve("openai", page([batch(1)]))
    variables = keys(lists, "openai")
    assert run("--dataset", "before", "load", "--quiet", **variables) == (0, "", "")
    assert run("--quiet", "load", "--dataset", "after", **variables) == (0, "", "")
    # the one after the subcommand is nearer
    arguments = ("--dataset", "wide", "load", "openai", "--dataset", "near", "--quiet")
    assert run(*arguments, **variables) == (0, "", "")
    query = "SELECT schema_name FROM duckdb_tables() WHERE table_name = 'runs' ORDER BY 1"
    assert table(tmp_path / "ai_batches.duckdb", query) == [("after",), ("before",), ("near",)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--quiet", "demo"], "`demo` does not take --quiet"),
        (["--table-format", "delta", "dashboard"], "`dashboard` does not take --table-format"),
        (["load", "nowhere"], f"no such provider: nowhere (choose from {', '.join(PROVIDERS)})"),
        (["alerts", "openai"], "unexpected extra argument"),
        (["check", "--since", "2026"], "No such option"),
        (["verify", "--full-refresh"], "No such option"),
        (["openai"], "No such command 'openai'"),
        (["load", "--log-format", "xml"], "'json'"),
    ],
)
def test_wrong_usage_is_named_before_anything_is_done(arguments: list[str], said: str) -> None:
    code, printed, log = run(*arguments)
    assert (code, printed) == (2, "")
    assert said in log
    assert not list(Path.cwd().glob("*.duckdb"))


def test_a_process_and_a_call_say_the_same(lists: Lists) -> None:
    lists.serve("openai", page([batch(1)]))
    variables = keys(lists, "openai")
    assert run_and_tell_all("check", **variables) == run_process("check", **variables)


def test_a_shell_completes_subcommands_and_providers() -> None:
    command = str(Path(sys.executable).with_name("ai-batches"))
    for words, expected in (
        ("ai-batches ", SUBCOMMANDS),
        ("ai-batches load op", [name for name in PROVIDERS if name.startswith("op")]),
    ):
        place = str(len(words.split(" ")) - 1)
        variables = {"_AI_BATCHES_COMPLETE": "bash_complete", "COMP_WORDS": words}
        code, printed, log = call([command], {**variables, "COMP_CWORD": place})
        assert code == 0, log
        assert {line.partition(",")[2] for line in printed.split()} == set(expected)
