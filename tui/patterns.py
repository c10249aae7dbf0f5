"""The lines held, grouped by what stays when everything that changes is masked. Pure, and made in slices."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

from jinkies.model import Level
from jinkies.reading.templates import template_of
from tui.joins import Joins
from tui.logring import LogRing

SLICE_LINES = 200  # a template takes some 20 µs
MOST_PATTERNS = 5_000
OTHERS = "(lines of further patterns)"
BUCKET_MS = 10_000
_COMPACT_AT = 10_000
_NONE = -1  # of a line that belongs to another's trace, or is a note
_LEVELS = tuple(Level)


@dataclass(slots=True)
class Pattern:
    """Lines of one template."""

    template: str
    count: int = 0
    rank: int = 0  # the worst level's
    newest_ms: int = 0
    buckets: dict[int, int] = field(default_factory=dict)  # lines by the ``BUCKET_MS`` of their time

    @property
    def level(self) -> Level:
        """The worst."""
        return _LEVELS[self.rank]


class Patterns:
    """Follows a ring: ``work`` takes in what came and lets go of what left."""

    def __init__(self, ring: LogRing, joins: Joins) -> None:
        self._ring, self._joins = ring, joins
        self._by_template: dict[str, int] = {}
        self._patterns: list[Pattern] = []
        self._free: list[int] = []  # numbers of patterns whose last line left
        self._ids = array("i")  # the pattern of each line, from ``_base`` on
        self._at_ms = array("q")
        self._base = self._first = ring.first
        self.counted = 0

    @property
    def _next(self) -> int:
        return self._base + len(self._ids)

    @property
    def busy(self) -> bool:
        """Whether lines are still to be looked at."""
        return self._next < self._ring.next_seq

    @property
    def progress(self) -> float:
        """How much of what is held was looked at, 0 to 1."""
        held = len(self._ring)
        return min((self._next - self._ring.first) / held, 1.0) if held else 1.0

    def work(self, lines: int = SLICE_LINES) -> None:
        """Look at so many more lines."""
        if self._next < self._ring.first:  # they left before they were looked at
            self._let_go(self._next)
            self._ids, self._at_ms = array("i"), array("q")
            self._base = self._first = self._ring.first
        self._let_go(self._ring.first)
        for seq in range(self._next, min(self._next + lines, self._ring.next_seq)):
            self._take(seq)

    def _take(self, seq: int) -> None:
        ring = self._ring
        at_ms = ring.at_ms(seq)
        self._at_ms.append(at_ms)
        if ring.is_note(seq) or self._joins.is_inner(seq):
            self._ids.append(_NONE)
            return
        number = self._number(template_of(ring.text(seq)))
        self._ids.append(number)
        pattern = self._patterns[number]
        pattern.count += 1
        pattern.rank = max(pattern.rank, ring.rank(seq))
        pattern.newest_ms = max(pattern.newest_ms, at_ms)
        bucket = at_ms // BUCKET_MS
        pattern.buckets[bucket] = pattern.buckets.get(bucket, 0) + 1
        self.counted += 1

    def _number(self, template: str) -> int:
        number = self._by_template.get(template)
        if number is None:
            if len(self._by_template) >= MOST_PATTERNS:
                template = OTHERS
                number = self._by_template.get(OTHERS)
            if number is None:
                number = self._by_template[template] = self._numbered(Pattern(template))
        return number

    def _numbered(self, pattern: Pattern) -> int:
        if not self._free:
            self._patterns.append(pattern)
            return len(self._patterns) - 1
        number = self._free.pop()
        self._patterns[number] = pattern
        return number

    def _let_go(self, first: int) -> None:
        for seq in range(self._first, min(first, self._next)):
            index = seq - self._base
            if self._ids[index] != _NONE:
                self._drop(self._ids[index], self._at_ms[index] // BUCKET_MS)
        self._first = max(self._first, min(first, self._next))
        if self._first - self._base >= _COMPACT_AT:
            del self._ids[: self._first - self._base]
            del self._at_ms[: self._first - self._base]
            self._base = self._first

    def _drop(self, number: int, bucket: int) -> None:
        pattern = self._patterns[number]
        pattern.count -= 1
        self.counted -= 1
        left = pattern.buckets[bucket] - 1
        if left:
            pattern.buckets[bucket] = left
        else:
            del pattern.buckets[bucket]
        if not pattern.count:  # templates of long ago must not use up those that are told apart
            del self._by_template[pattern.template]
            self._free.append(number)

    def template_at(self, seq: int) -> str | None:
        """The template of a line that was looked at and is held; None of another, or of a rare one."""
        index = seq - self._base
        if not 0 <= index < len(self._ids) or seq < self._first or self._ids[index] == _NONE:
            return None
        template = self._patterns[self._ids[index]].template
        return template if template != OTHERS else None

    def ranked(self) -> list[Pattern]:
        """Those that have lines, the most frequent first."""
        return sorted((one for one in self._patterns if one.count), key=lambda one: (-one.count, one.template))

    def span_ms(self) -> tuple[int, int]:
        """From the oldest line to the newest, of what was looked at."""
        buckets = [bucket for pattern in self._patterns for bucket in pattern.buckets]
        return (min(buckets) * BUCKET_MS, (max(buckets) + 1) * BUCKET_MS) if buckets else (0, 0)


def trend(pattern: Pattern, span_ms: tuple[int, int], cells: int) -> list[int]:
    """Lines of a pattern over a span, in ``cells`` stretches."""
    start, end = span_ms
    found = [0] * cells
    for bucket, count in pattern.buckets.items():
        index = (bucket * BUCKET_MS - start) * cells // max(end - start, 1)
        if 0 <= index < cells:
            found[index] += count
    return found
