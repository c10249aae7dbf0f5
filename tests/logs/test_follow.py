from __future__ import annotations

import asyncio
import tracemalloc
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jinkies.errors import UpstreamError
from jinkies.logs import once as identities
from jinkies.logs import sweep
from jinkies.logs.follow import Follower
from jinkies.logs.once import Once
from jinkies.logs.seen import Ordinals, Seen
from jinkies.model import Level, LogEvent, TailBatch, TailSpec
from tests.logs.clock import START_MS, ManualClock
from tests.logs.memory import Memory

POLL_S = 2.0


class Viewer:
    """What a follower gave out."""

    def __init__(self, clock: ManualClock) -> None:
        self.batches: list[TailBatch] = []
        self._clock = clock

    @property
    def events(self) -> list[LogEvent]:
        return [event for batch in self.batches for event in batch.events]

    @property
    def texts(self) -> list[str]:
        return [event.message for event in self.events]

    @property
    def troubles(self) -> list[str | None]:
        """Each change of it, once."""
        told = [None, *(batch.trouble for batch in self.batches)]
        return [after for before, after in pairwise(told) if after != before]

    async def polls(self, seconds: float, *, step_s: float = POLL_S) -> None:
        for _ in range(round(seconds / step_s)):
            await self._clock.pass_until_next_sleep(step_s)


@asynccontextmanager
async def following(
    source: Memory, clock: ManualClock, *groups: str, spec: TailSpec | None = None
) -> AsyncIterator[Viewer]:
    """A follower at work; entering waits for its first poll."""
    viewer = Viewer(clock)
    follower = Follower(source, spec or TailSpec(targets=("/a",)), groups or ("/a",), clock, poll_s=POLL_S)

    async def run() -> None:
        async for batch in follower.batches():
            viewer.batches.append(batch)

    slept = clock.slept
    task = asyncio.create_task(run())
    try:
        await clock.asleep(slept + 1)
        yield viewer
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_history_first_then_what_comes_each_once(clock: ManualClock) -> None:
    source = Memory(page_size=3)
    source.put("too old", START_MS - 300_001)
    for at in range(8):
        source.put(f"old {at}", START_MS - 300_000 + at)
    async with following(source, clock) as viewer:
        assert viewer.texts == [f"old {at}" for at in range(8)]
        for at in range(40):
            source.put(f"new {at}", clock.now_ms())
            await viewer.polls(2)
        assert viewer.texts[8:] == [f"new {at}" for at in range(40)]
        assert not any(event.late for event in viewer.events)


async def test_equal_lines_are_told_apart_by_their_number(clock: ManualClock) -> None:
    source = Memory()
    async with following(source, clock) as viewer:
        source.put("again", START_MS + 1, times=3)
        await viewer.polls(2)
        assert viewer.texts == ["again"] * 3
        await viewer.polls(60)
        assert viewer.texts == ["again"] * 3, "re-reading brings nothing twice"
        source.put("again", START_MS + 1)  # the same in everything, later still
        await viewer.polls(60)
        assert viewer.texts == ["again"] * 4


async def test_late_events_are_found_and_marked(clock: ManualClock) -> None:
    source = Memory()
    async with following(source, clock) as viewer:
        await viewer.polls(600)
        source.put("on time", clock.now_ms())
        await viewer.polls(2)
        source.put("seconds late", clock.now_ms() - 9_000)
        await viewer.polls(2)
        assert [(event.message, event.late) for event in viewer.events] == [("on time", False), ("seconds late", True)]
        source.put("minutes late", clock.now_ms() - 4 * 60_000)
        await viewer.polls(32)
        assert viewer.texts[2:] == ["minutes late"]
        source.put("ten minutes late", clock.now_ms() - 600_000)
        await viewer.polls(302)
        assert viewer.texts[3:] == ["ten minutes late"]
        assert all(event.late for event in viewer.events[1:])


async def test_trouble_is_told_and_nothing_is_lost(clock: ManualClock) -> None:
    source = Memory()
    async with following(source, clock) as viewer:
        source.failing["/a"] = UpstreamError("CloudWatch is throttling", retry=True)
        await viewer.polls(2)
        assert viewer.troubles == ["CloudWatch is throttling"]
        for at in range(20):
            source.put(f"during {at}", clock.now_ms() + at)
        before = len(source.asks)
        await viewer.polls(120, step_s=30)
        assert len(source.asks) - before == 4, "it backs off"
        assert viewer.troubles == ["CloudWatch is throttling"], "said once"
        del source.failing["/a"]
        await viewer.polls(30, step_s=30)
        assert viewer.texts == [f"during {at}" for at in range(20)]
        assert viewer.troubles[-1] is None


async def test_an_outage_longer_than_any_overlap_loses_nothing(clock: ManualClock) -> None:
    source = Memory()
    async with following(source, clock, "/a", "/b") as viewer:
        source.failing["/a"] = UpstreamError("CloudWatch is unreachable", retry=True)
        source.put("as it began", clock.now_ms() + 1)
        await viewer.polls(3_600, step_s=30)
        del source.failing["/a"]
        await viewer.polls(30, step_s=30)
        assert viewer.texts == ["as it began"]


async def test_a_group_that_fails_does_not_stop_the_others(clock: ManualClock) -> None:
    source = Memory()
    source.failing["/b"] = UpstreamError("no log group /b in this account and region")
    async with following(source, clock, "/a", "/b") as viewer:
        assert viewer.troubles == ["no log group /b in this account and region"]
        source.put("of a", START_MS)
        source.put("of b", START_MS, group="/b")
        await viewer.polls(60, step_s=30)
        assert viewer.texts == ["of a"]
        del source.failing["/b"]
        await viewer.polls(60, step_s=30)
        assert viewer.texts == ["of a", "of b"]


async def test_a_missing_group_does_not_make_the_others_late(clock: ManualClock) -> None:
    source = Memory()
    source.failing["/b"] = UpstreamError("no log group /b in this account and region")
    async with following(source, clock, "/a", "/b") as viewer:
        for at in range(10):
            source.put(f"of a, {at}", clock.now_ms())
            await viewer.polls(2)
            assert viewer.texts[-1] == f"of a, {at}"
        source.failing["/b"] = UpstreamError("CloudWatch is throttling logs:FilterLogEvents", retry=True)
        source.asks.clear()
        await viewer.polls(60, step_s=30)
        assert len(source.asks) <= 6, "throttled is throttled for all groups"


async def test_pattern_level_and_grep(clock: ManualClock) -> None:
    source = Memory()
    spec = TailSpec(targets=("/a",), filter_pattern="order", level=Level.ERROR, grep=r"\d{2}")
    async with following(source, clock, spec=spec) as viewer:
        for at, line in enumerate(["ERROR order 12", "ERROR order 1", "INFO order 12", "ERROR other 12"]):
            source.put(line, START_MS + at)
        await viewer.polls(2)
        assert viewer.texts == ["ERROR order 12"]
        assert {ask.pattern for ask in source.asks} == {"order"}


async def test_a_busy_group_is_read_again_less_far(clock: ManualClock) -> None:
    source = Memory()
    for at in range(60_000):
        source.put(str(at), START_MS - 300_000 + at * 5)
    async with following(source, clock) as viewer:
        assert len(viewer.events) == 60_000
        await viewer.polls(2)
        reread = sum(event.timestamp_ms >= source.asks[-1].start_ms for event in source.events)
        assert reread < sweep.MAX_REREAD + 2_500
        await viewer.polls(310)
        assert len(viewer.events) == 60_000


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 8),  # polls until it is written
            st.integers(0, 290_000),  # how late it becomes visible, ms
            st.sampled_from(["a", "b"]),  # few texts: many are equal
            st.integers(1, 3),
            st.sampled_from(["/a", "/b"]),
        ),
        max_size=25,
    ),
    st.sets(st.integers(0, 8), max_size=4),  # polls that fail
    st.integers(1, 5),
)
async def test_every_event_is_given_out_exactly_once(
    plan: list[tuple[int, int, str, int, str]], failing: set[int], page_size: int
) -> None:
    clock, source = ManualClock(), Memory(page_size=page_size)
    async with following(source, clock, "/a", "/b") as viewer:
        await viewer.polls(300, step_s=100)
        for poll in range(9):
            for _, late_ms, text, times, group in (entry for entry in plan if entry[0] == poll):
                source.put(text, clock.now_ms() - late_ms // 1000 * 1000, group=group, ingested_ms=1, times=times)
            source.failing = {"/a": UpstreamError("down", retry=True)} if poll in failing else {}
            await viewer.polls(30, step_s=30)
        source.failing = {}
        await viewer.polls(60, step_s=30)
        told = [(event.log_group, event.message, event.timestamp_ms) for event in viewer.events]
        assert Counter(told) == Counter((e.log_group, e.message, e.timestamp_ms) for e in source.events)
        shown_ms = 0
        for event in viewer.events:
            assert event.late == (event.timestamp_ms < shown_ms)
            shown_ms = max(shown_ms, event.timestamp_ms)


def test_identities_are_bounded_and_never_forgotten_into_a_repeat() -> None:
    source, seen, ordinals = Memory(), Seen(0, capacity=1_000), Ordinals()
    events = [source.put(f"line {at}", START_MS + at * 100) for at in range(5_000)]
    keyed = [(event, ordinals.key(event)) for event in events]
    for event, key in keyed:
        assert not seen.has(event, key)
        seen.add(event, key)
        seen.trim(event.timestamp_ms - 10_000)
        assert len(seen) <= 1_000 + 110
    assert all(seen.has(event, key) for event, key in keyed)
    assert seen.floor_ms > START_MS
    again = Seen.of(seen.state(), 1_000)
    assert all(again.has(event, key) for event, key in keyed)
    assert len(again) == len(seen)


def test_a_long_reading_holds_a_bounded_number_of_identities(monkeypatch: pytest.MonkeyPatch) -> None:
    """At a tenth of the bounds and of the lines: all that is allocated is traced, which takes long."""
    monkeypatch.setattr(identities, "IDENTITIES", identities.IDENTITIES // 10)
    monkeypatch.setattr(sweep, "NUMBERED", sweep.NUMBERED // 10)
    once = Once(("/a",), START_MS)
    once.sweeps["/a"].begin(START_MS + 86_400_000, 0.0)

    def read(second: int) -> int:
        texts = (f"{second} {at // 2}" for at in range(200))  # each twice
        times = START_MS + second * 1_000
        return len(once.read([Memory().put(text, times) for text in texts], {}))

    tracemalloc.start()
    try:
        assert all(read(second) == 200 for second in range(150))
        held = tracemalloc.get_traced_memory()[0]
        assert all(read(second) == 200 for second in range(150, 300))
        assert tracemalloc.get_traced_memory()[0] < held + 100_000
    finally:
        tracemalloc.stop()


def test_backoff_doubles_up_to_its_bound_and_starts_over() -> None:
    backoff = sweep.Backoff(2, 30)
    assert [backoff.failed(0) for _ in range(6)] == [2, 4, 8, 16, 30, 30]
    assert backoff.failed(1) == 22.5
    backoff.succeeded()
    assert backoff.failed(0) == 2
