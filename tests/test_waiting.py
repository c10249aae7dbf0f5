"""Which commands share a transaction, and that none waits for what does not come."""

from __future__ import annotations

import asyncio

import pytest

from jinkies.clock import Clock
from jinkies.waiting import BATCH_LIMIT, Waiting
from tests.virtual import run_virtually


async def test_what_waits_is_one_batch_in_order() -> None:
    waiting: Waiting[int] = Waiting(1_000)
    for number in range(300):
        waiting.put(number)
    first, second = await waiting.batch(), await waiting.batch()
    assert first == list(range(BATCH_LIMIT))
    assert second == list(range(BATCH_LIMIT, 300))
    waiting.done(first)
    waiting.done(second)
    async with asyncio.timeout(30):
        await waiting.join()


async def test_one_too_many_is_refused() -> None:
    waiting: Waiting[int] = Waiting(2)
    waiting.put(1)
    waiting.put(2)
    with pytest.raises(asyncio.QueueFull):
        waiting.put(3)


async def test_what_the_loop_is_about_to_bring_comes_along() -> None:
    waiting: Waiting[int] = Waiting(100)
    loop = asyncio.get_running_loop()
    waiting.put(0)
    taken = asyncio.create_task(waiting.batch())
    loop.call_soon(lambda: waiting.put(1))
    assert await taken == [0, 1]


def test_alone_nothing_is_waited_for() -> None:
    async def alone(_: Clock) -> float:
        waiting: Waiting[int] = Waiting(100)
        started_s = asyncio.get_running_loop().time()
        for number in range(20):
            waiting.put(number)
            assert await waiting.batch() == [number]
        return asyncio.get_running_loop().time() - started_s

    assert run_virtually(alone) == 0
