"""What is due after a while: in order, once, and no more than there is room for."""

from __future__ import annotations

import asyncio

import pytest

from bot import later
from bot.later import Later
from jinkies.clock import Clock
from tests.virtual import run_virtually


def test_each_is_done_once_in_order_whatever_one_of_them_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(later, "MOST", 4)
    done: list[tuple[str, float]] = []

    async def whole(clock: Clock) -> None:
        waiting = Later(clock)

        def named(name: str) -> later.Action:
            async def act() -> None:
                done.append((name, clock.monotonic_s() - began_s))
                if name == "breaks":
                    raise RuntimeError
                if name == "hangs":
                    await asyncio.Event().wait()

            return act

        began_s = clock.monotonic_s()
        for name, delay_s in (("last", 30.0), ("breaks", 5.0), ("hangs", 6.0), ("first", 1.0), ("no room", 2.0)):
            waiting.put(delay_s, named(name))
        task = asyncio.create_task(waiting.run())
        await clock.sleep(60)
        task.cancel()
        await asyncio.wait({task})

    run_virtually(whole)
    assert [name for name, _ in done] == ["first", "breaks", "hangs", "last"]
    assert all(at_s >= due_s for (_, at_s), due_s in zip(done, (1, 5, 6, 30), strict=True))
    assert done[-1][1] < 32
