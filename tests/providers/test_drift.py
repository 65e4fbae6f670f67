"""A vendor that adds a field or a word, or renames one, is noticed; what it documents is not."""

import json
import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from dlt import Pipeline

from ai_batches import check_accounts
from ai_batches_demo import VENDORS, DemoProviders, LoopbackServer, make_list
from commands import run
from support import COUNTS, KEY, Lists, TRow, batch, cursor_list, extract, page

TLogOf = Callable[[str, Any], str]
PREFIX = "SOURCES__AI_BATCHES__"


def variables(lists: Lists, *names: str) -> dict[str, str]:
    """The environment in which these providers are read from this machine."""
    found = {f"{PREFIX}{name.upper()}__BASE_URL": lists.url(name) for name in names}
    return found | {f"{PREFIX}{name.upper()}__API_KEY": KEY for name in names}


@pytest.fixture
def log_of(pipeline: Pipeline, lists: Lists, caplog: pytest.LogCaptureFixture) -> Iterator[TLogOf]:
    """Reads a list that a provider answers, and gives what is logged."""
    logger = logging.getLogger("dlt")
    logger.addHandler(caplog.handler)

    def read(name: str, reply: Any) -> str:
        lists.serve(name, reply)
        done, _ = extract(pipeline, lists.settings(name))
        assert done[name, "default"]["error"] is None
        return caplog.text

    yield read
    logger.removeHandler(caplog.handler)


def rows(count: int, **fields: Any) -> list[TRow]:
    """Batches, newest first."""
    made = [batch(number, request_counts=COUNTS, **fields) for number in range(count, 0, -1)]
    return [{key: value for key, value in row.items() if value is not None} for row in made]


def renamed(row: TRow, old: str, new: str) -> TRow:
    """A row with another name for a field."""
    return {new if key == old else key: value for key, value in row.items()}


def test_what_vendors_document_is_not_unusual() -> None:
    lists = {
        name: make_list(name, int(time.time()), min(150, vendor.largest_list), 0)
        for name, vendor in VENDORS.items()
    }
    providers = DemoProviders(lists)
    with LoopbackServer(providers.app) as server:
        found = check_accounts(providers.settings(server))
    assert {name: page for (name, _), page in found.items() if page.error or page.unusual} == {}


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (page(rows(3), region="eu"), "the reply has `region` beside its rows"),
        (
            page([renamed(row, "status", "state") for row in rows(3)]),
            "no row has `status`, which fills the column `status_raw`",
        ),
        (
            page([renamed(row, "created_at", "created") for row in rows(3)]),
            "no row has `created_at`, which fills the column `created_at`",
        ),
        (
            page([renamed(row, "request_counts", "counts") for row in rows(20)]),
            "no row has `request_counts.total`, which fills the column `requests_total`",
        ),
        (page(rows(3, status="parked")), "'parked' (3 rows)"),
    ],
)
def test_a_run_says_once_what_is_new_or_lost(log_of: TLogOf, reply: Any, said: str) -> None:
    log = log_of("openai", reply)
    assert log.count(said) == 1, log


def test_a_field_on_each_of_many_pages_is_named_once(log_of: TLogOf) -> None:
    right = cursor_list(rows(250))
    log = log_of("openai", lambda request: {**right(request), "region": "eu"})  # type: ignore[dict-item]
    assert log.count("`region`") == 1, log


@pytest.mark.parametrize(
    "reply",
    [
        page([]),
        # few batches may not have been counted yet
        page([renamed(row, "request_counts", "counts") for row in rows(3)]),
        page([*rows(1), {"id": "batch_0"}]),
    ],
)
def test_what_may_be_is_not_pointed_out(log_of: TLogOf, reply: Any) -> None:
    assert "documentation" not in log_of("openai", reply)


def test_check_says_what_is_unusual_in_a_first_page(lists: Lists) -> None:
    odd = [renamed(row, "created_at", "created") for row in rows(2, status="parked")]
    lists.serve("openai", page(odd, region="eu", zone="1"))
    lists.serve("kimi", page(rows(2)))
    given = variables(lists, "openai", "kimi")
    line = (
        "openai, account default: unusual in the first page: the reply has `region`, `zone` beside"
        " its rows; no row has `created_at`, which fills the column `created_at`; rows have the"
        " status `parked`, which is not known"
    )
    code, printed, log = run("check", "openai", "kimi", **given)
    assert code == 0, log
    assert " ".join(printed.split()).count(line) == 1
    assert printed.count("unusual") == 1
    code, printed, _ = run("check", "openai", "kimi", "--log-format", "json", **given)
    events = [json.loads(each) for each in printed.splitlines()]
    found = {each["provider"]: each for each in events if each.get("event") == "checked_account"}
    assert found["kimi"]["unusual"] == []
    assert len(found["openai"]["unusual"]) == 3
    assert "parked" in found["openai"]["unusual"][2]


def test_check_of_a_server_of_ones_own_says_what_it_sends(lists: Lists, log_of: TLogOf) -> None:
    name = "openai_compatible"
    # nobody has documented it otherwise
    assert "next_page" not in log_of(name, page(rows(2), next_page=None))
    (found,) = check_accounts(lists.settings(name)).values()
    assert found.unusual == ("the reply has `next_page` beside its rows",)
