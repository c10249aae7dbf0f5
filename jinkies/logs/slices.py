"""Reading a time range side by side: pages of slices of it, put together in order.

The first page says how dense the range is, and whether there is more. Then the range is taken apart from its beginning
on, in slices of a few pages each by the density of what was read so far; a slice that turns out denser gives half of
what it has left to a request that has nothing else to read. Slices meet between two milliseconds: a slice that holds a
token to an end that it gave away stops there, so that every event belongs to exactly one, however many share a
millisecond.

Which request is next is decided when one may go out, always for the earliest events; so there are as many requests
under way as the service's delay and the budget call for, and few pages wait for their turn.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from typing import Protocol

from jinkies.logs.fetch import Ask, LineFilter, Page, PageSource, by_time, merge
from jinkies.logs.spans import FRONTIER, LASTING, LEAST_SHRINK_MS, Plan, Span
from jinkies.model import LogEvent

WORKERS = 16  # most requests under way for one fetch
AHEAD = 40  # most pages of a fetch that are held or under way; at the bound only the head goes on
HEAD_PAGES = 2  # of the head that wait for a slow reader
SPLIT_PAGES = 1.0  # that a slice is thought to have left behind the page under way, to be worth another request
EMPTY = 3  # pages in a row after which a slice is taken apart, so that others help searching
SHRINK = 4  # into what it keeps and the rest, of which each helper takes a part
END_OF_TIME_MS = 1 << 52


class Turns(PageSource, Protocol):
    """A source whose requests wait for their turn, see ``budget.Paced``."""

    async def turn(self) -> None:
        """Wait until one more request may go out: the next ``page``."""
        ...

    def return_turns(self) -> None:
        """Give back turns that no ``page`` used."""
        ...

    def depth(self) -> int:
        """How many requests under way use up the pace; more would only wait."""
        ...


class Progress:
    """How far a fetch has come; moves while nothing passes its filter, too."""

    def __init__(self) -> None:
        self.requests = 0
        self.events = 0  # read, before filtering
        self.reached_ms = 0  # everything up to about here was given out


async def sliced(
    sources: Sequence[Turns],
    asks: Sequence[Ask],
    keep: LineFilter,
    *,
    workers: int = WORKERS,
    wanted: int | None = None,
    progress: Progress | None = None,
) -> AsyncGenerator[list[LogEvent], None]:
    """As ``fetch.merged``, each range from its own source and read side by side; see ``SlicedReader``."""
    readers = [
        SlicedReader(
            source,
            ask,
            keep,
            alone=len(asks) == 1,
            workers=max(1, workers // len(asks)),
            share=len(asks),
            ahead=max(1, AHEAD // len(asks)),
            wanted=wanted,
            progress=progress,
        )
        for source, ask in zip(sources, asks, strict=True)
    ]
    runs = merge(readers)
    try:
        async with aclosing(runs):
            async for run in runs:
                yield run
    finally:
        await asyncio.gather(*(reader.close() for reader in readers))


class SlicedReader:
    """One range of a merge, read side by side; see ``fetch.Reader``. Close it: it owns its requests.

    Args:
        source: asked within its budget.
        ask: the range; without an end it can't be taken apart, and is read up to ``END_OF_TIME_MS``.
        keep: what is given out.
        alone: whether this is all of a merge: then the service's own order is good enough.
        workers: most requests under way.
        share: how many readers share the source's pace.
        ahead: most pages held or under way.
        wanted: how many events the caller will take at most; None is all.
        progress: told how far this is.
    """

    def __init__(
        self,
        source: Turns,
        ask: Ask,
        keep: LineFilter,
        *,
        alone: bool = True,
        workers: int = WORKERS,
        share: int = 1,
        ahead: int = AHEAD,
        wanted: int | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.held: list[LogEvent] = []
        self.ended = False
        self._source = source
        self._ask = ask
        self._keep = keep
        self._alone = alone
        self._workers = workers
        self._share = share
        self._ahead = ahead
        self._wanted = wanted
        self._progress = progress or Progress()
        self._spans = deque([Span(ask.start_ms, END_OF_TIME_MS if ask.end_ms is None else ask.end_ms, None)])
        self._plan = Plan(ahead)
        self._waiting = 0  # pages in all spans
        self._waiting_events = 0
        self._taken = 0  # pages that were read
        self._kept = 0  # events of them that passed
        self._under_way = 0  # requests
        self._moved = asyncio.Event()  # replaced at each change
        self._starter: asyncio.Task[None] | None = None
        self._reading: set[asyncio.Task[None]] = set()

    async def fill(self) -> None:
        """Wait until something is held, or the range ends. Raises what the source raised where the head is."""
        if self._taken == 0 and self._starter is None:
            first = self._spans[0]
            first.busy, self._under_way = True, 1
            await self._read(first)
        if self._wanted == 0:
            self._wanted = 1  # whoever asks wants at least one
            self._wake()
        while not self.held and not self.ended:
            head = self._spans[0]
            if head.pages:
                self._next_page(head)
            elif head.failure is not None:
                raise head.failure
            elif head.done:
                self._spans.popleft()
                self._wake()  # there is another head, which may always go on
                self._progress.reached_ms = head.end_ms
                self.ended = not self._spans
            else:
                if self._starter is None:
                    self._starter = asyncio.get_running_loop().create_task(self._start_requests())
                await self._moved.wait()

    async def close(self) -> None:
        """Cancel what is under way."""
        tasks = [*self._reading, *([self._starter] if self._starter else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._source.return_turns()

    def _next_page(self, head: Span) -> None:
        self.held = head.pages.popleft()
        self._waiting -= 1
        self._waiting_events -= len(self.held)
        if self._wanted is not None:
            self._wanted = max(0, self._wanted - len(self.held))
        if self.held:
            self._progress.reached_ms = self.held[-1].timestamp_ms
        self._wake()

    async def _start_requests(self) -> None:
        """Start one request after another, each when it may go out, for what is then the earliest to read."""
        while not all(span.done for span in self._spans):
            if self._choose() is None and self._to_split() is None:
                await self._moved.wait()
                continue
            await self._source.turn()
            while (span := self._choose() or self._split()) is None:  # the turn is kept for what comes next
                if all(span.done for span in self._spans):
                    return
                await self._moved.wait()
            self._begin(span)
            span.busy = True
            self._under_way += 1
            task = asyncio.get_running_loop().create_task(self._read(span))
            self._reading.add(task)
            task.add_done_callback(self._reading.discard)

    def _choose(self) -> Span | None:
        """The earliest that may be read now; the head may always, unless its reader is slow."""
        if self._under_way >= self._depth():
            return None
        for span in self._spans:
            if span.failure is not None:  # nobody will read beyond it
                return None
            if span.busy or span.done:
                continue
            head = span is self._spans[0]
            if head and not span.pages and self._wanted != 0:
                return span
            enough = self._wanted is not None and self._expected() >= self._wanted
            if head and len(span.pages) < HEAD_PAGES and not enough:
                return span
            fresh = span.requests == 0 and self._waiting + self._under_way >= self._ahead * FRONTIER
            return None if fresh or enough or self._waiting + self._under_way >= self._ahead else span
        return None

    def _depth(self) -> int:
        """How many requests may be under way."""
        return max(1, min(self._workers, -(-self._source.depth() // self._share)))

    def _to_split(self) -> Span | None:
        """Of those that are being read, the earliest that has so much left that another request helps it."""
        if self._under_way >= self._depth() or self._waiting + self._under_way >= self._ahead:
            return None
        if not self._plan.affords_slices() or (self._wanted is not None and self._expected() >= self._wanted):
            return None
        for span in self._spans:
            if span.failure is not None:
                return None
            if span.busy and span.pace and not span.empty and self._left(span) >= SPLIT_PAGES:
                return span
        return None

    def _left(self, span: Span) -> float:
        """Pages that a slice is thought to have behind the one that is under way."""
        return self._plan.pages(span, max(span.start_ms, span.reached_ms + 1)) - 1

    def _split(self) -> Span | None:
        """The later half of what a slice has left, for another request; None when there is nothing worth it."""
        span = self._to_split()
        if span is None or span.pace is None:
            return None
        begin_ms = max(span.start_ms, span.reached_ms + 1)
        keep = 1 + min(self._left(span) / 2, self._plan.most_pages(self._depth()))
        self._give_away(span, min(begin_ms + self._plan.milliseconds(span, keep), span.end_ms))
        return self._spans[self._spans.index(span) + 1]

    def _expected(self) -> float:
        """How many events are held, and under way by the experience so far."""
        return self._waiting_events + self._under_way * self._kept / max(1, self._taken)

    def _begin(self, span: Span) -> None:
        """A slice that is begun leaves the rest of a wide range to others."""
        if span.requests > 0:
            return
        self._plan.slices += 1
        if span.pace is not None and self._plan.affords_slices():
            width = self._plan.width(span, span.start_ms, self._depth())
            if span.start_ms + width <= span.end_ms:
                self._give_away(span, span.start_ms + width)
                span.ask_ms = (span.start_ms, span.end_ms)

    def _give_away(self, span: Span, from_ms: int) -> None:
        """What a slice has from a moment on becomes free, with what the slice knows of its density."""
        index = self._spans.index(span)
        after = self._spans[index + 1] if index + 1 < len(self._spans) else None
        if after is not None and after.requests == 0 and not after.busy:
            after.start_ms = from_ms
            after.ask_ms = (from_ms, after.end_ms)
            after.reached_ms = from_ms - 1
        else:
            after = Span(from_ms, span.end_ms, span.pace)
            self._spans.insert(index + 1, after)
        after.pace = span.pace
        after.steady_ms = span.steady_ms
        if span.steady_ms < LASTING * (span.pace or 1.0):
            after.steady_ms = max(0.0, span.steady_ms - (from_ms - max(span.start_ms, span.reached_ms + 1)))
        span.end_ms = from_ms - 1

    async def _read(self, span: Span) -> None:
        start_ms, end_ms = span.ask_ms
        ask = Ask(
            log_group=self._ask.log_group,
            start_ms=start_ms,
            end_ms=end_ms,
            pattern=self._ask.pattern,
            streams=self._ask.streams,
            bare=self._ask.bare,
        )
        try:
            page = await self._source.page(ask, span.token)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # raised by ``fill``, where the reading comes to it
            span.failure = error
        else:
            self._take(span, page)
        finally:
            span.busy = False
            self._under_way -= 1
            self._wake()

    def _take(self, span: Span, page: Page) -> None:
        ended = page.token is None or page.token == span.token  # one that repeats would never end
        span.token = page.token
        span.requests += 1
        span.empty = 0 if page.events else span.empty + 1
        own = _own(span, page.events)
        span.done = ended or len(own) < len(page.events)
        span.events += len(own)
        self._progress.requests += 1
        self._progress.events += len(own)
        kept = self._keep.keep(_first_time(span, own) if span.again else own)
        self._taken += 1
        self._kept += len(kept)
        if kept:
            span.pages.append(kept if self._alone else sorted(kept, key=by_time))
            self._waiting += 1
            self._waiting_events += len(kept)
        if not span.done:
            self._plan.went_on(span, own)
            self._go_on(span, own)
        else:
            self._plan.finished(span, own)
            self._tell(span)

    def _go_on(self, span: Span, own: tuple[LogEvent, ...]) -> None:
        """Give away what can't be read soon, after a page that isn't the last."""
        if own:
            span.note(own)
            searching = not self._plan.is_full(len(own))
            if (self._taken > 1 and not searching) or self._depth() == 1:
                return
            keep_ms = self._plan.width(span, span.reached_ms + 1, self._depth())
            if searching:
                keep_ms = max(LEAST_SHRINK_MS, keep_ms)
            if span.reached_ms + 2 * keep_ms < span.end_ms and self._plan.affords_slices():
                self._give_away(span, span.reached_ms + keep_ms + 1)
                if searching:  # an empty page is likely to come before the end, see ``ask_again``
                    span.ask_again()
            return
        begin_ms = max(span.start_ms, span.reached_ms)
        width = span.end_ms - begin_ms
        lost = span.end_ms < span.ask_ms[1] and self._plan.waste(1)
        if span.empty >= EMPTY and width >= LEAST_SHRINK_MS and self._plan.waste(span.empty):
            span.pace, span.steady_ms = width / (2 * SHRINK), float(width)
            self._give_away(span, begin_ms + width // SHRINK)
            lost = True
        if lost:
            span.ask_again()

    def _tell(self, span: Span) -> None:
        """What nobody reads yet goes on as what was read just before it ended."""
        index = self._spans.index(span) + 1
        if index < len(self._spans) and self._spans[index].requests == 0 and not self._spans[index].busy:
            self._spans[index].pace, self._spans[index].steady_ms = span.pace, span.steady_ms

    def _wake(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()


def _own(span: Span, events: tuple[LogEvent, ...]) -> tuple[LogEvent, ...]:
    """Those up to the slice's end; events are in order of time."""
    if not events or events[-1].timestamp_ms <= span.end_ms:
        return events
    return tuple(event for event in events if event.timestamp_ms <= span.end_ms)


def _first_time(span: Span, events: Iterable[LogEvent]) -> list[LogEvent]:
    """Those that were not taken before the slice had to ask again, as often as they are more."""
    fresh = []
    for event in events:
        if span.again[event] > 0:
            span.again[event] -= 1
        else:
            fresh.append(event)
    return fresh
