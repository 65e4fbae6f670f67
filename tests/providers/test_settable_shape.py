"""A server that nobody has heard of, read by configuration alone."""

import json
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dlt import Pipeline
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from ai_batches import PROVIDERS, SettingsError, provider_settings
from ai_batches.providers.shape import Shape
from ai_batches_demo import LoopbackServer
from commands import run
from environments import ROOT
from support import KEY, Lists, TAnswer, batch, cursor_list, load, page, stored

NAME = "openai_compatible"
PREFIX = f"SOURCES__AI_BATCHES__{NAME.upper()}__"


def examples(language: str) -> list[str]:
    """The blocks of a language in the page."""
    text = (ROOT / "docs" / "gateways.md").read_text()
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_the_example_of_the_page(tmp_path: Path) -> None:
    (reply,), (settings,) = map(json.loads, examples("json")), examples("toml")
    rows = [reply["jobs"][0] | {"job_id": f"job-{number}"} for number in range(250, 0, -1)]
    rows[0] |= {"state": "FINISHED", "stopped": "2026-11-01T09:00:00Z"}
    asked: list[dict[str, str]] = []

    def jobs(request: Request) -> JSONResponse:
        asked.append(dict(request.query_params))
        start = int(request.query_params.get("page", "at-0").removeprefix("at-"))
        end = start + int(request.query_params["count"])
        paging = {"next": f"at-{end}" if end < len(rows) else None}
        return JSONResponse({"jobs": rows[start:end], "paging": paging})

    with LoopbackServer(Starlette(routes=[Route("/v2/jobs", jobs)])) as server:
        folder = tmp_path / ".dlt"
        folder.mkdir()
        address = "https://inference.acme.example"
        assert address in settings
        (folder / "secrets.toml").write_text(settings.replace(address, server.url))
        code, printed, log = run("load", NAME)
    assert code == 0, printed + log
    assert "unknown" not in log
    assert asked == [
        {"count": "100"},
        {"count": "100", "page": "at-100"},
        {"count": "100", "page": "at-200"},
    ]
    with duckdb.connect("ai_batches.duckdb") as connection:
        found = connection.execute(
            "SELECT account, status, status_raw, epoch(created_at), epoch(ended_at), model,"
            " requests_total, requests_completed, requests_failed, count(*)"
            " FROM ai_batches_dataset.batches GROUP BY ALL ORDER BY status"
        ).fetchall()
    shared = ("large-2", 40, 10, 1)
    assert found == [
        ("acme", "completed", "FINISHED", 1_793_520_000, 1_793_523_600, *shared, 1),
        ("acme", "validating", "parked", 1_793_520_000, None, *shared, 249),
    ]


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("fields", '{"idd": "job_id"}', "`idd`, which is not a column that a field can fill"),
        ("fields", '{"account": "owner"}', "`account`, which is not a column"),
        ("fields", '{"id": "job.id"}', "a nested field for `id`"),
        ("fields", '{"created_at": 3}', "has no name of a field for `created_at`"),
        ("fields", "job_id", "is not JSON"),
        ("fields", '["job_id"]', "is not a table"),
        ("statuses", '{"parked": "waiting"}', "has for `parked` none of the words cancelled,"),
        ("path", "jobs", "is not a path, such as /batches"),
        ("path", "/jobs?all=1", "is not a path"),
        ("rows_field", "data.jobs", "is not the name of a field"),
        ("next_field", "paging next", "is not the name of a field, with dots"),
        ("cursor_param", "", "is not the name of a parameter"),
    ],
)
def test_a_mistake_is_named(
    monkeypatch: pytest.MonkeyPatch, setting: str, value: str, said: str
) -> None:
    monkeypatch.setenv(PREFIX + "API_KEY", KEY)
    monkeypatch.setenv(PREFIX + "BASE_URL", "http://localhost:1/v1")
    monkeypatch.setenv(PREFIX + setting.upper(), value)
    with pytest.raises(SettingsError) as caught:
        provider_settings(PROVIDERS[NAME])
    assert f"{NAME}.{setting} " in str(caught.value)
    assert said in str(caught.value)


def test_an_account_has_its_own_or_that_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = {
        "one": "key-1",
        "two": {"api_key": "key-2", "next_field": "next", "fields": {"id": "job_id"}},
    }
    monkeypatch.setenv(PREFIX + "ACCOUNTS", json.dumps(accounts))
    monkeypatch.setenv(PREFIX + "BASE_URL", "http://localhost:1/v1")
    monkeypatch.setenv(PREFIX + "ROWS_FIELD", "jobs")
    shapes = {each.name: each.shape for each in provider_settings(PROVIDERS[NAME]).accounts}
    assert shapes == {
        "one": Shape(rows_field="jobs"),
        "two": Shape(rows_field="jobs", next_field="next", fields={"id": "job_id"}),
    }
    # without its id a row has no key
    monkeypatch.setenv(PREFIX + "EXCLUDE", '["job_id"]')
    with pytest.raises(SettingsError, match="names the id"):
        provider_settings(PROVIDERS[NAME])


def test_a_vendors_list_is_as_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    account = {"default": {"api_key": KEY, "rows_field": "jobs"}}
    monkeypatch.setenv("SOURCES__AI_BATCHES__OPENAI__ACCOUNTS", json.dumps(account))
    with pytest.raises(SettingsError, match="rows_field is not a setting of an account"):
        provider_settings(PROVIDERS["openai"])


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ({"data": []}, "no list of rows under `jobs`"),
        ({"jobs": [batch(1)], "next": None}, "a row of the page has no `job_id`"),
        (
            {"jobs": [{"job_id": "1"}], "cursor": "more"},
            "`cursor` in the reply promises more rows, and there is no `next`",
        ),
    ],
)
def test_a_reply_that_does_not_fit_is_an_error(
    pipeline: Pipeline, lists: Lists, reply: dict[str, Any], said: str
) -> None:
    lists.serve(NAME, reply)
    shape = Shape(rows_field="jobs", fields={"id": "job_id"}, next_field="next")
    settings = lists.settings(NAME)
    (account,) = settings[NAME].accounts
    settings[NAME] = settings[NAME]._replace(accounts=(account._replace(shape=shape),))
    assert said in (load(pipeline, settings)[NAME, "default"]["error"] or "")


def test_a_scan_that_was_cut_goes_on_though_the_paging_is_set_anew(
    pipeline: Pipeline, lists: Lists, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNTIME__REQUEST_MAX_ATTEMPTS", "1")
    rows = [batch(number) for number in range(60, 0, -1)]
    right = cursor_list(rows)
    failing: list[TAnswer] = [page(rows[:20], True), JSONResponse({}, 500)]
    lists.serve(NAME, failing)
    settings = lists.settings(NAME, page_size=20)
    assert "HTTP 500" in (load(pipeline, settings)[NAME, "default"]["error"] or "")
    shape = Shape(next_field="last_id")
    (account,) = settings[NAME].accounts
    settings[NAME] = settings[NAME]._replace(accounts=(account._replace(shape=shape),))

    def answer(request: Request) -> dict[str, Any]:
        reply: dict[str, Any] = dict(right(request))  # type: ignore[arg-type]
        return reply | {"last_id": reply["data"][-1]["id"] if reply["has_more"] else None}

    lists.serve(NAME, answer)
    done = load(pipeline, settings)[NAME, "default"]
    assert done["error"] is None
    assert len(stored(pipeline, NAME)) == 60
