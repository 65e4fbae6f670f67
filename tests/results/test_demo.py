"""All vendors of the demo: their results agree with their plan, and no prompt or output is kept."""

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ai_batches import PROVIDERS
from ai_batches_demo import MARKER, VENDORS, DemoProviders, LoopbackServer, make_list
from ai_batches_demo.batches import Batch, BatchList
from commands import run_and_tell_all
from demo_results import WITH_REQUESTS, DemoClient
from file_server import FileServer, reply
from support import DAY, KEY, TRow, ended_ago, few_of

FILE = "ai_batches.duckdb"
NOW = int(time.time())
SMALL = 1_000
NAMES = [name for name in VENDORS if name != "bedrock"]
WITHOUT_STATUS = ("bland",)
"""Nobody knows when their batches end."""
TOKENS = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens")

TServed = tuple[DemoProviders, LoopbackServer]


def small_list(name: str, count: int) -> BatchList:
    """A vendor's newest batches, without those of 50,000 requests."""
    made = make_list(name, NOW, 300, 0)
    return BatchList(made.clock, [each for each in made.plan if each.requests < SMALL][-count:])


@pytest.fixture
def served(request: pytest.FixtureRequest) -> Iterator[TServed]:
    """All vendors with lists of some small batches."""
    count: int = getattr(request, "param", 4)
    providers = DemoProviders({name: small_list(name, count) for name in VENDORS})
    with LoopbackServer(providers.app) as server:
        yield providers, server


def variables(served: TServed, names: list[str], mode: str = "all") -> dict[str, str]:
    """The environment of a run that loads these vendors with their results."""
    providers, server = served
    found: dict[str, str] = {}
    for name in names:
        prefix = f"SOURCES__AI_BATCHES__{name.upper()}__"
        found |= {
            prefix + "API_KEY": providers.keys[name],
            prefix + "BASE_URL": providers.base_urls(server)[name],
            prefix + "RESULTS": mode,
        }
        for header, (setting, _) in PROVIDERS[name].header_settings.items():
            if value := VENDORS[name].further_headers.get(header):
                found[prefix + setting.upper()] = value
    return found


def rows(folder: Path, table: str) -> list[TRow]:
    """All rows of a table."""
    with duckdb.connect(str(folder / FILE), read_only=True) as connection:
        cursor = connection.execute(f"SELECT * FROM ai_batches_dataset.{table}")  # noqa: S608
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def by_batch(found: list[TRow]) -> dict[tuple[str, str], list[TRow]]:
    """Rows by provider and batch."""
    grouped = defaultdict(list)
    for row in found:
        grouped[row["provider"], row["batch_id"]].append(row)
    return grouped


def planned(served: TServed, name: str) -> Iterator[tuple[Mapping[str, Any], Batch]]:
    """Ended batches of a vendor: as its list shows them, and their plan."""
    client, batches = DemoClient(*served, name), served[0].lists[name]
    for batch in batches.visible():
        if batch.is_ended(batches.clock):
            yield client.row(batch), batch


def assert_agrees(served: TServed, folder: Path) -> None:
    """Every row is what the vendor says of that request, and every sum what its rows give."""
    requests, usage = by_batch(rows(folder, "batch_requests")), rows(folder, "batch_usage")
    sums = by_batch(usage)
    files = by_batch(rows(folder, "batch_files"))
    for name in WITH_REQUESTS:
        client = DemoClient(*served, name)
        seen = 0
        for row, batch in planned(served, name):
            key = name, str(row["id"])
            lines = {line.custom_id: line for line in client.lines(batch)}
            found = {each["custom_id"]: each for each in requests[key]}
            assert len(requests[key]) == len(found) == len(lines), key
            assert {i: r["outcome"] for i, r in found.items()} == {
                i: line.outcome for i, line in lines.items()
            }, key
            for custom_id, line in lines.items():
                if line.outcome == "succeeded":
                    told = found[custom_id]
                    for column, value in zip(TOKENS, line.tokens, strict=True):
                        assert told[column] in (None, value), (key, column)
                    assert told["input_tokens"] == line.tokens.input, key
                    assert told["has_output"], key
            counted: Counter[str] = Counter()
            for each in sums[key]:
                counted[each["outcome"]] += each["requests"]
            assert counted == Counter(line.outcome for line in lines.values()), key
            for column in TOKENS:
                known = [r[column] for r in requests[key] if r[column] is not None]
                totals = [r[column] for r in sums[key] if r[column] is not None]
                assert sum(known) == sum(totals), (key, column)
            assert {r["outcome"] for r in files[key]} <= {"loaded"}, key
            assert sum(r["lines"] or 0 for r in files[key]) == len(lines), key
            assert not any(r["bad_lines"] for r in files[key]), key
            seen += len(lines)
        assert seen or len(served[0].lists[name].plan) < SMALL // 100, name


def assert_no_marker(folder: Path, texts: str) -> None:
    """No file below a folder, no table and no text has a word of a prompt or an output."""
    assert MARKER not in texts
    for file in filter(Path.is_file, folder.rglob("*")):
        assert MARKER.encode() not in file.read_bytes(), file
    # the pages of a database may be compressed
    with duckdb.connect(str(folder / FILE), read_only=True) as connection:
        tables = connection.execute(
            "SELECT schema_name || '.\"' || table_name || '\"' FROM duckdb_tables()"
        ).fetchall()
        assert len(tables) > 6
        for (name,) in tables:
            assert MARKER not in str(connection.execute(f"SELECT * FROM {name}").fetchall())  # noqa: S608


@pytest.mark.integration
@pytest.mark.parametrize("served", few_of([4, 20], quick=[4]), indirect=True)
def test_results_of_all_vendors_agree_and_no_prompt_or_output_is_kept(
    served: TServed, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Also what is logged for debugging, and a second run that has nothing to ask for."""
    chosen = variables(served, NAMES)
    with caplog.at_level(logging.DEBUG):
        code, *texts = run_and_tell_all("load", "--debug", **chosen)
    assert code == 0, texts
    assert_agrees(served, tmp_path)
    assert_no_marker(tmp_path, str(texts) + caplog.text)
    unsupported = {
        row["provider"] for row in rows(tmp_path, "batch_files") if row["outcome"] != "loaded"
    }
    assert unsupported == {
        name for name in NAMES if PROVIDERS[name].results is None and name not in WITHOUT_STATUS
    }

    served[0].file_requests.clear()
    code, *texts = run_and_tell_all("load", **chosen)
    assert code == 0, texts
    assert served[0].file_requests == Counter()


OUTPUT = b'{"choices": [{"message": {"content": "' + MARKER.encode() + b'"}}]}'


@pytest.mark.parametrize(
    "page",
    few_of(
        [
            b'{"data": ' + OUTPUT + b"}",
            b'{"data": [' + OUTPUT,
            OUTPUT,
            b"<p>" + OUTPUT,
            b'{"data": [], "has_more": true, "' + MARKER.encode() + b'": 1}',
        ],
        quick=[b'{"data": [' + OUTPUT],
    ),
    ids=["another type", "torn", "another field", "no JSON", "no position"],
)
def test_a_page_of_results_that_cannot_be_read_is_not_quoted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, page: bytes
) -> None:
    with FileServer() as server, caplog.at_level(logging.DEBUG):
        server.serve_list(ended_ago(1, "completed", DAY))
        server.answers["/batches/batch_1/results"] = lambda asked: reply(
            page, content_type="application/json"
        )
        prefix = "SOURCES__AI_BATCHES__OPENROUTER__"
        chosen = {"API_KEY": KEY, "BASE_URL": server.url, "RESULTS": "all"}
        named = {prefix + name: value for name, value in chosen.items()}
        _, *texts = run_and_tell_all("load", "--debug", **named)
    assert [row["outcome"] for row in rows(tmp_path, "batch_files")] == ["broken"]
    assert_no_marker(tmp_path, str(texts) + caplog.text)


@pytest.mark.integration
def test_no_output_is_kept_when_the_destination_refuses_the_rows(
    served: TServed, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    names = ["openai", "anthropic", "gemini", "xai", "openrouter"]
    assert run_and_tell_all("load", "kimi", **variables(served, ["kimi"], "off"))[0] == 0
    with duckdb.connect(str(tmp_path / FILE)) as connection:
        found = connection.execute(
            "SELECT sql FROM duckdb_tables() WHERE table_name = 'batch_requests'"
        ).fetchone()
        made = str(found and found[0]).rpartition(")")[0] + ", CHECK (line_number < 0))"
        connection.execute("DROP TABLE ai_batches_dataset.batch_requests")
        connection.execute(made)
    with caplog.at_level(logging.DEBUG):
        code, *texts = run_and_tell_all("load", "--debug", **variables(served, names))
    assert code == 1, texts
    assert_no_marker(tmp_path, str(texts) + caplog.text)
