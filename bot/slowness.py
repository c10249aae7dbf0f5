"""Slow mode: a user who hammers is told so, and nobody else is held up. Pure: the time is an argument."""

from __future__ import annotations

from collections import OrderedDict

USERS = 1_000  # that are remembered; beyond that whoever was not heard of for longest starts anew
BURST_S = 20.0  # so many seconds' worth may come at once
LEAST_BURST = 5.0


class SlowMode:
    """A token bucket a user.

    Args:
        per_minute: what a user may do in the long run; 0 is no bound.
    """

    def __init__(self, per_minute: int) -> None:
        self._per_s = per_minute / 60
        self._burst = max(LEAST_BURST, self._per_s * BURST_S)
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # user → tokens, as of when (seconds)

    def take(self, user_id: str, now_s: float) -> float:
        """0.0 when they may go on, else after how many seconds they may; asking costs nothing then."""
        if self._per_s <= 0:
            return 0.0
        tokens, at_s = self._left.pop(user_id, (self._burst, now_s))
        tokens = min(self._burst, tokens + max(0.0, now_s - at_s) * self._per_s)
        wait_s = 0.0 if tokens >= 1 else (1 - tokens) / self._per_s
        self._left[user_id] = (tokens if wait_s else tokens - 1, now_s)
        if len(self._left) > USERS:
            self._left.popitem(last=False)
        return wait_s
