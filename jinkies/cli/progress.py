"""How far a long fetch is: one line on a terminal's stderr, gone at the end."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from jinkies.clock import Clock, iso
from jinkies.logs.slices import Progress
from jinkies.words import number_of

AFTER_S = 2.0
EVERY_S = 0.2
_ERASE = "\r\x1b[K"


class ProgressLine:
    """The line; whoever prints to the same terminal calls ``erase`` before."""

    def __init__(self, progress: Progress, clock: Clock) -> None:
        self._progress = progress
        self._clock = clock
        self._begun_s = clock.monotonic_s()
        self._shown = False

    async def keep(self) -> None:
        """Draw it again and again, for ever."""
        await self._clock.sleep(AFTER_S)
        while True:
            sys.stdout.flush()  # what was printed stands above the line
            sys.stderr.write(f"{_ERASE}{self.text()}")
            sys.stderr.flush()
            self._shown = True
            await self._clock.sleep(EVERY_S)

    def text(self) -> str:
        """``"120,000 events read · 40,000/s · up to 2026-01-01T00:10:00Z"``."""
        events = self._progress.events
        rate = events / max(0.001, self._clock.monotonic_s() - self._begun_s)
        reached = f" · up to {iso(self._progress.reached_ms)[:19]}Z" if self._progress.reached_ms else ""
        return f"{number_of(events, 'event')} read · {rate:,.0f}/s{reached}"

    def erase(self) -> None:
        """Leave the line empty."""
        if self._shown:
            self._shown = False
            sys.stderr.write(_ERASE)
            sys.stderr.flush()


@asynccontextmanager
async def shown(progress: Progress, clock: Clock) -> AsyncIterator[ProgressLine]:
    """Show it while the body runs, if stderr is a terminal."""
    shown_line = ProgressLine(progress, clock)
    if not sys.stderr.isatty():
        yield shown_line
        return
    keeping = asyncio.get_running_loop().create_task(shown_line.keep())
    try:
        yield shown_line
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        shown_line.erase()
