"""Live Tail and polling of ministack give the same lines."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any

from jinkies.clock import SystemClock
from jinkies.logs.service import LogsService
from jinkies.model import Coverage, LogEvent, TailBatch, TailMode, TailSpec, Upstream
from tests.logs.conftest import desk

GROUPS = tuple(f"/same/{number}" for number in range(12))  # more than one session holds
WAIT_S = 90.0


async def write(cloudwatch: Any, group: str, *messages: str) -> None:
    at_ms = time.time_ns() // 1_000_000
    await cloudwatch.put_log_events(
        logGroupName=group,
        logStreamName="s",
        logEvents=[{"timestamp": at_ms, "message": message} for message in messages],
    )


async def collect(logs: LogsService, mode: TailMode, count: int, ready: asyncio.Event) -> list[TailBatch]:
    """The batches of a tail until so many events came; ``ready`` is set once it follows all groups."""
    found: list[TailBatch] = []
    polls = mode is TailMode.POLL
    tail_id = logs.start_tail(TailSpec(targets=("all",), mode=mode)).tail_id
    async with asyncio.timeout(WAIT_S), logs.open_tail(tail_id) as batches:
        async for batch in batches:
            found.append(batch)
            figures = batch.figures
            if figures is not None and (figures.upstream is Upstream.POLLING if polls else figures.sessions == 2):
                ready.set()
            if sum(len(one.events) for one in found) >= count:
                break
    return found


def identity(event: LogEvent) -> tuple[str, str, int, int, str]:
    return (event.log_group, event.log_stream, event.timestamp_ms, event.ingestion_ms, event.message)


async def test_live_tail_and_polling_give_the_same_lines(ministack_url: str, cloudwatch: Any) -> None:
    for group in GROUPS:
        await cloudwatch.create_log_group(logGroupName=group)
        await cloudwatch.create_log_stream(logGroupName=group, logStreamName="s")
    await write(cloudwatch, GROUPS[0], "before", "before", "ERROR before")
    lives, polls = asyncio.Event(), asyncio.Event()
    async with LogsService(desk(ministack_url, all=GROUPS), SystemClock()) as logs:
        count = 3 + len(GROUPS) * 5 * 3
        live = asyncio.create_task(collect(logs, TailMode.AUTO, count, lives))
        poll = asyncio.create_task(collect(logs, TailMode.POLL, count, polls))
        await asyncio.gather(lives.wait(), polls.wait())
        for number in range(5):
            for group in GROUPS:
                await write(cloudwatch, group, f"line {number}", "again", "again")
        by_live, by_poll = await live, await poll
    lines = [[identity(event) for batch in batches for event in batch.events] for batches in (by_live, by_poll)]
    assert Counter(lines[0]) == Counter(lines[1])
    assert max(Counter(lines[0]).values()) >= 2, "repeated lines are there as often as they were written"
    figures = [batch.figures for batch in by_live if batch.figures is not None]
    assert figures[-1].upstream is Upstream.LIVE
    assert figures[-1].sessions == 2
    spans = [span for batch in by_live for span in batch.spans]
    assert {span.coverage for span in spans} <= {Coverage.COMPLETE, Coverage.BACKFILLING}
