"""The simulator's clock: the machine's, which a test can put forward."""

from __future__ import annotations

from jinkies.clock import SystemClock


class ForwardClock(SystemClock):
    """The machine's clock, some seconds ahead. Sleeps are real ones: put the clock forward instead."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def now_ms(self) -> int:
        """Milliseconds since the Unix epoch, UTC."""
        return super().now_ms() + round(self.ahead_s * 1000)

    def monotonic_s(self) -> float:
        """Seconds from an arbitrary start, never going back."""
        return super().monotonic_s() + self.ahead_s
