"""The lease that lets one board mend Discord while others stand by."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable

from bot.waiting import first_of
from jinkies.clock import Clock
from jinkies.commands import TakeLease
from jinkies.errors import Conflict, JinkiesError
from jinkies.operator import Operator

log = logging.getLogger(__name__)

NAME = "board"
TTL_S = 15.0
_RETRY_S = 1.0
_GIVE_BACK_S = 0.5


class Lease:
    """Takes the lease when it is free and renews it; ``term`` moves with every taking.

    Args:
        operator: the core that grants it.
        clock: the time by which it lapses.
        ttl_s: how long the core holds it for us without a renewal, 1 to 300.
        keep_s: how long it is kept, 0 to ``ttl_s``, instead of being given back.
    """

    def __init__(
        self, operator: Operator, clock: Clock, *, ttl_s: float = TTL_S, keep_s: Callable[[], float] = lambda: 0.0
    ) -> None:
        self.holder = uuid.uuid4().hex
        self.term = 0
        self._operator = operator
        self._clock = clock
        self._ttl_s = ttl_s
        self._keep_s = keep_s
        self._ends_at_s = float("-inf")
        self._taken = asyncio.Event()
        self._refused = asyncio.Event()

    @property
    def held(self) -> bool:
        """Whether the core surely still holds it for us."""
        return self._clock.monotonic_s() < self._ends_at_s

    async def wait(self) -> int:
        """Return the term once the lease is held."""
        while not self.held:
            self._taken.clear()
            await self._taken.wait()
        return self.term

    def lost(self) -> None:
        """The core said that another holds it: nothing is done until it is taken again."""
        self._ends_at_s = float("-inf")
        self._refused.set()

    async def run(self) -> None:
        """Take and renew for ever; give it back when cancelled."""
        try:
            while True:
                await self._take()
                self._refused.clear()
                pause_s = self._ttl_s / 3 if self.held else min(_RETRY_S, self._ttl_s / 3)
                await first_of(self._clock.sleep(pause_s), self._refused.wait())
        finally:
            await self._give_back()

    async def _take(self) -> None:
        asked_at_s = self._clock.monotonic_s()
        was_held = self.held
        try:
            async with asyncio.timeout(self._ttl_s):
                await self._operator.execute(self._command(self._ttl_s))
        except Conflict as error:
            self._ends_at_s = float("-inf")
            log.debug("standing by: %s", error)
            return
        except (JinkiesError, TimeoutError) as error:
            log.debug("the lease could not be renewed: %s", error)
            return
        # A tenth less than granted, so that ours has ended before the core gives it to another.
        self._ends_at_s = asked_at_s + 0.9 * self._ttl_s
        if not was_held:
            self.term += 1
        self._taken.set()

    async def _give_back(self) -> None:
        if not self.held:
            return
        self._ends_at_s = float("-inf")
        try:
            async with asyncio.timeout(_GIVE_BACK_S):
                keep_s = self._keep_s()
                await self._operator.execute(self._command(min(self._ttl_s, max(1.0, keep_s)) if keep_s > 0 else 0.0))
        except (JinkiesError, TimeoutError) as error:
            log.debug("the lease was not given back: %s", error)

    def _command(self, ttl_s: float) -> TakeLease:
        return TakeLease(name=NAME, holder=self.holder, ttl_s=ttl_s)
