"""What a log view shows of the lines that it holds: joined traces, filters, the hits of a search. Pure.

All that is held is filtered and searched, in slices, so that whoever calls ``work`` decides when.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from jinkies.model import Level, LogEvent
from jinkies.reading.templates import template_of
from tui.joins import Joins
from tui.linefilter import LineFilter, Term
from tui.logring import MAX_BYTES, MAX_LINES, Held, LogRing
from tui.patterns import Patterns
from tui.sieve import Sieve

SLICE_LINES = 4_000  # tested at a time: some milliseconds
SLICE_SEARCHES = 1_000  # where expressions are searched for, which may take as long as ``tui.patience`` lets them
SLICE_TEMPLATES = 200  # where each line's template is asked for


class LogBuffer:
    """Lines, those that pass the filter (``shown``), and those of them that the search finds (``hits``).

    A joined trace is one entry, known by its first line; it passes when any of its lines does, and an inverse term
    holds when it holds for all of them.
    """

    def __init__(self, max_lines: int = MAX_LINES, max_bytes: int = MAX_BYTES) -> None:
        self.ring = LogRing(max_lines, max_bytes)
        self.joins = Joins()
        self.shown = Sieve()
        self.hits = Sieve()
        self.filter = LineFilter()
        self.term: Term | None = None
        self.patterns: Patterns | None = None  # once they were asked for
        self.changes = 0  # moves with all that changes what is shown

    def __len__(self) -> int:
        return len(self.ring)

    @property
    def next_seq(self) -> int:
        """The number of the line that comes next."""
        return self.ring.next_seq

    # What comes

    def append(self, event: LogEvent) -> None:
        """Add an event; the oldest make room."""
        self.extend((event,))

    def extend(self, events: Iterable[LogEvent]) -> None:
        """Add events in their order of arrival; the oldest make room."""
        ring, joins, shown, hits, searching = self.ring, self.joins, self.shown, self.hits, self.term is not None
        for event in events:
            seq = ring.append(event)
            head = joins.feed(seq, event)
            if head != seq:
                self._grown(head)
                continue
            if shown.add(seq) and searching:
                hits.add(seq)
        self._trim()

    def note(self, text: str, at_ms: int = 0) -> None:
        """Add a line of the view's own."""
        seq = self.ring.note(text, at_ms)
        if self.shown.add(seq) and self.term is not None:
            self.hits.add(seq)
        self._trim()

    def _grown(self, head: int) -> None:
        if not self.ring.holds(head):
            return
        if not self.filter.passes_all:
            self.shown.retest(head)
        if self.term is not None:
            self.hits.retest(head)

    def _trim(self) -> None:
        self.changes += 1
        first = self.ring.first
        self.shown.forget(first)
        self.hits.forget(first)
        for head in self.joins.forget(first):
            self.shown.retest(head)
            if self.term is not None:
                self.hits.retest(head)

    def clear(self) -> None:
        """Forget all lines; the filter and the search stay."""
        self.ring.clear()
        self.joins, self.patterns = Joins(), None
        self._sift()
        self._search()

    # What is shown of it

    def set_filter(self, wanted: LineFilter) -> None:
        """Show other lines of those held; ``work`` does it."""
        if wanted != self.filter:
            self.filter = wanted
            self._sift()
            self._search()

    def set_term(self, term: Term | None) -> None:
        """Search for something else, or for nothing; ``work`` does it."""
        if term != self.term:
            self.term = term
            self._search()

    def _sift(self) -> None:
        passes = None if self.filter.passes_all and self.joins.none else self._passes
        self.shown.begin(passes, self.ring.first, self.ring.next_seq)
        self.changes += 1

    def _search(self) -> None:
        first = self.ring.first if self.term is not None else self.ring.next_seq
        self.hits.begin(self._hit, first, self.ring.next_seq)
        self.changes += 1

    def _passes(self, seq: int) -> bool:
        ring, wanted = self.ring, self.filter
        if self.joins.is_inner(seq):
            return False
        if wanted.passes_all or ring.is_note(seq):
            return True
        members = self.joins.of(seq)
        if not wanted.wants([ring.text(member) for member in members], self._rank(members)):
            return False
        return not wanted.template or self._template(seq) == wanted.template

    def _template(self, seq: int) -> str:
        known = self.patterns.template_at(seq) if self.patterns is not None else None
        return known if known is not None else template_of(self.ring.text(seq))

    def _hit(self, seq: int) -> bool:
        term = self.term
        if term is None or self.joins.is_inner(seq) or not self._passes(seq):
            return False
        return any(term.found_in(self.ring.text(member)) for member in self.joins.of(seq)) is not term.inverse

    @property
    def busy(self) -> bool:
        """Whether there is work left."""
        return self.shown.busy or self.hits.busy

    @property
    def progress(self) -> float:
        """How much of what is held the filter, then the search, has been through, 0 to 1."""
        return self.shown.progress if self.shown.busy else self.hits.progress

    def work(self) -> None:
        """Test a slice of the lines that are left."""
        lines = SLICE_TEMPLATES if self.filter.template else SLICE_SEARCHES if self._expressions else SLICE_LINES
        if self.shown.busy:
            self.shown.step(lines)
        elif self.hits.busy:
            self.hits.step(lines)
        self.changes += 1

    @property
    def _expressions(self) -> bool:
        searched = (*self.filter.terms, *([self.term] if self.term is not None else []))
        return any(term.pattern is not None for term in searched)

    # Of an entry

    def lines(self, head: int) -> list[Held]:
        """The lines of an entry. Raises ``IndexError`` when it left."""
        return [self.ring.line(seq) for seq in self.joins.of(head)]

    def rank(self, head: int) -> int:
        """The worst level's rank."""
        return self._rank(self.joins.of(head))

    def _rank(self, members: Sequence[int]) -> int:
        return max(map(self.ring.rank, members))

    def text(self, head: int) -> str:
        """All of it, as it came."""
        return "\n".join(self.ring.text(seq) for seq in self.joins.of(head))

    # Finding, among what is shown

    def next_error(self, seq: int | None, step: int) -> int | None:
        """The next entry of level error or above; below or above ``seq``, or from the end. None when there is none."""
        least = Level.ERROR.rank
        return self._next(seq, step, lambda head: not self.ring.is_note(head) and self.rank(head) >= least)

    def next_hit(self, seq: int | None, step: int) -> int | None:
        """The next entry that the search finds."""
        if seq is None:
            return self.hits[len(self.hits) - 1] if len(self.hits) else None
        rank = self.hits.rank_of(seq + 1) if step > 0 else self.hits.rank_of(seq) - 1
        return self.hits[rank] if 0 <= rank < len(self.hits) else None

    def at_or_after(self, at_ms: int) -> int | None:
        """The first entry of a moment or later, late ones aside; the newest where all are older; None of none."""
        ring = self.ring
        found = self._next(-1, 1, lambda head: ring.at_ms(head) >= at_ms and not ring.is_late(head))
        return found if found is not None else self.newest()

    def newest(self) -> int | None:
        """The newest entry shown."""
        return self.shown[len(self.shown) - 1] if len(self.shown) else None

    def _next(self, seq: int | None, step: int, fits: Callable[[int], bool]) -> int | None:
        count = len(self.shown)
        below = seq is not None and step > 0
        start = self.shown.rank_of(seq + below) - (not below) if seq is not None else count - 1
        ranks = range(start, count if step > 0 else -1, step)
        return next((self.shown[rank] for rank in ranks if fits(self.shown[rank])), None)
