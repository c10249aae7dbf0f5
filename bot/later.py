"""Small things that are due after a while, such as taking a button away. Nothing depends on them."""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Awaitable, Callable
from itertools import count

from jinkies.clock import Clock

log = logging.getLogger(__name__)

MOST = 1_000
LOOK_EVERY_S = 1.0
LIMIT_S = 10.0  # for each

Action = Callable[[], Awaitable[None]]


class Later:
    """What waits for its time. Queue policy: at most ``MOST`` wait; one more is never done.

    Args:
        clock: the time by which is waited.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: list[tuple[float, int, Action]] = []
        self._number = count()

    def put(self, delay_s: float, action: Action) -> None:
        """Do it once, ``delay_s`` from now or a little later."""
        if len(self._waiting) < MOST:
            heapq.heappush(self._waiting, (self._clock.monotonic_s() + delay_s, next(self._number), action))

    async def run(self) -> None:
        """For ever."""
        while True:
            await self._clock.sleep(LOOK_EVERY_S)
            while self._waiting and self._waiting[0][0] <= self._clock.monotonic_s():
                await _do(heapq.heappop(self._waiting)[-1])


async def _do(action: Action) -> None:
    try:
        async with asyncio.timeout(LIMIT_S):
            await action()
    except Exception as error:  # it is a nicety: nobody waits for it
        log.debug("something that was due could not be done: %s", type(error).__name__)
