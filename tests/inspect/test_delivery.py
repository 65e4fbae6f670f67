"""What a person is owed is told, once, whatever fails on the way."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ai_batches_runner.cli import actions
from ai_batches_runner.dashboard import queries
from ai_batches_runner.inspect import slack
from ai_batches_runner.inspect.delivery import AlertDelivery
from ai_batches_runner.run import load as load_module
from ai_batches_runner.run.pipeline import open_to_read
from ai_batches_runner.sql.reader import open_reader
from commands import keys, run, run_into, table
from slack_hook import Hook
from support import (
    DAY,
    HOUR,
    NOW,
    Lists,
    TRow,
    batch,
    cursor_list,
    ended_ago,
    failure,
    few_of,
    page,
)

FILE = "ai_batches.duckdb"
DATASET = "ai_batches_dataset"
IN_2040 = "TIMESTAMPTZ '2040-01-01 00:00:00+00'"


def execute(*statements: str) -> None:
    """Changes the DuckDB file."""
    with duckdb.connect(FILE) as connection:
        for statement in statements:
            connection.execute(statement)


def named(texts: list[str], name: str) -> int:
    """How many of the texts name a batch."""
    return sum(name in text.replace(",", " ").split() for text in texts)


@pytest.fixture
def rows(lists: Lists) -> list[TRow]:
    """What OpenAI lists."""
    found = [batch(1)]
    lists.serve("openai", cursor_list(found))
    return found


def fail(rows: list[TRow], number: int, seconds: int = 60, **fields: Any) -> None:
    """Has the list show a batch that failed some seconds ago."""
    rows.insert(0, ended_ago(number, "failed", seconds, **fields))


# Slack


@pytest.mark.integration
@pytest.mark.parametrize("is_first", few_of([True, False], quick=[True]))
def test_what_slack_did_not_take_is_told_by_the_next_run_once(
    lists: Lists, rows: list[TRow], hook: Hook, is_first: bool
) -> None:
    variables = hook.variables(lists, "openai")
    if not is_first:
        assert run("load", **variables)[0] == 0
    fail(rows, 2)
    hook.status = 500
    code, printed, log = run("load", **variables)
    assert (code, named(printed.splitlines(), "batch_2")) == (0, 1)
    assert "could not be sent to Slack (HTTPError)" in log
    hook.status = 200
    for _ in range(3):
        code, printed, _ = run("load", **variables)
        # print has told it
        assert (code, "batch_2" in printed) == (0, False)
    assert (len(hook.took), named(hook.took, "batch_2")) == (1, 1)


@pytest.mark.integration
def test_a_hook_that_is_down_for_long_is_told_all_in_one_message(
    lists: Lists, rows: list[TRow], hook: Hook
) -> None:
    variables = hook.variables(lists, "openai")
    assert run("load", **variables)[0] == 0
    hook.status = 503
    for number in range(2, 5):
        for each in range(40):
            fail(rows, 100 * number + each, 400 - 100 * number // 2)
        run("load", **variables)
    hook.status = 200
    run("load", **variables)
    run("load", **variables)
    (text,) = hook.took
    assert "120 batches failed since the run of " in text
    assert text.endswith("and 117 more")
    assert len(text) < 300


@pytest.mark.integration
def test_what_is_owed_is_told_by_a_run_of_another_provider(
    lists: Lists, rows: list[TRow], hook: Hook
) -> None:
    lists.serve("kimi", page([batch(7)]))
    variables = hook.variables(lists, "openai", "kimi")
    fail(rows, 2)
    hook.status = 500
    run("load", "openai", **variables)
    hook.status = 200
    run("load", "kimi", **variables)
    run("load", **variables)
    assert named(hook.took, "batch_2") == 1


@pytest.mark.integration
def test_a_run_without_the_hook_leaves_what_it_found_to_the_next_one_that_has_it(
    lists: Lists, rows: list[TRow], hook: Hook
) -> None:
    run("load", **hook.variables(lists, "openai"))
    fail(rows, 2)
    run("load", **keys(lists, "openai"))
    for _ in range(2):
        run("load", **hook.variables(lists, "openai"))
    assert named(hook.took, "batch_2") == 1


@pytest.mark.integration
def test_a_new_hook_is_not_told_what_was_told_in_print_long_ago(
    lists: Lists, rows: list[TRow], hook: Hook
) -> None:
    fail(rows, 2)
    assert "batch_2" in run("load", **keys(lists, "openai"))[1]
    fail(rows, 3)
    run("load", **hook.variables(lists, "openai"))
    assert (named(hook.took, "batch_2"), named(hook.took, "batch_3")) == (0, 1)


@pytest.mark.integration
def test_a_destination_that_is_down_delays_what_is_owed(
    lists: Lists, rows: list[TRow], hook: Hook
) -> None:
    variables = hook.variables(lists, "openai")
    fail(rows, 2)
    hook.status = 500
    run("load", **variables)
    hook.status = 200
    Path(FILE).rename("elsewhere")
    Path(FILE).mkdir()
    assert run("load", **variables)[0] != 0
    Path(FILE).rmdir()
    Path("elsewhere").rename(FILE)
    run("load", **variables)
    assert named(hook.took, "batch_2") == 1


@pytest.mark.integration
def test_working_folders_tell_of_their_own_accounts(
    lists: Lists, rows: list[TRow], hook: Hook, tmp_path: Path
) -> None:
    lists.serve("kimi", cursor_list([ended_ago(7, "failed", 60)]))
    variables = hook.variables(lists, "openai", "kimi")
    fail(rows, 2)
    for _ in range(2):
        for name in ("openai", "kimi"):
            folder = str(tmp_path / name)
            assert run("load", name, **{**variables, "DLT_DATA_DIR": folder})[0] == 0
    assert (named(hook.took, "batch_2"), named(hook.took, "batch_7")) == (1, 1)


@contextmanager
def raw_server(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that answers each connection as the test likes, until the client leaves."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    def one(connection: socket.socket) -> None:
        with connection:
            try:
                connection.recv(65_536)
                answer(connection)
            except OSError:
                # the client left
                pass

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/hook"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()


def drip(connection: socket.socket) -> None:
    """Sends headers without end."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
    while True:
        connection.sendall(b"x")
        time.sleep(0.05)


def flood(connection: socket.socket) -> None:
    """Takes the message, and sends a body without end."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000000\r\n\r\n")
    while True:
        connection.sendall(b"x" * 65_536)


def redirect(connection: socket.socket) -> None:
    """Sends the message elsewhere, with a body without end."""
    connection.sendall(
        b"HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 100000000000\r\n\r\n"
    )
    while True:
        connection.sendall(b"x" * 65_536)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("answer", "error"), [(drip, "TimeoutError"), (redirect, "HTTPError"), (flood, "")]
)
def test_no_reply_of_the_hook_holds_a_run(
    lists: Lists,
    rows: list[TRow],
    monkeypatch: pytest.MonkeyPatch,
    answer: Callable[[socket.socket], None],
    error: str,
) -> None:
    monkeypatch.setattr(slack, "TIME_LIMIT", 0.5 if answer is drip else 10)
    fail(rows, 2)
    with raw_server(answer) as url:
        code, _, log = run("load", RUNTIME__SLACK_INCOMING_HOOK=url, **keys(lists, "openai"))
    assert code == 0
    assert f"could not be sent to Slack ({error})" in log if error else log == ""


# print


@pytest.mark.integration
def test_what_could_not_be_printed_is_printed_by_the_next_run_once(
    lists: Lists, rows: list[TRow], hook: Hook
) -> None:
    variables = hook.variables(lists, "openai")
    fail(rows, 2)
    with open("/dev/full", "w", encoding="utf-8") as full:  # noqa: PTH123
        assert run_into(full, "load", **variables) == 0
    # told before anything is printed
    assert named(hook.took, "batch_2") == 1
    told = [run("load", **variables)[1] for _ in range(2)]
    assert ["batch_2" in printed for printed in told] == [True, False]
    assert named(hook.took, "batch_2") == 1


# killed


@pytest.mark.integration
@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("moment", "is_first"),
    few_of(
        product(["before its record", "after its record", "after Slack"], [True, False]),
        quick=[("before its record", False), ("after its record", True)],
    ),
)
def test_what_a_killed_run_stored_is_told(
    lists: Lists,
    rows: list[TRow],
    hook: Hook,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
    is_first: bool,
) -> None:
    variables = hook.variables(lists, "openai")
    if not is_first:
        assert run("load", **variables)[0] == 0
    fail(rows, 2)

    def end(*arguments: Any) -> Any:
        raise KeyboardInterrupt

    place, name = {
        "before its record": (load_module, "extract_runs"),
        "after its record": (actions, "_look_up_alerts"),
        "after Slack": (AlertDelivery, "note"),
    }[moment]
    with monkeypatch.context() as patch:
        patch.setattr(place, name, end)
        assert run("load", **variables)[0] == 130
    told = [run("load", **variables)[1] for _ in range(2)]
    assert ["batch_2" in printed for printed in told] == [True, False]
    assert named(hook.took, "batch_2") == (2 if moment == "after Slack" else 1)


@pytest.mark.integration
@pytest.mark.parametrize(
    "content", few_of(["", "[]", '{"print": []}', '{"print": {"until": 1}}', "\0"], quick=["[]"])
)
def test_a_damaged_memory_is_one_that_is_lost(
    lists: Lists, rows: list[TRow], tmp_path: Path, content: str
) -> None:
    variables = keys(lists, "openai")
    fail(rows, 2)
    run("load", **variables)
    (file,) = (tmp_path / "dlt" / "pipelines").glob("*.told.*")
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_text(content)
    code, printed, log = run("load", **variables)
    assert (code, "batch_2" in printed, log) == (0, False, "")
    fail(rows, 3)
    assert named(run("load", **variables)[1].splitlines(), "batch_3") == 1
    assert json.loads(file.read_text())


@pytest.mark.integration
def test_a_memory_that_cannot_be_written_is_a_warning(
    lists: Lists, rows: list[TRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    fail(rows, 2)
    monkeypatch.setattr("ai_batches_runner.inspect.delivered.DeliveredFile.write", refuse)
    code, printed, log = run("load", **keys(lists, "openai"))
    assert (code, "batch_2" in printed) == (0, True)
    assert "What was reported could not be noted" in log


@pytest.mark.integration
def test_a_failed_batch_that_changes_or_moves_to_another_account_is_told_once(
    lists: Lists, rows: list[TRow], hook: Hook
) -> None:
    lists.serve("respan", cursor_list([ended_ago(2, "failed", 60)]))
    variables = hook.variables(lists, "openai", "respan")
    run("load", "respan", **variables)
    fail(rows, 2)
    run("load", **variables)
    rows[0]["metadata"] = {"team": "a"}
    run("load", **variables)
    assert named(hook.took, "batch_2") == 1


# clocks


def move_last_run(moment: str, load_id: str) -> None:
    """Makes the last run one of another time, with what it loaded and remembered."""
    execute(
        f"UPDATE {DATASET}.batches SET _dlt_load_id = '{load_id}' WHERE _dlt_load_id ="
        f" (SELECT load_id FROM {DATASET}.runs ORDER BY started_at DESC LIMIT 1)",
        f"UPDATE {DATASET}.runs SET ended_at = {moment} + (ended_at - started_at),"
        f" load_id = '{load_id}', started_at = {moment} WHERE run_id ="
        f" (SELECT run_id FROM {DATASET}.runs ORDER BY started_at DESC LIMIT 1)",
    )


def change_memory(moment: str) -> None:
    """Makes what was told be noted at another time."""
    (file,) = Path("dlt/pipelines").glob("*.told.*")
    told = json.loads(file.read_text())
    for each in told.values():
        each["until"] = [[provider, name, moment] for provider, name, _ in each["until"]]
    file.write_text(json.dumps(told))


@pytest.mark.integration
@pytest.mark.parametrize("is_memory_lost", few_of([False, True], quick=[False]))
def test_a_run_in_the_future_is_named_once_and_does_not_count(
    lists: Lists, rows: list[TRow], hook: Hook, is_memory_lost: bool
) -> None:
    variables = hook.variables(lists, "openai")
    run("load", **variables)
    fail(rows, 2)
    run("load", **variables)
    move_last_run(IN_2040, "2208988800.123456")
    change_memory("2040-01-01T00:00:00+00:00")
    if is_memory_lost:
        next(Path("dlt/pipelines").glob("*.told.*")).unlink()
    fail(rows, 3)
    told = [run("load", **variables)[1] for _ in range(2)]
    assert [named(text.splitlines(), "batch_3") for text in told] == [1, 0]
    assert ["2040-01-01" in text for text in told] == [True, False]
    # nobody knows whether such a run told anything, once the memory is lost
    again = int(is_memory_lost)
    assert "".join(told).count("batch_2") == again
    assert (named(hook.took, "batch_2"), named(hook.took, "batch_3")) == (1 + again, 1)
    assert sum("2040-01-01" in text for text in hook.took) == 1
    # the command that only reads says it as long as it holds
    code, printed, _ = run("alerts")
    assert code == 1
    assert (
        "- 1 run does not count, in the future by the clock here (the last one, of openai,"
        " account default, at 2040-01-01 00:00 UTC). Correct the clock of the machine"
    ) in printed
    execute(f"DELETE FROM {DATASET}.runs WHERE started_at > now()")
    assert "2040" not in run("alerts")[1]


@pytest.mark.integration
def test_a_run_in_the_future_does_not_make_accounts_look_loaded(lists: Lists) -> None:
    lists.serve("openai", page([batch(1)]))
    lists.serve("kimi", failure(401))
    variables = keys(lists, "openai", "kimi")
    run("load", **variables)
    move_last_run(IN_2040, "2208988800.123456")
    run("load", "kimi", **variables)
    execute(
        f"UPDATE {DATASET}.runs SET started_at = started_at - INTERVAL 2 DAY,"
        f" ended_at = ended_at - INTERVAL 2 DAY WHERE started_at < now()",
        f"INSERT INTO {DATASET}.runs BY NAME SELECT * REPLACE ('x' AS run_id,"
        " now() - INTERVAL 2 DAY AS started_at, now() - INTERVAL 2 DAY AS ended_at)"
        f" FROM {DATASET}.runs WHERE provider = 'openai'",
        f"UPDATE {DATASET}._dlt_loads SET inserted_at = {IN_2040}",
    )
    _, printed, _ = run("alerts")
    assert "- kimi, account default: the provider refused the key; not loaded yet" in printed
    assert "- openai, account default: not loaded since " in printed
    assert "not loaded since 2040" not in printed
    with open_to_read() as pipeline, open_reader(pipeline) as reader:
        assert max(row["ended_at"].year for row in reader.rows(queries.last_runs())) < 2040
        assert reader.rows(queries.last_load()) == [{"loaded_at": None}]


@pytest.mark.integration
@pytest.mark.parametrize(
    ("moment", "load_at"),
    few_of(
        [
            ("TIMESTAMPTZ '1970-01-01 00:00:12+00'", 12),
            ("now() + INTERVAL 1 HOUR", NOW + HOUR),
            ("now() - INTERVAL 5 HOUR", NOW - 5 * HOUR),
            ("now() + INTERVAL 2 DAY", NOW + 2 * DAY),
        ],
        quick=[("TIMESTAMPTZ '1970-01-01 00:00:12+00'", 12)],
    ),
    ids=["1970", "an hour ahead", "hours behind", "days ahead"],
)
def test_a_run_under_any_clock_hides_nothing(
    lists: Lists, rows: list[TRow], hook: Hook, moment: str, load_at: int
) -> None:
    variables = hook.variables(lists, "openai")
    run("load", **variables)
    fail(rows, 2)
    hook.status = 500
    run("load", **variables)
    hook.status = 200
    move_last_run(moment, f"{load_at}.5")
    fail(rows, 3, HOUR // 2)
    for _ in range(2):
        run("load", **variables)
    assert (named(hook.took, "batch_2"), named(hook.took, "batch_3")) == (1, 1)


@pytest.mark.integration
def test_a_batch_whose_own_times_are_in_the_future_is_told_once(
    lists: Lists, rows: list[TRow], hook: Hook
) -> None:
    variables = hook.variables(lists, "openai")
    run("load", **variables)
    fail(rows, 2, -3 * HOUR)
    for _ in range(3):
        run("load", **variables)
    assert named(hook.took, "batch_2") == 1
    assert table(Path(FILE), f"SELECT count(*) FROM {DATASET}.runs") == [(4,)]
