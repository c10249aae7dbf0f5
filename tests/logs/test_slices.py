"""Reading a range side by side: nothing twice, nothing lost, in order, and not many more requests than pages."""

from __future__ import annotations

import asyncio
import math
import random
from contextlib import aclosing
from typing import ClassVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jinkies.errors import UpstreamError
from jinkies.logs.apart import HEAD_PAGES
from jinkies.logs.fetch import Ask, LineFilter, by_time
from jinkies.logs.slices import AHEAD, BLIND_EVENTS, WORKERS, Progress, SlicedReader, _first_time, sliced
from jinkies.logs.spans import Span
from jinkies.model import LogEvent
from tests.logs.shelf import GROUP, Shelf, event


class Events(list[LogEvent]):
    """Shown by Hypothesis in one line."""

    def __repr__(self) -> str:
        return f"<{len(self)} events: {[(one.timestamp_ms, one.ingestion_ms) for one in self[:20]]} …>"


async def read(shelf: Shelf, start_ms: int, end_ms: int, limit: int | None = None, grep: str = "") -> list[LogEvent]:
    """As the service does: stop once there are ``limit``."""
    found: list[LogEvent] = []
    ask = Ask(log_group=GROUP, start_ms=start_ms, end_ms=end_ms)
    async with aclosing(sliced([shelf], [ask], LineFilter(grep=grep), wanted=limit)) as runs:
        async for run in runs:
            assert run, "a run is never empty"
            found.extend(run)
            if limit is not None and len(found) >= limit:
                break
    assert shelf.turns == 0, "turns that were not used were given back"
    assert shelf.under_way == 0
    return found[:limit]


@st.composite
def groups(draw: st.DrawFn) -> tuple[list[LogEvent], int]:
    """Events in bursts of any density, many in one millisecond too, and the last millisecond of the range."""
    bursts = draw(
        st.lists(
            st.tuples(st.integers(0, 20_000), st.sampled_from([0, 1, 1, 10, 1_000]), st.integers(1, 60)), max_size=12
        )
    )
    events, at_ms = Events(), 0
    for gap, step, count in bursts:
        at_ms += gap
        for number in range(count):
            at_ms += step
            events.append(event(at_ms, ingestion_ms=number % 3, message=f"line {number % 2}"))
    return events, at_ms + draw(st.sampled_from([0, 1, 5_000, 10_000_000]))


@given(groups(), st.integers(1, 30), st.sampled_from([0, 0, 700, 5_000]), st.integers(0, 1_000))
async def test_the_output_is_the_sorted_events(
    held: tuple[list[LogEvent], int], page_size: int, scan_ms: int, seed: int
) -> None:
    events, end_ms = held
    if scan_ms:
        end_ms = min(end_ms, 400 * scan_ms)
    expected = sorted((one for one in events if one.timestamp_ms <= end_ms), key=by_time)
    shelf = Shelf(events, page_size=page_size, scan_ms=scan_ms, seed=seed)
    assert await read(shelf, 0, end_ms) == expected
    assert shelf.most_under_way <= WORKERS
    pages = math.ceil(len(expected) / page_size) + (end_ms // scan_ms if scan_ms else 0)
    assert len(shelf.asks) <= 2.25 * pages + 3 * WORKERS, "of the wildest; see the steady lines below"


@given(groups(), st.integers(1, 30), st.integers(1, 400), st.integers(0, 1_000))
async def test_a_limit_gives_the_oldest(
    held: tuple[list[LogEvent], int], page_size: int, limit: int, seed: int
) -> None:
    events, end_ms = held
    expected = sorted(events, key=by_time)[:limit]
    shelf = Shelf(events, page_size=page_size, seed=seed)
    assert await read(shelf, 0, end_ms, limit) == expected
    shelf = Shelf(events, page_size=page_size, scan_ms=3_000, seed=seed)
    end_ms = min(end_ms, 1_000_000)
    some = [one for one in sorted(events, key=by_time) if one.timestamp_ms <= end_ms and "1" in one.message]
    assert await read(shelf, 0, end_ms, limit, grep="1") == some[:limit]


@given(st.lists(groups(), min_size=2, max_size=4), st.integers(1, 30), st.integers(0, 1_000))
async def test_groups_are_merged(held: list[tuple[list[LogEvent], int]], page_size: int, seed: int) -> None:
    shelves = [Shelf(events, page_size=page_size, seed=seed + at) for at, (events, _) in enumerate(held)]
    end_ms = max(end for _, end in held)
    asks = [Ask(log_group=GROUP, start_ms=0, end_ms=end_ms) for _ in held]
    found = [one async for run in sliced(shelves, asks, LineFilter()) for one in run]
    everything = [one for events, _ in held for one in events]
    assert list(map(by_time, found)) == sorted(map(by_time, everything))
    assert sorted(found, key=repr) == sorted(everything, key=repr)


@given(groups(), st.integers(1, 30), st.sampled_from([0, 700, 5_000]), st.integers(2, 16), st.integers(0, 1_000))
async def test_who_wants_very_many_gets_the_same(
    held: tuple[list[LogEvent], int], page_size: int, scan_ms: int, first: int, seed: int
) -> None:
    events, end_ms = held
    if scan_ms:
        end_ms = min(end_ms, 400 * scan_ms)
    expected = sorted((one for one in events if one.timestamp_ms <= end_ms), key=by_time)
    shelf = Shelf(events, page_size=page_size, scan_ms=scan_ms, seed=seed)
    shelf.most_at_first = first
    assert await read(shelf, 0, end_ms, limit=BLIND_EVENTS) == expected
    assert shelf.most_under_way <= WORKERS
    pages = math.ceil(len(expected) / page_size) + (end_ms // scan_ms if scan_ms else 0)
    assert len(shelf.asks) <= 2.25 * pages + 3 * WORKERS


async def test_the_first_requests_of_who_wants_very_many_go_out_together() -> None:
    shelf = Shelf([event(at * 10) for at in range(100_000)], page_size=500)
    shelf.most_at_first = 8
    assert len(await read(shelf, 0, 999_999, limit=BLIND_EVENTS)) >= BLIND_EVENTS
    assert [ask.start_ms for ask in shelf.asks[:2]] == [0, 125_000], "not where the first page ends"
    few = Shelf([event(at) for at in range(10)], page_size=500)
    few.most_at_first = 8
    assert len(await read(few, 0, 999_999, limit=BLIND_EVENTS)) == 10
    assert len(few.asks) <= 8, "what it costs where there is next to nothing"


def test_an_event_is_known_again_whatever_page_it_came_in() -> None:
    class Printable(LogEvent, frozen=True, kw_only=True):
        printable: ClassVar[bool] = True

    first = event(5)
    second = Printable(**msgspec.structs.asdict(first))
    span = Span(0, 10)
    span.note((first,))
    span.ask_again()
    assert _first_time(span, (second, second)) == [second], "as often as there are more"


async def test_one_page_costs_one_request() -> None:
    shelf = Shelf([event(at) for at in range(10)], page_size=10)
    assert len(await read(shelf, 0, 86_400_000)) == 10
    assert len(shelf.asks) == 1
    shelf = Shelf([event(at) for at in range(1_000)], page_size=10)
    assert len(await read(shelf, 0, 86_400_000, limit=10)) == 10
    assert len(shelf.asks) == 1


async def test_a_small_limit_is_not_run_away_from() -> None:
    shelf = Shelf([event(at * 10) for at in range(10_000)], page_size=100)
    assert len(await read(shelf, 0, 99_990, limit=450)) == 450
    assert len(shelf.asks) <= 8


async def test_who_asks_for_more_than_was_wanted_gets_it() -> None:
    shelf = Shelf([event(at) for at in range(60)], page_size=3)
    reader = SlicedReader(shelf, Ask(log_group=GROUP, start_ms=0, end_ms=59), LineFilter(), wanted=3)
    found: list[LogEvent] = []
    async with asyncio.timeout(30):
        while not reader.ended:
            await reader.fill()
            found += reader.held
            reader.held = []
            for _ in range(200):  # until nothing is under way
                await shelf.idle()
    await reader.close()
    assert found == shelf.events


async def test_steady_lines_cost_hardly_more_requests_than_pages() -> None:
    chance = random.Random(1)
    shelf = Shelf([event(int(at * 10 + chance.gauss(0, 30)) + 1_000) for at in range(100_000)], page_size=500)
    assert len(await read(shelf, 0, 2_000_000)) == 100_000
    assert len(shelf.asks) <= 1.35 * 200 + WORKERS
    assert shelf.most_under_way > 4


@pytest.mark.parametrize(("depth", "share"), [(1, 1.0), (4, 1.3), (9, 1.45)])
async def test_lines_in_bursts_cost_few_requests(depth: int, share: float) -> None:
    chance = random.Random(7)
    bursts = [(chance.randrange(0, 3_480_000), chance.randrange(5_000, 30_000)) for _ in range(20)]
    inside = [int(begin + chance.random() * length) for begin, length in bursts for _ in range(50)]
    shelf = Shelf([event(at_ms) for at_ms in [*inside, *range(0, 3_540_000, 3_540)]], page_size=50)
    shelf.most = depth
    assert len(await read(shelf, 0, 3_600_000)) == 2_000
    assert len(shelf.asks) <= share * 40
    assert shelf.most_under_way == depth


async def test_a_dense_second_in_a_quiet_day_is_read_side_by_side() -> None:
    quiet = [event(at * 60_000) for at in range(1_440)]
    dense = [event(40_000_000 + at // 10) for at in range(10_000)]
    shelf = Shelf(quiet + dense, page_size=100)
    assert await read(shelf, 0, 86_400_000) == sorted(quiet + dense, key=by_time)
    assert len(shelf.asks) <= 1.5 * 115 + 2 * WORKERS
    assert shelf.most_under_way > 4


async def test_a_millisecond_of_many_pages() -> None:
    events = [event(5_000, ingestion_ms=at) for at in range(3_000)]
    shelf = Shelf([event(1), *events, event(9_000)], page_size=100)
    assert await read(shelf, 0, 10_000) == [event(1), *events, event(9_000)]
    assert len(shelf.asks) <= 31 + 2 * WORKERS


async def test_what_is_held_ahead_of_the_head_is_bounded() -> None:
    shelf = Shelf([event(at * 10) for at in range(100_000)], page_size=100)
    reader = SlicedReader(shelf, Ask(log_group=GROUP, start_ms=0, end_ms=1_000_000), LineFilter())
    await reader.fill()
    for _ in range(3):
        reader.held = []
        await reader.fill()
    asked = 0
    while asked != len(shelf.asks):  # until it stops by itself: an answer takes fewer turns of the loop than these
        asked = len(shelf.asks)
        for _ in range(40):
            await shelf.idle()
    assert len(shelf.asks) <= 4 + AHEAD + HEAD_PAGES
    await reader.close()


async def test_a_failure_comes_behind_the_lines_before_it() -> None:
    shelf = Shelf([event(at * 10) for at in range(10_000)], page_size=100)
    shelf.fails_at_ms = 50_000
    found: list[LogEvent] = []
    ask = Ask(log_group=GROUP, start_ms=0, end_ms=100_000)

    async def read_on() -> None:
        async with aclosing(sliced([shelf], [ask], LineFilter())) as runs:
            async for run in runs:
                found.extend(run)

    with pytest.raises(UpstreamError, match="it broke here"):
        await read_on()
    assert found == shelf.events[: len(found)]
    assert 45_000 <= found[-1].timestamp_ms < 50_000
    assert shelf.under_way == 0


async def test_progress_counts_what_is_filtered_too() -> None:
    shelf = Shelf([event(at * 10, message=f"line {at}") for at in range(5_000)], page_size=100)
    progress = Progress()
    ask = Ask(log_group=GROUP, start_ms=0, end_ms=50_000)
    runs = sliced([shelf], [ask], LineFilter(grep="line 4999$"), progress=progress)
    assert [one.message for run in [run async for run in runs] for one in run] == ["line 4999"]
    assert (progress.events, progress.requests, progress.reached_ms) == (5_000, len(shelf.asks), 50_000)
