"""Commands that wait for the writer, and which of them share a transaction.

A transaction costs as much as a dozen commands, so under load it is worth waiting a moment for more of them: as many as
shared the last one are expected again, as PostgreSQL's ``commit_delay`` expects siblings. Alone, a command waits for
nothing that has not been read yet.
"""

from __future__ import annotations

import asyncio
import types
from collections.abc import Generator
from typing import Generic, TypeVar

BATCH_LIMIT = 256  # commands that share a transaction
EXPECTED_LIMIT = 32  # of them that are waited for
PATIENCE_S = 0.002  # how long, at most

_IDLE_TURNS = 2  # of the loop: in the first a request is read, in the second it becomes a command
_One = TypeVar("_One")


class Waiting(Generic[_One]):
    """A bounded queue that gives batches. ``put`` raises ``asyncio.QueueFull`` when it is full: nothing is dropped."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._queue: asyncio.Queue[_One] = asyncio.Queue(limit)
        self._expected = 0  # besides the first
        self._enough = asyncio.Event()

    def put(self, one: _One) -> None:
        """Never waits."""
        self._queue.put_nowait(one)
        if self._queue.qsize() >= self._expected:
            self._enough.set()

    async def batch(self) -> list[_One]:
        """The next 1 to 256, in order. Follow it with ``done``. Cancelled while none waits, it loses none."""
        found = [await self._queue.get()]
        await self._gather()
        while len(found) < BATCH_LIMIT and not self._queue.empty():
            found.append(self._queue.get_nowait())
        self._expected = min(len(found), EXPECTED_LIMIT) - 1
        return found

    def done(self, batch: list[_One]) -> None:
        """They are answered."""
        for _ in batch:
            self._queue.task_done()

    async def join(self) -> None:
        """Returns once everything that was put is done."""
        await self._queue.join()

    async def _gather(self) -> None:
        idle = 0
        while idle < _IDLE_TURNS and (before := self._queue.qsize()) < EXPECTED_LIMIT:
            await _turn()
            idle = idle + 1 if self._queue.qsize() == before else 0
        if self._queue.qsize() >= self._expected:
            return
        self._enough.clear()
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._enough.wait()
        except TimeoutError:
            pass


@types.coroutine
def _turn() -> Generator[None, None, None]:
    """Everything else that is ready runs once."""
    yield
