"""Which alert to look at first: severity, raised by how often it happens lately and by how new it is. Pure.

Points, 0 to 100, are the sum of three parts, times what the state leaves of them:

    severity   info 0, warning 15, error 30, critical 50
    rate       5 · log2(1 + h), at most 40; h is the heat now: occurrences, each worth half after HEAT_HALF_LIFE_S
    newness    10, halved with every hour since it was first seen
    state      open: all; acknowledged: half; snoozed, silenced: a quarter; resolved, or part of another: nothing

From 60 it is urgent, from 40 high, from 20 normal, else low. More of a part is never less of the whole.
"""

from __future__ import annotations

import math
from enum import IntEnum

import msgspec

from jinkies.lifecycle import HEAT_HALF_LIFE_S, span_text
from jinkies.model import AlertRow, Severity, State

RATE_MOST = 40.0
NEW_MOST = 10.0
NEW_HALF_LIFE_MS = 3_600_000

_SEVERITY = {Severity.INFO: 0.0, Severity.WARNING: 15.0, Severity.ERROR: 30.0, Severity.CRITICAL: 50.0}
_STATE = {State.OPEN: 1.0, State.ACKNOWLEDGED: 0.5, State.SNOOZED: 0.25, State.RESOLVED: 0.0}
_SILENCED = 0.25


class Level(IntEnum):
    """How soon somebody should look; ordered."""

    LOW = 0
    NORMAL = 1
    HIGH = 2
    URGENT = 3

    @property
    def word(self) -> str:
        """In lower case."""
        return self.name.lower()


_FROM = ((60.0, Level.URGENT), (40.0, Level.HIGH), (20.0, Level.NORMAL))


class Priority(msgspec.Struct, frozen=True, kw_only=True):
    """A level, the points behind it, and why."""

    level: Level
    points: float  # 0 to 100
    reason: str  # one line: "error · 3.2 a minute · first seen 4 min ago"


def priority(row: AlertRow, now_ms: int) -> Priority:
    """The priority of an alert as of ``now_ms``."""
    found = points(row, now_ms)
    return Priority(level=_level(found), points=found, reason=_reason(row, now_ms))


def level(row: AlertRow, now_ms: int) -> Level:
    """Only its level."""
    return _level(points(row, now_ms))


def points(row: AlertRow, now_ms: int) -> float:
    """0 to 100."""
    left = _left(row)
    if not left:
        return 0.0
    rate = min(5.0 * math.log2(1.0 + heat(row, now_ms)), RATE_MOST)
    newness = NEW_MOST * math.pow(0.5, max(now_ms - row.first_seen_at_ms, 0) / NEW_HALF_LIFE_MS)
    return left * (_SEVERITY[row.severity] + rate + newness)


def heat(row: AlertRow, now_ms: int) -> float:
    """The row's heat, cooled from when it was last seen to now."""
    cooled_s = max(now_ms - row.last_seen_at_ms, 0) / 1000
    return max(row.heat, 0.0) * math.pow(0.5, cooled_s / HEAT_HALF_LIFE_S)


def rate_a_minute(row: AlertRow, now_ms: int) -> float:
    """What went on evenly at this rate for long would have this heat."""
    return heat(row, now_ms) * math.log(2) / (HEAT_HALF_LIFE_S / 60)


def _level(found: float) -> Level:
    return next((level for least, level in _FROM if found >= least), Level.LOW)


def _left(row: AlertRow) -> float:
    if row.merged_into is not None:
        return 0.0
    return min(_STATE[row.state], _SILENCED if row.silenced_by is not None else 1.0)


def _reason(row: AlertRow, now_ms: int) -> str:
    if row.merged_into is not None:
        return f"part of #{row.merged_into}"
    if row.state is State.RESOLVED:
        return "resolved"
    rate = rate_a_minute(row, now_ms)
    often = "quiet lately" if rate < 0.05 else f"{rate:.1f} a minute" if rate < 10 else f"{rate:,.0f} a minute"
    parts = [row.severity.value, often, f"first seen {_age(now_ms - row.first_seen_at_ms)}"]
    if row.state is not State.OPEN:
        parts.append(row.state.value)
    if row.silenced_by is not None:
        parts.append("silenced")
    return " · ".join(parts)


def _age(age_ms: int) -> str:
    """In the largest whole unit: "4 min ago"."""
    for unit_ms in (86_400_000, 3_600_000, 60_000):
        if age_ms >= unit_ms:
            return f"{span_text(age_ms - age_ms % unit_ms)} ago"
    return "just now"
