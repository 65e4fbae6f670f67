"""What `--since` takes: dates, as a person writes them."""

from datetime import UTC, datetime

import pytest

from ai_batches_runner.cli import main
from ai_batches_runner.cli.since import parse_since

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-01", "2026-11-01T00:00:00"),
        ("20261101", "2026-11-01T00:00:00"),
        (" 2026-11-01 ", "2026-11-01T00:00:00"),
        ("2026-11", "2026-11-01T00:00:00"),
        ("2026", "2026-01-01T00:00:00"),
        ("2026-W45", "2026-11-02T00:00:00"),
        ("2026W453", "2026-11-04T00:00:00"),
        ("2026-W45-3", "2026-11-04T00:00:00"),
        ("2026-11-01T12:00Z", "2026-11-01T12:00:00"),
        ("2026-11-01t12:00z", "2026-11-01T12:00:00"),
        ("20261101T120000Z", "2026-11-01T12:00:00"),
        ("2026-11-01T12", "2026-11-01T12:00:00"),
        ("2026-11-01 12:00:01.1234567 +05:30", "2026-11-01T06:30:01.123456"),
        ("2026-11-01T00:30-0100", "2026-11-01T01:30:00"),
        ("2024-02-29", "2024-02-29T00:00:00"),
        ("2000", "2000-01-01T00:00:00"),
        # already tomorrow in Tokyo
        ("2026-11-29", "2026-11-29T00:00:00"),
    ],
)
def test_dates_are_read(text: str, moment: str) -> None:
    seconds = datetime.fromisoformat(f"{moment}+00:00").timestamp()
    assert parse_since(text, NOW) == round(seconds * 1_000_000)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "0",
        "-1",
        "-2026",
        "26",
        "202611",
        "2026-13",
        "2026-02-30",
        "20261301",
        "2026-W54",
        "2026-11-01T25:00",
        "2026-11T12:00",
        "2026T12",
        "yesterday",
        "now",
        "7d",
        "P7D",
        "12:00",
        "2026-11-01/2026-11-02",
        "11/01/2026",
        "01.11.2026",
        "1.7e9",
        "٢٠٢٦",
        "2026-11-01T12:00+99:00",
    ],
)
def test_what_is_not_clearly_a_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be a date such as 2026-11-01"):
        parse_since(text, NOW)


@pytest.mark.parametrize("text", ["1793491200", "1793491200000"])
def test_unix_time_is_refused_with_the_date_that_it_is(text: str) -> None:
    with pytest.raises(ValueError, match="write 2026-11-01T00:00:00Z"):
        parse_since(text, NOW)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1999-12-31", "before 2000"),
        ("1970", "before 2000"),
        ("0001-01-01", "before 2000"),
        ("2026-12-01", "in the future"),
        ("9999", "in the future"),
    ],
)
def test_dates_that_no_batch_can_have_are_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_since(text, NOW)


def test_the_command_says_so_before_it_does_anything(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["load", "--since", "1793491200"]) == 2
    assert "write 2026-11-01T00:00:00Z" in capsys.readouterr().err
