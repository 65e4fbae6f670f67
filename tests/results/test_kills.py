"""A run that is killed anywhere while it reads batches again loses, doubles and leaves nothing."""

import multiprocessing
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from commands import table
from file_server import Asked, FileServer, failed_line, head, line, reply
from killing import run_and_kill
from support import DAY, NOW, ended_ago, few_of

DATASET = "ai_batches_dataset"
BATCHES = range(1, 7)
PARTS = 3
"""In which a file is sent."""

TRows = list[list[tuple[object, ...]]]


class Prepared(NamedTuple):
    """Batches whose results were loaded, and that were opened again since."""

    server: "ReopenedServer"
    folder: Path
    snapshot: Path
    """What the folder was then; a working folder knows where its file is."""
    variables: dict[str, str]
    touches: int
    """How often a whole run touches files of its folder."""
    rows: TRows
    """What a whole run leaves."""


class ReopenedServer(FileServer):
    """Serves files in parts; kills the run that reads them while it sends one."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = 0
        self.kills_at: int | None = None

    def serve_version(self, end: int, lines: range) -> None:
        """Serves batches that ended then, with one line that failed and these that did not."""
        rows = []
        for number in reversed(BATCHES):
            out, err = f"out{number}", f"err{number}"
            content = b"".join(line(each, 10) for each in lines)

            def answer(asked: Asked, content: bytes = content) -> Iterator[bytes]:
                yield head(200, {"content-length": len(content)})
                for part in range(PARTS):
                    self.sent += 1
                    if self.sent == self.kills_at:
                        (child,) = multiprocessing.active_children()
                        child.kill()
                    yield content[len(content) * part // PARTS :][: -(-len(content) // PARTS)]

            self.serve(out, answer)
            self.serve(err, reply(failed_line(lines.stop)))
            files = {"output_file_id": out, "error_file_id": err, "completed_at": end}
            rows.append(ended_ago(number, "completed", 2 * DAY - number, **files))
        self.serve_list(*rows)


def stored(folder: Path) -> TRows:
    """All rows of results, but for what each run has anew."""
    own = {
        "batch_requests": "_dlt_load_id",
        "batch_usage": "_dlt_load_id",
        "batch_files": "_dlt_load_id, loaded_at, attempts",
    }
    return [
        table(
            folder / "ai_batches.duckdb",
            f"SELECT * EXCLUDE ({columns}) FROM {DATASET}.{name} ORDER BY ALL",  # noqa: S608
        )
        for name, columns in own.items()
    ]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepared]:
    """Loads, opens batches again, and has a whole run read them."""
    base = tmp_path_factory.mktemp("kills")
    folder, snapshot = base / "folder", base / "snapshot"
    folder.mkdir()
    server = ReopenedServer()
    with server:
        # made before the test that isolates itself
        own = {"RUNTIME__DLTHUB_TELEMETRY": "false", "NO_PROXY": "127.0.0.1"}
        place = {**os.environ, **own, "DLT_DATA_DIR": str(folder / "dlt")}
        variables = {**place, **server.variables("all")}
        server.serve_version(NOW - DAY, range(4))
        assert run_and_kill(["load"], folder, variables)[0] == 0
        server.serve_version(NOW - 3_600, range(2, 5))
        off = {**place, **server.variables("off")}
        assert run_and_kill(["load"], folder, off)[0] == 0
        shutil.copytree(folder, snapshot)
        code, touches = run_and_kill(["load", "--results"], folder, variables)
        assert code == 0
        rows = stored(folder)
        assert [len(each) for each in rows] == [4 * len(BATCHES), 2 * len(BATCHES), 12]
        yield Prepared(server, folder, snapshot, variables, touches, rows)


MOMENTS = [
    *(("touch", part / 15) for part in range(15)),
    *(("part", part / 5) for part in range(5)),
]
"""Of 20 kills: what happened when, as parts of a run's touches of files and of parts it read."""


@pytest.mark.integration
@pytest.mark.timeout(400)
@pytest.mark.parametrize(("what", "moment"), few_of(MOMENTS, quick=MOMENTS[2::4]))
def test_a_run_that_is_killed_anywhere_loses_doubles_and_leaves_nothing(
    prepared: Prepared, what: str, moment: float
) -> None:
    server, folder, snapshot, variables, touches, rows = prepared
    shutil.rmtree(folder)
    shutil.copytree(snapshot, folder)
    touch = None
    if what == "touch":
        touch = 1 + int(touches * (moment + 0.02))
    else:
        server.sent, server.kills_at = 0, 1 + int(PARTS * len(BATCHES) * moment)
    assert run_and_kill(["load", "--results"], folder, variables, touch)[0] == -signal.SIGKILL
    server.kills_at = None
    assert run_and_kill(["load", "--results"], folder, variables)[0] == 0
    assert stored(folder) == rows
    if what == "touch":
        return
    server.asked.clear()
    assert run_and_kill(["load", "--results"], folder, variables)[0] == 0
    assert not server.asked
