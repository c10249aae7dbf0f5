"""Waiting for what is shown, never for a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from jinkies.operator import Operator
from jinkies.replica import Replica


@asynccontextmanager
async def replica_of(operator: Operator) -> AsyncIterator[Replica]:
    """A live replica."""
    replica = Replica(operator)
    running = asyncio.create_task(replica.run())
    try:
        await asyncio.wait_for(replica.live(), 30)
        yield replica
    finally:
        running.cancel()
        await asyncio.wait({running})


async def until(replica: Replica, condition: Callable[[], bool], timeout_s: float = 30) -> None:
    """Until the replica shows it; the error says what it showed instead."""
    try:
        async with asyncio.timeout(timeout_s):
            version = 0
            while not condition():
                version = await replica.changed(version)
    except TimeoutError:
        raise AssertionError(f"never shown; rows {replica.rows}, deliveries {replica.deliveries}") from None


async def settled(replica: Replica, seq: int) -> None:
    """Until the replica has folded up to a journal position."""
    await until(replica, lambda: replica.position is not None and replica.position.seq >= seq)
