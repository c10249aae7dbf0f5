"""Figures of the desk, as values: how fast people act, how much happens where, and what is noisy."""

from __future__ import annotations

import msgspec

from jinkies.model import State


class StatsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of which time; of one service, or of all."""

    since_ms: int
    until_ms: int
    service: str | None = None


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """How long something took, of all the times that it happened; None where it never did."""

    count: int = 0
    mean_ms: int | None = None
    median_ms: int | None = None
    p90_ms: int | None = None


class DayStats(msgspec.Struct, frozen=True, kw_only=True):
    """A day (UTC)."""

    day: str  # 2026-01-31
    opened: int
    occurrences: int


class ServiceStats(msgspec.Struct, frozen=True, kw_only=True):
    """A service."""

    service: str
    opened: int
    occurrences: int
    unresolved: int  # of those that were opened in the time


class NoisyAlert(msgspec.Struct, frozen=True, kw_only=True):
    """An alert that happened often."""

    alert_id: int
    service: str
    title: str  # "" where it is deleted
    occurrences: int  # in the time
    state: State | None = None  # None where it is deleted


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of a time range. An alert that came back after its resolution is opened once more."""

    since_ms: int
    until_ms: int
    opened: int
    occurrences: int  # of the days (UTC) that the time touches
    to_acknowledge: Span  # of what was opened in the time
    to_resolve: Span
    days: tuple[DayStats, ...]  # oldest first, those without anything too
    services: tuple[ServiceStats, ...]  # most opened first, at most 50
    noisy: tuple[NoisyAlert, ...]  # most occurrences first, at most 20
    secrets: dict[str, int] = {}  # cut from what was taken in, by kind, the most first; as ``occurrences``
    opened_by_hour: tuple[int, ...] = ()  # counted from ``since_ms``, oldest first; of a time of at most HOURLY_DAYS


HOURLY_DAYS = 3


def took_text(ms: int) -> str:
    """``850 ms``, ``12 s``, ``5 min``, ``3.5 h``, ``2.1 d``."""
    for unit_ms, unit, digits in ((86_400_000, "d", 1), (3_600_000, "h", 1), (60_000, "min", 0), (1_000, "s", 0)):
        if ms >= unit_ms:
            return f"{ms / unit_ms:.{digits}f} {unit}"
    return f"{ms} ms"
