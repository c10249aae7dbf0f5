"""Following log groups through Live Tail: sessions bring lines at once, readings make sure that none is missing.

Live Tail samples above 500 events a second, drops what is not taken in time, and ends in several ways. So whatever a
session may have missed is read with FilterLogEvents: when it begins, when it samples, when it is lost, and every
``SWEEP_S`` besides, for what it left out silently. Where no session runs, groups are polled as ``follow`` does.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Coroutine, Iterable
from contextlib import aclosing

import msgspec

from jinkies.clock import Clock
from jinkies.errors import JinkiesError
from jinkies.logs.fetch import Ask, LineFilter, PageSource, merged
from jinkies.logs.follow import BACKOFF_MOST_S, POLL_S, Patient, is_final, trouble_of
from jinkies.logs.ledger import Cover
from jinkies.logs.once import Counted, Once
from jinkies.logs.seen import Ordinals
from jinkies.logs.sessions import LiveSource, LiveUpdate
from jinkies.logs.shards import shards
from jinkies.logs.sweep import Backoff
from jinkies.model import LedgerSpan, LogEvent, TailBatch, TailFigures, TailSpec, Upstream

TICK_S = 1.0  # how often sessions are looked after, and ledger and figures told
SWEEP_S = 30.0  # between readings of a group that a session covers
LAG_MS = 5_000  # a line that a session has not brought after this long is read instead
GAP_S = 1.0  # between two readings of a group, at least
OUTBOX_EVENTS = 10_000
OUTBOX_BYTES = 16 * 1_048_576
SAMPLED = "Live Tail sent a sample only: too many lines at once"
FULL = "Live Tail was faster than they could be taken in"


class LiveFollower:
    """One endless following of some log groups, see ``follow.Follower``.

    Outbox policy: past its bounds readings wait, and a session's update is left to the next reading.

    Args:
        start_ms: where to begin, in milliseconds since the epoch, when an earlier tail is taken up again; what came
            since is then marked as backfilled. None: where the spec says.
    """

    def __init__(
        self,
        source: PageSource,
        live: LiveSource,
        spec: TailSpec,
        log_groups: tuple[str, ...],
        clock: Clock,
        *,
        start_ms: int | None = None,
        poll_s: float = POLL_S,
    ) -> None:
        now_ms = clock.now_ms()
        begin_ms = spec.begins_ms(now_ms) if start_ms is None else start_ms
        self._source = source
        self._pattern = spec.filter_pattern
        self._keep = LineFilter.of(spec)
        self._clock = clock
        self._poll_s = poll_s
        self._backoff = Backoff(poll_s, max(poll_s, BACKOFF_MOST_S))
        self._once = Once(log_groups, begin_ms)
        self._counted = Counted()
        self._cover = Cover(self._once.sweeps, begin_ms)
        self._shards = shards(live, log_groups, spec.filter_pattern, clock, self)
        self._due_s = dict.fromkeys(self._once.sweeps, 0.0)
        self._read_s: dict[str, float] = {}
        self._reading: frozenset[str] = frozenset()
        self._expected_ms: dict[str, int] = {}  # events of a group from then on should have come by a session
        self._resumed_ms = 0 if start_ms is None else now_ms  # what came before is backfilled
        self._failures: dict[str, JinkiesError] = {}
        self._started = self._final = self._ever_came = False
        self._outbox: list[LogEvent] = []
        self._outbox_bytes = 0
        self._reported: TailFigures | None = None
        self._told: str | None = None
        self._report = False
        self._wake, self._kick, self._room = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def batches(self) -> AsyncGenerator[TailBatch, None]:
        """What comes, in order within a batch; for ever, or until a trouble that is final."""
        tasks = [self._spawn(self._read_for_ever()), self._spawn(self._tick_for_ever())]
        try:
            while True:
                self._wake.clear()
                if (batch := self._batch()) is not None:
                    yield batch
                    if batch.final:
                        return
                    continue
                for task in tasks:
                    if task.done():
                        task.result()
                await self._wake.wait()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for shard in self._shards:
                await shard.close()

    # ------------------------------------------------------------------ what sessions say

    def began(self, log_groups: tuple[str, ...]) -> None:
        """See ``Ears``: what came while none ran is read."""
        now_ms = self._clock.now_ms()
        self._ever_came = self._report = True
        self._wake.set()
        for group in log_groups:
            self._expected_ms.setdefault(group, now_ms)
            self._cover.live(group, now_ms)
            self._due(group)

    def came(self, log_groups: tuple[str, ...], ordinals: Ordinals, update: LiveUpdate) -> None:
        """See ``Ears``."""
        now_ms = self._clock.now_ms()
        full = bool(update.events) and self._is_full()
        if not full:
            self._put(self._once.live(ordinals, self._keep.keep(update.events)))
        for group in log_groups:
            if full or update.sampled:
                self._cover.sampled(group, now_ms, FULL if full else SAMPLED)
                self._due(group)
            else:
                self._cover.live(group, now_ms)
            if group not in self._reading:
                self._once.sweeps[group].seen.trim(now_ms - 2 * int(SWEEP_S) * 1000)

    def lost(self, log_groups: tuple[str, ...], reason: str) -> None:
        """See ``Ears``."""
        for group in log_groups:
            self._cover.lost(group, self._clock.now_ms(), reason)
            self._due(group)

    # ------------------------------------------------------------------ readings

    def _due(self, group: str) -> None:
        """Read a group as soon as may be."""
        self._due_s[group] = min(self._due_s[group], self._read_s.get(group, -GAP_S) + GAP_S)
        self._kick.set()

    async def _read_for_ever(self) -> None:
        while True:
            self._kick.clear()
            now_s = self._clock.monotonic_s()
            due = [group for group, at_s in self._due_s.items() if at_s <= now_s]
            if due:
                await self._read(due)
            else:
                await self._kick.wait()

    async def _read(self, due: list[str]) -> None:
        now_ms, monotonic_s = self._clock.now_ms(), self._clock.monotonic_s()
        self._reading = frozenset(due)
        self._due_s.update((group, float("inf")) for group in due)
        self._read_s.update((group, monotonic_s) for group in due)
        sweeps = [self._once.sweeps[group] for group in due]
        asks = [
            Ask(log_group=sweep.log_group, start_ms=sweep.begin(now_ms, monotonic_s), pattern=self._pattern)
            for sweep in sweeps
        ]
        until_ms = {group: now_ms - LAG_MS for group in due if self._cover.covered(group)}
        source = Patient(self._source)
        async with aclosing(merged(source, asks, self._keep)) as runs:
            async for run in runs:
                await self._offer(self._once.read(run, until_ms))
        self._reading = frozenset()
        self._finish(due, asks, source, now_ms, monotonic_s)

    def _finish(self, due: list[str], asks: list[Ask], source: Patient, now_ms: int, monotonic_s: float) -> None:
        for group, ask in zip(due, asks, strict=True):
            error, sweep = source.failures.get(ask.log_group), self._once.sweeps[group]
            if error is None:
                self._failures.pop(group, None)
                self._ever_came = True
                sweep.note(source.read.get(ask.log_group, 0), source.newest_ms.get(ask.log_group, 0))
                sweep.finish(monotonic_s)
                self._cover.read(group, ask.start_ms, now_ms)
            else:
                self._failures[group] = error
                self._cover.failed(group, str(error), self._clock.now_ms(), final=is_final(error))
        self._counted.requests += source.requests
        pause_s = self._pause(slow_down=source.strained(len(due)))
        for group in due:
            covered = self._cover.covered(group) and group not in self._failures
            next_s = self._clock.monotonic_s() + max(pause_s, SWEEP_S if covered else 0)
            self._due_s[group] = min(self._due_s[group], next_s)
        if not self._started:
            self._started = self._report = True
            self._tend()
        self._wake.set()

    def _pause(self, *, slow_down: bool) -> float:
        if slow_down:
            return self._backoff.failed(random.random())  # noqa: S311 - spreads retries, hides nothing
        self._backoff.succeeded()
        return self._poll_s

    async def _offer(self, events: Iterable[LogEvent]) -> None:
        self._put([self._marked(event) for event in events])
        while self._is_full():
            self._room.clear()
            await self._room.wait()

    def _marked(self, event: LogEvent) -> LogEvent:
        """An event that was read: backfilled where a session should have brought it."""
        expected_ms = self._expected_ms.get(event.log_group)
        missed = expected_ms is not None and event.timestamp_ms >= expected_ms and self._hopeful
        if missed or event.timestamp_ms < self._resumed_ms:
            return msgspec.structs.replace(event, backfilled=True)
        return event

    # ------------------------------------------------------------------ what is given out

    @property
    def _hopeful(self) -> bool:
        return any(shard.refused is None for shard in self._shards)

    def _is_full(self) -> bool:
        return len(self._outbox) >= OUTBOX_EVENTS or self._outbox_bytes >= OUTBOX_BYTES

    def _put(self, events: list[LogEvent]) -> None:
        if events:
            self._outbox.extend(events)
            self._outbox_bytes += sum(len(event.message) for event in events)
            self._wake.set()

    def _batch(self) -> TailBatch | None:
        """What there is to say; None when there is nothing."""
        events = self._counted.give(self._outbox)
        self._outbox, self._outbox_bytes = [], 0
        self._room.set()
        spans: tuple[LedgerSpan, ...] = ()
        figures: TailFigures | None = None
        if self._report:
            self._report = False
            spans = self._cover.changes(self._clock.now_ms())
            figures = self._figures()
        undecided = self._refused() and not self._final  # Live Tail may give what can't be read
        trouble = None if undecided else trouble_of(self._failures.values())
        if not (events or spans or figures or self._final or trouble != self._told):
            return None
        self._told = trouble
        return TailBatch(events=events, trouble=trouble, spans=spans, figures=figures, final=self._final)

    def _figures(self) -> TailFigures | None:
        if self._started:
            live = all(shard.running for shard in self._shards)
            self._counted.upstream = Upstream.LIVE if live else Upstream.POLLING
            self._counted.why = self._why()
        figures = self._counted.figures(
            duplicates=self._once.duplicates,
            sessions=sum(shard.opened for shard in self._shards),
            live_ms=round(sum(shard.live_s() for shard in self._shards) * 1000),
        )
        if figures == self._reported:
            return None
        self._reported = figures
        return figures

    def _why(self) -> str:
        """Why some groups are polled: no session of theirs runs, and the last attempt was refused."""
        reasons = (shard.failed for shard in self._shards if not shard.running and self._ever_came)
        return " · ".join(dict.fromkeys(reason for reason in reasons if reason))[:500]

    async def _tick_for_ever(self) -> None:
        while True:
            await self._clock.sleep(TICK_S)
            if self._started:
                self._tend()
            self._final = self._is_final()
            now_s = self._clock.monotonic_s()
            if any(at_s <= now_s for at_s in self._due_s.values()):
                self._kick.set()
            self._report = True
            self._wake.set()

    def _tend(self) -> None:
        for shard in self._shards:
            shard.tick()

    def _is_final(self) -> bool:
        return self._refused() and all(shard.hopeless for shard in self._shards)

    def _refused(self) -> bool:
        """Nothing ever came, and no group can be read."""
        refused = len(self._failures) == len(self._due_s) and all(map(is_final, self._failures.values()))
        return refused and not self._ever_came

    def _spawn(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(lambda _: self._wake.set())
        return task
