"""Tails shared by all who watch: one upstream for equal specs, one ring of what was read, a place in it per viewer."""

from __future__ import annotations

import asyncio
import logging
import secrets
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager

from jinkies.clock import Clock
from jinkies.errors import NotFound, Overloaded
from jinkies.model import LogEvent, TailBatch, TailInfo, TailSpec

RING_EVENTS = 100_000
RING_BYTES = 64 * 1_048_576
GRACE_S = 30.0
MAX_TAILS = 32
BATCH_EVENTS = 500
BATCH_BYTES = 1_048_576
EVENT_BYTES = 300  # of an event beside its message, about

_GONE = LogEvent(log_group="", log_stream="", timestamp_ms=0, ingestion_ms=0, message="")

_log = logging.getLogger(__name__)

Upstream = Callable[[TailSpec, tuple[str, ...]], AsyncGenerator[TailBatch, None]]


class Ring:
    """The newest events, bounded in number and bytes; places in it are counted from the tail's start."""

    def __init__(self, most_events: int, most_bytes: int) -> None:
        self._events: list[LogEvent] = []
        self._head = 0  # index of the oldest in ``_events``
        self._bytes = 0
        self._most_events = most_events
        self._most_bytes = most_bytes
        self.first = 0  # place of the oldest held

    @property
    def end(self) -> int:
        """The place of the next event."""
        return self.first + len(self._events) - self._head

    def extend(self, events: tuple[LogEvent, ...]) -> None:
        """Take some in; the oldest leave. The newest stays, however large."""
        self._events.extend(events)
        self._bytes += sum(map(size_of, events))
        while self.end - self.first > 1 and (
            self.end - self.first > self._most_events or self._bytes > self._most_bytes
        ):
            self._bytes -= size_of(self._events[self._head])
            self._events[self._head] = _GONE  # its place stays for a while, its megabyte doesn't
            self._head += 1
            self.first += 1
        if self._head > len(self._events) // 2:
            del self._events[: self._head]
            self._head = 0

    def read(self, place: int) -> tuple[LogEvent, ...]:
        """Events from a place that is held on, at most a batch of them, at least one if there is one."""
        start = self._head + place - self.first
        total = 0
        found: list[LogEvent] = []
        for event in self._events[start : start + BATCH_EVENTS]:
            total += size_of(event)
            if found and total > BATCH_BYTES:
                break
            found.append(event)
        return tuple(found)


def size_of(event: LogEvent) -> int:
    """Bytes of memory that an event takes, about."""
    return sys.getsizeof(event.message) + EVENT_BYTES


class _Tail:
    """A running upstream and its viewers."""

    def __init__(
        self, tail_id: str, spec: TailSpec, log_groups: tuple[str, ...], ring: Ring, started_at_ms: int
    ) -> None:
        self.tail_id = tail_id
        self.spec = spec
        self.log_groups = log_groups
        self.ring = ring
        self.started_at_ms = started_at_ms
        self.viewers = 0
        self.trouble: str | None = None
        self.ended = False
        self.moved = asyncio.Event()  # replaced at each change, so that every viewer sees it once
        self.upstream: asyncio.Task[None] | None = None
        self.grace: asyncio.Task[None] | None = None

    def info(self) -> TailInfo:
        return TailInfo(
            tail_id=self.tail_id,
            spec=self.spec,
            log_groups=self.log_groups,
            viewers=self.viewers,
            started_at_ms=self.started_at_ms,
        )

    def take(self, batch: TailBatch) -> None:
        self.ring.extend(batch.events)
        if batch.events or batch.trouble != self.trouble:
            self.trouble = batch.trouble
            self.wake()

    def wake(self) -> None:
        self.moved.set()
        self.moved = asyncio.Event()

    async def batches(self) -> AsyncGenerator[TailBatch, None]:
        """What is held, then what comes. A viewer that falls behind the ring loses the oldest, and is told how many."""
        place, told = self.ring.first, None
        while True:
            moved = self.moved
            dropped = max(0, self.ring.first - place)
            place += dropped
            events = self.ring.read(place)
            if events or dropped or self.trouble != told:
                place, told = place + len(events), self.trouble
                yield TailBatch(events=events, dropped=dropped, trouble=self.trouble)
            elif self.ended:
                return
            else:
                await moved.wait()


class TailHub:
    """All tails of this process. Close it: it owns their tasks.

    Args:
        upstream: starts following; the hub closes what it returns.
        clock: for the grace period.
        grace_s: how long a tail runs on without a viewer.
    """

    def __init__(
        self,
        upstream: Upstream,
        clock: Clock,
        *,
        grace_s: float = GRACE_S,
        ring_events: int = RING_EVENTS,
        ring_bytes: int = RING_BYTES,
    ) -> None:
        self.on_change: Callable[[], None] | None = None  # called after a tail or its viewers changed
        self._upstream = upstream
        self._clock = clock
        self._grace_s = grace_s
        self._ring = (ring_events, ring_bytes)
        self._tails: dict[str, _Tail] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, spec: TailSpec, log_groups: tuple[str, ...]) -> TailInfo:
        """Follow, or join those who follow the same. Must be called in the event loop.

        Raises:
            Overloaded: ``MAX_TAILS`` run already.
        """
        for tail in self._tails.values():
            if tail.spec == spec and tail.log_groups == log_groups:
                self._start_grace(tail)
                return tail.info()
        if len(self._tails) >= MAX_TAILS:
            raise Overloaded(f"{MAX_TAILS} tails run already; stop one first")
        tail = _Tail(secrets.token_hex(4), spec, log_groups, Ring(*self._ring), self._clock.now_ms())
        self._tails[tail.tail_id] = tail
        tail.upstream = self._spawn(self._run(tail))
        self._start_grace(tail)
        self._changed()
        return tail.info()

    @asynccontextmanager
    async def open(self, tail_id: str) -> AsyncIterator[AsyncIterator[TailBatch]]:
        """What is held of a tail, then what comes; ends with the tail. Raises ``NotFound``."""
        tail = self._tails.get(tail_id)
        if tail is None:
            raise NotFound(f"there is no tail {tail_id[:40]!r}; it may have ended")
        tail.viewers += 1
        self._stop_grace(tail)
        self._changed()
        batches = tail.batches()
        try:
            yield batches
        finally:
            await batches.aclose()
            tail.viewers -= 1
            if tail.viewers == 0 and not tail.ended:
                self._start_grace(tail)
            self._changed()

    def tails(self) -> tuple[TailInfo, ...]:
        """Those that run, oldest first."""
        return tuple(tail.info() for tail in self._tails.values())

    async def close(self) -> None:
        """End every tail; their viewers' iterators end."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, tail: _Tail) -> None:
        try:
            upstream = self._upstream(tail.spec, tail.log_groups)
            try:
                async for batch in upstream:
                    tail.take(batch)
            finally:
                await upstream.aclose()
        except Exception as error:
            _log.exception("the tail of %s broke", ", ".join(tail.log_groups))
            tail.take(TailBatch(trouble=f"the tail broke ({type(error).__name__}); start it again"))
        finally:
            self._end(tail)

    def _end(self, tail: _Tail) -> None:
        self._tails.pop(tail.tail_id, None)
        tail.ended = True
        self._stop_grace(tail)
        tail.wake()
        self._changed()

    async def _stop_after_grace(self, tail: _Tail) -> None:
        await self._clock.sleep(self._grace_s)
        tail.grace = None
        if tail.upstream is not None:
            tail.upstream.cancel()

    def _start_grace(self, tail: _Tail) -> None:
        """Give whoever asked the grace period to come; nothing while somebody watches."""
        self._stop_grace(tail)
        if tail.viewers == 0:
            tail.grace = self._spawn(self._stop_after_grace(tail))

    def _stop_grace(self, tail: _Tail) -> None:
        if tail.grace is not None:
            tail.grace.cancel()
            tail.grace = None

    def _spawn(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _changed(self) -> None:
        if self.on_change is not None:
            self.on_change()
