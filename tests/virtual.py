"""An event loop whose time jumps to the next timer whenever nothing is left to do: hours pass in seconds.

Timeouts of every library that asks the loop for the time jump with it. Servers and clients on loopback work as
usual, as long as they share the loop: what one side wrote is there when the other looks. While a database works, in
a thread of its own, time stands still.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import aiosqlite

from jinkies.clock import Clock

START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
SETTLE_S = 0.00005  # real time that bytes in flight get before time jumps
THREAD_S = 0.05  # real time after which a thread that works is looked after again; its answer wakes the loop

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
    times = _Jumping()
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(times)) as runner, _databases_hold(times):
        return runner.run(work(VirtualClock()))


@contextmanager
def _databases_hold(times: _Jumping) -> Iterator[None]:
    """Time waits for what aiosqlite's threads do."""
    execute: Callable[..., Coroutine[Any, Any, Any]] = aiosqlite.Connection._execute  # all of its work

    async def counted(self: aiosqlite.Connection, *args: Any, **kwargs: Any) -> Any:
        times.others += 1
        try:
            return await execute(self, *args, **kwargs)
        finally:
            times.others -= 1

    aiosqlite.Connection._execute = counted  # type: ignore[method-assign] # for as long as this runs
    try:
        yield
    finally:
        aiosqlite.Connection._execute = execute  # type: ignore[method-assign] # as it was


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its ``time`` starts at 0."""

    def __init__(self, times: _Jumping) -> None:
        self._selector_of_time = times
        super().__init__(times)

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
        self.others = 0  # works of other threads that somebody here waits for
        self._real = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> _Ready:
        if timeout is None:
            return self._real.select(None)
        ready = self._real.select(0)
        if ready or timeout <= 0:
            return ready
        if self.others:
            return self._real.select(THREAD_S)
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
