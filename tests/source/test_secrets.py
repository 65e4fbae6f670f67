"""Keys appear nowhere: not in messages, logs, traces, dlt's folders or the destination."""

import logging
from pathlib import Path

import pytest
from dlt import Pipeline
from dlt.pipeline.exceptions import PipelineStepFailed
from starlette.requests import Request
from starlette.responses import Response

from ai_batches import ai_batches_source
from support import KEY, Lists, TAnswer, batch, failure, load, page

HEADER = "header-secret-9876543210"


def echo(request: Request) -> TAnswer:
    """Refuses, quoting everything it got."""
    said = " ".join(f"{name}: {value}" for name, value in request.headers.items())
    return failure(400, {"error": {"message": f"bad key {KEY[:9]}*** in {said}"}}, x_echo=said)


def no_list(request: Request) -> TAnswer:
    return {"error": f"no access for {request.headers['authorization']}"}


def refused(request: Request) -> TAnswer:
    return failure(401, {"error": f"Incorrect API key provided: {KEY}"})


def redirect(request: Request) -> TAnswer:
    return Response(status_code=302, headers={"Location": f"http://127.0.0.2/{KEY}"})


def odd_type(request: Request) -> TAnswer:
    return Response("hello", media_type=f"text/{KEY}")


@pytest.mark.sample(4)
@pytest.mark.parametrize("answer", [echo, no_list, refused, redirect, odd_type, page([batch(1)])])
@pytest.mark.parametrize("fail_fast", [True, False])
def test_no_key_is_written_anywhere(
    pipeline: Pipeline,
    lists: Lists,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    answer: TAnswer,
    fail_fast: bool,
) -> None:
    monkeypatch.setenv("RUNTIME__LOG_LEVEL", "DEBUG")
    monkeypatch.setenv("SOURCES__AI_BATCHES__OPENAI__ACCOUNTS", f'{{"research": "{KEY}"}}')
    monkeypatch.setenv("SOURCES__AI_BATCHES__OPENAI__HEADERS", f'{{"X-Custom": "{HEADER}"}}')
    monkeypatch.setenv("MOONSHOT_API_KEY", KEY)
    for name in ("openai", "kimi"):
        lists.serve(name, answer)
        monkeypatch.setenv(f"SOURCES__AI_BATCHES__{name.upper()}__BASE_URL", lists.url(name))
    for name in ("dlt", "urllib3", "requests"):
        monkeypatch.setattr(logging.getLogger(name), "level", logging.DEBUG)
    logging.getLogger("dlt").addHandler(caplog.handler)
    said = ""
    try:
        pipeline.run(ai_batches_source(fail_fast=fail_fast))
    except PipelineStepFailed as ex:
        error: BaseException | None = ex
        while error:
            said += str(error) + repr(vars(error))
            error = error.__cause__ or error.__context__
    finally:
        logging.getLogger("dlt").removeHandler(caplog.handler)
    assert lists.count("openai") == lists.count("kimi") == 1 or fail_fast
    trace = pipeline.last_trace
    assert trace
    printed = capfd.readouterr()
    texts = [said, caplog.text, printed.out, printed.err, str(trace.asdict()), repr(trace)]
    for secret in (KEY, KEY[:9], HEADER):
        assert not [text for text in texts if secret in text]
        holders = [
            file
            for file in tmp_path.rglob("*")
            if file.is_file() and secret.encode() in file.read_bytes()
        ]
        assert holders == []


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_names_the_account_and_the_setting(
    pipeline: Pipeline, lists: Lists, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    lists.serve("openai", failure(status, {"error": f"no {KEY}"}))
    monkeypatch.setenv("SOURCES__AI_BATCHES__OPENAI__ACCOUNTS", f'{{"research": "{KEY}"}}')
    monkeypatch.setenv("SOURCES__AI_BATCHES__OPENAI__BASE_URL", lists.url("openai"))
    with pytest.raises(PipelineStepFailed) as caught:
        pipeline.run(ai_batches_source())
    text = str(caught.value)
    assert f"openai, account research: the provider refused the key (HTTP {status})" in text
    assert "sources.ai_batches.openai.accounts.research" in text
    assert lists.count("openai") == 1


def test_a_refused_key_in_the_usual_variable_is_named_so(
    pipeline: Pipeline, lists: Lists, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists.serve("novita", failure(401))
    monkeypatch.setenv("NOVITA_API_KEY", KEY)
    monkeypatch.setenv("SOURCES__AI_BATCHES__NOVITA__BASE_URL", lists.url("novita"))
    with pytest.raises(PipelineStepFailed, match="environment variable NOVITA_API_KEY"):
        pipeline.run(ai_batches_source())


def test_one_account_that_is_refused_leaves_the_others(pipeline: Pipeline, lists: Lists) -> None:
    from ai_batches import Account

    def answer(request: Request) -> TAnswer:
        known = request.headers["authorization"] == f"Bearer {KEY}"
        return page([batch(1)]) if known else failure(401)

    lists.serve("openai", answer)
    accounts = (Account("old", "revoked-key", "t"), Account("new", KEY, "t"))
    done = load(pipeline, lists.settings(accounts=accounts))
    assert "refused" in (done["openai", "old"]["error"] or "")
    assert done["openai", "new"]["rows"] == 1
