"""What a server sends is data on every way out: no forged line, no escape sequence, no key."""

import json
import logging
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response

from ai_batches import PROVIDERS, check_accounts
from ai_batches.errors import AiBatchesError
from ai_batches.http.client import BatchListClient
from ai_batches_runner.dashboard.session import explain
from ai_batches_runner.dashboard.tables import Cell, badge
from ai_batches_runner.dashboard.view import _series
from commands import keys, run, table
from slack_hook import Hook
from support import (
    DAY,
    KEY,
    NOW,
    Lists,
    TAnswer,
    TRow,
    batch,
    cursor_list,
    ended_ago,
    failure,
    page,
)

HOSTILE = "x\r\n• forged: all is well\x1b]0;title\x07\u202e\u200b\U000e0041[red]:skull:"
SEEN = r"x\r\n• forged: all is well\x1b]0;title\x07\u202e\u200b\U000e0041[red]:skull:"
LONG = "y" * 200_000
CODED = b64encode(b"Bearer " + KEY.encode()).decode()
"""The key, as a careless gateway sends it back."""
CURSOR = ".".join([KEY, CODED, urlsafe_b64encode(f'{{"key":"{KEY}"}}'.encode()).decode()])
"""A position in a list that holds the key, in several forms."""
ACCOUNT = "re\x1b[2Jsearch\u202e:skull:"


def rows() -> list[TRow]:
    """Batches that are listed with a warning, or an alert, of each kind."""
    ids = (HOSTILE, LONG, KEY, CODED, KEY[::-1])
    return [
        *(ended_ago(900 + n, "failed", 60 + n, id=f"f{text}") for n, text in enumerate(ids)),
        *(
            batch(
                n, id=f"o{text}", status=text, created_at=NOW - 60 * DAY - n, metadata={text: text}
            )
            for n, text in enumerate(ids)
        ),
    ]


def variables(lists: Lists) -> dict[str, str]:
    """Settings of one account of a hostile name, and one of another provider."""
    return {
        "SOURCES__AI_BATCHES__OPENAI__ACCOUNTS": json.dumps({ACCOUNT: KEY}),
        "SOURCES__AI_BATCHES__OPENAI__BASE_URL": lists.url("openai"),
        **keys(lists, "kimi"),
    }


def check_shown(text: str) -> None:
    """Nothing hides in it, it has no line of the server's, and no key."""
    assert text.replace("\n", "").isprintable()
    assert not [line for line in text.splitlines() if line.startswith(("• forged", "- forged"))]
    assert max(map(len, text.splitlines()), default=0) < 6_000
    for form in (KEY, KEY[::-1], CODED, CODED[12:-4], *CURSOR.split(".")):
        assert form not in text
    assert "💀" not in text


@pytest.mark.sample(1)
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_command_shows_what_a_server_forged(lists: Lists, log_format: str, hook: Hook) -> None:
    shared = ("--log-format", log_format)
    lists.serve("openai", cursor_list(rows()))
    said = f"{HOSTILE} {CODED} {KEY}"
    lists.serve("kimi", failure(400, {"error": {"message": said}}, x_custom="x"))
    environment = {**variables(lists), "RUNTIME__SLACK_INCOMING_HOOK": hook.url}
    code, printed, log = run("load", *shared, **environment)
    assert code == 1
    assert SEEN in _plain(printed + log)
    check_shown(_plain(printed + log))
    assert len(hook.took) == 1
    check_shown(hook.took[0])
    assert SEEN in hook.took[0]
    # others, in a process that reads no list: the key is known from the settings
    for command in (("alerts",), ("verify",), ("check",)):
        lists.serve("openai", cursor_list([batch(1_000, id=f"n{HOSTILE}"), *rows()]))
        code, printed, log = run(*command, *shared, **variables(lists))
        assert code == 1
        check_shown(_plain(printed + log))
    stored = table(Path("ai_batches.duckdb"), "SELECT id FROM ai_batches_dataset.batches")
    # a row is stored as it was sent
    assert {(f"f{KEY}",), (f"f{HOSTILE}",), (f"f{LONG}",)} <= set(stored)
    query = "SELECT error FROM ai_batches_dataset.runs WHERE provider = 'kimi'"
    for (error,) in table(Path("ai_batches.duckdb"), query):
        check_shown(str(error))


def _plain(printed: str) -> str:
    """Output, of which lines of JSON are read: all texts in it."""
    if not printed.startswith("{"):
        return printed
    return "\n".join("\n".join(_texts(json.loads(line))) for line in printed.splitlines())


def _texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for pair in value.items() for each in pair for text in _texts(each)]
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    return [str(value)]


def refuses(request: Request) -> TAnswer:
    """Takes no position, and quotes what it got."""
    if "after" in request.query_params:
        return failure(400, {"error": f"{request.query_params['after']} of {request.url}"})
    return page([batch(1)], True, next_cursor=CURSOR)


def breaks(request: Request) -> TAnswer:
    """Takes its own cursors only; the third page fails."""
    after = request.query_params.get("after")
    if after not in (None, CURSOR):
        return failure(400, {"error": after}) if after == "batch_9" else failure(500)
    return page([batch(8 if after else 9)], True, next_cursor=f"{after}.2" if after else CURSOR)


BY_POSITION: dict[str, TAnswer | Callable[[Request], TAnswer]] = {
    "openai": refuses,
    "kimi": breaks,
    # each gives a position that leads nowhere
    "novita": page([batch(1)], True, next_cursor=CURSOR),
    "anthropic": page([batch(1, id=CURSOR)], True, last_id=CURSOR),
    "groq": page([batch(1)], None, paging={"next_cursor": CURSOR}),
    "xai": {"batches": [{"batch_id": CURSOR}], "pagination_token": CURSOR},
    "cohere": {"batches": [batch(1)], "next_page_token": {CURSOR: CURSOR}},
    # each promises more than there is a way to ask for
    "respan": page([batch(2), batch(1, id=CURSOR)], None, **{f"next {CURSOR}": True}),
    "nebius": page([batch(2), batch(1)], None, next=f"https://127.0.0.1/?after={CURSOR}"),
    "voyage": page([batch(1, id=CURSOR), batch(2, id=7), batch(3, id="7")]),
    "zhipu": Response(
        json.dumps(page([batch(2), batch(1)], None)),
        headers={"link": f'<http://127.0.0.1/?after={CURSOR}>; rel="next"'},
    ),
    "perplexity": Response(status_code=302, headers={"location": f"/?after={CURSOR}"}),
}


def test_no_position_in_a_list_shows_a_key(
    lists: Lists, caplog: pytest.LogCaptureFixture, hook: Hook
) -> None:
    for name, answer in BY_POSITION.items():
        lists.serve(name, answer)
    caplog.set_level(logging.DEBUG)
    environment = hook.variables(lists, *BY_POSITION) | {"RUNTIME__REQUEST_MAX_ATTEMPTS": "1"}
    code, printed, log = run("load", "--debug", *BY_POSITION, **environment)
    assert code == 1
    assert printed.count("FAILED ") == len(BY_POSITION)
    assert "/services/T0/" in caplog.text
    assert hook.url.rpartition("/")[2] not in printed + log + caplog.text
    texts = [printed, log, *hook.took, caplog.text]
    for name, settings in lists.settings().items():
        with pytest.raises(AiBatchesError) as caught:
            list(BatchListClient(PROVIDERS[name], settings, settings.accounts[0]).pages())
        texts += [str(caught.value), repr(vars(caught.value))]
    query = "SELECT error FROM ai_batches_dataset.runs"
    texts += [str(error) for (error,) in table(Path("ai_batches.duckdb"), query)]
    assert not [text for text in texts for form in (KEY, *CURSOR.split(".")) if form in text]
    # the list goes on from there, so the state has it as it was sent
    assert CURSOR in Path("dlt/pipelines/ai_batches/state.json").read_text()


def test_headers_and_addresses_are_shown_so_too(lists: Lists) -> None:
    odd = "text/\x1bplain; charset=\u00e9\u00ad".encode("latin-1").decode("latin-1")
    answers: list[TAnswer] = [
        Response("hello", headers={"content-type": odd}),
        Response(status_code=302, headers={"location": f"http://127.0.0.2/{CODED}?{KEY}"}),
        Response(status_code=302, headers={"location": "http://127.0.0.2/\x9b31m\xe9"}),
        failure(400, {"error": HOSTILE}),
        page([batch(1, id=f"{HOSTILE}\0{KEY}")]),
    ]
    for answer in answers:
        lists.serve("kimi", answer)
        settings = lists.settings("kimi")["kimi"]
        ((error, _),) = check_accounts({"kimi": settings}).values()
        assert error
        check_shown(str(error))


def test_the_dashboard_shows_texts_as_all_else_does() -> None:
    cell = Cell(f"<b>{HOSTILE}", badge(HOSTILE), title=f"<i>{HOSTILE}").text
    assert cell.count(SEEN) == 3
    assert cell.isprintable()
    assert "<b>x" not in cell
    assert "<i>" not in cell
    assert len(Cell(LONG, title=LONG).text) < 3_000
    row = {"created_on": date(2026, 1, 1), "model": HOSTILE, "batches": 1}
    assert list(_series([row], "model", "batches", False)) == [SEEN]
    assert explain(ValueError(HOSTILE)).endswith(f"ValueError: {SEEN}")
