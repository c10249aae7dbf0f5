from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import pytest

from jinkies.errors import NotFound, Overloaded
from jinkies.logs.hub import MAX_TAILS, RESUME_OVERLAP_MS, TailHub
from jinkies.logs.ledger import Ledger
from jinkies.logs.ring import Ring
from jinkies.model import Coverage, LedgerSpan, LogEvent, TailBatch, TailFigures, TailSpec
from tests.logs.clock import START_MS, ManualClock

SPEC = TailSpec(targets=("api",))
GROUPS = ("/a",)


class Upstreams:
    """Upstreams that a test feeds by hand."""

    def __init__(self) -> None:
        self.queues: list[asyncio.Queue[TailBatch | Exception]] = []
        self.from_ms: list[int | None] = []
        self.closed = 0
        self.started = asyncio.Event()

    async def __call__(
        self, spec: TailSpec, groups: tuple[str, ...], start_ms: int | None, /
    ) -> AsyncGenerator[TailBatch, None]:
        queue: asyncio.Queue[TailBatch | Exception] = asyncio.Queue()
        self.queues.append(queue)
        self.from_ms.append(start_ms)
        self.started.set()
        try:
            while True:
                item = await queue.get()
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            self.closed += 1

    def feed(self, *texts: str, tail: int = 0, trouble: str | None = None) -> None:
        events = [
            LogEvent(log_group="/a", log_stream="s", timestamp_ms=START_MS, ingestion_ms=START_MS, message=text)
            for text in texts
        ]
        self.queues[tail].put_nowait(TailBatch(events=tuple(events), trouble=trouble))


@asynccontextmanager
async def hubbed(
    clock: ManualClock, *, ring_events: int = 1_000, ring_bytes: int = 1 << 20
) -> AsyncIterator[tuple[TailHub, Upstreams]]:
    upstreams = Upstreams()
    hub = TailHub(upstreams, clock, grace_s=30, ring_events=ring_events, ring_bytes=ring_bytes)
    try:
        yield hub, upstreams
    finally:
        await hub.close()


async def take(viewer: AsyncIterator[TailBatch], count: int) -> list[str]:
    texts: list[str] = []
    while len(texts) < count:
        texts.extend(event.message for event in (await anext(viewer)).events)
    return texts


async def ended(hub: TailHub) -> None:
    """Until no tail runs."""
    moved, told = asyncio.Event(), hub.on_change

    def change() -> None:
        moved.set()
        if told is not None:
            told()

    hub.on_change = change
    while hub.tails():
        moved.clear()
        await moved.wait()


async def test_equal_specs_share_one_upstream(clock: ManualClock) -> None:
    async with hubbed(clock) as (hub, upstreams):
        first = hub.start(SPEC, GROUPS)
        assert hub.start(TailSpec(targets=("api",)), GROUPS) == first
        other = hub.start(TailSpec(targets=("api",), grep="x"), GROUPS)
        assert other.tail_id != first.tail_id
        await upstreams.started.wait()
        assert [info.tail_id for info in hub.tails()] == [first.tail_id, other.tail_id]
        async with hub.open(first.tail_id) as one, hub.open(first.tail_id) as two:
            upstreams.feed("a", "b")
            assert await take(one, 2) == ["a", "b"]
            assert await take(two, 2) == ["a", "b"]
            assert hub.tails()[0].viewers == 2


async def test_late_joiners_get_what_is_held_first(clock: ManualClock) -> None:
    async with hubbed(clock, ring_events=3) as (hub, upstreams):
        tail_id = hub.start(SPEC, GROUPS).tail_id
        await upstreams.started.wait()
        async with hub.open(tail_id) as first:
            upstreams.feed("a", "b", "c", "d", trouble="throttled")
            batch = await anext(first)
            assert (batch.dropped, batch.trouble) == (1, "throttled")
            async with hub.open(tail_id) as late:
                batch = await anext(late)
                assert [event.message for event in batch.events] == ["b", "c", "d"]
                assert (batch.dropped, batch.trouble) == (0, "throttled")
                upstreams.feed("e")
                assert await take(late, 1) == ["e"]


async def test_a_slow_viewer_loses_the_oldest_is_told_and_slows_nobody(clock: ManualClock) -> None:
    async with hubbed(clock, ring_events=10) as (hub, upstreams):
        tail_id = hub.start(SPEC, GROUPS).tail_id
        await upstreams.started.wait()
        async with hub.open(tail_id) as slow, hub.open(tail_id) as quick:
            upstreams.feed("0")
            assert await take(slow, 1) == ["0"]
            assert await take(quick, 1) == ["0"]
            for number in range(1, 101):
                upstreams.feed(str(number))
                assert await take(quick, 1) == [str(number)]
            batch = await anext(slow)
            assert batch.dropped == 90
            assert [event.message for event in batch.events] == [str(number) for number in range(91, 101)]


def logged(number: int) -> LogEvent:
    at_ms = START_MS + number * 1_000
    return LogEvent(log_group="/a", log_stream="s", timestamp_ms=at_ms, ingestion_ms=at_ms, message=str(number))


async def test_what_a_viewer_lost_is_missing_from_its_ledger_and_from_nobody_elses(clock: ManualClock) -> None:
    async with hubbed(clock, ring_events=10) as (hub, upstreams):
        tail_id = hub.start(SPEC, GROUPS).tail_id
        await upstreams.started.wait()
        async with hub.open(tail_id) as slow, hub.open(tail_id) as quick:
            told: dict[str, Ledger] = {"slow": Ledger(), "quick": Ledger()}

            async def take_all(name: str, viewer: AsyncIterator[TailBatch], last: int) -> int:
                dropped = 0
                async for batch in viewer:
                    dropped += batch.dropped
                    for one in batch.spans:
                        told[name].put(one)
                    if batch.events and batch.events[-1].message == str(last) and batch.spans:
                        return dropped
                raise AssertionError("it ended")

            for first in (0, 5, 10, 15, 20):
                events = tuple(logged(number) for number in range(first, first + 5))
                spans = (span(START_MS // 1000 + first, START_MS // 1000 + first + 5),)
                upstreams.queues[0].put_nowait(TailBatch(events=events, spans=spans))
                assert await take_all("quick", quick, first + 4) == 0
            assert await take_all("slow", slow, 24) == 15
            upstreams.queues[0].put_nowait(  # what is said of these seconds once more covers nothing up
                TailBatch(events=(logged(25),), spans=(span(START_MS // 1000, START_MS // 1000 + 26),))
            )
            assert await take_all("slow", slow, 25) == 0
            assert await take_all("quick", quick, 25) == 0
    start_s = START_MS // 1000
    assert [(one.start_s - start_s, one.end_s - start_s, one.coverage) for one in told["slow"].spans()] == [
        (0, 15, Coverage.MISSING),
        (15, 26, Coverage.COMPLETE),
    ]
    assert told["quick"].spans() == (span(start_s, start_s + 26),)


async def test_no_span_comes_before_the_lines_of_its_seconds(clock: ManualClock) -> None:
    async with hubbed(clock, ring_events=2_000) as (hub, upstreams):
        tail_id = hub.start(SPEC, GROUPS).tail_id
        await upstreams.started.wait()
        async with hub.open(tail_id) as first:
            events = tuple(logged(number) for number in range(1_200))
            upstreams.queues[0].put_nowait(TailBatch(events=events, spans=(span(0, 1_200),)))
            await take(first, 1_200)
            async with hub.open(tail_id) as late:
                batches = [await anext(late) for _ in range(3)]
    assert [(len(batch.events), len(batch.spans)) for batch in batches] == [(500, 0), (500, 0), (200, 1)]


async def test_the_ring_is_bounded_in_bytes(clock: ManualClock) -> None:
    async with hubbed(clock, ring_bytes=100_000) as (hub, upstreams):
        tail_id = hub.start(SPEC, GROUPS).tail_id
        await upstreams.started.wait()
        async with hub.open(tail_id) as first:
            upstreams.feed(*(f"{number:<10000}" for number in range(50)))
            await anext(first)
            async with hub.open(tail_id) as late:
                batch = await anext(late)
                assert len(batch.events) == 9
                assert batch.events[-1].message.strip() == "49"
            upstreams.feed("x" * 1_000_000)
            await anext(first)
            async with hub.open(tail_id) as late:
                batch = await anext(late)
                assert len(batch.events) == 1, "the newest stays, however large"


def test_what_leaves_the_ring_leaves_the_memory() -> None:
    ring = Ring(100_000, 2_000_000)
    tracemalloc.start()
    try:
        for at in range(60):
            wide = LogEvent(log_group="/a", log_stream="s", timestamp_ms=at, ingestion_ms=at, message="x" * 100_000)
            ring.extend((wide,))
            assert tracemalloc.get_traced_memory()[0] < 2_300_000
    finally:
        tracemalloc.stop()
    assert ring.end == 60


async def test_the_last_viewers_leaving_stops_the_upstream_after_the_grace_period(clock: ManualClock) -> None:
    async with hubbed(clock) as (hub, upstreams):
        changes: list[int] = []
        hub.on_change = lambda: changes.append(sum(info.viewers for info in hub.tails()))
        tail_id = hub.start(SPEC, GROUPS).tail_id
        await upstreams.started.wait()
        async with hub.open(tail_id):
            clock.advance(1_000)
        await clock.asleep(2)
        clock.advance(29)
        async with hub.open(tail_id) as viewer:  # back in time
            clock.advance(1_000)
            upstreams.feed("still here")
            assert await take(viewer, 1) == ["still here"]
        await clock.asleep(3)
        clock.advance(30)
        await ended(hub)
        assert upstreams.closed == 1
        assert changes == [0, 1, 0, 1, 0, 0]
        with pytest.raises(NotFound, match=f"there is no tail '{tail_id}'"):
            async with hub.open(tail_id):
                pass


async def test_who_comes_while_a_tail_is_being_stopped_gets_a_new_one(clock: ManualClock) -> None:
    closing, closed = asyncio.Event(), asyncio.Event()

    async def follow(
        spec: TailSpec, groups: tuple[str, ...], start_ms: int | None, /
    ) -> AsyncGenerator[TailBatch, None]:
        try:
            await asyncio.Event().wait()
            yield TailBatch()
        finally:
            closing.set()
            await closed.wait()  # Live Tail sessions take their time

    hub = TailHub(follow, clock, grace_s=30)
    first = hub.start(SPEC, GROUPS).tail_id
    await clock.pass_until_next_sleep(0)
    clock.advance(30)
    async with asyncio.timeout(30):
        await closing.wait()
    assert hub.start(SPEC, GROUPS).tail_id != first
    with pytest.raises(NotFound):
        async with hub.open(first):
            pass
    closed.set()
    await hub.close()


async def test_a_tail_that_nobody_opens_stops_too(clock: ManualClock) -> None:
    async with hubbed(clock) as (hub, upstreams):
        hub.start(SPEC, GROUPS)
        await upstreams.started.wait()
        await clock.asleep(1)
        clock.advance(30)
        await ended(hub)
        assert upstreams.closed == 1


async def test_closing_ends_the_viewers(clock: ManualClock) -> None:
    async with hubbed(clock) as (hub, upstreams):
        tail_id = hub.start(SPEC, GROUPS).tail_id
        await upstreams.started.wait()
        async with hub.open(tail_id) as viewer:
            upstreams.feed("last")
            assert await take(viewer, 1) == ["last"]
            await hub.close()
            assert [batch async for batch in viewer] == []


async def test_an_upstream_that_breaks_says_so_and_ends(clock: ManualClock, caplog: pytest.LogCaptureFixture) -> None:
    async with hubbed(clock) as (hub, upstreams):
        tail_id = hub.start(SPEC, GROUPS).tail_id
        await upstreams.started.wait()
        async with hub.open(tail_id) as viewer:
            upstreams.queues[0].put_nowait(RuntimeError("a fault of ours"))
            batches = [batch async for batch in viewer]
        assert [batch.trouble for batch in batches] == ["the tail broke (RuntimeError); start it again"]
        assert hub.tails() == ()


async def test_trouble_is_told_when_it_begins_and_ends(clock: ManualClock) -> None:
    async with hubbed(clock) as (hub, upstreams):
        tail_id = hub.start(SPEC, GROUPS).tail_id
        await upstreams.started.wait()
        async with hub.open(tail_id) as viewer:
            upstreams.feed(trouble="throttled")
            assert (await anext(viewer)).trouble == "throttled"
            upstreams.feed(trouble="throttled")
            upstreams.feed()
            assert (await anext(viewer)).trouble is None


async def test_tails_are_bounded(clock: ManualClock) -> None:
    async with hubbed(clock) as (hub, _):
        for number in range(MAX_TAILS):
            hub.start(TailSpec(targets=(str(number),)), (f"/{number}",))
        with pytest.raises(Overloaded, match="32 tails run already"):
            hub.start(SPEC, GROUPS)


def span(start_s: int, end_s: int, coverage: Coverage = Coverage.COMPLETE) -> LedgerSpan:
    return LedgerSpan(start_s=start_s, end_s=end_s, coverage=coverage)


async def test_who_joins_late_gets_the_whole_ledger_who_is_there_its_changes(clock: ManualClock) -> None:
    async with hubbed(clock) as (hub, upstreams):
        tail_id = hub.start(SPEC, GROUPS).tail_id
        await upstreams.started.wait()
        async with hub.open(tail_id) as first:
            for batch in (
                TailBatch(spans=(span(0, 10),), figures=TailFigures(events=1)),
                TailBatch(spans=(span(10, 12, Coverage.BACKFILLING),)),
                TailBatch(spans=(span(10, 14),), figures=TailFigures(events=2)),
            ):
                upstreams.queues[0].put_nowait(batch)
                told = await anext(first)
                assert told.spans == batch.spans
                assert told.figures == batch.figures
            async with hub.open(tail_id) as late:
                told = await anext(late)
                assert told.spans == (span(0, 14),)
                assert told.figures == TailFigures(events=2)
            assert hub.tails()[0].figures == TailFigures(events=2)


async def test_figures_are_published_at_a_modest_pace(clock: ManualClock) -> None:
    async with hubbed(clock) as (hub, upstreams):
        tail_id = hub.start(SPEC, GROUPS).tail_id
        await upstreams.started.wait()
        async with hub.open(tail_id) as viewer:
            changes: list[int] = []
            hub.on_change = lambda: changes.append(hub.tails()[0].figures.events)
            for second in range(1, 31):
                clock.advance(1)
                upstreams.queues[0].put_nowait(TailBatch(figures=TailFigures(events=second)))
                await anext(viewer)
            assert changes == [10, 20, 30]


async def test_equal_groups_share_an_upstream_whatever_they_are_called(clock: ManualClock) -> None:
    async with hubbed(clock) as (hub, _):
        first = hub.start(TailSpec(targets=("api",), since_ms=60_000), ("/a", "/b"))
        clock.advance(10)
        assert hub.start(TailSpec(targets=("/b", "/a"), since_ms=30_000), ("/b", "/a")).tail_id == first.tail_id
        assert hub.start(TailSpec(targets=("api",), since_ms=60_000), ("/a", "/b")).tail_id == first.tail_id
        further = hub.start(TailSpec(targets=("api",), since_ms=600_000), ("/a", "/b"))
        assert further.tail_id != first.tail_id, "the first does not reach back so far"


async def test_a_trouble_that_is_final_is_told_as_such_and_ends_the_tail(clock: ManualClock) -> None:
    async with hubbed(clock) as (hub, upstreams):
        tail_id = hub.start(SPEC, GROUPS).tail_id
        await upstreams.started.wait()
        async with hub.open(tail_id) as viewer:
            upstreams.feed(trouble="denied")
            assert not (await anext(viewer)).final
            upstreams.queues[0].put_nowait(TailBatch(trouble="denied", final=True))
            told = await anext(viewer)
            assert (told.trouble, told.final) == ("denied", True)


async def test_what_was_followed_is_followed_again_from_where_it_was(clock: ManualClock) -> None:
    async with hubbed(clock) as (hub, upstreams):
        info = hub.start(SPEC, GROUPS)
        await upstreams.started.wait()
        start_s = (START_MS - SPEC.since_ms) // 1000
        async with hub.open(info.tail_id) as viewer:
            batch = TailBatch(
                spans=(span(start_s, start_s + 290), span(start_s + 290, start_s + 300, Coverage.BACKFILLING))
            )
            upstreams.queues[0].put_nowait(batch)
            await anext(viewer)
            (saved,) = hub.saved()
    assert saved.done_ms == (start_s + 290) * 1000
    clock.advance(3_600)
    async with hubbed(clock) as (hub, upstreams):
        again = hub.resume(saved, GROUPS)
        await upstreams.started.wait()
        assert upstreams.from_ms == [saved.done_ms - RESUME_OVERLAP_MS]
        assert hub.start(SPEC, GROUPS).tail_id == again.tail_id, "who comes back joins it"


async def test_all_rings_together_are_bounded(clock: ManualClock) -> None:
    upstreams = Upstreams()
    hub = TailHub(upstreams, clock, total_bytes=100_000)
    try:
        ids = []
        for at in range(2):
            ids.append(hub.start(TailSpec(targets=(str(at),)), (f"/{at}",)).tail_id)
            while len(upstreams.queues) <= at:
                upstreams.started.clear()
                await upstreams.started.wait()
        async with hub.open(ids[0]) as large, hub.open(ids[1]) as small:
            upstreams.feed(*(f"{number:<10000}" for number in range(8)))
            await take(large, 8)
            upstreams.feed(*(f"{number:<10000}" for number in range(4)), tail=1)
            assert len(await take(small, 4)) == 4
            async with hub.open(ids[0]) as late:
                assert (await anext(late)).events[-1].message.strip() == "7"
            assert sum(one.ring.bytes for one in hub._tails.values()) <= 100_000
    finally:
        await hub.close()
