"""The slices of a time range that is read side by side, and how wide they should be; see ``slices``. Pure."""

from __future__ import annotations

from collections import Counter, deque

from jinkies.model import LogEvent

FRONTIER = 0.5  # of ``AHEAD`` up to which new slices are begun; the rest is for helping those before them
LEAST_PAGES = 2.0  # that a slice should hold: each slice ends in a page that is not full
SHARES = 1.0  # slices for each of those that may be under way, of what is left: the last ones are short
SEARCH_PAGES = 5  # of a slice that brought little, after which its pages are known to end by searching
PARTS = 8  # of a page that are looked at for how dense they are
FADE = 0.05  # of what is known of the mean, with each page
ALIKE = 3.0  # times as dense, or as thin, is the same density
STEADY = 2.0  # pages for which any density is thought to last, be it seen ever so briefly
FILL = 0.95  # of a slice's pages, so that it doesn't end a few events late with one more
LEAST_SEEN = 1 / 8  # of a page, where next to nothing was read: bounds what is expected of the rest
SLICES_AT_LEAST, SLICES_SHARE = 16, 2  # most slices: so many, and one for so many pages; bounds the requests
WASTE_AT_LEAST, WASTE_SHARE = 12, 8  # requests whose answers may be thrown away for that: so many, and one in so many
LEAST_SHRINK_MS = 2_000


Identity = tuple[str, int, int, str]


def identity(event: LogEvent) -> Identity:
    """What is the same of an event in whatever page it comes; equality asks for the same type, too."""
    return event.log_stream, event.timestamp_ms, event.ingestion_ms, event.message


class Span:
    """A slice: both ends inclusive, in milliseconds. Not begun, it is what nobody reads yet."""

    def __init__(self, start_ms: int, end_ms: int) -> None:
        self.start_ms = start_ms
        self.end_ms = end_ms
        self.pace: float | None = None  # milliseconds that a page covers where it was read last; None is not known
        self.seen_ms = start_ms - 1  # up to where that was seen
        self.steady_ms = 0.0  # for how long it was so
        self.ask_ms = (start_ms, end_ms)  # what is asked for; its end is later than ``end_ms`` once some was given away
        self.token: str | None = None
        self.requests = 0
        self.empty = 0  # pages in a row
        self.events = 0
        self.blind = False  # begun before anything was known
        self.busy = False
        self.done = False
        self.failure: BaseException | None = None
        self.reached_ms = start_ms - 1  # the time of the last event that was read
        self.at_reached: list[LogEvent] = []  # all events of that millisecond, while they may be asked for again
        self.again: Counter[Identity] = Counter()  # those of a repeated millisecond that were taken before
        self.pages: deque[list[LogEvent]] = deque()

    def expect_as(self, other: Span) -> None:
        """Expect what another, which lies before it, has seen to go on."""
        self.pace, self.seen_ms, self.steady_ms = other.pace, other.seen_ms, other.steady_ms

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
        self.again.update(map(identity, self.at_reached))
        self.at_reached.clear()
        self.ask_ms = (max(self.start_ms, self.reached_ms), self.end_ms)
        self.token = None
        self.empty = 0


class Plan:
    """How wide slices should be, by experience.

    How dense a range is, is known where it was read last. That goes on for a while, the longer the longer it lasted
    already: having lasted for s, it is taken to go on for d more with a chance of (s / (s + d))², which is s more on
    average. Beyond, the mean of the last pages is as good a guess as any: lines come in bursts.
    """

    def __init__(self, ahead: int) -> None:
        self._ahead = ahead
        self._capacity = 1  # events of a full page
        self.slices = 0  # that were begun
        self._pages = 0.0  # as many as one after another would have been
        self._requests = 0
        self._wasted = 0
        self._search_ms = 0.0  # what one request searches where there is little to find; 0 is not known
        self._mean_pages = 0.0  # the newest weigh most
        self._mean_ms = 0.0  # that they cover

    def went_on(self, span: Span, own: tuple[LogEvent, ...]) -> None:
        """A page came that more follows."""
        self._requests += 1
        self._pages += 1
        self._capacity = max(self._capacity, len(own))
        if not own:
            return
        span.seen_ms = own[-1].timestamp_ms
        if self.is_full(len(own)):
            self._measure(span, own)
        else:
            passed_ms = max(1, own[-1].timestamp_ms - max(span.start_ms, span.reached_ms + 1) + 1)
            self._saw(span, passed_ms, 1.0)

    def _measure(self, span: Span, own: tuple[LogEvent, ...]) -> None:
        """Look at the parts of a page: a burst may have begun or ended in it."""
        before_ms = max(span.start_ms, span.reached_ms + 1)
        size = max(1, len(own) // PARTS)
        for at in range(size, len(own) + 1, size):
            last_ms = own[at - 1].timestamp_ms
            self._saw(span, max(0, last_ms - before_ms), size / self._capacity)
            before_ms = last_ms

    def _saw(self, span: Span, passed_ms: float, pages: float) -> None:
        self._mean_ms = self._mean_ms * (1 - FADE * pages) + passed_ms
        self._mean_pages = self._mean_pages * (1 - FADE * pages) + pages
        pace = max(1.0, passed_ms / pages)
        if span.pace and span.steady_ms and 1 / ALIKE < pace / span.pace < ALIKE:
            known = span.steady_ms / span.pace
            span.steady_ms += passed_ms
            span.pace = max(1.0, span.steady_ms / (known + pages))
        else:
            span.pace, span.steady_ms = pace, float(passed_ms)

    def is_full(self, events: int) -> bool:
        """Whether a page ended because it was full; else because one request searches only so much."""
        return 2 * events >= self._capacity

    def finished(self, span: Span, own: tuple[LogEvent, ...]) -> None:
        """A slice came to its end: what its pages covered."""
        span.seen_ms = span.end_ms
        self._requests += 1
        self._pages += min(1.0, len(own) / self._capacity)
        width = span.end_ms - span.start_ms + 1
        pages = min(span.requests, span.events / self._capacity)
        passed_ms = max(1, span.end_ms - max(span.start_ms, span.reached_ms + 1) + 1)
        if (
            span.requests > SEARCH_PAGES and span.requests > 2 * pages and width >= LEAST_SHRINK_MS
        ):  # it was searching that took so many
            self._search_ms = width / span.requests
            span.pace, span.steady_ms = max(1.0, self._search_ms), float(width)
            self._mean_ms, self._mean_pages = float(width), float(span.requests)
            return
        if self._search_ms:
            self._search_ms = max(self._search_ms, width / span.requests)
        self._saw(span, passed_ms, max(LEAST_SEEN / 8, min(1.0, len(own) / self._capacity)))

    def _mean(self) -> float:
        """Milliseconds of a page; searching finds nothing, and takes pages all the same."""
        mean = max(1.0, self._mean_ms / max(LEAST_SEEN, self._mean_pages))
        return max(1.0, min(mean, 1.5 * self._search_ms)) if self._search_ms else mean

    def pages(self, span: Span, from_ms: int) -> float:
        """How many a slice is thought to have from a moment on."""
        begin = max(0, from_ms - span.seen_ms - 1)
        return max(0.0, self._within(span, begin + max(0, span.end_ms - from_ms + 1)) - self._within(span, begin))

    def milliseconds(self, span: Span, from_ms: int, pages: float) -> int:
        """How long so many pages are thought to take from a moment on, at least 1."""
        begin = max(0, from_ms - span.seen_ms - 1)
        aim = self._within(span, begin) + pages
        low, high = 0.0, pages * max(span.pace or 1.0, self._mean())
        while high - low > 1 and high - low > low / 64:
            middle = (low + high) / 2
            low, high = (middle, high) if self._within(span, begin + middle) < aim else (low, middle)
        return max(1, int(high))

    def _within(self, span: Span, far_ms: float) -> float:
        """Pages that are thought to lie within so many milliseconds behind what was seen."""
        mean = self._mean()
        if not span.pace:
            return far_ms / mean
        steady = max(span.steady_ms, STEADY * span.pace)
        near = steady * far_ms / (steady + far_ms)
        return near / span.pace + (far_ms - near) / mean

    def most_pages(self, depth: int) -> float:
        """That a slice should hold, so that all that are read at once can wait for the first."""
        return max(LEAST_PAGES, self._ahead * FRONTIER / depth)

    def affords_slices(self) -> bool:
        """Whether the range may be taken apart further, though each slice can end in a request for next to nothing."""
        return self.slices < SLICES_AT_LEAST + self._pages / SLICES_SHARE

    def waste(self, requests: int) -> bool:
        """Whether that many requests may have been for nothing, so that others can help: a share of all."""
        if self._wasted + requests > WASTE_AT_LEAST + self._requests / WASTE_SHARE:
            return False
        self._wasted += requests
        return True

    def width(self, span: Span, from_ms: int, depth: int) -> int:
        """Milliseconds that a slice should take of what ``span`` has from a moment on, at least 1."""
        share = self.pages(span, from_ms) / (SHARES * depth)
        width = self.milliseconds(span, from_ms, min(self.most_pages(depth), max(LEAST_PAGES, share)) * FILL)
        return max(LEAST_SHRINK_MS, width) if self._search_ms else width
