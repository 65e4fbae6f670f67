"""What comes of a file stands in `batch_files`: loaded or why not, and what the next run does."""

import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from ai_batches import PROVIDERS, ResultSettings
from ai_batches.errors import AuthenticationError
from ai_batches.results.contents import wanted_files
from ai_batches.results.run import AccountWork
from commands import run, table
from file_server import (
    Asked,
    FileServer,
    ServedFile,
    TTables,
    ended_batch,
    failed_line,
    head,
    line,
    lines,
    read_results,
    reply,
)
from support import DAY, KEY, TRow, batch, ended_ago, few_of

FILE = "ai_batches.duckdb"
MB = 1_000_000


def files(folder: Path, columns: str = "outcome, attempts, lines") -> list[tuple[object, ...]]:
    """Columns of `batch_files`, by batch and kind of file."""
    query = f"SELECT {columns} FROM ai_batches_dataset.batch_files ORDER BY batch_id, kind"  # noqa: S608
    return table(folder / FILE, query)


def count(folder: Path, name: str) -> int:
    """Rows of a table."""
    return int(str(table(folder / FILE, f"SELECT count(*) FROM ai_batches_dataset.{name}")[0][0]))  # noqa: S608


def the_file(tables: TTables) -> TRow:
    """The only row of `batch_files`."""
    (row,) = tables["batch_files"]
    return row


def with_files(number: int, ended: int = DAY, **refs: str) -> TRow:
    """A row of OpenAI's list that ended so many seconds ago."""
    return ended_ago(number, "completed", ended, **refs)


@pytest.mark.integration
def test_a_loaded_file_is_proven_by_its_etag_bytes_and_lines(file_server: FileServer) -> None:
    content = b"\n" + line(1) + b"no JSON\n" + line(2)
    file_server.serve("out", ServedFile(content))
    given = ended_batch()
    row = the_file(read_results(file_server, given))
    assert (row["outcome"], row["error"], row["kind"]) == ("loaded", None, "output")
    assert (row["file_ref"], row["etag"], row["results"]) == ("out", '"version-1"', "all")
    assert (row["bytes"], row["lines"], row["bad_lines"]) == (len(content), 3, 1)
    assert row["attempts"] == 1
    assert row["available_until"] == given["ended_at"] + timedelta(days=30)
    assert datetime.now(UTC) - row["loaded_at"] < timedelta(minutes=1)


@pytest.mark.integration
def test_a_file_that_is_still_written_is_read_once_it_is_whole(file_server: FileServer) -> None:
    """Doubleword says so in a header."""
    given = ended_batch(provider="doubleword")
    file_server.serve("out", reply(lines(2), x_incomplete="true"))
    tables = read_results(file_server, given)
    row = the_file(tables)
    assert (row["outcome"], row["lines"], row["loaded_at"]) == ("not_ready", None, None)
    assert not tables["batch_requests"]
    file_server.serve("out", reply(lines(3), x_incomplete="false"))
    row = the_file(read_results(file_server, given | {"attempts": row["attempts"]}))
    assert (row["outcome"], row["lines"], row["attempts"]) == ("loaded", 3, 2)


@pytest.mark.integration
@pytest.mark.parametrize("status", [404, 410])
def test_a_file_that_is_gone_is_expired_after_its_time_and_broken_before(
    file_server: FileServer, status: int
) -> None:
    file_server.serve("out", reply(b"{}", status))
    gone = ended_batch(ended_at=datetime.now(UTC) - timedelta(days=31))
    row = the_file(read_results(file_server, gone))
    assert (row["outcome"], row["attempts"]) == ("expired", 1)
    row = the_file(read_results(file_server, ended_batch()))
    assert row["outcome"] == "broken"
    assert f"HTTP {status}" in row["error"]


@pytest.mark.integration
def test_a_file_that_three_runs_in_a_row_do_not_find_is_expired(
    file_server: FileServer, tmp_path: Path
) -> None:
    file_server.serve_list(with_files(1, output_file_id="gone"))
    assert run("load", **file_server.variables("off"))[0] == 0
    found = []
    for status in (404, 404, 400, 410, 404, 404):
        file_server.serve("gone", reply(b"{}", status))
        code, _, _ = run("load", "--results", **file_server.variables())
        found.append((code, *files(tmp_path, "outcome, attempts, not_found")))
    assert found == [
        (1, ("broken", 1, 1)),
        (1, ("broken", 2, 2)),
        # for another cause
        (1, ("refused", 3, 0)),
        (1, ("broken", 4, 1)),
        (1, ("broken", 5, 2)),
        (0, ("expired", 6, 3)),
    ]
    # it is not asked for any more
    assert run("load", "--results", **file_server.variables())[0] == 0
    assert file_server.count("gone") == 6


@pytest.mark.integration
@pytest.mark.parametrize("tells", few_of(["its length", "nothing"], quick=["nothing"]))
def test_a_file_that_is_too_large_is_read_once_it_may_be(
    file_server: FileServer, tmp_path: Path, tells: str
) -> None:
    content = lines(13, 100_000)
    body = [content[at : at + 1000] for at in range(0, len(content), 1000)]
    parts = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in body) + b"0\r\n\r\n"
    chunks = head(200, {"transfer-encoding": "chunked"}) + parts
    file_server.serve("out", reply(content) if tells == "its length" else chunks)
    file_server.serve_list(with_files(1, output_file_id="out"))
    small = file_server.variables(RESULTS_MAX_MB="1")
    assert run("load", **small)[0] == 0
    ((outcome, attempts, error, size),) = files(tmp_path, "outcome, attempts, error, bytes")
    assert (outcome, attempts) == ("too_large", 1)
    assert "larger than 1 MB" in str(error)
    assert "results_max_mb" in str(error)
    assert MB < int(str(size)) <= len(content)
    assert count(tmp_path, "batch_requests") == 0
    # as long as the limit stays, it is not asked for
    assert run("load", "--results", **small)[0] == 0
    assert file_server.count("out") == 1
    assert run("load", "--results", **file_server.variables(RESULTS_MAX_MB="2"))[0] == 0
    assert files(tmp_path) == [("loaded", 2, 13)]
    assert count(tmp_path, "batch_requests") == 13


@pytest.mark.parametrize("status", few_of([401, 403], quick=[401]))
def test_a_key_that_is_refused_is_sent_once(
    file_server: FileServer, tmp_path: Path, status: int
) -> None:
    rows = [
        with_files(n, output_file_id=f"out{n}", error_file_id=f"err{n}") for n in range(20, 0, -1)
    ]
    file_server.serve_list(*rows)
    for row in rows:
        for file in (row["output_file_id"], row["error_file_id"]):
            file_server.serve(file, reply(b'{"error": {"message": "No."}}', status))
    code, printed, _ = run("load", **file_server.variables())
    assert code == 1
    assert "refused the key" in printed
    assert KEY not in printed
    asked = len(file_server.asked) - 1
    # those that were under way, of four readers
    assert 1 <= asked <= 4
    assert [outcome for outcome, *_ in files(tmp_path)] == ["refused"] * asked


@pytest.mark.integration
def test_a_server_that_is_out_of_order_is_left_alone_after_three_files(
    file_server: FileServer, tmp_path: Path
) -> None:
    rows = [with_files(n, output_file_id=f"out{n}") for n in range(30, 0, -1)]
    file_server.serve_list(*rows)
    for row in rows:
        file_server.serve(row["output_file_id"], reply(b"{}", 503))
    attempts = {"RUNTIME__REQUEST_MAX_ATTEMPTS": "2"}
    code, printed, _ = run("load", **file_server.variables(), **attempts)
    assert code == 1
    assert "HTTP 503" in printed
    found = files(tmp_path)
    # the third, and those that other readers had begun
    assert 3 <= len(found) <= 6
    assert set(found) == {("broken", 1, None)}
    assert len(file_server.asked) - 1 == 2 * len(found)
    for row in rows:
        file_server.serve(row["output_file_id"], reply(lines(1)))
    assert run("load", "--results", **file_server.variables())[0] == 0
    assert len(files(tmp_path)) == 30
    assert Counter(attempts for _, attempts, _ in files(tmp_path)) == {
        1: 30 - len(found),
        2: len(found),
    }


@pytest.mark.integration
def test_single_failures_do_not_stop_an_account(file_server: FileServer) -> None:
    """Only some in a row say that its server is out of order."""
    given = []
    for number in range(12):
        is_broken = number % 3 < 2
        file_server.serve(f"out{number}", reply(b"{}", 400) if is_broken else reply(lines(1)))
        given.append(ended_batch(f"batch_{number}", f"out{number}"))
    tables = read_results(file_server, *given)
    assert len(tables["batch_files"]) == 12
    assert len(tables["batch_requests"]) == 4


@pytest.mark.integration
def test_what_no_vendor_documents_or_is_elsewhere_is_unsupported(file_server: FileServer) -> None:
    tables = read_results(
        file_server,
        ended_batch("batch_1", None, provider="vertex"),
        ended_batch("batch_2", "https://store.example.com/out.jsonl?sig=0123456789abcdef0123"),
    )
    found = {row["batch_id"]: row for row in tables["batch_files"]}
    assert {row["outcome"] for row in found.values()} == {"unsupported"}
    assert {row["file_ref"] for row in found.values()} == {None}
    assert "No results of" in found["batch_1"]["error"]
    assert "storage of your own" in found["batch_2"]["error"]
    assert not file_server.asked


@pytest.mark.integration
def test_an_unsupported_batch_is_looked_at_once(file_server: FileServer, tmp_path: Path) -> None:
    file_server.serve_list(with_files(1, output_file_id="https://store.example.com/out?sig=" + KEY))
    for _ in range(2):
        code, printed, _ = run("load", **file_server.variables())
        assert code == 0, printed
    assert files(tmp_path, "outcome, attempts, file_ref") == [("unsupported", 1, None)]
    assert KEY not in str(files(tmp_path, "*"))


@pytest.mark.integration
def test_one_file_of_a_batch_that_fails_keeps_not_the_other_one(
    file_server: FileServer, tmp_path: Path
) -> None:
    file_server.serve_list(with_files(1, output_file_id="out", error_file_id="err"))
    file_server.serve("out", reply(lines(3)))
    file_server.serve("err", reply(b"{}", 400))
    assert run("load", **file_server.variables())[0] == 1
    assert files(tmp_path, "kind, outcome, lines") == [
        ("error", "refused", None),
        ("output", "loaded", 3),
    ]
    file_server.serve("err", reply(failed_line(3) + failed_line(4)))
    assert run("load", "--results", **file_server.variables())[0] == 0
    assert files(tmp_path, "kind, outcome, lines") == [
        ("error", "loaded", 2),
        ("output", "loaded", 3),
    ]
    assert count(tmp_path, "batch_requests") == 5
    query = "SELECT outcome, requests FROM ai_batches_dataset.batch_usage ORDER BY 1"
    assert table(tmp_path / FILE, query) == [("failed", 2), ("succeeded", 3)]


@pytest.mark.integration
def test_a_failed_batch_has_an_error_file_at_most(file_server: FileServer, tmp_path: Path) -> None:
    rows = [
        ended_ago(2, "failed", DAY, output_file_id=None, error_file_id=None),
        batch(1, status="in_progress", created_at=int(time.time())),
    ]
    file_server.serve_list(*rows)
    code, printed, _ = run("load", **file_server.variables())
    assert code == 0, printed
    assert count(tmp_path, "batch_files") == 0


@pytest.mark.integration
def test_a_batch_beyond_its_retention_is_not_asked_for(
    file_server: FileServer, tmp_path: Path
) -> None:
    file_server.serve_list(
        with_files(2, 29 * DAY, output_file_id="young"),
        with_files(1, 32 * DAY, output_file_id="old"),
    )
    file_server.serve("young", reply(lines(1)))
    assert run("load", **file_server.variables())[0] == 0
    assert (file_server.count("young"), file_server.count("old")) == (1, 0)


@pytest.mark.integration
def test_a_run_that_is_out_of_time_is_partial_also_in_its_last_file(
    file_server: FileServer, tmp_path: Path
) -> None:
    file_server.serve_list(with_files(1, output_file_id="out"))
    assert run("load", **file_server.variables("off"))[0] == 0

    def slow(asked: Asked) -> bytes:
        time.sleep(5)
        return reply(lines(2))

    file_server.serve("out", slow)
    code, printed, _ = run("load", "--results", "--time-limit", "4", **file_server.variables())
    assert code == 3, printed
    assert file_server.count("out") == 1
    file_server.serve("out", reply(lines(2)))
    assert run("load", "--results", **file_server.variables())[0] == 0
    assert files(tmp_path) == [("loaded", 1, 2)]


@pytest.mark.integration
def test_an_account_without_credentials_keeps_no_other_from_being_read(
    file_server: FileServer, tmp_path: Path
) -> None:
    """AWS's library, which is not installed here, was found when the list was read."""
    job = {"jobArn": "arn:aws:bedrock:us-east-1:1:model-invocation-job/1", "status": "Completed"}
    times = {"submitTime": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", "totalRecordCount": 1}
    place = {"outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://bucket/out/"}}}
    body = orjson.dumps({"invocationJobSummaries": [job | times | place]})
    file_server.answers["/model-invocation-jobs"] = lambda asked: reply(body)
    file_server.serve_list(with_files(1, output_file_id="out"))
    file_server.serve("out", reply(lines(2)))
    prefix = "SOURCES__AI_BATCHES__BEDROCK__"
    both = {
        prefix + "API_KEY": KEY,
        prefix + "BASE_URL": file_server.url,
        **file_server.variables("off"),
    }
    assert run("load", **both)[0] == 0
    wanted = {
        prefix + "API_KEY": "environment",
        prefix + "RESULTS": "all",
        **file_server.variables(),
    }
    code, printed, log = run("load", "--results", **{**both, **wanted})
    assert code == 1
    assert "bedrock" in printed + log
    assert files(tmp_path, "provider, outcome, lines") == [
        ("bedrock", "refused", None),
        ("openai", "loaded", 2),
    ]


@pytest.mark.integration
def test_a_file_that_was_loaded_stays_so_if_it_cannot_be_read_again(
    file_server: FileServer, tmp_path: Path
) -> None:
    file_server.serve_list(with_files(1, output_file_id="out", error_file_id="err"))
    file_server.serve("out", reply(lines(3)))
    file_server.serve("err", reply(b"{}", 400))
    assert run("load", **file_server.variables())[0] == 1
    assert files(tmp_path, "kind, outcome") == [("error", "refused"), ("output", "loaded")]
    # the sums need both files, so that the other one is read as well
    file_server.serve("out", reply(b"{}", 400))
    file_server.serve("err", reply(failed_line(4)))
    assert run("load", "--results", **file_server.variables())[0] == 1
    assert files(tmp_path, "kind, outcome") == [("error", "loaded"), ("output", "loaded")]
    query = "SELECT sum(requests) FROM ai_batches_dataset.batch_usage WHERE outcome = 'succeeded'"
    assert table(tmp_path / FILE, query) == [(3,)]


@pytest.mark.parametrize("is_answered", [False, True])
def test_a_refusal_is_of_the_key_unless_another_file_was_answered(is_answered: bool) -> None:
    work = AccountWork()
    if is_answered:
        work.note_success()
    work.note_failure(AuthenticationError("gemini", "default", "refused", "Look."))
    assert work.is_stopped is not is_answered


@pytest.mark.integration
def test_a_file_that_may_not_be_read_stops_no_others(
    file_server: FileServer, tmp_path: Path
) -> None:
    """Gemini answers 403 for a file that was deleted."""
    file_server.serve_list(*(with_files(n, output_file_id=f"out-{n}") for n in range(1, 8)))
    for number in range(1, 8):
        file_server.serve(f"out-{number}", reply(lines(1)))
    file_server.serve("out-3", reply(b"{}", 403))
    run("load", **file_server.variables())
    run("load", "--results", **file_server.variables())
    found = [row[0] for row in files(tmp_path, "outcome")]
    assert Counter(found) == {"loaded": 6, "refused": 1}


@pytest.mark.integration
def test_errors_of_one_place_for_both_are_read(file_server: FileServer) -> None:
    results = PROVIDERS["gemini"].results
    batch_of_file = {**ended_batch(provider="gemini"), "output_file_id": "files/x"}
    (file,) = wanted_files(results, ResultSettings("errors"), batch_of_file)
    assert file.kind == "results"
