"""Reading a time range side by side: pages of slices of it, put together in order.

The first page says how dense the range is, and whether there is more. Then the range is taken apart from its beginning
on, in slices of a few pages each by the density of what was read so far; a slice that turns out denser gives half of
what it has left to a request that has nothing else to read. Slices meet between two milliseconds: a slice that holds a
token to an end that it gave away stops there, so that every event belongs to exactly one, however many share a
millisecond.

Who wants very many events is thought to ask for a range that has them: then the first requests go out together, for
slices of equal length. Which request is next is decided when one may go out, see ``apart``; so there are as many under
way as the service's delay and the budget call for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from typing import Protocol

from jinkies.logs.apart import Apart
from jinkies.logs.fetch import Ask, LineFilter, Page, PageSource, by_time, merge
from jinkies.logs.spans import Span, identity
from jinkies.model import LogEvent

WORKERS = 16  # most requests under way for one fetch
AHEAD = 64  # most pages of a fetch that are held or under way; at the bound only the head goes on
BLIND_EVENTS = 50_000  # that are wanted, from which on more than the head is read before anything is known
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

    def depth_at_first(self) -> int:
        """As ``depth``, as long as nothing was answered."""
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
        self._progress = progress or Progress()
        blind = wanted is not None and wanted >= BLIND_EVENTS and ask.end_ms is not None
        self._range = Apart(
            Span(ask.start_ms, END_OF_TIME_MS if ask.end_ms is None else ask.end_ms),
            ahead=ahead,
            wanted=wanted,
            blind=max(1, min(workers, source.depth_at_first() // share)) if blind else 1,
        )
        self._moved = asyncio.Event()  # replaced at each change
        self._starter: asyncio.Task[None] | None = None
        self._reading: set[asyncio.Task[None]] = set()

    async def fill(self) -> None:
        """Wait until something is held, or the range ends. Raises what the source raised where the head is."""
        if self._range.alone():
            await self._read(self._range.begin_first())
        if self._range.wanted == 0:
            self._range.wanted = 1  # whoever asks wants at least one
            self._wake()
        while not self.held and not self.ended:
            head = self._range.spans[0]
            if head.pages:
                self.held = self._range.next_page()
                self._progress.reached_ms = self.held[-1].timestamp_ms
                self._wake()
            elif head.failure is not None:
                raise head.failure
            elif head.done:
                self._range.spans.popleft()
                self._wake()  # there is another head, which may always go on
                self._progress.reached_ms = head.end_ms
                self.ended = not self._range.spans
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

    async def _start_requests(self) -> None:
        """Start one request after another, each when it may go out."""
        while not self._range.done():
            if not self._range.has_work(self._depth()):
                await self._moved.wait()
                continue
            await self._source.turn()
            while (span := self._range.next(self._depth())) is None:  # the turn is kept for what comes next
                if self._range.done():
                    return
                await self._moved.wait()
            self._range.begin(span, self._depth())
            task = asyncio.get_running_loop().create_task(self._read(span))
            self._reading.add(task)
            task.add_done_callback(self._reading.discard)

    def _depth(self) -> int:
        """How many requests may be under way."""
        if self._range.read == 0:
            return self._range.blind
        return max(1, min(self._workers, -(-self._source.depth() // self._share)))

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
            self._range.under_way -= 1
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
        self._range.keep(span, kept if self._alone else sorted(kept, key=by_time))
        self._range.learn(span, own, self._depth())

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
        if span.again[identity(event)] > 0:
            span.again[identity(event)] -= 1
        else:
            fresh.append(event)
    return fresh
