"""A token bucket: how many alerts a second are taken in."""

from __future__ import annotations

import math

from jinkies.clock import Clock


class RateLimit:
    """Lets ``per_second`` requests a second through, with bursts of one second's worth; 0 is no bound."""

    def __init__(self, per_second: float, clock: Clock) -> None:
        self._per_second = per_second
        self._capacity = max(1.0, per_second)
        self._tokens = self._capacity
        self._clock = clock
        self._filled_at_s = clock.monotonic_s()

    def take(self) -> int:
        """0 when one more may pass, which this counts; else the whole seconds, at least 1, after which to ask again."""
        if self._per_second <= 0:
            return 0
        now_s = self._clock.monotonic_s()
        gained = (now_s - self._filled_at_s) * self._per_second
        self._tokens = min(self._capacity, self._tokens + gained)
        self._filled_at_s = now_s
        if self._tokens >= 1:
            self._tokens -= 1
            return 0
        return max(1, math.ceil((1 - self._tokens) / self._per_second))
