"""A vendor that names a signed address of each file: when it is asked, and who is sent what."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from file_server import (
    Asked,
    FileServer,
    ServedFile,
    ended_batch,
    failed_line,
    line,
    lines,
    read_results,
    reply,
)
from signed import SIGNATURE, assert_signature_is_kept_nowhere, however_stored, signed
from support import DAY, KEY, TRow, ended_ago

LINKS = "/batches/batch_1/results"


def give(server: FileServer, status: int = 200, **links: Any) -> None:
    """Sets what the vendor answers who asks for the files of its batch."""
    body = orjson.dumps({"batch_id": "batch_1", "result_available": bool(links), **links})
    server.answers[LINKS] = lambda asked: reply(body, status, content_type="application/json")


def batch(**fields: Any) -> TRow:
    """An ended batch of the vendor."""
    return ended_batch(provider="digitalocean", **fields)


def test_each_file_is_read_where_its_link_leads_without_the_key(
    file_server: FileServer, storage: FileServer
) -> None:
    """Lines have the shape of the vendor that runs the batch."""
    failed = signed(storage, "failed")
    give(file_server, output_file_url=signed(storage), error_file_url=failed)
    message = {
        "custom_id": "request-9",
        "result": {"type": "succeeded", "message": {"usage": {"output_tokens": 7}}},
    }
    storage.serve("stored", reply(line(1) + orjson.dumps(message) + b"\n"))
    storage.serve("failed", reply(failed_line(2)))
    tables = read_results(file_server, batch(error="err"))
    assert [(row["kind"], row["outcome"], row["file_ref"]) for row in tables["batch_files"]] == [
        ("output", "loaded", "out"),
        ("error", "loaded", "err"),
    ]
    assert [(row["custom_id"], row["outcome"]) for row in tables["batch_requests"]] == [
        ("request-1", "succeeded"),
        ("request-2", "failed"),
        ("request-9", "succeeded"),
    ]
    assert tables["batch_requests"][2]["output_tokens"] == 7
    assert all(KEY in asked.headers["authorization"] for asked in file_server.asked)
    assert not any("authorization" in asked.headers for asked in storage.asked)
    assert KEY not in str(storage.asked)
    assert SIGNATURE not in str(tables)


@pytest.mark.parametrize("status", [200, 412])
def test_what_has_no_address_yet_is_not_ready(
    file_server: FileServer, storage: FileServer, status: int
) -> None:
    give(file_server, status)
    (row,) = read_results(file_server, batch())["batch_files"]
    assert row["outcome"] == "not_ready"
    assert "no address" in row["error"]
    give(file_server, output_file_url=signed(storage))
    storage.serve("stored", reply(lines(2)))
    assert len(read_results(file_server, batch())["batch_requests"]) == 2


def test_a_rest_is_asked_for_at_a_link_of_its_own(
    file_server: FileServer, storage: FileServer
) -> None:
    """The first one may have expired meanwhile."""
    given: list[str] = []

    def name_another(asked: Asked) -> bytes:
        given.append(f"part-{len(given)}")
        body = orjson.dumps({"output_file_url": signed(storage, given[-1])})
        return reply(body, content_type="application/json")

    file_server.answers[LINKS] = name_another
    served = ServedFile(lines(20), cuts=[40_000])
    for number in range(2):
        storage.serve(f"part-{number}", served)
    tables = read_results(file_server, batch())
    assert len(tables["batch_requests"]) == 20
    assert [asked.path for asked in storage.asked] == [f"/files/{name}/content" for name in given]
    assert [start > 0 for start in served.starts] == [False, True]


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://storage.example.com/out", "not of https"),
        ("https://169.254.169.254/latest/meta-data", "private network"),
        ("https://[broken/out", "not valid"),
        ("out", "not of https"),
        ({"url": "x"}, "not of https"),
    ],
)
def test_a_link_that_nobody_may_follow_is_refused(
    file_server: FileServer, address: object, why: str
) -> None:
    given = f"{address}?X-Signature={SIGNATURE}" if isinstance(address, str) else address
    give(file_server, output_file_url=given)
    tables = read_results(file_server, batch())
    (row,) = tables["batch_files"]
    assert row["outcome"] == "broken"
    assert why in row["error"]
    assert SIGNATURE not in str(tables)
    assert len(file_server.asked) == 1


@pytest.mark.parametrize("where", ["links", "storage"])
def test_what_was_deleted_is_broken_before_its_time(
    file_server: FileServer, storage: FileServer, where: str
) -> None:
    if where == "storage":
        give(file_server, output_file_url=signed(storage))
    (row,) = read_results(file_server, batch())["batch_files"]
    assert (row["outcome"], row["not_found"]) == ("broken", 1)


@however_stored
def test_a_link_is_kept_nowhere(
    file_server: FileServer,
    storage: FileServer,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    stored: bytes,
) -> None:
    row = ended_ago(1, "completed", DAY, output_file_id="out")
    file_server.serve_list({**row, "batch_id": row["id"]})
    give(file_server, output_file_url=signed(storage))
    storage.serve("stored", stored)
    variables = file_server.variables(provider="digitalocean")
    assert_signature_is_kept_nowhere(storage, tmp_path, caplog, variables)
