"""Watches (stub while being written)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from jinkies.clock import Clock
from jinkies.commands import AnyCommand, Outcome
from jinkies.config import Config
from jinkies.logs.fetch import PageSource

Execute = Callable[[AnyCommand], Awaitable[Outcome]]
LoadCursor = Callable[[str], Awaitable[str | None]]


class WatchRunner:
    """Runs each ``[[watches]]``."""

    def __init__(
        self, config: Config, source: PageSource, clock: Clock, execute: Execute, load_cursor: LoadCursor
    ) -> None:
        self._config = config

    async def run(self) -> None:
        """For ever."""
        await asyncio.Event().wait()
