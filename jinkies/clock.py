"""The only real ``now()`` and ``sleep()``: everything else takes time as an argument or a ``Clock``."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the rest of the program knows of time."""

    def now_ms(self) -> int:
        """Milliseconds since the Unix epoch, UTC."""
        ...

    def monotonic_s(self) -> float:
        """Seconds from an arbitrary start, never going back."""
        ...

    async def sleep(self, delay_s: float) -> None:
        """Return after ``delay_s`` seconds."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Milliseconds since the Unix epoch, UTC."""
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        """Seconds from an arbitrary start, never going back."""
        return time.monotonic()

    async def sleep(self, delay_s: float) -> None:
        """Return after ``delay_s`` seconds."""
        await asyncio.sleep(delay_s)

    def pause(self, delay_s: float) -> None:
        """Block this thread for ``delay_s`` seconds: for what runs before there is a loop."""
        time.sleep(delay_s)


def iso(at_ms: int) -> str:
    """``1767225600123`` → ``2026-01-01T00:00:00.123Z``."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
