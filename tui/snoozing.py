"""How long a snooze lasts, as people type it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

USUAL = (
    ("30m", "half an hour"),
    ("2h", "two hours"),
    ("1d", "a day"),
    ("7d", "a week"),
    ("x10", "until it happened 10 more times"),
    ("x100", "until it happened 100 more times"),
    ("09:00", "until the clock says so next"),
)
HINT = "2h, 1d12h, 18:30, or x10 for ten more times"

_UNIT_MS = {"w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000}
_SPAN = re.compile(r"(?:\d{1,6}[wdhm])+")
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_TIMES = re.compile(r"[x×](\d{1,7})|(\d{1,7})(?: more)?(?: times?|[x×])")


@dataclass(frozen=True)
class SnoozeEnd:
    """When a snooze ends: one of the two."""

    until_ms: int | None = None
    occurrences: int | None = None


def suggestions(typed: str) -> list[tuple[str, str]]:
    """The usual ones that begin with what is typed."""
    return [pair for pair in USUAL if pair[0].startswith(typed.strip().casefold())]


def parse_end(text: str, now_ms: int) -> SnoozeEnd | None:
    """What was typed, or None when it is none of the forms. Clock times are local, the next that comes."""
    given = text.strip().casefold()
    if times := _TIMES.fullmatch(given):
        return SnoozeEnd(occurrences=int(times[1] or times[2]))
    if clock := _CLOCK.fullmatch(given):
        now = datetime.fromtimestamp(now_ms / 1000).astimezone()
        at = now.replace(hour=int(clock[1]), minute=int(clock[2]), second=0, microsecond=0)
        at += timedelta(days=1 if at <= now else 0)
        return SnoozeEnd(until_ms=int(at.timestamp() * 1000))
    if _SPAN.fullmatch(given):
        spans = re.findall(r"(\d+)([wdhm])", given)
        return SnoozeEnd(until_ms=now_ms + sum(int(count) * _UNIT_MS[unit] for count, unit in spans))
    return None
