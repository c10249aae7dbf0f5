"""A log group in memory for reading side by side: pages of any size, empty ones too, answers in any order."""

from __future__ import annotations

import asyncio
import random
from bisect import bisect_left
from collections import Counter

from jinkies.errors import UpstreamError
from jinkies.logs.fetch import Ask, Page, by_time
from jinkies.logs.slices import WORKERS
from jinkies.model import LogEvent

GROUP = "/shelf"


def event(at_ms: int, ingestion_ms: int = 0, message: str = "x", group: str = GROUP) -> LogEvent:
    return LogEvent(log_group=group, log_stream="s", timestamp_ms=at_ms, ingestion_ms=ingestion_ms, message=message)


class Shelf:
    """A source with turns, see ``slices.Turns``.

    Args:
        events: what the group holds.
        page_size: of a full page.
        scan_ms: a request searches so much time at most, so that sparse ranges have empty pages; 0 is no bound.
        seed: of the order in which requests that are under way together are answered.
    """

    def __init__(self, events: list[LogEvent], *, page_size: int = 10, scan_ms: int = 0, seed: int = 0) -> None:
        self.events = sorted(events, key=by_time)
        self.page_size = page_size
        self.scan_ms = scan_ms
        self.asks: list[Ask] = []
        self.taken: Counter[tuple[int, int]] = Counter()
        self.turns = 0
        self.under_way = 0
        self.most_under_way = 0
        self.most = WORKERS  # requests under way that are of use
        self.most_at_first = 1  # likewise, before any answer
        self.fails_at_ms: int | None = None  # a request that would read this far fails
        self._times = [event.timestamp_ms for event in self.events]
        self._random = random.Random(seed)

    async def turn(self) -> None:
        await asyncio.sleep(0)
        self.turns += 1

    def return_turns(self) -> None:
        self.turns = 0

    def depth(self) -> int:
        return self.most

    def depth_at_first(self) -> int:
        return self.most_at_first

    async def page(self, ask: Ask, token: str | None = None, /) -> Page:
        assert ask.end_ms is not None
        assert ask.start_ms <= ask.end_ms
        self.turns = max(0, self.turns - 1)
        self.asks.append(ask)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            for _ in range(self._random.randrange(20)):
                await asyncio.sleep(0)
        finally:
            self.under_way -= 1
        return self._page(ask, token)

    def _page(self, ask: Ask, token: str | None) -> Page:
        assert ask.end_ms is not None
        start, end = ask.start_ms, ask.end_ms
        place, from_ms = bisect_left(self._times, start), start
        if token is not None:
            first, last, place, from_ms = map(int, token.split("/"))
            assert (first, last) == (start, end), "a token belongs to the range that it was given for"
        until_ms = min(end, from_ms + self.scan_ms - 1) if self.scan_ms else end
        stop = min(place + self.page_size, bisect_left(self._times, until_ms + 1))
        if stop - place == self.page_size:
            until_ms = self._times[stop - 1]
        if self.fails_at_ms is not None and from_ms <= self.fails_at_ms <= until_ms:
            raise UpstreamError("it broke here")
        held = tuple(self.events[place:stop])
        if stop - place == self.page_size and stop < bisect_left(self._times, end + 1):
            return Page(events=held, token=f"{start}/{end}/{stop}/{until_ms}")
        if until_ms >= end or not self.scan_ms:
            return Page(events=held)
        return Page(events=held, token=f"{start}/{end}/{stop}/{until_ms + 1}")

    async def idle(self) -> None:
        """Let whatever can go on do so once."""
        await asyncio.sleep(0)
