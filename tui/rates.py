"""How many log events came when, by level: the histogram over a log view. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from jinkies.model import Level, LogEvent

KEPT_S = 3_600
_AHEAD_MS = 60_000  # of CloudWatch's own clock: CloudWatch Logs takes events up to two hours ahead of it
_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120)
_OTHERS, _WARNINGS, _ERRORS, _BACKFILLED = range(4)
_WARNING, _ERROR = Level.WARNING.rank, Level.ERROR.rank
_CLASS = {
    level: _ERRORS if level.rank >= _ERROR else _WARNINGS if level.rank == _WARNING else _OTHERS for level in Level
}


@dataclass(slots=True)
class Bucket:
    """Events of a stretch of time."""

    others: int = 0
    warnings: int = 0
    errors: int = 0
    backfilled: int = 0  # of all of these

    @property
    def total(self) -> int:
        """All."""
        return self.others + self.warnings + self.errors


class Rates:
    """Events by the second of their timestamp and by level, for the last hour."""

    def __init__(self) -> None:
        self._seconds: dict[int, list[int]] = {}
        self.newest_s = 0
        self.oldest_s = 0

    def add(self, event: LogEvent) -> None:
        """Count an event."""
        at_ms = event.timestamp_ms
        if 0 < event.ingestion_ms < at_ms - _AHEAD_MS:
            at_ms = event.ingestion_ms  # a clock that runs ahead must not push all others out of the hour
        second = at_ms // 1000
        counts = self._seconds.get(second)
        if counts is None:
            if second < self.newest_s - KEPT_S:
                return
            counts = self._seconds[second] = [0, 0, 0, 0]
            self.oldest_s = min(self.oldest_s or second, second)
            if second > self.newest_s:
                self.newest_s = second
                self._forget()
        counts[_CLASS[event.level]] += 1
        counts[_BACKFILLED] += event.backfilled

    def _forget(self) -> None:
        if self.newest_s - self.oldest_s <= KEPT_S + 60:
            return
        horizon = self.newest_s - KEPT_S
        for second in [second for second in self._seconds if second < horizon]:
            del self._seconds[second]
        self.oldest_s = horizon

    def columns(self, count: int) -> tuple[int, int, list[Bucket]]:
        """Seconds that a column stands for, the second that the first begins at, and ``count`` columns."""
        span = max(self.newest_s - self.oldest_s + 1, 1)
        step = next((step for step in _STEPS_S if step * count >= span), _STEPS_S[-1])
        first = (self.newest_s // step - count + 1) * step
        buckets = [Bucket() for _ in range(count)]
        for second, (others, warnings, errors, backfilled) in self._seconds.items():
            index = (second - first) // step
            if 0 <= index < count:
                bucket = buckets[index]
                bucket.others += others
                bucket.warnings += warnings
                bucket.errors += errors
                bucket.backfilled += backfilled
        return step, first, buckets

    def per_second(self, now_s: int, over_s: int = 5) -> float:
        """Events a second in the last ``over_s`` whole seconds."""
        found = (self._seconds.get(second) for second in range(now_s - over_s, now_s))
        return sum(sum(counts[:_BACKFILLED]) for counts in found if counts is not None) / over_s
