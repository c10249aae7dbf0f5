"""An event loop whose time jumps to the next timer whenever nothing is left to do: hours pass in seconds.

Timeouts of every library that asks the loop for the time jump with it. Servers and clients on loopback work as
usual, as long as they share the loop: what one side wrote is there when the other looks.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

from jinkies.clock import Clock

START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
SETTLE_S = 0.00005  # real time that bytes in flight get before time jumps

_Result = TypeVar("_Result")
_Ready = list[tuple[selectors.SelectorKey, int]]


class VirtualClock:
    """The time of the running ``VirtualLoop``."""

    def now_ms(self) -> int:
        return START_MS + int(self.monotonic_s() * 1000)

    def monotonic_s(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s)


def run_virtually(work: Callable[[Clock], Coroutine[Any, Any, _Result]]) -> _Result:
    """Run it to its end in a loop of its own, from ``START_MS`` on."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work(VirtualClock()))


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its ``time`` starts at 0."""

    def __init__(self) -> None:
        self._selector_of_time = _Jumping()
        super().__init__(self._selector_of_time)

    def time(self) -> float:
        return self._selector_of_time.now_s

    def run_in_executor(self, executor: object, func: Callable[..., _Result], *args: object) -> asyncio.Future[_Result]:
        """At once and in this thread: time must not jump while another works."""
        done: asyncio.Future[_Result] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:
            done.set_exception(error)
        return done


class _Jumping(selectors.BaseSelector):
    def __init__(self) -> None:
        self.now_s = 0.0
        self._real = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> _Ready:
        if timeout is None:
            return self._real.select(None)
        ready = self._real.select(0)
        if ready or timeout <= 0:
            return ready
        time.sleep(SETTLE_S)
        ready = self._real.select(0)
        if not ready:
            self.now_s += timeout
        return ready

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()
