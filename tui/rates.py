"""How many log events came when: the histogram over a log view. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from jinkies.model import Level, LogEvent

KEPT_S = 3_600
_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120)


class Rates:
    """Events and errors by the second of their timestamp, for the last hour."""

    def __init__(self) -> None:
        self._events: dict[int, int] = {}
        self._errors: dict[int, int] = {}
        self.newest_s = 0
        self.oldest_s = 0

    def add(self, event: LogEvent) -> None:
        """Count an event."""
        second = event.timestamp_ms // 1000
        if second < self.newest_s - KEPT_S:
            return
        self._events[second] = self._events.get(second, 0) + 1
        if event.level.rank >= Level.ERROR.rank:
            self._errors[second] = self._errors.get(second, 0) + 1
        self.oldest_s = min(self.oldest_s or second, second)
        if second > self.newest_s:
            self.newest_s = second
            self._forget()

    def _forget(self) -> None:
        if self.newest_s - self.oldest_s <= KEPT_S + 60:
            return
        horizon = self.newest_s - KEPT_S
        for counts in (self._events, self._errors):
            for second in [second for second in counts if second < horizon]:
                del counts[second]
        self.oldest_s = horizon

    def columns(self, count: int) -> tuple[int, list[int], list[int]]:
        """Seconds a column stands for, then events and errors of ``count`` columns, the newest last."""
        span = max(self.newest_s - self.oldest_s + 1, 1)
        step = next((step for step in _STEPS_S if step * count >= span), _STEPS_S[-1])
        first = (self.newest_s // step - count + 1) * step
        return step, _buckets(self._events, first, step, count), _buckets(self._errors, first, step, count)

    def per_second(self, now_s: int, over_s: int = 5) -> float:
        """Events a second in the last ``over_s`` whole seconds."""
        return _total(self._events.get, range(now_s - over_s, now_s)) / over_s

    def error_share(self) -> float:
        """Errors among all that is counted, 0 to 1."""
        total = sum(self._events.values())
        return sum(self._errors.values()) / total if total else 0.0


def _total(get: Callable[[int, int], int], seconds: Iterable[int]) -> int:
    return sum(get(second, 0) for second in seconds)


def _buckets(counts: dict[int, int], first: int, step: int, count: int) -> list[int]:
    found = [0] * count
    for second, number in counts.items():
        index = (second - first) // step
        if 0 <= index < count:
            found[index] += number
    return found
