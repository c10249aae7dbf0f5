"""The time that a reader types to go to: ``13:10``, ``-5m``, an ISO moment. Pure: the clock is an argument."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

FORMS = "13:10 · 13:10:05 · -5m, +30s (from here) · 5m, 1h30m (ago) · 2026-01-31T13:10"
_UNIT_MS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000}
_SPAN = re.compile(r"([+-]?)((?:\d{1,6}[dhms])+)")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
_LONGEST = 40


class BadMoment(ValueError):
    """It is no time; the text says what would be."""


def moment(text: str, *, here_ms: int, now_ms: int) -> int:
    """A moment in milliseconds since the epoch; clock times are this machine's, the latest that is not ahead.

    Args:
        text: one of ``FORMS``.
        here_ms: what a signed span counts from.
        now_ms: what another span counts back from.

    Raises:
        BadMoment: it is none of them.
    """
    given = text.strip().lower()
    try:
        if len(given) > _LONGEST:
            raise BadMoment(FORMS)
        if span := _SPAN.fullmatch(given):
            size = sum(int(part[:-1]) * _UNIT_MS[part[-1]] for part in re.findall(r"\d+[dhms]", span[2]))
            return _possible(here_ms + size if span[1] == "+" else (here_ms if span[1] else now_ms) - size)
        if clock := _CLOCK.fullmatch(given):
            return _latest(*(int(part or 0) for part in clock.groups()), now_ms=now_ms)
        return int(datetime.fromisoformat(text.strip()).astimezone().timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        raise BadMoment(f"no time; one of: {FORMS}") from None


def _possible(at_ms: int) -> int:
    if not 0 <= at_ms < 2**46:  # the year 4199
        raise BadMoment(FORMS)
    return at_ms


def _latest(hour: int, minute: int, second: int, *, now_ms: int) -> int:
    now = datetime.fromtimestamp(now_ms / 1000).astimezone()
    wanted = now.replace(hour=hour, minute=minute, second=second, microsecond=0)
    if wanted > now:
        wanted -= timedelta(days=1)
    return int(wanted.timestamp() * 1000)
