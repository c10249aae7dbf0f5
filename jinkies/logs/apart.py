"""A time range that is read side by side: its slices, and which of them the next request should read. Pure.

The earliest is read first, so that what comes first can be given out first and little has to wait for its turn. Two
things go before that. A slice among the first that would keep all that is held behind it waiting, until there is no
room to hold more, is taken apart at once. And when all that is left can be held, what takes longest goes first.
"""

from __future__ import annotations

import itertools
from collections import deque

from jinkies.logs.spans import FRONTIER, LEAST_SHRINK_MS, Plan, Span
from jinkies.model import LogEvent

HEAD_PAGES = 2  # of the head that wait for a slow reader
SPLIT_PAGES = 1.0  # that a slice is thought to have left behind the page under way, to be worth another request
IDLE_PAGES = 0.5  # likewise, where turns would go unused and all that is left can be held
PRESSING = 1.5  # times as long as the others take to fill the room: a slice that takes longer is in their way
EMPTY = 3  # pages in a row after which a slice is taken apart, so that others help searching
SHRINK = 4  # into what it keeps and the rest, of which each helper takes a part


class Apart:
    """The slices of a range, in order, and what is held of them.

    Args:
        whole: the range.
        ahead: most pages held or under way.
        wanted: how many events will be taken at most; None is all.
        blind: slices that are begun before any answer; 1 is to wait for the first.
    """

    def __init__(self, whole: Span, *, ahead: int, wanted: int | None, blind: int) -> None:
        self.spans = deque([whole])
        self.wanted = wanted
        self.blind = blind
        self.under_way = 0  # requests
        self.read = 0  # pages
        self._ahead = ahead
        self._plan = Plan(ahead)
        self._blind_left = blind
        self._waiting = 0  # pages in all spans
        self._waiting_events = 0
        self._kept = 0  # events of all that was read that passed the filter

    def done(self) -> bool:
        """Whether everything was read."""
        return all(span.done for span in self.spans)

    def alone(self) -> bool:
        """Whether the first page is to be waited for, and not asked for yet."""
        return self.blind == 1 and self.read == 0 and self.under_way == 0

    def begin_first(self) -> Span:
        """The whole range, for a first request."""
        self.spans[0].busy, self.under_way = True, 1
        return self.spans[0]

    def has_work(self, depth: int) -> bool:
        """Whether ``next`` would say something, if it were asked now."""
        return self._choose(depth) is not None or self._to_help(depth) is not None

    def next(self, depth: int) -> Span | None:
        """What the next request should read, with ``depth`` under way at most; may take a slice apart for it."""
        pressing = self._pressing(depth)
        if pressing is not None:
            return self._split(pressing, depth)
        chosen = self._choose(depth)
        if chosen is not None:
            return chosen
        splitting = self._to_help(depth)
        return None if splitting is None else self._split(splitting, depth)

    def begin(self, span: Span, depth: int) -> None:
        """A request for it goes out; a slice that is begun leaves the rest of a wide range to others."""
        span.busy = True
        self.under_way += 1
        if span.requests > 0:
            return
        self._plan.slices += 1
        width = span.end_ms - span.start_ms + 1
        if self.read:
            width = self._plan.width(span, span.start_ms, depth) if self._plan.affords_slices() else width
        elif self._blind_left > 1:
            width = max(LEAST_SHRINK_MS, width // self._blind_left)
            self._blind_left -= 1
            span.blind = True
        if span.start_ms + width <= span.end_ms:
            self._give_away(span, span.start_ms + width)
            span.ask_ms = (span.start_ms, span.end_ms)

    def keep(self, span: Span, events: list[LogEvent]) -> None:
        """A page of a slice came: what passed the filter."""
        self.read += 1
        if events:
            span.pages.append(events)
            self._waiting += 1
            self._waiting_events += len(events)
            self._kept += len(events)

    def next_page(self) -> list[LogEvent]:
        """The first page that is held."""
        page = self.spans[0].pages.popleft()
        self._waiting -= 1
        self._waiting_events -= len(page)
        if self.wanted is not None:
            self.wanted = max(0, self.wanted - len(page))
        return page

    def learn(self, span: Span, own: tuple[LogEvent, ...], depth: int) -> None:
        """What a page of a slice, counted before the filter, says about how dense the range is."""
        if span.done:
            self._plan.finished(span, own)
            self._tell(span)
            return
        self._plan.went_on(span, own)
        if own:
            span.note(own)
            if depth > 1:
                self._leave(span, depth, searching=not self._plan.is_full(len(own)))
        else:
            self._shrink(span)

    def _full(self) -> bool:
        return self._waiting + self.under_way >= self._ahead

    def _enough(self) -> bool:
        """Whether what is held, and under way by the experience so far, is all that is wanted."""
        if self.wanted is None:
            return False
        pages = sum(min(1.0, self._left(span) + 1) for span in self.spans if span.busy)
        return self._waiting_events + pages * self._kept / max(1, self.read) >= self.wanted

    def _choose(self, depth: int) -> Span | None:
        """Of what may be read now; the head may always, unless its reader is slow."""
        if self.under_way >= depth:
            return None
        if self._fits(depth):
            free = [span for span in self.spans if not span.busy and not span.done]
            return max(free, key=self._left, default=None)
        for span in self.spans:
            if span.failure is not None:  # nobody will read beyond it
                return None
            if span.busy or span.done:
                continue
            head = span is self.spans[0]
            if head and not span.pages and self.wanted != 0:
                return span
            enough = self._enough()
            if head and len(span.pages) < HEAD_PAGES and not enough:
                return span
            return None if enough or self._full() or self._is_frontier(span) else span
        return None

    def _is_frontier(self, span: Span) -> bool:
        """Whether it would be read ahead of everything, and much is held already."""
        fresh = span.requests == 0 and span is self.spans[-1]
        return fresh and self._waiting + self.under_way >= self._ahead * FRONTIER

    def _fits(self, depth: int) -> bool:
        """Whether all that is left can be held, and is wanted."""
        if depth == 1 or self.read == 0 or self.wanted == 0 or self._enough():
            return False
        if any(span.failure is not None for span in self.spans):
            return False
        return self._rest() <= self._room()

    def _room(self) -> int:
        return self._ahead - self._waiting - self.under_way

    def _rest(self) -> float:
        """Pages that are thought to be left, those under way included."""
        return sum(self._left(span) + 1 for span in self.spans if not span.done)

    def _left(self, span: Span) -> float:
        """Pages that a slice is thought to have behind the one that is under way, or would be."""
        return self._plan.pages(span, max(span.start_ms, span.reached_ms + 1)) - 1

    def _to_help(self, depth: int) -> Span | None:
        """One that is being read and can be helped, when nothing else is to be read."""
        return self._to_split(depth, IDLE_PAGES if self._fits(depth) else SPLIT_PAGES)

    def _to_split(self, depth: int, least: float) -> Span | None:
        """Of those that are being read, the earliest that has at least so many pages left."""
        if self.under_way >= depth or self._full() or not self._plan.affords_slices() or self._enough():
            return None
        for span in self.spans:
            if span.failure is not None:
                return None
            if span.busy and span.pace and not span.empty and self._left(span) >= least:
                return span
        return None

    def _pressing(self, depth: int) -> Span | None:
        """One that is being read, and would still be when there is no more room to hold what comes behind it."""
        room = self._room()
        if depth == 1 or self.read == 0:
            return None
        if self._rest() <= room:
            return None
        return self._to_split(depth, max(SPLIT_PAGES, PRESSING * room / depth))

    def _split(self, span: Span, depth: int) -> Span:
        """The later half of what a slice has left, for another request."""
        begin_ms = max(span.start_ms, span.reached_ms + 1)
        keep = 1 + min(self._left(span) / 2, self._plan.most_pages(depth))
        self._give_away(span, min(begin_ms + self._plan.milliseconds(span, begin_ms, keep), span.end_ms))
        return self.spans[self.spans.index(span) + 1]

    def _give_away(self, span: Span, from_ms: int) -> None:
        """What a slice has from a moment on becomes free, with what the slice knows of its density."""
        index = self.spans.index(span)
        after = self.spans[index + 1] if index + 1 < len(self.spans) else None
        if after is not None and after.requests == 0 and not after.busy:
            after.start_ms = from_ms
            after.ask_ms = (from_ms, after.end_ms)
            after.reached_ms = from_ms - 1
        else:
            after = Span(from_ms, span.end_ms)
            self.spans.insert(index + 1, after)
        after.expect_as(span)
        span.end_ms = from_ms - 1

    def _leave(self, span: Span, depth: int, *, searching: bool) -> None:
        """Give away what can't be read soon, after a first page or one that isn't full."""
        blind, span.blind = span.blind, False
        if self.read > 1 and not searching and not blind:
            return
        keep_ms = self._plan.width(span, span.reached_ms + 1, depth)
        if blind and not searching:
            keep_ms = self._plan.milliseconds(span, span.reached_ms + 1, self._plan.most_pages(depth))
        if searching:
            keep_ms = max(LEAST_SHRINK_MS, keep_ms)
        if span.reached_ms + 2 * keep_ms < span.end_ms and self._plan.affords_slices():
            self._give_away(span, span.reached_ms + keep_ms + 1)
            if searching:  # an empty page is likely to come before the end, see ``ask_again``
                span.ask_again()

    def _shrink(self, span: Span) -> None:
        """After an empty page: others may search what lies behind."""
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
        """What nobody reads yet goes on as what was read before it: nearest, of what is not under way."""
        for after in itertools.islice(self.spans, self.spans.index(span) + 1, None):
            if after.requests:
                return
            if not after.busy:
                after.expect_as(span)
                return
