"""Commands that wait for the writer, and which of them share a transaction.

A transaction costs as much as a dozen commands, so whatever came while the last one was written shares the next. None
is waited for that has not been read yet: who sends meanwhile is read and understood in another process.
"""

from __future__ import annotations

import asyncio
import types
from collections.abc import Generator
from typing import Generic, TypeVar

BATCH_LIMIT = 256  # commands that share a transaction

_One = TypeVar("_One")


class Waiting(Generic[_One]):
    """A bounded queue that gives batches. ``put`` raises ``asyncio.QueueFull`` when it is full: nothing is dropped."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._queue: asyncio.Queue[_One] = asyncio.Queue(limit)

    def put(self, one: _One) -> None:
        """Never waits."""
        self._queue.put_nowait(one)

    async def batch(self) -> list[_One]:
        """The next 1 to 256, in order. Follow it with ``done``. Cancelled while none waits, it loses none."""
        found = [await self._queue.get()]
        before = -1
        while before != self._queue.qsize() < BATCH_LIMIT:  # what this turn of the loop brings comes along
            before = self._queue.qsize()
            await _turn()
        while len(found) < BATCH_LIMIT and not self._queue.empty():
            found.append(self._queue.get_nowait())
        return found

    def done(self, batch: list[_One]) -> None:
        """They are answered."""
        for _ in batch:
            self._queue.task_done()

    async def join(self) -> None:
        """Returns once everything that was put is done."""
        await self._queue.join()


@types.coroutine
def _turn() -> Generator[None, None, None]:
    """Everything else that is ready runs once."""
    yield
