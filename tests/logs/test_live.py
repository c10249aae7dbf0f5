"""Tails through the simulated CloudWatch's Live Tail, with hours passing in seconds."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from jinkies.clock import Clock
from jinkies.config import Config
from jinkies.logs import shards
from jinkies.logs.follow import ASKED_FOR
from jinkies.logs.ledger import Ledger
from jinkies.logs.service import LogsService
from jinkies.model import Coverage, LedgerSpan, LogEvent, TailBatch, TailFigures, TailMode, TailSpec, Upstream
from jinkies.simulators.cloudwatch import Fault, Kind, SimulatedCloudWatch, World
from tests.logs.conftest import desk
from tests.virtual import START_MS, run_virtually


class Tail:
    """What a tail gave out, and what it said of itself."""

    def __init__(self, cloudwatch: SimulatedCloudWatch, clock: Clock) -> None:
        self.cloudwatch = cloudwatch
        self.clock = clock
        self.events: list[LogEvent] = []
        self.ledger = Ledger()
        self.spans: list[LedgerSpan] = []
        self.figures = TailFigures()
        self.troubles: list[str | None] = []
        self.ended = False

    async def follow(self, batches: AsyncIterator[TailBatch]) -> None:
        async for batch in batches:
            self._take(batch)
        self.ended = True

    def _take(self, batch: TailBatch) -> None:
        self.events += batch.events
        self.spans += batch.spans
        for span in batch.spans:
            self.ledger.put(span)
        self.figures = batch.figures or self.figures
        if batch.trouble != (self.troubles[-1] if self.troubles else None):
            self.troubles.append(batch.trouble)

    def put(self, message: str, group: str = "/a", *, live: bool = True, late_ms: int = 0, times: int = 1) -> None:
        """An event that is there from now on."""
        now_ms = self.clock.now_ms()
        self.cloudwatch.world.put(group, message, now_ms - late_ms, ingestion_ms=now_ms, live=live, times=times)

    async def passes(self, seconds: float, *, every_s: float = 0, group: str = "/a") -> None:
        """Time, with a line every so often."""
        until_s = self.clock.monotonic_s() + seconds
        while every_s and self.clock.monotonic_s() + every_s < until_s:
            await self.clock.sleep(every_s)
            self.put(f"at {self.clock.now_ms()}", group)
        await self.clock.sleep(until_s - self.clock.monotonic_s())

    def check(self, *groups: str) -> None:
        """Nothing lost, nothing invented, in order but for what is late."""
        sent = [event.identity for group in groups or ("/a",) for event in self.cloudwatch.world.events(group)]
        got = [(e.log_group, e.log_stream, e.timestamp_ms, e.ingestion_ms, e.message) for e in self.events]
        assert Counter(got) == Counter(sent)
        shown_ms = 0
        for event in self.events:
            assert event.late == (event.timestamp_ms < shown_ms)
            shown_ms = max(shown_ms, event.timestamp_ms)
        assert self.figures.events == len(self.events)
        assert self.figures.late == sum(event.late for event in self.events)
        assert self.figures.backfilled == sum(event.backfilled for event in self.events)

    def coverage(self) -> list[tuple[int, int, Coverage]]:
        """The ledger, in seconds since the start."""
        start_s = START_MS // 1000
        return [(span.start_s - start_s, span.end_s - start_s, span.coverage) for span in self.ledger.spans()]


@asynccontextmanager
async def tailing(
    clock: Clock, *faults: Fault, spec: TailSpec | None = None, groups: tuple[str, ...] = ("/a",)
) -> AsyncIterator[Tail]:
    spec = spec or TailSpec(targets=("api",), since_ms=0)
    async with SimulatedCloudWatch(World(*groups), clock=clock) as cloudwatch:
        config: Config = desk(cloudwatch.address, api=groups)
        tail = Tail(cloudwatch, clock)
        async with LogsService(config, clock) as logs:
            await logs.check()  # opens the client, in a thread: time must not jump meanwhile
            cloudwatch.fault(*faults)
            cloudwatch.calls.clear()
            async with logs.open_tail(logs.start_tail(spec).tail_id) as batches:
                task = asyncio.create_task(tail.follow(batches))
                try:
                    yield tail
                finally:
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)


def test_lines_come_at_once_and_readings_are_seldom() -> None:
    async def work(clock: Clock) -> None:
        async with tailing(clock) as tail:
            await tail.passes(20)
            asked = len(tail.cloudwatch.asked())
            await tail.passes(300, every_s=7.137)
            await tail.passes(0.5)
            tail.put("again", times=3)
            await tail.passes(2)
            tail.check()
            assert [event.message for event in tail.events[-3:]] == ["again"] * 3
            assert tail.figures.upstream is Upstream.LIVE
            assert tail.figures.sessions == 1
            assert 315_000 <= tail.figures.live_ms <= 323_000
            assert not any(event.backfilled for event in tail.events)
            assert len(tail.cloudwatch.asked()) - asked <= 11
            ((start_s, end_s, coverage),) = tail.coverage()
            assert (start_s, coverage) == (0, Coverage.COMPLETE)
            assert end_s >= 308

    run_virtually(work)


@pytest.mark.parametrize("kind", [Kind.LIVE_DROP, Kind.LIVE_END, Kind.LIVE_TIMEOUT, Kind.LIVE_BREAK])
def test_whichever_way_a_session_ends_nothing_is_lost(kind: Kind) -> None:
    async def work(clock: Clock) -> None:
        async with tailing(clock, Fault(kind=kind, value=40.0, times=3)) as tail:
            await tail.passes(300, every_s=0.737)
            await tail.passes(40)
            tail.check()
            assert tail.figures.sessions == 4
            assert tail.figures.upstream is Upstream.LIVE
            assert {coverage for _, _, coverage in tail.coverage()} == {Coverage.COMPLETE}
            reasons = [span.reason for span in tail.spans if span.coverage is Coverage.BACKFILLING]
            assert any(reason.startswith("the Live Tail session ended: ") for reason in reasons)

    run_virtually(work)


def test_a_silent_session_is_dead_after_ten_seconds() -> None:
    async def work(clock: Clock) -> None:
        stall = Fault(kind=Kind.LIVE_STALL, start_ms=START_MS + 60_000, end_ms=START_MS + 90_000)
        async with tailing(clock, stall) as tail:
            await tail.passes(180, every_s=0.937)
            await tail.passes(40)
            tail.check()
            assert tail.figures.sessions >= 2
            assert any(event.backfilled for event in tail.events)
            assert max(event.timestamp_ms for event in tail.events if event.backfilled) < START_MS + 120_000
            assert {coverage for _, _, coverage in tail.coverage()} == {Coverage.COMPLETE}
            assert any("it fell silent" in span.reason for span in tail.spans)

    run_virtually(work)


def test_sampled_updates_are_repaired() -> None:
    async def work(clock: Clock) -> None:
        async with tailing(clock) as tail:
            await tail.passes(30)
            for burst in range(3):
                for number in range(1_200):
                    tail.put(f"burst {burst} {number % 700}")
                await tail.passes(5)
            assert len(tail.events) == 3_600, "each within seconds"
            await tail.passes(60)
            tail.check()
            assert any("sample" in span.reason for span in tail.spans)
            assert {coverage for _, _, coverage in tail.coverage()} == {Coverage.COMPLETE}

    run_virtually(work)


def test_what_live_tail_leaves_out_silently_is_found() -> None:
    async def work(clock: Clock) -> None:
        async with tailing(clock) as tail:
            await tail.passes(60)
            tail.put("not by live tail", live=False)
            await tail.passes(3)
            tail.put("by live tail")
            await tail.passes(40)
            tail.check()
            assert [(e.message, e.backfilled, e.late) for e in tail.events] == [
                ("by live tail", False, False),
                ("not by live tail", True, True),
            ]
            tail.put("half an hour late", late_ms=1_700_000, live=False)
            await tail.passes(400)
            assert [e.message for e in tail.events[2:]] == [], "before the tail began"

    run_virtually(work)


def test_late_events_come_live_and_are_marked() -> None:
    async def work(clock: Clock) -> None:
        async with tailing(clock, spec=TailSpec(targets=("api",), since_ms=600_000)) as tail:
            await tail.passes(60)
            tail.put("on time")
            await tail.passes(2)
            tail.put("late", late_ms=300_000)
            await tail.passes(2)
            assert [(e.message, e.late, e.backfilled) for e in tail.events] == [
                ("on time", False, False),
                ("late", True, False),
            ]
            await tail.passes(400)
            tail.check()

    run_virtually(work)


def test_what_comes_later_than_readings_reach_back_is_given_once() -> None:
    async def work(clock: Clock) -> None:
        async with tailing(clock) as tail:
            await tail.passes(3_000)
            tail.put("forty minutes late", late_ms=2_400_000, times=2)
            tail.put("before it began", late_ms=3_600_000)
            await tail.passes(60)
            assert [(event.message, event.late) for event in tail.events] == [("forty minutes late", False)] * 2
            tail.put("now")
            await tail.passes(2)
            tail.put("later still", late_ms=2_500_000)
            await tail.passes(400)
            assert [(event.message, event.late) for event in tail.events[2:]] == [("now", False), ("later still", True)]

    run_virtually(work)


def test_an_old_session_is_handed_over_without_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "ROLLOVER_S", 120.0)

    async def work(clock: Clock) -> None:
        async with tailing(clock) as tail:
            await tail.passes(90.05)
            await tail.passes(90, every_s=0.25)  # never with an update, which would leave it to the next reading
            await tail.passes(3)
            tail.check()
            assert tail.figures.sessions == 2
            assert tail.figures.duplicates > 0, "both sessions brought the lines of the overlap"
            assert not any(event.backfilled for event in tail.events)
            assert [session.ending for session in tail.cloudwatch.live.sessions] == ["client", ""]
            assert len(tail.coverage()) == 1
            assert Coverage.BACKFILLING not in {span.coverage for span in tail.spans[5:]}

    run_virtually(work)


@pytest.mark.parametrize("kind", [Kind.DENY, Kind.OVER_LIMIT])
def test_where_live_tail_is_refused_it_polls(kind: Kind) -> None:
    async def work(clock: Clock) -> None:
        refused = Fault(kind=kind, action="StartLiveTail", end_ms=START_MS + 600_000)
        async with tailing(clock, refused) as tail:
            await tail.passes(300, every_s=0.937)
            await tail.passes(3)
            tail.check()
            assert tail.figures.upstream is Upstream.POLLING
            assert tail.figures.sessions == 0
            quota = "as many Live Tail sessions run as this account may have"
            assert (quota if kind is Kind.OVER_LIMIT else "logs:StartLiveTail on /a") in tail.figures.why
            assert not any(event.backfilled for event in tail.events)
            assert tail.troubles == []
            await tail.passes(900, every_s=9.137)
            await tail.passes(3)
            tail.check()
            if kind is Kind.OVER_LIMIT:
                assert tail.figures.sessions == 1, "a quota may have room again"
                assert not tail.figures.why
            else:
                assert len(tail.cloudwatch.asked("StartLiveTail")) == 1
            assert {coverage for _, _, coverage in tail.coverage()} == {Coverage.COMPLETE}

    run_virtually(work)


def test_what_live_tail_may_not_look_up_is_named() -> None:
    async def work(clock: Clock) -> None:
        async with tailing(clock, Fault(kind=Kind.DENY, action="DescribeLogGroups")) as tail:
            await tail.passes(10, every_s=0.937)
            assert tail.figures.upstream is Upstream.POLLING
            assert "logs:DescribeLogGroups on /a" in tail.figures.why

    run_virtually(work)


def test_who_asked_for_polling_is_told_so() -> None:
    async def work(clock: Clock) -> None:
        spec = TailSpec(targets=("api",), since_ms=0, mode=TailMode.POLL)
        async with tailing(clock, spec=spec) as tail:
            await tail.passes(5, every_s=0.937)
            assert (tail.figures.upstream, tail.figures.why) == (Upstream.POLLING, ASKED_FOR)

    run_virtually(work)


def test_what_can_not_be_read_is_in_the_ledger() -> None:
    async def work(clock: Clock) -> None:
        denied = Fault(kind=Kind.DENY, action="FilterLogEvents")
        lost = Fault(kind=Kind.LIVE_END, start_ms=START_MS + 60_000, value=20, times=1)
        refused = Fault(
            kind=Kind.OVER_LIMIT, action="StartLiveTail", start_ms=START_MS + 60_000, end_ms=START_MS + 90_000
        )
        spec = TailSpec(targets=("api",), since_ms=60_000)
        async with tailing(clock, denied, lost, refused, spec=spec) as tail:
            await tail.passes(200, every_s=0.937)
            await tail.passes(2)
            assert "access denied" in (tail.troubles[-1] or "")
            missing = [(start, end) for start, end, coverage in tail.coverage() if coverage is Coverage.MISSING]
            (first, second) = missing
            assert first == (-60, 0)
            assert 45 <= second[0] < 60
            assert 90 < second[1] < 180
            shown = {event.timestamp_ms for event in tail.events}
            absent = [e for e in tail.cloudwatch.world.events("/a") if e.timestamp_ms not in shown]
            assert absent
            for event in absent:
                second_s = (event.timestamp_ms - START_MS) // 1000
                assert any(start <= second_s < end for start, end in missing), second_s
            tail.cloudwatch.faults.clear()
            await tail.passes(60)
            tail.check()
            assert {coverage for _, _, coverage in tail.coverage()} == {Coverage.COMPLETE}

    run_virtually(work)


def test_a_trouble_that_is_final_ends_the_tail() -> None:
    async def work(clock: Clock) -> None:
        for mode in TailMode:
            async with tailing(clock, Fault(kind=Kind.DENY), spec=TailSpec(targets=("api",), mode=mode)) as tail:
                async with asyncio.timeout(60):
                    while not tail.ended:
                        await tail.passes(0.5)
                assert ["access denied" in (trouble or "") for trouble in tail.troubles] == [True]

    run_virtually(work)


def test_more_groups_than_a_session_takes() -> None:
    groups = tuple(f"/g{number}" for number in range(23))

    async def work(clock: Clock) -> None:
        async with tailing(clock, Fault(kind=Kind.LIVE_DROP, value=30, times=5), groups=groups) as tail:
            for _ in range(20):
                for group in groups:
                    tail.put("a line", group)
                await tail.passes(5)
            await tail.passes(60)
            tail.check(*groups)
            assert len(tail.cloudwatch.live.open) == 3

    run_virtually(work)


def test_sessions_are_closed_with_the_tail() -> None:
    async def work(clock: Clock) -> None:
        async with (
            SimulatedCloudWatch(World("/a"), clock=clock) as cloudwatch,
            LogsService(desk(cloudwatch.address, api=("/a",)), clock) as logs,
        ):
            info = logs.start_tail(TailSpec(targets=("api",)))
            async with logs.open_tail(info.tail_id) as batches:
                async for batch in batches:
                    if batch.figures is not None and batch.figures.upstream is Upstream.LIVE:
                        break
            assert len(cloudwatch.live.open) == 1
            await clock.sleep(60)
            assert logs.tails() == ()
            assert cloudwatch.live.open == []

    run_virtually(work)
