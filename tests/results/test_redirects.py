"""A file that is elsewhere: who is asked, what is sent along, and what is kept of the address."""

from pathlib import Path

import pytest

from file_server import Asked, FileServer, ended_batch, lines, read_results, reply
from signed import SIGNATURE, assert_signature_is_kept_nowhere, however_stored, signed
from support import DAY, KEY, ended_ago

HEADER = "header-of-the-user-0123456789"


def to(address: str, status: int = 302) -> bytes:
    """A redirect."""
    return reply(b"", status, location=address)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_another_server_gets_neither_the_key_nor_a_header(
    file_server: FileServer, storage: FileServer, status: int
) -> None:
    file_server.serve("out", to(signed(storage), status))
    storage.serve("stored", reply(lines(3)))
    headers = {"X-Team": HEADER, "Cookie": HEADER}
    tables = read_results(file_server, ended_batch(), headers=headers)
    assert tables["batch_files"][0]["outcome"] == "loaded"
    assert len(tables["batch_requests"]) == 3
    own, foreign = str(file_server.asked[0].headers), str(storage.asked[0].headers)
    assert KEY in own
    assert HEADER in own
    assert KEY not in foreign
    assert HEADER not in foreign
    assert "authorization" not in foreign
    assert "x-team" not in foreign
    assert SIGNATURE not in str(tables)


def test_the_same_server_gets_the_key_again(file_server: FileServer) -> None:
    file_server.serve("out", to("/files/moved/content", 307))
    file_server.serve("moved", reply(lines(2)))
    tables = read_results(file_server, ended_batch())
    assert len(tables["batch_requests"]) == 2
    assert all(KEY in asked.headers["authorization"] for asked in file_server.asked)


def test_a_way_back_from_another_server_has_no_key_either(
    file_server: FileServer, storage: FileServer
) -> None:
    """Who could send there might choose the path."""
    file_server.serve("out", to(signed(storage)))
    storage.serve("stored", to(f"{file_server.url}/files/chosen/content"))
    file_server.serve("chosen", reply(lines(1)))
    read_results(file_server, ended_batch())
    assert file_server.asked[-1].path == "/files/chosen/content"
    assert "authorization" not in file_server.asked[-1].headers


def test_a_rest_is_asked_for_where_the_vendor_says_then(
    file_server: FileServer, storage: FileServer
) -> None:
    content = lines(20)
    cut = [True]

    def stored(asked: Asked) -> bytes:
        start = asked.start
        part = content[start:]
        status = 206 if start else 200
        span = f"bytes {start}-{len(content) - 1}/{len(content)}" if start else None
        sent = reply(part, status, etag='"1"', accept_ranges="bytes", content_range=span)
        return sent[: -len(part) // 2] if cut and cut.pop() else sent

    file_server.serve("out", to(signed(storage)))
    storage.serve("stored", stored)
    tables = read_results(file_server, ended_batch())
    assert len(tables["batch_requests"]) == 20
    assert [asked.start > 0 for asked in storage.asked] == [False, True]
    # a signature may have expired meanwhile
    assert file_server.count("out") == 2


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://storage.example.com/out", "not of https"),
        ("ftp://storage.example.com/out", "not of https"),
        ("file:///etc/passwd", "not of https"),
        ("https://10.0.0.1/out", "private network"),
        ("https://192.168.1.1:8443/out", "private network"),
        ("https://169.254.169.254/latest/meta-data", "private network"),
        ("http://169.254.169.254/latest/meta-data", "not of https"),
        ("https://[fd00::1]/out", "private network"),
        ("https://[::ffff:10.0.0.1]/out", "private network"),
        ("https://[64:ff9b::a00:1]/out", "private network"),
        ("https://0.0.0.0/out", "private network"),
        ("https://100.64.0.1/out", "private network"),
        ("https://user:password@10.0.0.1/out", "private network"),
        ("https://[broken/out", "not valid"),
    ],
)
def test_an_address_that_nobody_else_could_reach_is_refused(
    file_server: FileServer, address: str, why: str
) -> None:
    file_server.serve("out", to(f"{address}?X-Signature={SIGNATURE}"))
    tables = read_results(file_server, ended_batch())
    (row,) = tables["batch_files"]
    assert row["outcome"] == "broken"
    assert why in row["error"]
    assert SIGNATURE not in str(tables)
    assert len(file_server.asked) == 1


def test_a_circle_of_redirects_ends(file_server: FileServer) -> None:
    file_server.serve("out", to("/files/out/content"))
    assert read_results(file_server, ended_batch())["batch_files"][0]["outcome"] == "broken"
    assert len(file_server.asked) <= 6


@however_stored
def test_a_signed_address_is_kept_nowhere(
    file_server: FileServer,
    storage: FileServer,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    stored: bytes,
) -> None:
    file_server.serve_list(ended_ago(1, "completed", DAY, output_file_id="out"))
    file_server.serve("out", to(signed(storage)))
    storage.serve("stored", stored)
    assert_signature_is_kept_nowhere(storage, tmp_path, caplog, file_server.variables())
