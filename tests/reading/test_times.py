from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from jinkies.errors import Invalid
from jinkies.reading.times import parse_range, parse_time

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
        ("-2h", NOW - timedelta(hours=2)),
        ("today", datetime(2026, 1, 31, tzinfo=BERLIN)),
        ("yesterday", datetime(2026, 1, 30, tzinfo=BERLIN)),
        ("Yesterday  9:00", datetime(2026, 1, 30, 9, tzinfo=BERLIN)),
        ("today 8:00", datetime(2026, 1, 31, 8, tzinfo=BERLIN)),
        ("today 23:00", datetime(2026, 1, 31, 23, tzinfo=BERLIN)),  # ahead: whoever asks for the past refuses it
        ("sat", datetime(2026, 1, 31, tzinfo=BERLIN)),  # it is Saturday, 13:00
        ("sat 13:00", datetime(2026, 1, 31, 13, tzinfo=BERLIN)),
        ("sat 13:01", datetime(2026, 1, 24, 13, 1, tzinfo=BERLIN)),
        ("mon 14:00", datetime(2026, 1, 26, 14, tzinfo=BERLIN)),
        ("Sunday", datetime(2026, 1, 25, tzinfo=BERLIN)),
        ("thurs 9:05:07", datetime(2026, 1, 29, 9, 5, 7, tzinfo=BERLIN)),
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
    ["", "yesterdayish", "15", "15x", "m", "-", "--5m",
     "25:00", "yesterday 25:00", "mo", "mon14:00", "someday 9:00", "mon mon",
     "yesterday 5m", "9:00..9:30", "13:60", "2026-13-01", "2026-02-30", "20260130", "1m2h",
     "99999999999999d", "9" * 60 + "m", "１５m", "0001-01-01T00:00:00Z", "15m\n15m"],
)  # fmt: skip
def test_what_is_no_time_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_time(text, now_ms=NOW_MS, zone=BERLIN, name="--since")
    assert str(caught.value).startswith(f"--since: {text[:40]!r} is no time; give one of: 15m, 2h30m (ago)")
    assert "13:10" in str(caught.value)


@pytest.mark.parametrize(
    ("since", "until", "message"),
    [
        ("5m", "10m", "--since '5m' is not before --until '10m'"),
        ("now", "now", "--since 'now' is not before --until 'now'"),
        ("2026-02-01", "now", "--since: '2026-02-01' lies in the future"),
        ("9:00..9:30", "5m", "--since '9:00..9:30' names both ends of the range: leave --until out"),
        ("1h..2h", "now", "--since '1h..2h': its beginning is not before its end"),
        ("..9:00", "now", "--since: '' is no time"),
        ("1h..soon", "now", "--since: 'soon' is no time"),
        ("1h..30m..5m", "now", "--since: '30m..5m' is no time"),
        ("9:00..25:00", "now", "--since: '25:00' is no time"),
        ("5m", "soon", "--until: 'soon' is no time"),
    ],
)
def test_a_range_that_makes_no_sense_is_refused(since: str, until: str, message: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_range(since, until, now_ms=NOW_MS, zone=UTC)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("now", "text", "expected"),
    [
        ("2026-03-29T12:00+02:00", "yesterday 2:30", "2026-03-28T02:30:00+01:00"),
        (
            "2026-03-29T12:00+02:00",
            "2:30",
            "2026-03-29T03:30:00+02:00",
        ),  # skipped: as if the clocks had not changed yet
        ("2026-03-30T12:00+02:00", "yesterday", "2026-03-29T00:00:00+01:00"),
        ("2026-10-25T12:00+01:00", "2:30", "2026-10-25T02:30:00+01:00"),  # twice: the later one
        ("2026-10-25T02:20+01:00", "2:30", "2026-10-25T02:30:00+02:00"),  # unless that is ahead
        ("2026-10-25T02:20+01:00", "today", "2026-10-25T00:00:00+02:00"),
        ("2026-10-26T12:00+01:00", "sun 3:30", "2026-10-25T03:30:00+01:00"),
        ("2026-10-26T00:10+01:00", "24h", "2026-10-25T01:10:00+02:00"),
    ],
)
def test_changes_of_the_clocks(now: str, text: str, expected: str) -> None:
    now_ms = int(datetime.fromisoformat(now).timestamp() * 1000)
    found = parse_time(text, now_ms=now_ms, zone=BERLIN)
    assert datetime.fromtimestamp(found / 1000, BERLIN).isoformat() == expected


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("9:00..9:30", "2026-01-31T09:00+01:00", "2026-01-31T09:30+01:00"),
        ("12:50..13:10", "2026-01-31T12:50+01:00", "2026-01-31T13:10+01:00"),  # now lies within
        ("14:00..15:00", "2026-01-30T14:00+01:00", "2026-01-30T15:00+01:00"),
        ("23:30..0:30", "2026-01-30T23:30+01:00", "2026-01-31T00:30+01:00"),
        ("yesterday 9:00..10:00", "2026-01-30T09:00+01:00", "2026-01-30T10:00+01:00"),
        ("yesterday .. today", "2026-01-30T00:00+01:00", "2026-01-31T00:00+01:00"),
        ("mon 9:00..wed 9:00", "2026-01-26T09:00+01:00", "2026-01-28T09:00+01:00"),
        ("-2h..-1h", "2026-01-31T11:00+01:00", "2026-01-31T12:00+01:00"),
        ("2h..1h", "2026-01-31T11:00+01:00", "2026-01-31T12:00+01:00"),
        ("2026-01-02..2026-01-03T12:00Z", "2026-01-02T00:00+01:00", "2026-01-03T12:00Z"),
        ("9:00..", "2026-01-31T09:00+01:00", "2026-01-31T13:00+01:00"),
    ],
)
def test_a_range_in_one(text: str, start: str, end: str) -> None:
    found = parse_range(text, "now", now_ms=NOW_MS, zone=BERLIN)
    assert found == tuple(int(datetime.fromisoformat(moment).timestamp() * 1000) for moment in (start, end))


def test_a_range() -> None:
    assert parse_range("1h", "30m", now_ms=NOW_MS, zone=UTC) == (NOW_MS - 3_600_000, NOW_MS - 1_800_000)
