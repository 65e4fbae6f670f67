"""The whole way for each provider: over HTTP into a real DuckDB, and what a user may set."""

import json
import logging
import pickle
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import dlt
import orjson
import pytest
from dlt import Pipeline
from dlt.common.exceptions import TerminalException, TransientException
from dlt.pipeline.exceptions import PipelineStepFailed
from dlt.pipeline.helpers import retry_load
from starlette.requests import Request
from starlette.responses import RedirectResponse

from ai_batches import (
    PROVIDERS,
    Account,
    AiBatchesError,
    AuthenticationError,
    ProviderSettings,
    RequestError,
    RunRequest,
    SettingsError,
    TransientRequestError,
    ai_batches_source,
    provider_settings,
)
from environments import ROOT
from support import (
    COUNTS,
    KEY,
    Lists,
    batch,
    cursor_list,
    failure,
    load,
    offset_list,
    page,
    select,
    stored,
)


def utc(*parts: int) -> datetime:
    """A moment in UTC."""
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


@contextmanager
def dlt_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Captures dlt's log, which does not propagate."""
    logging.getLogger("dlt").addHandler(caplog.handler)
    try:
        yield
    finally:
        logging.getLogger("dlt").removeHandler(caplog.handler)


def test_every_provider_is_a_resource_of_the_source() -> None:
    source = ai_batches_source()
    assert source.name == "ai_batches"
    assert list(source.resources) == list(PROVIDERS)
    assert list(source.with_resources("openai").selected_resources) == ["openai"]


def test_rows_that_did_not_change_keep_their_load(pipeline: Pipeline, lists: Lists) -> None:
    rows = [batch(2, status="in_progress"), batch(1)]
    lists.serve("openai", cursor_list(rows))
    load(pipeline, lists.settings())
    load_ids = [row["_dlt_load_id"] for row in stored(pipeline, "openai").values()]
    rows[0] = batch(2, completed_at=1_700_009_999)
    load(pipeline, lists.settings())
    after = stored(pipeline, "openai")
    assert len(set(load_ids)) == 1
    assert after["batch_1"]["_dlt_load_id"] == load_ids[0]
    assert after["batch_2"]["_dlt_load_id"] > load_ids[0]
    assert (
        select(
            pipeline,
            "SELECT DISTINCT _dlt_load_id FROM batches WHERE _dlt_load_id NOT IN"
            " (SELECT load_id FROM _dlt_loads)",
        )
        == []
    )


def test_another_order_of_fields_is_no_change(pipeline: Pipeline, lists: Lists) -> None:
    extras = {"object": "batch", "region": {"b": 1, "a": [2, 3]}, "tier": 4}
    row = batch(1, metadata={"team": "search", "job": "nightly"}, **extras)
    lists.serve("openai", cursor_list([row]))
    load(pipeline, lists.settings())
    before = stored(pipeline, "openai")
    row["region"] = dict(reversed(row["region"].items()))
    row["metadata"] = dict(reversed(row["metadata"].items()))
    lists.serve("openai", cursor_list([dict(reversed(row.items()))]))
    assert load(pipeline, lists.settings())["openai", "default"]["rows"] == 1
    assert stored(pipeline, "openai") == before


def test_every_field_lands_where_it_belongs(pipeline: Pipeline, lists: Lists) -> None:
    row = batch(
        1,
        object="batch",
        endpoint="/v1/responses",
        model="",
        errors={"data": [{"code": "x"}]},
        metadata={},
        input_file_id="file-1",
        error_file_id="",
        created_at="2025-08-11T16:31:52.949816948+08:00",
        completed_at=1_754_905_000,
        failed_at=0,
        expires_at="next week",
        request_counts={"total": "7", "completed": 5.0, "failed": None, "skipped": 2},
        usage={
            "input_tokens": 9,
            "input_tokens_details": {"cached_tokens": 4, "audio": 1},
            "output_tokens": 2**63,
            "total_tokens": 11,
        },
        new_field=[1, {"deep": None}],
        nothing=None,
    )
    lists.serve("openai", page([row]))
    load(pipeline, lists.settings())
    found = stored(pipeline, "openai")["batch_1"]
    extra = json.loads(found.pop("extra"))
    assert {k: v for k, v in found.items() if v is not None and k != "_dlt_load_id"} == {
        "provider": "openai",
        "account": "default",
        "id": "batch_1",
        "status": "completed",
        "status_raw": "completed",
        "is_open": False,
        "endpoint": "/v1/responses",
        "input_file_id": "file-1",
        "requests_total": 7,
        "requests_completed": 5,
        "input_tokens": 9,
        "cached_input_tokens": 4,
        "total_tokens": 11,
        "created_at": utc(2025, 8, 11, 8, 31, 52, 949816),
        "completed_at": utc(2025, 8, 11, 9, 36, 40),
        "ended_at": utc(2025, 8, 11, 9, 36, 40),
        "errors": '{"data":[{"code":"x"}]}',
        "metadata": "{}",
    }
    assert extra == {
        "object": "batch",
        "request_counts": {"skipped": 2},
        "usage": {"input_tokens_details": {"audio": 1}, "output_tokens": 2**63},
        "expires_at": "next week",
        "new_field": [1, {"deep": None}],
        "nothing": None,
    }


def test_what_stands_where_an_object_belongs_is_kept(pipeline: Pipeline, lists: Lists) -> None:
    odd = batch(1, request_counts=[7], usage={"total_tokens": 3, "input_tokens_details": 0})
    lists.serve("openai", page([odd, batch(2, request_counts={"total": 5}, usage="none")]))
    load(pipeline, lists.settings())
    found = stored(pipeline, "openai")
    assert (found["batch_1"]["total_tokens"], found["batch_1"]["requests_total"]) == (3, None)
    assert (found["batch_2"]["total_tokens"], found["batch_2"]["requests_total"]) == (None, 5)
    assert [json.loads(found[name]["extra"]) for name in ("batch_1", "batch_2")] == [
        {"request_counts": [7], "usage": {"input_tokens_details": 0}},
        {"usage": "none"},
    ]


def test_a_proxy_of_the_environment_is_asked(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = orjson.dumps({"data": [batch(1)], "has_more": False})
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with HTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.server_port}")
        settings = ProviderSettings(
            accounts=(Account("default", KEY, "the test"),), base_url="http://vendor.invalid/v1"
        )
        load(pipeline, {"openai": settings})
        proxy.shutdown()
    assert [url.split("?")[0] for url in asked] == ["http://vendor.invalid/v1/batches"]
    assert list(stored(pipeline, "openai")) == ["batch_1"]


def test_a_login_of_netrc_does_not_replace_the_key(
    pipeline: Pipeline, lists: Lists, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "netrc"
    file.write_text("default login somebody password of-somebody")
    monkeypatch.setenv("NETRC", str(file))
    body = cursor_list([batch(1)])

    def moved(request: Request) -> Any:
        # where requests looks for a login once more
        there = request.url.include_query_params(moved=1)
        return body(request) if "moved" in request.query_params else RedirectResponse(str(there))

    lists.serve("openai", moved)
    load(pipeline, lists.settings("openai"))
    assert [asked.headers["authorization"] for asked in lists.requests] == [f"Bearer {KEY}"] * 2
    assert list(stored(pipeline, "openai")) == ["batch_1"]


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    ("raw", "word", "is_open"),
    [
        ("validating", "validating", True),
        ("PROGRESS", "in_progress", True),
        (" Cancelling ", "cancelling", True),
        ("COMPLETED", "completed", False),
        ("Failed", "failed", False),
        ("EXPIRED", "expired", False),
        ("cancelled", "cancelled", False),
        ("IN_QUEUE", "validating", True),
        ("Zapped", "zapped", True),
        (7, "7", True),
        (None, None, None),
        ("", None, None),
    ],
)
def test_one_vocabulary_for_statuses(
    pipeline: Pipeline, lists: Lists, raw: Any, word: str, is_open: bool
) -> None:
    lists.serve("novita", page([batch(1, status=raw)]))
    load(pipeline, lists.settings())
    row = stored(pipeline, "novita")["batch_1"]
    assert (row["status"], row["is_open"]) == (word, is_open)
    assert row["status_raw"] == (str(raw) if raw else None)


def test_a_usage_of_zeros_is_unknown_while_the_batch_is_open(
    pipeline: Pipeline, lists: Lists
) -> None:
    zeros = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
    rows = [batch(2, status="in_progress", usage=zeros), batch(1, usage=zeros)]
    lists.serve("openai", page(rows))
    load(pipeline, lists.settings())
    query = "SELECT id, input_tokens, total_tokens FROM batches ORDER BY id"
    assert select(pipeline, query) == [("batch_1", 0, 0), ("batch_2", None, None)]


def test_the_columns_have_their_types_and_descriptions(pipeline: Pipeline, lists: Lists) -> None:
    lists.serve("openai", page([]))
    load(pipeline, lists.settings())
    types = dict(
        select(
            pipeline,
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_name = 'batches' AND table_schema = 'ai_batches'",
        )
    )
    assert len(types) == 36
    assert {name for name in types if name.endswith("_at")} == {
        name for name, kind in types.items() if kind == "TIMESTAMP WITH TIME ZONE"
    }
    assert {name for name, kind in types.items() if kind == "JSON"} == {
        "errors",
        "metadata",
        "extra",
    }
    assert {name for name, kind in types.items() if kind == "BIGINT"} == {
        name for name in types if name.startswith("requests_") or name.endswith("_tokens")
    }
    assert types["is_open"] == "BOOLEAN"
    columns = pipeline.default_schema.tables["batches"]["columns"]
    assert all(column.get("description") for column in columns.values())


def test_no_warning_is_printed(
    pipeline: Pipeline,
    lists: Lists,
    caplog: pytest.LogCaptureFixture,
    recwarn: pytest.WarningsRecorder,
) -> None:
    lists.serve("openai", cursor_list([batch(n, request_counts=COUNTS) for n in range(250)]))
    lists.serve("bland", offset_list([{"id": "b", "created_at": "2025-05-08T19:28:12.627Z"}]))
    with dlt_log(caplog):
        load(pipeline, lists.settings())
        load(pipeline, lists.settings())
    assert [r.getMessage() for r in caplog.records if r.levelname in ("WARNING", "ERROR")] == []
    assert not recwarn.list


def test_values_that_cannot_be_read_are_counted_in_a_warning(
    pipeline: Pipeline, lists: Lists, caplog: pytest.LogCaptureFixture
) -> None:
    lists.serve("openai", page([batch(n, failed_at="soon") for n in range(3)]))
    with dlt_log(caplog):
        load(pipeline, lists.settings())
    assert "openai, account default: field `failed_at`: could not be read in 3 rows;" in caplog.text


def test_excluded_fields_are_left_out_altogether(
    pipeline: Pipeline, lists: Lists, tmp_path: Path
) -> None:
    phone = "+15550199"
    row = {
        "id": "b1",
        "call_objects": [{"phone_number": phone}],
        "base_prompt": "p",
        "user_id": "u",
    }
    lists.serve("bland", offset_list([row]))
    load(pipeline, lists.settings(exclude=("call_objects", "base_prompt")))
    assert json.loads(stored(pipeline, "bland")["b1"]["extra"]) == {"user_id": "u"}
    assert phone.encode() not in (tmp_path / "test.duckdb").read_bytes()


def test_a_nested_field_is_left_out_too(pipeline: Pipeline, lists: Lists) -> None:
    rows = [
        batch(2, metadata={"team": "search", "note": "secret"}, usage={"total_tokens": 3}),
        batch(1, metadata="note", deep={"er": {"note": "secret", "kept": 1}}),
    ]
    lists.serve("openai", page(rows))
    left_out = ("metadata.note", "usage.total_tokens", "deep.er.note", "deep.nothing.x")
    load(pipeline, lists.settings(exclude=left_out))
    found = stored(pipeline, "openai")
    assert json.loads(found["batch_2"]["metadata"]) == {"team": "search"}
    assert found["batch_2"]["total_tokens"] is None
    assert json.loads(found["batch_1"]["metadata"]) == "note"
    assert json.loads(found["batch_1"]["extra"]) == {"deep": {"er": {"kept": 1}}}


def test_a_status_is_told_by_fields_that_are_left_out(
    pipeline: Pipeline, lists: Lists, caplog: pytest.LogCaptureFixture
) -> None:
    row = {
        "id": "msgbatch_1",
        "processing_status": "ended",
        "request_counts": {"succeeded": 1, "errored": 0, "canceled": 0, "expired": 0},
        "created_at": "2026-01-01T00:00:00Z",
        "ended_at": "2026-01-01T01:00:00Z",
    }
    lists.serve("anthropic", page([row]))
    with dlt_log(caplog):
        load(pipeline, lists.settings(exclude=("request_counts",)))
    found = stored(pipeline, "anthropic")["msgbatch_1"]
    assert (found["status"], found["is_open"], found["requests_total"]) == (
        "completed",
        False,
        None,
    )
    assert found["extra"] is None
    assert "column `requests_total`: could not be derived for 1 row;" in caplog.text


def test_accounts_of_one_provider_stand_side_by_side(pipeline: Pipeline, lists: Lists) -> None:
    def answer(request: Any) -> Any:
        research = request.headers["authorization"] == "Bearer key-of-research"
        return page([batch(1, model="a" if research else "b")])

    lists.serve("openai", answer)
    accounts = (Account("research", "key-of-research", "t"), Account("product", "key-of-p", "t"))
    load(pipeline, lists.settings(accounts=accounts))
    query = "SELECT account, id, model FROM batches ORDER BY account"
    assert select(pipeline, query) == [("product", "batch_1", "b"), ("research", "batch_1", "a")]


def test_the_first_five_are_asked_as_their_pages_say(pipeline: Pipeline, lists: Lists) -> None:
    for name in ("bland", "respan", "openai", "novita", "kimi"):
        lists.serve(name, page([]))
    load(pipeline, lists.settings(headers={"X-Data-Respan-Params": '{"a": 1}'}))
    asked = {request.path_params["provider"]: request for request in lists.requests}
    assert {
        name: (r.url.path, str(r.query_params), r.headers["authorization"])
        for name, r in asked.items()
    } == {
        "bland": ("/bland/v2/batches/list", "take=100&skip=0", KEY),
        "respan": ("/respan/v1/batches/", "limit=100", f"Bearer {KEY}"),
        "openai": ("/openai/batches", "limit=100", f"Bearer {KEY}"),
        "novita": ("/novita/batches", "", f"Bearer {KEY}"),
        "kimi": ("/kimi/batches", "limit=100", f"Bearer {KEY}"),
    }
    assert asked["respan"].headers["x-data-respan-params"] == '{"a": 1}'


def test_settings_come_from_dlts_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    prefix = "SOURCES__AI_BATCHES__OPENAI__"
    for name, value in {
        "API_KEY": " key-one\n",
        "ACCOUNTS": '{"research": "key-two"}',
        "BASE_URL": "http://localhost:1/v1/",
        "PAGE_SIZE": "50",
        "EXCLUDE": '["metadata"]',
        "HEADERS": '{"OpenAI-Project": "p"}',
    }.items():
        monkeypatch.setenv(prefix + name, value)
    assert provider_settings(PROVIDERS["openai"]) == ProviderSettings(
        accounts=(
            Account("default", "key-one", "sources.ai_batches.openai.api_key"),
            Account("research", "key-two", "sources.ai_batches.openai.accounts.research"),
        ),
        base_url="http://localhost:1/v1",
        page_size=50,
        exclude=("metadata",),
        headers={"OpenAI-Project": "p"},
    )


def test_the_usual_variable_counts_where_nothing_else_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MOONSHOT_API_KEY", "usual")
    assert [a.api_key for a in provider_settings(PROVIDERS["kimi"]).accounts] == ["usual"]
    monkeypatch.setenv("SOURCES__AI_BATCHES__KIMI__API_KEY", "set")
    assert [a.api_key for a in provider_settings(PROVIDERS["kimi"]).accounts] == ["set"]


def test_a_strangers_key_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "API_KEY",
        "SOURCES__API_KEY",
        "SOURCES__AI_BATCHES__API_KEY",
        "OPENAI__API_KEY",
        "SOURCES__OPENAI__API_KEY",
        "AI_BATCHES__API_KEY",
        "ACCOUNTS",
    ):
        monkeypatch.setenv(name, '"stranger"')
    for provider in PROVIDERS.values():
        assert provider_settings(provider).accounts == ()


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("API_KEY", "secret with space", "characters that no key has"),
        ("API_KEY", "secret\u200b", "characters that no key has"),
        ("ACCOUNTS", '{"a": "secret', "accounts is not JSON"),
        ("ACCOUNTS", '["secret"]', "not a table"),
        ("ACCOUNTS", '{"a": 7}', "holds no key"),
        ("ACCOUNTS", '{"": "secret"}', "without a name"),
        ("ACCOUNTS", '{"a\\ud800": "secret"}', "that no table can"),
        ("ACCOUNTS", '{"a\\u0000b": "secret"}', "that no table can"),
        ("BASE_URL", "localhost:80", "not an http(s) address"),
        ("BASE_URL", "http://user:secret@localhost", "user name or a password"),
        ("PAGE_SIZE", "1", "at least 2"),
        ("PAGE_SIZE", "many", "at least 2"),
        ("EXCLUDE", '["id"]', "names the id"),
        ("EXCLUDE", "metadata", "not JSON"),
        ("HEADERS", '{"X": " secret"}', "no plain text"),
        ("HEADERS", '{"X y": "secret"}', "no header can have"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, complaint: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv(f"SOURCES__AI_BATCHES__OPENAI__{name}", value)
    with pytest.raises(SettingsError) as caught:
        provider_settings(PROVIDERS["openai"])
    assert complaint in str(caught.value)
    assert str(caught.value).startswith("openai")
    assert f"sources.ai_batches.openai.{name.lower()}" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_least_numbers_that_settings_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    least = {"page_size": 2, "page_max_mb": 1, "concurrency": 1}
    for name, number in least.items():
        monkeypatch.setenv(f"SOURCES__AI_BATCHES__OPENAI__{name.upper()}", str(number))
    found = provider_settings(PROVIDERS["openai"])
    assert {name: getattr(found, name) for name in least} == least


def test_a_provider_without_key_is_not_selected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOVITA_API_KEY", KEY)
    assert list(ai_batches_source().selected_resources) == ["novita"]


def test_a_source_without_any_key_says_what_to_set(pipeline: Pipeline) -> None:
    with pytest.raises(PipelineStepFailed) as caught:
        pipeline.run(ai_batches_source().with_resources("openai"))
    assert isinstance(caught.value.exception.__cause__, SettingsError)
    assert "OPENAI_API_KEY" in str(caught.value)
    with pytest.raises(PipelineStepFailed, match="no API key is set"):
        pipeline.run(ai_batches_source())


def test_fail_fast_loads_nothing_of_the_run(pipeline: Pipeline, lists: Lists) -> None:
    lists.serve("openai", page([batch(1)]))
    lists.serve("kimi", page([batch(1)]))
    settings = lists.settings()
    settings["kimi"] = settings["kimi"]._replace(base_url=lists.url("nobody"))
    with pytest.raises(PipelineStepFailed) as caught:
        pipeline.run(ai_batches_source(settings))
    assert "kimi, account default: HTTP 404" in str(caught.value)
    assert not pipeline.has_pending_data
    load(pipeline, lists.settings("openai"))
    assert list(stored(pipeline, "openai")) == ["batch_1"]


@pytest.mark.parametrize(
    ("status", "kind", "is_terminal"),
    [
        (404, RequestError, True),
        (401, AuthenticationError, True),
        (503, TransientRequestError, False),
    ],
)
def test_dlt_knows_which_errors_are_terminal_and_treats_all_alike_in_extract(
    pipeline: Pipeline, lists: Lists, status: int, kind: type[AiBatchesError], is_terminal: bool
) -> None:
    lists.serve("openai", failure(status))
    lists.serve("kimi", page([batch(1)]))
    with pytest.raises(PipelineStepFailed) as caught:
        pipeline.run(ai_batches_source(lists.settings()))
    assert caught.value.step == "extract"
    error = caught.value.exception.__cause__
    assert type(error) is kind
    assert isinstance(error, TerminalException) is is_terminal
    assert isinstance(error, TransientException) is not is_terminal
    # neither is retried by dlt's own strategy, which repeats the load step only
    assert not retry_load()(caught.value)
    assert not pipeline.has_pending_data
    # recorded instead of raised, it stops no other provider
    done = load(pipeline, lists.settings())
    assert done["openai", "default"]["error_type"] == kind.__name__
    assert list(stored(pipeline, "kimi")) == ["batch_1"]


def test_an_error_survives_pickling() -> None:
    error = AuthenticationError("openai", "research", "the provider refused the key", "Check it.")
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (str(copy), copy.account) == (str(error), "research")


def test_long_lists_come_in_tables_of_thousands(pipeline: Pipeline, lists: Lists) -> None:
    rows = [batch(n) for n in range(12_000, 0, -1)]
    lists.serve("openai", cursor_list(rows))
    load(pipeline, lists.settings())
    assert select(pipeline, "SELECT count(*), count(DISTINCT id) FROM batches") == [
        (12_000, 12_000)
    ]
    again = ai_batches_source(lists.settings(), run=RunRequest(full_refresh=True)).resources[
        "openai"
    ]
    assert [table.num_rows for table in again] == [5_000, 5_000, 2_000]


def test_the_folder_works_in_another_project(tmp_path: Path) -> None:
    source = ROOT / "sources" / "ai_batches"
    shutil.copytree(source, tmp_path / "my_batches")
    script = "import my_batches; print(sorted(my_batches.ai_batches_source().resources))"
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{sorted(PROVIDERS)}\n"


def test_dlt_secrets_may_be_set_in_code() -> None:
    dlt.secrets["sources.ai_batches.respan.api_key"] = "in-code"
    try:
        assert provider_settings(PROVIDERS["respan"]).accounts[0].api_key == "in-code"
    finally:
        dlt.secrets["sources.ai_batches.respan.api_key"] = None


@pytest.mark.parametrize(
    ("old", "new"), [("settle", "settle_window"), ("full_every", "full_scan_interval")]
)
def test_old_names_of_settings_are_read_with_one_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, old: str, new: str
) -> None:
    day = 86_400_000_000
    prefix = "SOURCES__AI_BATCHES__MISTRAL__"
    monkeypatch.setenv(prefix + old.upper(), "2d")
    accounts = {
        "a": "key-a",
        "b": {"api_key": "key-b", old: "3d"},
        "c": {"api_key": "k", new: "4d"},
    }
    monkeypatch.setenv(f"{prefix}ACCOUNTS", json.dumps(accounts))
    with dlt_log(caplog):
        for _ in range(2):
            read = provider_settings(PROVIDERS["mistral"]).accounts
    assert [getattr(account.scan, new) for account in read] == [2 * day, 3 * day, 4 * day]
    assert [record.getMessage() for record in caplog.records] == [
        f"The setting sources.ai_batches.mistral.{place}{old} is now called `{new}`; rename it."
        for place in ("", "accounts.b.")
    ]
    monkeypatch.setenv(prefix + new.upper(), "1d")
    assert getattr(provider_settings(PROVIDERS["mistral"]).accounts[0].scan, new) == day


def test_a_setting_of_an_old_name_is_named_as_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__AI_BATCHES__GROQ__SETTLE", "soon")
    with pytest.raises(SettingsError, match=r"groq\.settle is not a valid span of time"):
        provider_settings(PROVIDERS["groq"])
