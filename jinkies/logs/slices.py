"""Reading a time range side by side: pages of slices of it, put together in order.

The first page says how dense the range is, and whether there is more. Then the range is taken apart from its beginning
on, in slices of a few pages each by the density of what was read last; a slice that turns out denser gives what it
can't read soon to whoever is free. Slices meet between two milliseconds: a slice that holds a token to an end that it
gave away stops there, so that every event belongs to exactly one, however many share a millisecond.

Which request is next is decided when one may go out, always for the earliest events; so there are as many requests
under way as the service's delay and the budget call for, and few pages wait for their turn.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from typing import Protocol

from jinkies.logs.fetch import Ask, LineFilter, Page, PageSource, by_time, merge
from jinkies.model import LogEvent

WORKERS = 16  # most requests under way for one fetch
AHEAD = 24  # most pages of a fetch that are held or under way; at the bound only the head goes on
HEAD_PAGES = 2  # of the head that wait for a slow reader
MOST_PAGES = 4  # that a slice should hold: each slice ends in a page that is not full
FILL = 0.95  # of that, so that it doesn't end a few events late with one more page
GROWTH = 8.0  # how much wider the next slice may be than one that was empty
MOST_CAUTION = 64.0
EMPTY = 3  # pages in a row after which a slice is taken apart, so that others help searching
SHRINK = 4  # into what it keeps and the rest, of which each helper takes a part
SLICES_AT_LEAST, SLICES_SHARE = 16, 2  # most slices: so many, and one for so many pages; bounds the requests
WASTE_AT_LEAST, WASTE_SHARE = 12, 8  # requests whose answers may be thrown away for that: so many, and one in so many
LEAST_SHRINK_MS = 2_000
END_OF_TIME_MS = 1 << 52


class Turns(PageSource, Protocol):
    """A source whose requests wait for their turn, see ``budget.Paced``."""

    async def turn(self) -> None:
        """Wait until one more request may go out: the next ``page``."""
        ...

    def return_turns(self) -> None:
        """Give back turns that no ``page`` used."""
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


class _Span:
    """A slice: both ends inclusive, in milliseconds. Not begun, it is what nobody reads yet."""

    def __init__(self, start_ms: int, end_ms: int, pace: float | None) -> None:
        self.start_ms = start_ms
        self.end_ms = end_ms
        self.pace = pace  # milliseconds that a page is thought to cover
        self.measured_ms = 0  # where that was seen
        self.ask_ms = (start_ms, end_ms)  # what is asked for; its end is later than ``end_ms`` once some was given away
        self.token: str | None = None
        self.requests = 0
        self.empty = 0  # pages in a row
        self.events = 0
        self.busy = False
        self.done = False
        self.failure: BaseException | None = None
        self.reached_ms = start_ms - 1  # the time of the last event that was read
        self.at_reached: list[LogEvent] = []  # all events of that millisecond, while they may be asked for again
        self.again: Counter[LogEvent] = Counter()  # those of a repeated millisecond that were taken before
        self.pages: deque[list[LogEvent]] = deque()

    def note(self, own: tuple[LogEvent, ...]) -> None:
        """A page came; remember how far it reached."""
        last_ms = own[-1].timestamp_ms
        if last_ms != self.reached_ms:
            self.at_reached.clear()
            self.again.clear()
        at = len(own)
        while at and own[at - 1].timestamp_ms == last_ms:
            at -= 1
        self.at_reached.extend(own[at:])
        self.reached_ms = last_ms

    def ask_again(self) -> None:
        """Ask for the rest anew, with the end of now.

        After an empty page nobody knows where the old token reads: it may be in what was given away by now.
        """
        self.again.update(self.at_reached)
        self.at_reached.clear()
        self.ask_ms = (max(self.start_ms, self.reached_ms), self.end_ms)
        self.token = None
        self.empty = 0


class SlicedReader:
    """One range of a merge, read side by side; see ``fetch.Reader``. Close it: it owns its requests.

    Args:
        source: asked within its budget.
        ask: the range; without an end it can't be taken apart, and is read up to ``END_OF_TIME_MS``.
        keep: what is given out.
        alone: whether this is all of a merge: then the service's own order is good enough.
        workers: most requests under way.
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
        self._ahead = ahead
        self._wanted = wanted
        self._progress = progress or Progress()
        self._spans = deque([_Span(ask.start_ms, END_OF_TIME_MS if ask.end_ms is None else ask.end_ms, None)])
        self._plan = _Plan()
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

    def _next_page(self, head: _Span) -> None:
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
            if self._choose() is None:
                await self._moved.wait()
                continue
            await self._source.turn()
            while (span := self._choose()) is None:  # the turn is kept for what comes next
                if all(span.done for span in self._spans):
                    return
                await self._moved.wait()
            self._begin(span)
            span.busy = True
            self._under_way += 1
            task = asyncio.get_running_loop().create_task(self._read(span))
            self._reading.add(task)
            task.add_done_callback(self._reading.discard)

    def _choose(self) -> _Span | None:
        """The earliest that may be read now; the head may always, unless its reader is slow."""
        if self._under_way >= self._workers:
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
            return None if enough or self._waiting + self._under_way >= self._ahead else span
        return None

    def _expected(self) -> float:
        """How many events are held, and under way by the experience so far."""
        return self._waiting_events + self._under_way * self._kept / max(1, self._taken)

    def _begin(self, span: _Span) -> None:
        """A slice that is begun leaves the rest of a wide range to others."""
        if span.requests > 0:
            return
        self._plan.slices += 1
        if span.pace is not None and self._plan.affords_slices():
            width = self._plan.width(span, self._under_way + 1)
            if span.start_ms + width <= span.end_ms:
                self._give_away(span, span.start_ms + width)
                span.ask_ms = (span.start_ms, span.end_ms)

    def _give_away(self, span: _Span, from_ms: int) -> None:
        """What a slice has from a moment on becomes free, with what the slice knows of its density."""
        index = self._spans.index(span)
        after = self._spans[index + 1] if index + 1 < len(self._spans) else None
        if after is not None and after.requests == 0 and not after.busy:
            after.start_ms = from_ms
            after.ask_ms = (from_ms, after.end_ms)
            after.reached_ms = from_ms - 1
        else:
            after = _Span(from_ms, span.end_ms, span.pace)
            self._spans.insert(index + 1, after)
        after.pace, after.measured_ms = span.pace, span.start_ms
        span.end_ms = from_ms - 1

    async def _read(self, span: _Span) -> None:
        start_ms, end_ms = span.ask_ms
        ask = Ask(
            log_group=self._ask.log_group,
            start_ms=start_ms,
            end_ms=end_ms,
            pattern=self._ask.pattern,
            streams=self._ask.streams,
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

    def _take(self, span: _Span, page: Page) -> None:
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
            self._plan.went_on(len(own))
            self._go_on(span, own)
        else:
            self._plan.finished(span, len(own))
            self._tell(span)

    def _go_on(self, span: _Span, own: tuple[LogEvent, ...]) -> None:
        """Give away what can't be read soon, after a page that isn't the last."""
        if own:
            before_ms = max(span.start_ms, span.reached_ms)
            span.note(own)
            searching = not self._plan.is_full(len(own))
            span.pace = max(1.0, span.reached_ms - before_ms) if searching else _density(own)
            self._tell(span)
            keep_ms = self._plan.width(span, self._under_way, span.reached_ms + 1)
            if span.reached_ms + 2 * keep_ms < span.end_ms and self._plan.affords_slices():
                self._give_away(span, span.reached_ms + keep_ms + 1)
                if searching:  # an empty page is likely to come before the end, see ``ask_again``
                    span.ask_again()
            return
        begin_ms = max(span.start_ms, span.reached_ms)
        width = span.end_ms - begin_ms
        lost = span.end_ms < span.ask_ms[1] and self._plan.waste(1)
        if span.empty >= EMPTY and width >= LEAST_SHRINK_MS and self._plan.waste(span.empty):
            span.pace = width / (2 * SHRINK)
            self._give_away(span, begin_ms + width // SHRINK)
            lost = True
        if lost:
            span.ask_again()

    def _tell(self, span: _Span) -> None:
        """The next range that nobody reads yet is thought to be as dense as the latest slice before it."""
        index = self._spans.index(span)
        for after in list(self._spans)[index + 1 :]:
            if after.requests == 0 and not after.busy:
                if span.start_ms >= after.measured_ms:
                    after.pace, after.measured_ms = span.pace, span.start_ms
                return

    def _wake(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()


class _Plan:
    """How wide slices should be, by experience."""

    def __init__(self) -> None:
        self._capacity = 1  # events of a full page
        self._caution = 1.0  # rises with requests that brought next to nothing
        self.slices = 0  # that were begun
        self._pages = 0.0  # as many as one after another would have been
        self._requests = 0
        self._wasted = 0
        self._search_ms = 0.0  # what one request searches where there is little to find; 0 is not known

    def went_on(self, events: int) -> None:
        """A page came that more follows."""
        self._requests += 1
        self._pages += 1
        self._capacity = max(self._capacity, events)
        self._caution = max(1.0, self._caution * 0.7)

    def is_full(self, events: int) -> bool:
        """Whether a page ended because it was full; else because one request searches only so much."""
        return 2 * events >= self._capacity

    def finished(self, span: _Span, last: int) -> None:
        """A slice came to its end with a page of ``last`` events: what its pages covered."""
        self._requests += 1
        self._pages += min(1.0, last / self._capacity)
        width = span.end_ms - span.start_ms + 1
        pages = max(1 / GROWTH, min(span.requests, span.events / self._capacity))
        if span.requests == 1 and last * GROWTH < self._capacity:
            self._caution = min(MOST_CAUTION, self._caution * 1.5)
        if span.requests > MOST_PAGES + 1 and span.requests > 2 * pages:  # it was searching that took so many
            pages = float(span.requests)
            self._search_ms = width / pages
        elif self._search_ms:
            self._search_ms = max(self._search_ms, width / span.requests)
            pages = max(pages, width / (1.5 * self._search_ms))
        span.pace = max(1.0, width / pages)

    def affords_slices(self) -> bool:
        """Whether the range may be taken apart further, though each slice can end in a request for next to nothing."""
        return self.slices < SLICES_AT_LEAST + self._pages / SLICES_SHARE

    def waste(self, requests: int) -> bool:
        """Whether that many requests may have been for nothing, so that others can help: a share of all."""
        if self._wasted + requests > WASTE_AT_LEAST + self._requests / WASTE_SHARE:
            return False
        self._wasted += requests
        return True

    def width(self, span: _Span, under_way: int, start_ms: int | None = None) -> int:
        """Milliseconds that a slice should take of what ``span`` has from ``start_ms`` on, at least 1."""
        pace = span.pace or 1.0
        rest = (span.end_ms - (span.start_ms if start_ms is None else start_ms) + 1) / pace
        pages = min(MOST_PAGES, max(1.0, rest / (2 * max(2, under_way))))
        caution = self._caution if not self._search_ms else 1.0
        return max(1, int(pages * pace * caution * FILL))


def _own(span: _Span, events: tuple[LogEvent, ...]) -> tuple[LogEvent, ...]:
    """Those up to the slice's end; events are in order of time."""
    if not events or events[-1].timestamp_ms <= span.end_ms:
        return events
    return tuple(event for event in events if event.timestamp_ms <= span.end_ms)


def _first_time(span: _Span, events: Iterable[LogEvent]) -> list[LogEvent]:
    """Those that were not taken before the slice had to ask again, as often as they are more."""
    fresh = []
    for event in events:
        if span.again[event] > 0:
            span.again[event] -= 1
        else:
            fresh.append(event)
    return fresh


def _density(events: tuple[LogEvent, ...]) -> float:
    """Milliseconds that a page covers at the density of this one's later half."""
    middle, last = len(events) // 2, len(events) - 1
    passed_ms = events[last].timestamp_ms - events[middle].timestamp_ms
    return max(1.0, passed_ms * len(events) / max(1, last - middle))
