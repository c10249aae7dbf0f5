"""Which commands share a transaction, and that none waits for what does not come."""

from __future__ import annotations

import asyncio

import pytest

from jinkies.clock import Clock
from jinkies.waiting import BATCH_LIMIT, EXPECTED_LIMIT, PATIENCE_S, Waiting
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
    async with asyncio.timeout(5):
        await waiting.join()


async def test_one_too_many_is_refused() -> None:
    waiting: Waiting[int] = Waiting(2)
    waiting.put(1)
    waiting.put(2)
    with pytest.raises(asyncio.QueueFull):
        waiting.put(3)


async def test_what_the_loop_is_about_to_bring_is_waited_for() -> None:
    """As requests come: read in one turn of the loop, a command in the next."""
    waiting: Waiting[int] = Waiting(100)
    loop = asyncio.get_running_loop()
    waiting.put(0)
    taken = asyncio.create_task(waiting.batch())
    loop.call_soon(lambda: loop.call_soon(lambda: waiting.put(1)))
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


def test_as_many_as_last_time_are_waited_for_a_moment() -> None:
    async def batches(_: Clock) -> tuple[list[list[int]], list[float]]:
        waiting: Waiting[int] = Waiting(1_000)
        loop = asyncio.get_running_loop()
        for number in range(EXPECTED_LIMIT * 2):
            waiting.put(number)
        await waiting.batch()
        found, times = [], [loop.time()]
        waiting.put(0)

        def put_the_others() -> None:
            for number in range(1, EXPECTED_LIMIT):
                waiting.put(number)

        loop.call_later(PATIENCE_S / 2, put_the_others)
        for last in (False, True):
            if last:
                waiting.put(99)
            found.append(await waiting.batch())
            times.append(loop.time())
        waiting.put(100)
        found.append(await waiting.batch())
        times.append(loop.time())
        return found, times

    found, (begun_s, first_s, second_s, third_s) = run_virtually(batches)
    assert found == [list(range(EXPECTED_LIMIT)), [99], [100]]
    assert first_s - begun_s == pytest.approx(PATIENCE_S / 2)  # all were there
    assert second_s - first_s == pytest.approx(PATIENCE_S)  # they did not come
    assert third_s == second_s  # and are not expected any more
