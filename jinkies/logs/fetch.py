"""Reading a time range: pages of FilterLogEvents, several groups side by side, merged in order.

Rules from CloudWatch Logs: a page may be empty and still carry a token, only a missing token ends it; events are
sorted by timestamp, then ingestion; both ends of the range are inclusive.
"""

from __future__ import annotations

import asyncio
import re
from bisect import bisect_right
from collections import deque
from collections.abc import AsyncGenerator, Coroutine, Iterable, Sequence
from contextlib import aclosing
from operator import attrgetter
from typing import Protocol

import msgspec

from jinkies.model import Level, LogEvent, TailSpec

FIRST_SLICE_MS = 60_000  # of a search for the newest lines; each further one is four times as long
SLICE_GROWTH = 4

by_time = attrgetter("timestamp_ms", "ingestion_ms")


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """A range of one log group."""

    log_group: str  # name, or ARN without ":*"
    start_ms: int  # inclusive
    end_ms: int | None = None  # inclusive; None is open
    pattern: str = ""  # CloudWatch's filter pattern
    streams: tuple[str, ...] = ()  # () is all; at most 100
    bare: bool = False  # events whose level is read from the message whenever it is asked for: never to be encoded
    newest: bool = False  # begin with the newest; where a service doesn't know how, it refuses or ignores this


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One answer; ``token`` leads to the next, None is the end."""

    events: tuple[LogEvent, ...]
    token: str | None = None


class PageSource(Protocol):
    """Who answers: CloudWatch, through ``client.LogsClient``."""

    async def page(self, ask: Ask, token: str | None = None, /) -> Page:
        """The page behind a token; the first without one. Raises ``UpstreamError`` or ``NotConfigured``."""
        ...


class LineFilter:
    """What the service can't filter itself: the level, and a regular expression."""

    def __init__(self, level: Level = Level.NONE, grep: str = "") -> None:
        self._levels = frozenset(known for known in Level if known.rank >= level.rank)
        self._every_level = level is Level.NONE
        self._search = re.compile(grep).search if grep else None

    @classmethod
    def of(cls, spec: TailSpec) -> LineFilter:
        """Of a spec that ``check_spec`` has passed."""
        return cls(spec.level, spec.grep)

    def keep(self, events: Iterable[LogEvent]) -> list[LogEvent]:
        """Those that pass, in order."""
        kept = list(events) if self._every_level else [event for event in events if event.level in self._levels]
        return kept if self._search is None else [event for event in kept if self._search(event.message)]


async def together(work: Iterable[Coroutine[object, object, None]]) -> None:
    """Run some at once; the first failure cancels the others and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for each in work:
                group.create_task(each)
    except BaseExceptionGroup as failures:
        raise _first(failures) from None


async def merged(source: PageSource, asks: Sequence[Ask], keep: LineFilter) -> AsyncGenerator[list[LogEvent], None]:
    """Events of several ranges in runs that are in order by (timestamp, ingestion), no run empty.

    Reads each range page after page, and holds about one of each.
    """
    runs = merge([_Reader(source, ask, keep, alone=len(asks) == 1) for ask in asks])
    async with aclosing(runs):
        async for run in runs:
            yield run


class Reader(Protocol):
    """One range of a merge."""

    held: list[LogEvent]  # read and not given out yet, in order
    ended: bool  # nothing comes behind ``held``

    async def fill(self) -> None:
        """Read on until something is held, or the range ends."""
        ...


async def merge(readers: Sequence[Reader]) -> AsyncGenerator[list[LogEvent], None]:
    """What some readers give, in runs that are in order by (timestamp, ingestion), no run empty.

    A run goes out as soon as no range can have anything before its end.
    """
    while True:
        await together(reader.fill() for reader in readers if not reader.held and not reader.ended)
        run = _ready(readers)
        if not run:
            return
        yield run


async def newest(
    source: PageSource, asks: Sequence[Ask], keep: LineFilter, *, end_ms: int, limit: int, room: int | None = None
) -> tuple[LogEvent, ...]:
    """The newest ``limit`` events up to ``end_ms`` (inclusive), oldest first; of ``room`` see ``Newest``.

    Reads backwards in slices that grow, so that a wide range with much in it costs no more than its end.
    """
    start_ms = min(ask.start_ms for ask in asks)
    found: list[LogEvent] = []
    width = FIRST_SLICE_MS
    while end_ms >= start_ms and not is_full(found, limit, room):
        begin = max(start_ms, end_ms - width + 1)
        part = Newest(limit, room)
        slices = [msgspec.structs.replace(ask, start_ms=begin, end_ms=end_ms) for ask in asks]
        async for run in merged(source, slices, keep):
            part.extend(run)
        found = [*part.events, *found]
        end_ms, width = begin - 1, width * SLICE_GROWTH
    whole = Newest(limit, room)
    whole.extend(found)
    return tuple(whole.events)


class Newest:
    """Holds the newest of the events that come in order.

    Args:
        limit: so many at most.
        room: characters of their messages; the event that fills it is the oldest that is held. None is no bound.
    """

    def __init__(self, limit: int, room: int | None) -> None:
        self.events: deque[LogEvent] = deque(maxlen=limit)
        self._limit = limit
        self._room = room
        self._chars = 0

    def extend(self, run: Iterable[LogEvent]) -> None:
        """Take more, and forget the oldest for them."""
        events, room = self.events, self._room
        if room is None:
            events.extend(run)
            return
        for event in run:
            if len(events) == self._limit:
                self._chars -= len(events.popleft().message)
            events.append(event)
            self._chars += len(event.message)
            while self._chars - len(events[0].message) >= room:
                self._chars -= len(events.popleft().message)


def is_full(events: Sequence[LogEvent], limit: int, room: int | None) -> bool:
    """Whether these are all that is wanted."""
    return len(events) >= limit or (room is not None and sum(len(event.message) for event in events) >= room)


class _Reader:
    """One range of a merge: what was read and not given out yet."""

    def __init__(self, source: PageSource, ask: Ask, keep: LineFilter, *, alone: bool) -> None:
        self.held: list[LogEvent] = []
        self.ended = False
        self._source = source
        self._ask = ask
        self._keep = keep
        self._alone = alone  # then the service's own order is good enough, and sorting is a fifth of the work
        self._token: str | None = None

    async def fill(self) -> None:
        """Read on until something is held, through empty pages, or the range ends."""
        while not self.held and not self.ended:
            page = await self._source.page(self._ask, self._token)
            kept = self._keep.keep(page.events)
            self.held = kept if self._alone else sorted(kept, key=by_time)
            self.ended = page.token is None or page.token == self._token  # one that repeats would never end
            self._token = page.token


def _taken(reader: Reader, horizon: tuple[int, int]) -> list[LogEvent]:
    held = reader.held
    if by_time(held[-1]) <= horizon:
        reader.held = []
        return held
    cut = bisect_right(held, horizon, key=by_time)
    reader.held = held[cut:]
    return held[:cut]


def _ready(readers: Sequence[Reader]) -> list[LogEvent]:
    """What nothing unread can come before: up to the earliest end of what is held of ranges that go on."""
    held = [reader for reader in readers if reader.held]
    if not held:
        return []
    going = [by_time(reader.held[-1]) for reader in held if not reader.ended]
    horizon = min(going) if going else max(by_time(reader.held[-1]) for reader in held)
    runs = [_taken(reader, horizon) for reader in held]
    return runs[0] if len(runs) == 1 else sorted((event for run in runs for event in run), key=by_time)


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    first = failures.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
