"""A clock that a test moves by hand."""

from __future__ import annotations

import asyncio

START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z


class ManualClock:
    """Time stands still until ``advance``."""

    def __init__(self, start_ms: int = START_MS) -> None:
        self._start_ms = start_ms
        self._passed_s = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []
        self._fell_asleep = asyncio.Condition()
        self._slept = 0

    def now_ms(self) -> int:
        return self._start_ms + round(self._passed_s * 1000)

    def monotonic_s(self) -> float:
        return self._passed_s

    async def sleep(self, delay_s: float) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (self._passed_s + delay_s, waiter)
        self._sleepers.append(entry)
        async with self._fell_asleep:
            self._slept += 1
            self._fell_asleep.notify_all()
        try:
            await waiter
        finally:
            self._sleepers.remove(entry)

    @property
    def slept(self) -> int:
        """How many times something went to sleep."""
        return self._slept

    async def asleep(self, times: int) -> None:
        """Until something has gone to sleep so many times in all."""
        async with self._fell_asleep:
            await self._fell_asleep.wait_for(lambda: self._slept >= times)

    def advance(self, seconds: float) -> None:
        """Let time pass; whoever's time has come wakes up."""
        self._passed_s += seconds
        for due_s, waiter in list(self._sleepers):
            if due_s <= self._passed_s and not waiter.done():
                waiter.set_result(None)

    async def pass_until_next_sleep(self, seconds: float) -> None:
        """Let time pass, then wait until something went to sleep again: one turn of a single loop."""
        slept = self._slept
        self.advance(seconds)
        await self.asleep(slept + 1)
