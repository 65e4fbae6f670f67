"""What every provider has to do, over HTTP into DuckDB: a new one is tested by being registered."""

import logging
import re
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
import requests
from dlt import Pipeline
from starlette.requests import Request
from starlette.responses import Response

from ai_batches import PROVIDERS
from ai_batches.paginators import SinglePagePaginator
from ai_batches.providers.declaration import BATCH_OBJECT_FIELDS
from ai_batches.table.columns import TERMINAL_STATUSES
from ai_batches_demo import (
    VENDORS,
    BatchList,
    DemoProviders,
    LoopbackServer,
    make_list,
)
from provider_tables import filled_columns
from support import KEY, Lists, TAnswer, extract, failure, few_of, load, stored

PAGE_SIZE = 20
HOUR = 3_600


def one_of_each_kind() -> list[str]:
    """A provider for each way of paging, of counting and of finding the rows."""
    kinds: dict[object, str] = {}
    for name, provider in PROVIDERS.items():
        paginator = type(provider.new_paginator(None)).__name__
        kinds.setdefault((paginator, provider.data_selector, provider.id_field), name)
    return list(kinds.values())


each = pytest.mark.parametrize("name", list(VENDORS))
each_kind = pytest.mark.parametrize("name", few_of(VENDORS, quick=one_of_each_kind()))


def made_list(name: str, past: int = 230, future: int = 10) -> BatchList:
    """An account's list as it stood two hours ago."""
    past = min(past, VENDORS[name].largest_list)
    return make_list(name, int(time.time()) - 2 * HOUR, past, future)


def page_size(name: str) -> int | None:
    """Small pages, where a size can be asked for and the list has more than one."""
    largest = PROVIDERS[name].page_size
    return PAGE_SIZE if largest and is_paged(name) else largest


def is_paged(name: str) -> bool:
    """Whether the list comes in more than one reply."""
    return not isinstance(PROVIDERS[name].new_paginator(None), SinglePagePaginator)


def answers(name: str, batches: BatchList) -> Callable[[Request], Response]:
    """Answers as the vendor would."""

    def answer(request: Request) -> Response:
        return failure(*VENDORS[name].page(batches, request.query_params))

    return answer


def expected_ids(name: str, batches: BatchList) -> set[str]:
    """The ids of all rows that the vendor shows."""
    field = PROVIDERS[name].fields["id"]
    return {str(VENDORS[name].row(batch, batches.clock)[field]) for batch in batches.visible()}


def in_seconds(value: datetime | None) -> int | None:
    """Unix seconds, cut."""
    return None if value is None else int(value.timestamp())


@each
def test_the_demo_and_the_registry_know_the_same_providers(name: str) -> None:
    assert set(VENDORS) == set(PROVIDERS)
    assert PROVIDERS[name].name == VENDORS[name].name == name
    assert PROVIDERS[name].docs.startswith("https://")


@pytest.mark.sample(6)
@each
def test_two_runs_leave_one_true_row_a_batch(
    pipeline: Pipeline, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    vendor = VENDORS[name]
    # ten days have to pass before days prove the order of a list
    providers = DemoProviders({name: made_list(name, past=230 if vendor.clock == 1 else 700)})
    logging.getLogger("dlt").addHandler(caplog.handler)
    try:
        with LoopbackServer(providers.app) as server:
            settings = providers.settings(server)
            settings[name] = settings[name]._replace(page_size=page_size(name))
            first = load(pipeline, settings)[name, "default"]
            before = stored(pipeline, name)
            providers.pass_time(2 * HOUR)
            second = load(pipeline, settings)[name, "default"]
    finally:
        logging.getLogger("dlt").removeHandler(caplog.handler)
    assert "could not be read" not in caplog.text
    assert "could not be derived" not in caplog.text
    batches = providers.lists[name]
    after = stored(pipeline, name)
    assert first["error"] is second["error"] is None
    assert first["rows"] == len(before) < len(after)
    assert set(after) == expected_ids(name, batches)
    assert providers.requests[name] == first["requests"] + second["requests"]
    if vendor.is_newest_first and is_paged(name):
        # a batch that is stuck stands in the middle of the list
        assert second["requests"] < first["requests"]
    else:
        assert second["requests"] <= first["requests"] + 1
    for plan in batches.visible():
        row = after[str(vendor.row(plan, batches.clock)[PROVIDERS[name].fields["id"]])]
        word = plan.status(batches.clock)
        status = vendor.read_as.get(word, word)
        assert row["status"] == status, row
        is_open = None if status is None else status not in TERMINAL_STATUSES
        assert row["is_open"] is is_open
        created = plan.created_at - plan.created_at % vendor.clock
        assert in_seconds(row["created_at"]) == created
        if is_open is False:
            end = plan.steps[word] - plan.steps[word] % vendor.clock
            assert in_seconds(row["ended_at"]) in (None, end)
            assert row[f"{status}_at"] == row["ended_at"]
        if status == "completed" == word:
            assert row["requests_total"] in (None, plan.requests)
            assert row["requests_completed"] in (None, plan.done(batches.clock))
            assert row["requests_failed"] in (None, plan.failed(batches.clock))


@each
def test_its_own_fields_are_in_its_rows(name: str) -> None:
    """Fields that most vendors share may be missing; what only this vendor has fills its column."""
    provider = PROVIDERS[name]
    own = {
        column
        for column, field in provider.fields.items()
        if field != BATCH_OBJECT_FIELDS.get(column)
    }
    assert own | provider.computed.keys() <= filled_columns(name)


@pytest.mark.sample(6)
@each
def test_an_empty_list_is_none(pipeline: Pipeline, lists: Lists, name: str) -> None:
    lists.serve(name, answers(name, BatchList(int(time.time()))))
    found, rows = extract(pipeline, lists.settings(name))
    done = found[name, "default"]
    assert (done["error"], done["rows"], done["requests"], rows) == (None, 0, 1, [])


@pytest.mark.sample(3)
@each_kind
def test_a_scan_that_was_cut_goes_on(
    pipeline: Pipeline, lists: Lists, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("RUNTIME__REQUEST_MAX_ATTEMPTS", "1")
    batches = made_list(name, future=0)
    right = answers(name, batches)
    fails_at = 4 if is_paged(name) else 1
    lists.serve(
        name, lambda request: failure(500) if lists.count(name) == fails_at else right(request)
    )
    settings = lists.settings(name, page_size=page_size(name))
    first = load(pipeline, settings)[name, "default"]
    assert "HTTP 500" in (first["error"] or "")
    assert (first["rows"] > 0) == is_paged(name)
    second = load(pipeline, settings)[name, "default"]
    assert second["error"] is None
    assert set(stored(pipeline, name)) == expected_ids(name, batches)
    asked = [request.query_params for request in lists.requests]
    # where it was cut, not at the head
    assert (asked[fails_at] != asked[0]) == is_paged(name)


@pytest.mark.sample(3)
@each_kind
def test_pages_that_cannot_be_right_are_refused(
    pipeline: Pipeline, lists: Lists, name: str
) -> None:
    batches = made_list(name, future=0)
    id_field = PROVIDERS[name].fields["id"]
    data_selector = PROVIDERS[name].data_selector

    def first_page(request: Request) -> Any:
        query = {k: v for k, v in request.query_params.items() if k.endswith(("ize", "mit"))}
        return VENDORS[name].page(batches, query)[1]

    def without_ids(request: Request) -> Any:
        body = first_page(request)
        for row in body if isinstance(body, list) else body[data_selector]:
            del row[id_field]
        return body

    bad: dict[str, Callable[[Request], TAnswer] | TAnswer] = {
        "no list of rows": {"unexpected": [1]},
        f"no `{id_field}`": lambda request: failure(200, without_ids(request)),
        "not JSON": Response("<html>Sign in</html>", media_type="text/html"),
    }
    if is_paged(name):
        # whatever place is asked for, the first page comes
        bad[""] = lambda request: failure(200, first_page(request))
    for said, answer in bad.items():
        lists.serve(name, answer)
        done, _ = extract(pipeline, lists.settings(name, page_size=page_size(name)))
        error = done[name, "default"]
        assert error["error_type"] == "BadPageError", (said, error)
        assert said in (error["error"] or "")


@pytest.mark.sample(6)
@each
def test_a_refused_key_is_not_told(pipeline: Pipeline, lists: Lists, name: str) -> None:
    vendor = VENDORS[name]

    def refuse(status: int) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            sent = request.headers.get(vendor.key_header, "")
            assert sent == vendor.key_value(KEY)
            return failure(status, vendor.refusal(sent))

        return answer

    for status, kind in (
        (401, "AuthenticationError"),
        (403, "AuthenticationError"),
        (400, "RequestError"),
    ):
        lists.serve(name, refuse(status))
        refused, _ = extract(pipeline, lists.settings(name))
        done = refused[name, "default"]
        assert done["error_type"] == kind
        assert KEY[:9] not in (done["error"] or "")


@each
def test_it_is_asked_as_its_page_says(name: str) -> None:
    """The demo server answers at the vendor's path, with the vendor's headers, and nowhere else."""
    provider, vendor = PROVIDERS[name], VENDORS[name]
    assert provider.path == vendor.path
    own = vendor.further_headers.keys() & provider.header_settings
    assert bool(own) == bool(provider.header_settings)
    assert vendor.further_headers == {
        **provider.headers,
        **{header: vendor.further_headers[header] for header in own},
    }
    # where users set all of it, it ends as OpenAI's
    address = (provider.base_url or "{host}/v1").split("://")[-1].partition("?")[0]
    _, _, root = address.partition("/")
    pattern = "".join(
        "[^/]+" if part.startswith("{") else re.escape(part)
        for part in re.split(r"(\{\w+\})", f"/{name}/{root}".rstrip("/"))
    )
    assert re.fullmatch(pattern, vendor.root), pattern


@pytest.mark.sample(6)
@each
def test_the_demo_refuses_who_leaves_out_a_header(name: str) -> None:
    vendor = VENDORS[name]
    providers = DemoProviders({name: made_list(name, past=3, future=0)})
    headers = {
        vendor.key_header: vendor.key_value(providers.keys[name]),
        **vendor.further_headers,
    }
    with LoopbackServer(providers.app) as server, requests.Session() as session:
        session.trust_env = False
        url = providers.base_urls(server)[name] + PROVIDERS[name].path
        assert session.get(url, headers=headers).status_code == 200
        for left_out in headers:
            fewer = {key: value for key, value in headers.items() if key != left_out}
            assert session.get(url, headers=fewer).status_code == 401, left_out
