"""The results that the demo's vendors hand out agree with what their lists report."""

import time
from collections import Counter
from collections.abc import Iterator

import pytest
import requests

from ai_batches_demo import MARKER, VENDORS, BatchList, DemoProviders, LoopbackServer, make_list
from ai_batches_demo.batches import DAY, ENDS, MOST_FAILURES, Batch
from ai_batches_demo.results import LARGEST_SHIFT, MEAN_TOKENS, Results, Tokens
from ai_batches_demo.serving import parse_range
from ai_batches_demo.vendors.bedrock import manifest
from demo_results import WITH_REQUESTS, DemoClient

TServed = tuple[DemoProviders, LoopbackServer]

TOKEN_COLUMNS = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens")
LARGE = 50_000
WITHOUT_CUT = ("gemini", "openrouter", "xai")
"""Vendors whose results leave out the requests that never ran, or do not tell why they failed."""

each = pytest.mark.parametrize("name", WITH_REQUESTS)


@pytest.fixture(scope="module")
def served() -> Iterator[TServed]:
    """All demo providers, running."""
    providers = DemoProviders({name: make_list(name, int(time.time()), 300, 0) for name in VENDORS})
    with LoopbackServer(providers.app) as server:
        yield providers, server


@pytest.fixture
def client(served: TServed, name: str) -> DemoClient:
    return DemoClient(*served, name)


def one_of_each_end(batches: BatchList) -> list[Batch]:
    """Small batches: for each end, with failures and without, even and odd."""
    found: dict[object, Batch] = {}
    for batch in batches.visible():
        status = batch.status(batches.clock)
        # older ones have no usage in some lists
        if status in ENDS and batch.requests < LARGE and batch.number >= 40:
            kind = status, batch.failed(batches.clock) > 0, batch.number % 2
            found.setdefault(kind, batch)
    return list(found.values())


def large_batch(batches: BatchList) -> Batch:
    """One with 50,000 requests, some of which failed."""
    done = [batch for batch in batches.visible() if batch.failed(batches.clock)]
    return next(batch for batch in done if batch.requests == LARGE)


def open_batch(batches: BatchList) -> Batch:
    """One that has output already, but has not ended."""
    shown = batches.visible()
    return next(b for b in shown if not b.is_ended(batches.clock) and b.done(batches.clock))


@each
def test_lines_agree_with_the_row(served: TServed, client: DemoClient, name: str) -> None:
    batches = served[0].lists[name]
    chosen = one_of_each_end(batches)
    assert {batch.status(batches.clock) for batch in chosen} == set(ENDS)
    for batch in chosen:
        row = client.row(batch)
        is_reported = name != "gemini" or row["status"] == "completed"
        lines = client.lines(batch)
        outcomes = Counter(line.outcome for line in lines)
        assert len({line.custom_id for line in lines}) == len(lines)
        numbers = [int(line.custom_id.removeprefix("request-")) for line in lines]
        assert set(numbers) <= set(range(batch.requests))
        assert all(MARKER in line.text for line in lines if line.outcome == "succeeded")
        assert not any(MARKER in line.text for line in lines if line.outcome != "succeeded")
        if is_reported:
            assert outcomes["succeeded"] == batch.done(batches.clock)
            assert row["requests_completed"] in (None, outcomes["succeeded"])
            assert row["requests_failed"] in (None, outcomes["failed"])
        if batch.status(batches.clock) == "completed":
            assert outcomes.total() == batch.requests
            assert outcomes["expired"] == outcomes["cancelled"] == 0


@each
def test_tokens_agree_with_the_list(served: TServed, client: DemoClient, name: str) -> None:
    batches = served[0].lists[name]
    reported = 0
    for batch in one_of_each_end(batches):
        row = client.row(batch)
        if batch.status(batches.clock) != "completed" or row["input_tokens"] is None:
            continue
        reported += 1
        sums = Tokens(*map(sum, zip(*(line.tokens for line in client.lines(batch)), strict=True)))
        for column, count in zip(TOKEN_COLUMNS, sums, strict=True):
            assert row[column] in (None, count), column
    assert reported or "usage" not in str(VENDORS[name].row(batches.plan[-1], batches.clock))


@pytest.mark.parametrize("name", [name for name in WITH_REQUESTS if name not in WITHOUT_CUT])
def test_expired_and_cancelled_batches_name_the_requests_that_never_ran(
    served: TServed, client: DemoClient, name: str
) -> None:
    batches = served[0].lists[name]
    for batch in one_of_each_end(batches):
        status = batch.status(batches.clock)
        if status in ("expired", "cancelled"):
            outcomes = Counter(line.outcome for line in client.lines(batch))
            assert outcomes[status] == batch.requests - batch.done(batches.clock)


@each
def test_who_has_no_key_or_asks_for_what_is_not_there_is_refused(
    served: TServed, client: DemoClient, name: str
) -> None:
    providers, _ = served
    batches = providers.lists[name]
    ended = next(
        batch
        for batch in one_of_each_end(batches)
        if batch.status(batches.clock) == "completed" and batch.done(batches.clock)
    )
    (path, *_) = client.paths(ended)
    before = providers.requests[name], providers.file_requests[name]
    assert client.get(path).status_code == 200
    (header,) = client.key
    assert client.get(path, headers={header: "wrong"}).status_code == 401
    assert client.get(path, headers={header: None}).status_code == 401
    of_file, of_batch = path.replace("/content", "x/content"), path.replace(ended.id, "unknown")
    missing = client.get(of_file if path.startswith("/files/") else of_batch)
    assert missing.status_code == 404
    assert missing.headers["content-type"] == "application/json"
    assert missing.json()
    asked = providers.file_requests[name] - before[1]
    assert (providers.requests[name], asked) == (before[0], 5 if name == "together" else 4)


@each
def test_a_batch_that_has_not_ended_has_no_results(
    served: TServed, client: DemoClient, name: str
) -> None:
    for path in client.paths(open_batch(served[0].lists[name])):
        reply = client.get(path)
        if name == "gemini":
            assert reply.status_code == 200
            assert "response" not in reply.json()
        else:
            assert reply.status_code == (412 if name == "digitalocean" else 404)
            assert reply.json()


def test_bedrock_leaves_totals_in_the_customers_storage(served: TServed) -> None:
    providers, server = served
    batches = providers.lists["bedrock"]
    for batch in one_of_each_end(batches):
        row = VENDORS["bedrock"].row(batch, batches.clock)
        job = row["jobArn"].rpartition("/")[2]
        folder = row["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"].removeprefix("s3://")
        url = f"{server.url}/bedrock-storage/{folder}{job}/manifest.json.out"
        reply = requests.get(url, timeout=5)
        if batch.status(batches.clock) == "failed":
            assert reply.status_code == 404
            continue
        assert reply.content == manifest(batch, batches.clock)
        totals = reply.json()
        assert totals.pop("inputTokenCount") == 40 * row["successRecordCount"]
        assert totals.pop("outputTokenCount") == 150 * row["successRecordCount"]
        assert totals == {name: row[name] for name in totals}
        assert requests.get(url.replace(job, "unknown"), timeout=5).status_code == 404


def test_together_sends_to_a_signed_address_that_takes_no_key(served: TServed) -> None:
    client = DemoClient(*served, "together")
    batches = served[0].lists["together"]
    path = client.paths(large_batch(batches))[1]
    reply = client.get(path, allow_redirects=False)
    assert reply.status_code == 302
    address = reply.headers["location"]
    assert "/together-storage/" in address
    assert requests.get(address, timeout=5).status_code == 200
    assert requests.get(address, headers=client.key, timeout=5).status_code == 400
    assert requests.get(address[:-1], timeout=5).status_code == 403


def test_doubleword_marks_a_whole_file(served: TServed) -> None:
    client = DemoClient(*served, "doubleword")
    batch = large_batch(served[0].lists["doubleword"])
    reply = client.get(client.paths(batch)[1])
    assert reply.headers["x-incomplete"] == "false"
    assert reply.headers["x-last-line"] == str(len(reply.text.splitlines())) == str(MOST_FAILURES)


def test_a_large_file_is_made_while_it_is_sent(served: TServed) -> None:
    client = DemoClient(*served, "openai")
    batch = large_batch(served[0].lists["openai"])
    with client.get(client.paths(batch)[0], stream=True) as reply:
        assert "content-length" not in reply.headers
        assert sum(1 for _ in reply.iter_lines(64 * 1024)) == LARGE - MOST_FAILURES


def test_a_download_that_was_cut_can_go_on(served: TServed) -> None:
    client = DemoClient(*served, "openai")
    batches = served[0].lists["openai"]
    batch = next(b for b in one_of_each_end(batches) if b.failed(batches.clock))
    path = client.paths(batch)[0]
    whole = client.get(path)
    length = len(whole.content)
    etag = whole.headers["etag"]
    assert whole.headers["accept-ranges"] == "bytes"
    assert etag.startswith('"')
    for tenth in range(1, 10):
        start = length * tenth // 10
        asked = {"range": f"bytes={start}-", "if-range": etag}
        rest = client.get(path, headers=asked)
        assert rest.status_code == 206
        assert rest.headers["etag"] == etag
        assert rest.headers["content-range"] == f"bytes {start}-{length - 1}/{length}"
        assert whole.content[:start] + rest.content == whole.content
    changed = client.get(path, headers={"range": "bytes=5-", "if-range": '"another"'})
    assert (changed.status_code, changed.content) == (200, whole.content)
    at_end = client.get(path, headers={"range": f"bytes={length}-"})
    assert at_end.status_code == 416
    assert at_end.headers["content-range"] == f"bytes */{length}"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-", (0, 100)),
        ("bytes=10-19", (10, 20)),
        ("bytes=90-500", (90, 100)),
        ("bytes=-30", (70, 100)),
        ("bytes=-500", (0, 100)),
        ("bytes=100-", (0, 0)),
        ("bytes=-0", (0, 0)),
        ("bytes=20-10", None),
        ("bytes=-", None),
        ("bytes=0-1,5-6", None),
        ("lines=0-1", None),
    ],
)
def test_ranges(header: str, expected: tuple[int, int] | None) -> None:
    assert parse_range(header, 100) == expected


def test_anthropics_lines_come_in_any_order_until_they_are_archived(served: TServed) -> None:
    client = DemoClient(*served, "anthropic")
    batches = served[0].lists["anthropic"]
    batch = next(b for b in one_of_each_end(batches) if b.requests > 1)
    names = [line.custom_id for line in client.lines(batch)]
    assert names != sorted(names)
    shown = VENDORS["anthropic"].row(batch, batches.clock)
    listed = client.get(f"/v1/messages/batches/{shown['id']}").json()
    assert listed["results_url"] == client.root + client.paths(batch)[0]
    old = BatchList(batch.created_at + 29 * DAY, [batch])
    providers = DemoProviders({"anthropic": old})
    with LoopbackServer(providers.app) as server:
        late = DemoClient(providers, server, "anthropic")
        assert late.get(late.paths(batch)[0]).status_code == 404


@pytest.mark.parametrize("name", ["openai", "groq", "perplexity", "openrouter"])
def test_files_are_kept_for_thirty_days(name: str) -> None:
    plan = make_list(name, 1_800_000_000, 300, 0)
    batch = one_of_each_end(plan)[0]
    ended = batch.steps[batch.status(plan.clock)]
    for clock, is_there in ((ended + 30 * DAY - 1, True), (ended + 30 * DAY, False)):
        providers = DemoProviders({name: BatchList(clock, [batch])})
        with LoopbackServer(providers.app) as server:
            client = DemoClient(providers, server, name)
            statuses = {client.get(path).status_code for path in client.paths(batch)}
            assert statuses <= {200 if is_there else 404}


def test_a_batch_fails_in_few_requests_and_its_tokens_vary() -> None:
    plan = make_list("x", 1_800_000_000, 300, 0)
    assert max(batch.failures for batch in plan.plan) == MOST_FAILURES
    batch = large_batch(plan)
    results = Results(batch, plan.clock)
    failed = list(results.failures())
    assert [one.number for one in failed] == [
        number for number in range(LARGE) if results.outcome(number).failure
    ]
    assert len({one.failure.code for one in failed if one.failure}) == 5
    tokens = [one.tokens for one in results.successes()]
    assert Tokens(*map(sum, zip(*tokens, strict=True))) == tuple(
        len(tokens) * mean for mean in MEAN_TOKENS
    )
    assert len(set(tokens)) == 2 * LARGEST_SHIFT + 1
    assert all(0 <= one.cached <= one.input and 0 <= one.reasoning <= one.output for one in tokens)
    with pytest.raises(IndexError):
        results.outcome(LARGE)


def test_no_result_is_of_the_future() -> None:
    plan = make_list("x", 1_800_000_000, 0, 5)
    future = plan.plan[-1]
    assert plan.find(future.id, lambda batch: (batch.id,)) is None
