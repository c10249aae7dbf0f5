"""Time expressions: ``15m``, ``1d2h``, ``13:10``, ISO 8601, ``now``. Pure: the clock and the zone are arguments."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo

from jinkies.errors import Invalid

FORMS = "15m, 2h, 1d2h (ago) · 13:10 · 2026-01-31 · 2026-01-31T13:10[:05][Z|+02:00] · now"

_UNIT_MS = {"w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000}
_AGO = re.compile(r"(?:(?P<w>\d+)w)?(?:(?P<d>\d+)d)?(?:(?P<h>\d+)h)?(?:(?P<m>\d+)m)?(?:(?P<s>\d+)s)?")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
_LONGEST = 40  # characters


def parse_time(text: str, *, now_ms: int, zone: tzinfo | None = None, name: str = "time") -> int:
    """A moment in milliseconds since the epoch.

    Args:
        text: one of ``FORMS``. A duration counts back from now; a clock time is the latest such time that is not ahead.
        now_ms: the present.
        zone: for times that name no zone; None is this machine's.
        name: what the message calls it: ``--since``.

    Raises:
        Invalid: it is none of the forms, or out of range.
    """
    given = text.strip()
    try:
        at_ms = _parse(given, now_ms, zone) if 0 < len(given) <= _LONGEST and given.isascii() else None
    except (ValueError, OverflowError, OSError):  # a month 13, a year that no calendar has
        at_ms = None
    if at_ms is None or at_ms < 0:
        raise Invalid(f"{name}: {text[:_LONGEST]!r} is no time; give one of: {FORMS}")
    return at_ms


def parse_range(since: str, until: str, *, now_ms: int, zone: tzinfo | None = None) -> tuple[int, int]:
    """``--since`` and ``--until`` as milliseconds, the first before the second.

    Raises:
        Invalid: one is no time, or they are the wrong way round.
    """
    start_ms = parse_time(since, now_ms=now_ms, zone=zone, name="--since")
    end_ms = parse_time(until, now_ms=now_ms, zone=zone, name="--until")
    if start_ms > now_ms:
        raise Invalid(f"--since: {since!r} lies in the future")
    if start_ms >= end_ms:
        raise Invalid(f"--since {since!r} is not before --until {until!r}")
    return start_ms, end_ms


def _parse(given: str, now_ms: int, zone: tzinfo | None) -> int | None:
    if given.lower() == "now":
        return now_ms
    if ago := _AGO.fullmatch(given.lower()):
        return now_ms - sum(int(count) * _UNIT_MS[unit] for unit, count in ago.groupdict().items() if count)
    if clock := _CLOCK.fullmatch(given):
        hour, minute, second = (int(part or 0) for part in clock.groups())
        return _latest(hour, minute, second, now_ms, zone)
    if not given[:4].isdigit() or "-" not in given:  # "20260131" is too easily a typing error
        return None
    return _ms(datetime.fromisoformat(given), zone)


def _latest(hour: int, minute: int, second: int, now_ms: int, zone: tzinfo | None) -> int:
    today = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(zone).replace(tzinfo=None)
    wanted = today.replace(hour=hour, minute=minute, second=second, microsecond=0)
    at_ms = _ms(wanted, zone)
    return at_ms if at_ms <= now_ms else _ms(wanted - timedelta(days=1), zone)


def _ms(moment: datetime, zone: tzinfo | None) -> int:
    if moment.tzinfo is None:
        moment = moment.astimezone() if zone is None else moment.replace(tzinfo=zone)
    return int(moment.timestamp() * 1000)
