"""Time expressions: ``15m``, ``13:10``, ``yesterday 9:00``, ISO 8601, ranges. Pure: clock and zone are arguments.

Times that name no zone are local ones. A clock time that a change of the clocks skips is taken as if they had not
changed yet; one that comes twice is the latest that is not ahead.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from jinkies.errors import Invalid

FORMS = "15m, 2h30m (ago) · 13:10 · yesterday 9:00 · mon 14:00 · 2026-01-31 · 2026-01-31T13:10[:05][Z|+02:00] · now"
RANGES = "9:00..9:30, yesterday 9:00..10:00, -2h..-1h"

_UNIT_MS = {"w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000}
_AGO = re.compile(r"-?(?:(?P<w>\d+)w)?(?:(?P<d>\d+)d)?(?:(?P<h>\d+)h)?(?:(?P<m>\d+)m)?(?:(?P<s>\d+)s)?")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
_DAY = re.compile(rf"([a-z]{{3,9}})(?:\s+({_CLOCK.pattern}))?")
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_LONGEST = 40  # characters


def parse_time(text: str, *, now_ms: int, zone: tzinfo | None = None, name: str = "time") -> int:
    """A moment in milliseconds since the epoch.

    Args:
        text: one of ``FORMS``. A duration counts back from now, with or without a minus; a clock time and a weekday
            are the latest such that are not ahead; a day without a time is its beginning.
        now_ms: the present.
        zone: for times that name no zone; None is this machine's.
        name: what the message calls it: ``--since``.

    Raises:
        Invalid: it is none of the forms, or out of range.
    """
    return _parsed(text, now_ms, zone, name)


def parse_range(since: str, until: str, *, now_ms: int, zone: tzinfo | None = None) -> tuple[int, int]:
    """``--since`` and ``--until`` as milliseconds, the first before the second.

    ``since`` may name both ends (``RANGES``); ``until`` is then ``now``, its default. An end that is a mere clock time
    is the first such after the beginning; an empty one is now.

    Raises:
        Invalid: one is no time, or they are the wrong way round, or the end is named twice.
    """
    begin, both, end = since.partition("..")
    if both and until != "now":
        raise Invalid(f"--since {since[:_LONGEST]!r} names both ends of the range: leave --until out")
    start_ms = _parsed(begin, now_ms, zone, "--since")
    end_ms = _end(end.strip() or "now" if both else until, start_ms if both else None, now_ms, zone)
    if start_ms > now_ms:
        raise Invalid(f"--since: {begin!r} lies in the future")
    if start_ms >= end_ms:
        if both:
            raise Invalid(f"--since {since!r}: its beginning is not before its end")
        raise Invalid(f"--since {since!r} is not before --until {until!r}")
    return start_ms, end_ms


def _end(text: str, start_ms: int | None, now_ms: int, zone: tzinfo | None) -> int:
    """Of a range in one (``start_ms``) or of ``--until``."""
    name = "--until" if start_ms is None else "--since"
    end_ms = _parsed(text, now_ms, zone, name)
    if start_ms is not None and (clock := _CLOCK.fullmatch(text)):
        first, at = _local(start_ms, zone).date(), _time(clock)
        days = (first, first + timedelta(days=1))
        moments = [_ms(datetime.combine(day, at), zone, fold) for day in days for fold in (0, 1)]
        return min(moment for moment in moments if moment > start_ms)
    return end_ms


def _parsed(text: str, now_ms: int, zone: tzinfo | None, name: str) -> int:
    given = text.strip()
    try:
        at_ms = _parse(given, now_ms, zone) if 0 < len(given) <= _LONGEST and given.isascii() else None
    except (ValueError, OverflowError, OSError):  # a month 13, a year that no calendar has
        at_ms = None
    if at_ms is None or at_ms < 0:
        raise Invalid(f"{name}: {text[:_LONGEST]!r} is no time; give one of: {FORMS}")
    return at_ms


def _parse(given: str, now_ms: int, zone: tzinfo | None) -> int | None:
    low = given.lower()
    if low == "now":
        return now_ms
    if low != "-" and (ago := _AGO.fullmatch(low)):
        return now_ms - sum(int(count) * _UNIT_MS[unit] for unit, count in ago.groupdict().items() if count)
    if clock := _CLOCK.fullmatch(given):
        today = _local(now_ms, zone).date()
        return _latest((today, today - timedelta(days=1)), _time(clock), now_ms, zone)
    if named := _DAY.fullmatch(low):
        return _on_day(named[1], _CLOCK.fullmatch(named[2]) if named[2] else None, now_ms, zone)
    if not given[:4].isdigit() or "-" not in given:  # "20260131" is too easily a typing error
        return None
    return _ms(datetime.fromisoformat(given), zone)


def _on_day(word: str, clock: re.Match[str] | None, now_ms: int, zone: tzinfo | None) -> int | None:
    """``today``, ``yesterday`` or a weekday (three letters are enough), with a clock time or at its beginning."""
    today = _local(now_ms, zone).date()
    at = time() if clock is None else _time(clock)
    if word in ("today", "yesterday"):
        day = today - timedelta(days=word == "yesterday")
        return _latest((day,), at, now_ms, zone)
    numbers = [number for number, name in enumerate(_WEEKDAYS) if name.startswith(word)]
    if not numbers:
        return None
    day = today - timedelta(days=(today.weekday() - numbers[0]) % 7)
    return _latest((day, day - timedelta(days=7)), at, now_ms, zone)


def _latest(days: tuple[date, ...], at: time, now_ms: int, zone: tzinfo | None) -> int:
    """The latest of a clock time on some days, latest day first, that is not ahead; else the first of the last day."""
    moments = [_ms(datetime.combine(day, at), zone, fold) for day in days for fold in (0, 1)]
    past = [moment for moment in moments if moment <= now_ms]
    return max(past) if past else min(moments[-2:])


def _time(clock: re.Match[str]) -> time:
    """Raises ``ValueError`` for 25:00."""
    hour, minute, second = (int(part or 0) for part in clock.groups())
    return time(hour, minute, second)


def _local(moment_ms: int, zone: tzinfo | None) -> datetime:
    return datetime.fromtimestamp(moment_ms / 1000, UTC).astimezone(zone)


def _ms(moment: datetime, zone: tzinfo | None, fold: int = 0) -> int:
    if moment.tzinfo is None:
        moment = moment.replace(fold=fold)
        moment = moment.astimezone() if zone is None else moment.replace(tzinfo=zone)
    return int(moment.timestamp() * 1000)
