from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from jinkies.errors import Invalid
from jinkies.logs.times import parse_range, parse_time

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", NOW),
        ("15m", NOW - timedelta(minutes=15)),
        ("2h", NOW - timedelta(hours=2)),
        ("1d2h", NOW - timedelta(days=1, hours=2)),
        ("1w", NOW - timedelta(weeks=1)),
        ("2h30m5s", NOW - timedelta(hours=2, minutes=30, seconds=5)),
        (" 90S ", NOW - timedelta(seconds=90)),
        ("12:59", datetime(2026, 1, 31, 12, 59, tzinfo=BERLIN)),
        ("13:00", datetime(2026, 1, 31, 13, 0, tzinfo=BERLIN)),
        ("13:10", datetime(2026, 1, 30, 13, 10, tzinfo=BERLIN)),  # not there yet today: yesterday's
        ("9:05:07", datetime(2026, 1, 31, 9, 5, 7, tzinfo=BERLIN)),
        ("2026-01-30", datetime(2026, 1, 30, tzinfo=BERLIN)),
        ("2026-01-30T10:00", datetime(2026, 1, 30, 10, tzinfo=BERLIN)),
        ("2026-01-30 10:00:01", datetime(2026, 1, 30, 10, 0, 1, tzinfo=BERLIN)),
        ("2026-01-30T10:00:00Z", datetime(2026, 1, 30, 10, tzinfo=UTC)),
        ("2026-01-30T10:00:00.250+05:30", datetime(2026, 1, 30, 10, 0, 0, 250_000, timezone(timedelta(hours=5.5)))),
    ],
)
def test_a_time(text: str, expected: datetime) -> None:
    assert parse_time(text, now_ms=NOW_MS, zone=BERLIN) == int(expected.timestamp() * 1000)


def test_a_clock_time_before_a_change_of_the_clocks_is_meant_as_it_was_then() -> None:
    noon = datetime(2026, 3, 29, 12, tzinfo=BERLIN)  # the clocks went forward at 02:00
    found = parse_time("13:00", now_ms=int(noon.timestamp() * 1000), zone=BERLIN)
    assert datetime.fromtimestamp(found / 1000, BERLIN).isoformat() == "2026-03-28T13:00:00+01:00"


def test_this_machines_zone_is_used_when_none_is_given() -> None:
    expected = datetime(2026, 1, 30, 10).astimezone().timestamp()
    assert parse_time("2026-01-30T10:00", now_ms=NOW_MS) == int(expected * 1000)


@pytest.mark.parametrize(
    "text",
    ["", "yesterdayish", "15", "15x", "m", "-5m", "25:00", "13:60", "2026-13-01", "2026-02-30", "20260130", "1m2h",
     "99999999999999d", "9" * 60 + "m", "１５m", "0001-01-01T00:00:00Z", "15m\n15m"],
)  # fmt: skip
def test_what_is_no_time_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_time(text, now_ms=NOW_MS, zone=BERLIN, name="--since")
    assert str(caught.value).startswith(f"--since: {text[:40]!r} is no time; give one of: 15m, 2h, 1d2h")
    assert "13:10" in str(caught.value)


@pytest.mark.parametrize(
    ("since", "until", "message"),
    [
        ("5m", "10m", "--since '5m' is not before --until '10m'"),
        ("now", "now", "--since 'now' is not before --until 'now'"),
        ("2026-02-01", "now", "--since: '2026-02-01' lies in the future"),
        ("5m", "soon", "--until: 'soon' is no time"),
    ],
)
def test_a_range_that_makes_no_sense_is_refused(since: str, until: str, message: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_range(since, until, now_ms=NOW_MS, zone=UTC)
    assert str(caught.value).startswith(message)


def test_a_range() -> None:
    assert parse_range("1h", "30m", now_ms=NOW_MS, zone=UTC) == (NOW_MS - 3_600_000, NOW_MS - 1_800_000)
