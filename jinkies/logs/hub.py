"""Tails shared by all who watch: one upstream for equal targets, one ring of what was read, a place per viewer."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Protocol

import msgspec

from jinkies.clock import Clock
from jinkies.errors import NotFound, Overloaded
from jinkies.logs.ledger import Ledger
from jinkies.logs.ring import RING_BYTES, RING_EVENTS, Ring
from jinkies.logs.targets import group_name
from jinkies.logs.viewers import Viewer
from jinkies.model import SavedTail, TailBatch, TailFigures, TailInfo, TailSpec

GRACE_S = 30.0
RESUME_OVERLAP_MS = 60_000  # what came late meanwhile
RESUMED_GRACE_S = 300.0  # how long a tail of before a restart waits for its viewers to come back
TOTAL_BYTES = 4 * RING_BYTES  # of all rings together; past it the largest give up their oldest
FIGURES_S = 10.0  # how often the figures of tails are published, at most
MAX_TAILS = 32

_log = logging.getLogger(__name__)


class Follow(Protocol):
    """Starts following; whoever calls it closes what it returns."""

    def __call__(
        self, spec: TailSpec, log_groups: tuple[str, ...], start_ms: int | None, /
    ) -> AsyncGenerator[TailBatch, None]:
        """``start_ms``: where an earlier tail is taken up again; None begins where the spec says."""
        ...


class _Tail:
    """A running upstream and its viewers."""

    def __init__(self, saved: SavedTail, log_groups: tuple[str, ...], ring: Ring, started_at_ms: int) -> None:
        self.tail_id = secrets.token_hex(4)
        self.spec = saved.spec
        self.log_groups = log_groups
        self.start_ms = saved.start_ms
        self.done_ms = saved.done_ms
        self.ring = ring
        self.ledger = Ledger()
        self.figures: TailFigures | None = None
        self.started_at_ms = started_at_ms
        self.viewers: list[Viewer] = []
        self.trouble: str | None = None
        self.final = False
        self.ended = False
        self.moved = asyncio.Event()  # replaced at each change, so that every viewer sees it once
        self.upstream: asyncio.Task[None] | None = None
        self.grace: asyncio.Task[None] | None = None

    def info(self) -> TailInfo:
        return TailInfo(
            tail_id=self.tail_id,
            spec=self.spec,
            log_groups=self.log_groups,
            viewers=len(self.viewers),
            started_at_ms=self.started_at_ms,
            figures=self.figures or TailFigures(),
        )

    def saved(self) -> SavedTail:
        return SavedTail(spec=self.spec, start_ms=self.start_ms, done_ms=self.done_ms)

    def serves(self, spec: TailSpec, log_groups: tuple[str, ...], start_ms: int) -> bool:
        """Whether this is what somebody asks for: the same lines, from as far back at least."""
        like = {"targets": self.spec.targets, "since_ms": self.spec.since_ms, "from_ms": self.spec.from_ms}
        same = msgspec.structs.replace(spec, **like) == self.spec
        return same and _names(log_groups) == _names(self.log_groups) and self.start_ms <= start_ms

    def take(self, batch: TailBatch) -> None:
        news = bool(batch.events or batch.spans or batch.figures or batch.final or batch.trouble != self.trouble)
        self.left(self.ring.extend(batch.events))
        self.trouble, self.final = batch.trouble, batch.final
        self.figures = batch.figures or self.figures
        for span in batch.spans:
            self.ledger.put(span)
        for viewer in self.viewers if batch.spans else ():
            viewer.changed(batch.spans, self.ledger, self.ring.end)
        if batch.spans and (until_s := self.ledger.settled_until_s()) is not None:
            self.done_ms = max(self.done_ms, until_s * 1000)
        if news:
            self.wake()

    def left(self, seconds: set[int]) -> None:
        """Lines of these seconds left the ring: who did not take them yet lost them."""
        for viewer in self.viewers if seconds else ():
            if viewer.place < self.ring.first:
                viewer.lose(seconds)

    def joined(self) -> Viewer:
        """Another viewer, at the oldest line held."""
        viewer = Viewer(self.ring.first, self.ring.gone_ms)
        viewer.begin(self.ledger, self.start_ms, self.ring.end)
        self.viewers.append(viewer)
        return viewer

    def wake(self) -> None:
        self.moved.set()
        self.moved = asyncio.Event()

    async def batches(self, viewer: Viewer) -> AsyncGenerator[TailBatch, None]:
        """What is held, then what comes. A viewer that falls behind the ring loses the oldest, and is told how many."""
        while True:
            moved = self.moved
            if (batch := self._next(viewer)) is not None:
                yield batch
            elif self.ended:
                return
            else:
                await moved.wait()

    def _next(self, viewer: Viewer) -> TailBatch | None:
        dropped = max(0, self.ring.first - viewer.place)
        viewer.place += dropped
        events = self.ring.read(viewer.place)
        viewer.place += len(events)
        final = self.final and viewer.place == self.ring.end and not viewer.final
        figures = self.figures if self.figures is not viewer.figures else None
        if not (events or dropped or viewer.owed() or figures or final or self.trouble != viewer.trouble):
            return None
        gone_ms, viewer.gone_ms = viewer.gone_ms, None
        viewer.final, viewer.trouble, viewer.figures = final, self.trouble, self.figures
        return TailBatch(
            events=events,
            dropped=dropped,
            gone_ms=gone_ms,
            trouble=self.trouble,
            final=final,
            spans=viewer.take_spans(),
            figures=figures,
        )


class TailHub:
    """All tails of this process. Close it: it owns their tasks.

    Args:
        follow: starts following; the hub closes what it returns.
        clock: for the grace period.
        grace_s: how long a tail runs on without a viewer.
    """

    def __init__(
        self,
        follow: Follow,
        clock: Clock,
        *,
        grace_s: float = GRACE_S,
        ring_events: int = RING_EVENTS,
        ring_bytes: int = RING_BYTES,
        total_bytes: int = TOTAL_BYTES,
    ) -> None:
        self.on_change: Callable[[], None] | None = None  # called after a tail, its viewers or its figures changed
        self._follow = follow
        self._clock = clock
        self._grace_s = grace_s
        self._ring = (ring_events, ring_bytes)
        self._total_bytes = total_bytes
        self._tails: dict[str, _Tail] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._published_s = 0.0

    def start(self, spec: TailSpec, log_groups: tuple[str, ...]) -> TailInfo:
        """Follow, or join those who follow the same. Must be called in the event loop.

        Raises:
            Overloaded: ``MAX_TAILS`` run already.
        """
        start_ms = spec.begins_ms(self._clock.now_ms())
        for tail in self._tails.values():
            if tail.serves(spec, log_groups, start_ms):
                self._start_grace(tail, self._grace_s)
                return tail.info()
        saved = SavedTail(spec=spec, start_ms=start_ms, done_ms=start_ms)
        return self._launch(saved, log_groups, None, self._grace_s).info()

    def resume(self, saved: SavedTail, log_groups: tuple[str, ...]) -> TailInfo:
        """Follow what was followed before a restart, from where it was; it waits longer for a viewer. As ``start``.

        It begins early enough for who comes back, and for who asks the same anew.
        """
        anew_ms = self._clock.now_ms() - saved.spec.since_ms
        start_ms = max(saved.start_ms, min(saved.done_ms - RESUME_OVERLAP_MS, anew_ms))
        for tail in self._tails.values():
            if tail.serves(saved.spec, log_groups, start_ms):
                return tail.info()
        resumed = SavedTail(spec=saved.spec, start_ms=start_ms, done_ms=start_ms)
        return self._launch(resumed, log_groups, start_ms, max(self._grace_s, RESUMED_GRACE_S)).info()

    @asynccontextmanager
    async def open(self, tail_id: str) -> AsyncIterator[AsyncIterator[TailBatch]]:
        """What is held of a tail, then what comes; ends with the tail. Raises ``NotFound``."""
        tail = self._tails.get(tail_id)
        if tail is None:
            raise NotFound(f"there is no tail {tail_id[:40]!r}; it may have ended")
        viewer = tail.joined()
        self._stop_grace(tail)
        self._changed()
        batches = tail.batches(viewer)
        try:
            yield batches
        finally:
            await batches.aclose()
            tail.viewers.remove(viewer)
            if not tail.ended:
                self._start_grace(tail, self._grace_s)
            self._changed()

    def tails(self) -> tuple[TailInfo, ...]:
        """Those that run, oldest first."""
        return tuple(tail.info() for tail in self._tails.values())

    def saved(self) -> tuple[SavedTail, ...]:
        """What to follow again after a restart."""
        return tuple(tail.saved() for tail in self._tails.values())

    async def close(self) -> None:
        """End every tail; their viewers' iterators end."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _launch(self, saved: SavedTail, log_groups: tuple[str, ...], from_ms: int | None, grace_s: float) -> _Tail:
        if len(self._tails) >= MAX_TAILS:
            raise Overloaded(f"{MAX_TAILS} tails run already; stop one first")
        tail = _Tail(saved, log_groups, Ring(*self._ring), self._clock.now_ms())
        self._tails[tail.tail_id] = tail
        tail.upstream = self._spawn(self._run(tail, from_ms))
        self._start_grace(tail, grace_s)
        self._changed()
        return tail

    async def _run(self, tail: _Tail, from_ms: int | None) -> None:
        try:
            upstream = self._follow(tail.spec, tail.log_groups, from_ms)
            try:
                async for batch in upstream:
                    tail.take(batch)
                    self._bound()
                    if batch.figures is not None:
                        self._figures_changed()
            finally:
                await upstream.aclose()
        except Exception as error:
            _log.exception("the tail of %s broke", ", ".join(tail.log_groups))
            tail.take(TailBatch(trouble=f"the tail broke ({type(error).__name__}); start it again"))
        finally:
            self._end(tail)

    def _bound(self) -> None:
        """Keep all rings together under their bound."""
        excess = sum(one.ring.bytes for one in self._tails.values()) - self._total_bytes
        if excess > 0:
            largest = max(self._tails.values(), key=lambda tail: tail.ring.bytes)
            largest.left(largest.ring.shrink(self._ring[0], largest.ring.bytes - excess))

    def _end(self, tail: _Tail) -> None:
        self._tails.pop(tail.tail_id, None)
        tail.ended = True
        self._stop_grace(tail)
        tail.wake()
        self._changed()

    async def _stop_after_grace(self, tail: _Tail, grace_s: float) -> None:
        await self._clock.sleep(grace_s)
        tail.grace = None
        self._tails.pop(tail.tail_id, None)  # closing takes a while: who comes meanwhile needs another
        if tail.upstream is not None:
            tail.upstream.cancel()

    def _start_grace(self, tail: _Tail, grace_s: float) -> None:
        """Give whoever asked the grace period to come; nothing while somebody watches."""
        self._stop_grace(tail)
        if not tail.viewers:
            tail.grace = self._spawn(self._stop_after_grace(tail, grace_s))

    def _stop_grace(self, tail: _Tail) -> None:
        if tail.grace is not None:
            tail.grace.cancel()
            tail.grace = None

    def _spawn(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _figures_changed(self) -> None:
        if self._clock.monotonic_s() - self._published_s >= FIGURES_S:
            self._changed()

    def _changed(self) -> None:
        self._published_s = self._clock.monotonic_s()
        if self.on_change is not None:
            self.on_change()


def _names(log_groups: Iterable[str]) -> frozenset[str]:
    return frozenset(map(group_name, log_groups))
