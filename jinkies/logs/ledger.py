"""What a tail knows of every second of event time: complete, sampled, backfilling or missing. Pure.

A second is complete once a reading that covers it began ``SETTLE_MS`` after its end and came to its own end, or once
a healthy, unsampled Live Tail session that follows such a reading without a gap has passed it by as much.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from operator import attrgetter

import msgspec

from jinkies.model import Coverage, LedgerSpan

SETTLE_MS = 10_000  # events become visible some seconds after they were written (CloudWatch Logs)
LAG_MS = 25_000  # a tail that is further behind than this says so
KEEP_S = 21_600  # seconds of event time that a ledger holds
MOST_SPANS = 2_000  # and spans; past either bound the oldest leave
MOST_HOLES = 500

_END = attrgetter("end_s")


class Ledger:
    """Spans that touch no other: a later one replaces what was said of its seconds before."""

    def __init__(self) -> None:
        self._spans: list[LedgerSpan] = []

    def put(self, span: LedgerSpan) -> None:
        """Say something of some seconds."""
        if span.start_s >= span.end_s:
            return
        low = bisect.bisect_left(self._spans, span.start_s, key=_END)  # the first that touches it
        high = low
        start_s, end_s, around = span.start_s, span.end_s, list[LedgerSpan]()
        while high < len(self._spans) and self._spans[high].start_s <= span.end_s:
            other = self._spans[high]
            high += 1
            if _alike(other, span):
                start_s, end_s = min(start_s, other.start_s), max(end_s, other.end_s)
                continue
            around += [_cut(other, other.start_s, min(other.end_s, span.start_s))]
            around += [_cut(other, max(other.start_s, span.end_s), other.end_s)]
        merged = [*around, _cut(span, start_s, end_s)]
        self._spans[low:high] = sorted((one for one in merged if one.start_s < one.end_s), key=_END)
        self._forget()

    def spans(self) -> tuple[LedgerSpan, ...]:
        """All of it, oldest first."""
        return tuple(self._spans)

    def settled_until_s(self) -> int | None:
        """Where the first second begins that may still change, or that nothing was said of; None when empty."""
        for before, span in zip([None, *self._spans], self._spans, strict=False):
            if span.coverage is Coverage.BACKFILLING or (before is not None and before.end_s < span.start_s):
                return span.start_s if before is None else before.end_s
        return self._spans[-1].end_s if self._spans else None

    def _forget(self) -> None:
        oldest_s = self._spans[-1].end_s - KEEP_S
        while self._spans[0].end_s <= oldest_s or len(self._spans) > MOST_SPANS:
            del self._spans[0]
        if self._spans[0].start_s < oldest_s:
            self._spans[0] = _cut(self._spans[0], oldest_s, self._spans[0].end_s)


def runs_of(seconds: Iterable[int]) -> list[tuple[int, int]]:
    """Seconds, in any order, as stretches without a gap: (first, one past the last), oldest first."""
    runs: list[tuple[int, int]] = []
    for second in sorted(set(seconds)):
        if runs and runs[-1][1] == second:
            runs[-1] = (runs[-1][0], second + 1)
        else:
            runs.append((second, second + 1))
    return runs


def since(spans: Iterable[LedgerSpan], start_s: int) -> tuple[LedgerSpan, ...]:
    """What spans say of a second and what comes after it."""
    return tuple(_cut(span, max(span.start_s, start_s), span.end_s) for span in spans if span.end_s > start_s)


def _cut(span: LedgerSpan, start_s: int, end_s: int) -> LedgerSpan:
    return LedgerSpan(start_s=start_s, end_s=end_s, coverage=span.coverage, reason=span.reason)


def _alike(one: LedgerSpan, other: LedgerSpan) -> bool:
    return one.coverage is other.coverage and one.reason == other.reason


class _Doubt(msgspec.Struct, frozen=True):
    """Why what lies behind a group's frontier is not complete."""

    reason: str
    until_ms: int
    coverage: Coverage = Coverage.BACKFILLING


class _Piece(msgspec.Struct, frozen=True):
    """What a session covered beyond the frontier, before it sampled or was lost."""

    start_ms: int
    end_ms: int
    sampled_before: bool  # what lies before it was sampled


class _Group:
    """One log group. All before ``frontier_ms`` is settled, except holes."""

    def __init__(self, start_ms: int) -> None:
        self.frontier_ms = start_ms
        self.live_from_ms: int | None = None  # since when a session has run without a gap or a sample
        self.live_until_ms = 0
        self.sampled = False  # what lies before ``live_from_ms`` was sampled
        self.doubt: _Doubt | None = None
        self.pieces: list[_Piece] = []  # oldest first; past ``MOST_HOLES`` the oldest are forgotten: then they are gaps

    def keep_piece(self) -> None:
        """A session that is not joined to the frontier samples or is lost: what it covered until then stays covered."""
        if self.live_from_ms is not None and self.frontier_ms < self.live_from_ms < self.live_until_ms - SETTLE_MS:
            piece = _Piece(self.live_from_ms, self.live_until_ms - SETTLE_MS, self.sampled)
            self.pieces = [*self.pieces[1 - MOST_HOLES :], piece]

    def advance(self) -> None:
        while self.pieces and self.pieces[0].start_ms <= self.frontier_ms:
            self.frontier_ms = max(self.frontier_ms, self.pieces.pop(0).end_ms)
        if self.live_from_ms is not None and self.frontier_ms >= self.live_from_ms:
            self.frontier_ms = max(self.frontier_ms, self.live_until_ms - SETTLE_MS)
        if self.doubt is not None and self.frontier_ms >= self.doubt.until_ms:
            self.doubt = None


class Cover:
    """What readings and sessions covered of some log groups, and what that means for the tail of them all.

    Times are milliseconds since the epoch. A tail's second is as good as the worst group's.
    """

    def __init__(self, log_groups: Iterable[str], start_ms: int) -> None:
        self._groups = {group: _Group(start_ms) for group in log_groups}
        self._holes: list[tuple[str, LedgerSpan]] = []
        self._said: list[LedgerSpan] = []
        self._done_s = start_ms // 1000
        self._doubted: LedgerSpan | None = None

    def covered(self, group: str) -> bool:
        """Whether sessions follow a reading without a gap: then nothing needs to be read."""
        held = self._groups[group]
        return held.live_from_ms is not None and held.frontier_ms >= held.live_from_ms

    def read(self, group: str, start_ms: int, begun_ms: int) -> None:
        """A reading from a time on to the open end came to its end; it began at a time of ours."""
        held = self._groups[group]
        until_ms = begun_ms - SETTLE_MS
        if start_ms > held.frontier_ms:
            reason = "more events came than can be told apart"
            self._hole(group, held.frontier_ms, min(start_ms, until_ms), Coverage.MISSING, reason)
        self._fill(group, start_ms, until_ms)
        held.frontier_ms = max(held.frontier_ms, until_ms)
        held.advance()

    def failed(self, group: str, reason: str, now_ms: int, *, final: bool) -> None:
        """A reading did not come to its end; ``final``: asking again would say the same."""
        held = self._groups[group]
        if final:
            self._give_up(group, held, reason)
        if not self.covered(group):
            held.doubt = _Doubt(reason, now_ms, Coverage.MISSING if final else Coverage.BACKFILLING)
        held.advance()

    def _give_up(self, group: str, held: _Group, reason: str) -> None:
        """What lies between the frontier and what sessions covered can't be read."""
        known = list(held.pieces)
        if held.live_from_ms is not None:
            known.append(_Piece(held.live_from_ms, held.live_from_ms, held.sampled))
            held.doubt = None
        for piece in known:
            if held.frontier_ms < piece.start_ms:
                coverage = Coverage.SAMPLED if piece.sampled_before else Coverage.MISSING
                self._hole(group, held.frontier_ms, piece.start_ms, coverage, reason)
            held.frontier_ms = max(held.frontier_ms, piece.end_ms)
        held.pieces = []

    def live(self, group: str, at_ms: int) -> None:
        """A session began, or an update came that left nothing out."""
        held = self._groups[group]
        if held.live_from_ms is None:
            held.live_from_ms, held.sampled = at_ms, False
        held.live_until_ms = at_ms
        held.advance()

    def sampled(self, group: str, at_ms: int, reason: str) -> None:
        """An update came that left events out."""
        held = self._groups[group]
        held.keep_piece()
        held.live_from_ms = held.live_until_ms = at_ms
        held.sampled = True
        held.doubt = _Doubt(reason, at_ms)

    def lost(self, group: str, at_ms: int, reason: str) -> None:
        """No session follows the group any more."""
        held = self._groups[group]
        held.keep_piece()
        held.live_from_ms = None
        held.doubt = _Doubt(reason, at_ms)

    def changes(self, now_ms: int) -> tuple[LedgerSpan, ...]:
        """What is to be said since the last time, in order."""
        done_s = min(group.frontier_ms for group in self._groups.values()) // 1000
        if done_s > self._done_s:
            self._complete(self._done_s, done_s)
            self._done_s = done_s
        self._doubts(now_ms)
        said, self._said = self._said, []
        return tuple(said)

    def _doubts(self, now_ms: int) -> None:
        worst = min(self._groups.values(), key=lambda group: (_rank(group.doubt), group.frontier_ms))
        doubt = worst.doubt
        if doubt is None and now_ms - worst.frontier_ms > LAG_MS:
            doubt = _Doubt("being read", now_ms)
        if doubt is None:
            self._doubted = None
            return
        span = LedgerSpan(
            start_s=self._done_s, end_s=-(-doubt.until_ms // 1000), coverage=doubt.coverage, reason=doubt.reason
        )
        before, self._doubted = self._doubted, span
        if before is not None and _alike(before, span):
            span = _cut(span, max(span.start_s, before.end_s), span.end_s)
        if span.start_s < span.end_s:
            self._said.append(span)

    def _complete(self, start_s: int, end_s: int) -> None:
        self._said.append(LedgerSpan(start_s=start_s, end_s=end_s, coverage=Coverage.COMPLETE))
        for _, hole in self._holes:
            part = _cut(hole, max(hole.start_s, start_s), min(hole.end_s, end_s))
            if part.start_s < part.end_s:
                self._said.append(part)

    def _hole(self, group: str, start_ms: int, end_ms: int, coverage: Coverage, reason: str) -> None:
        hole = LedgerSpan(start_s=start_ms // 1000, end_s=-(-end_ms // 1000), coverage=coverage, reason=reason)
        if hole.start_s < hole.end_s:
            self._holes = [*self._holes[1 - MOST_HOLES :], (group, hole)]
            if hole.start_s < self._done_s:
                self._said.append(_cut(hole, hole.start_s, min(hole.end_s, self._done_s)))

    def _fill(self, group: str, start_ms: int, end_ms: int) -> None:
        """A reading covers holes of its group after all."""
        start_s, end_s = -(-start_ms // 1000), end_ms // 1000
        filled = [one for one in self._holes if one[0] == group and _within(one[1], start_s, end_s)]
        if not filled:
            return
        self._holes = [one for one in self._holes if one not in filled]
        for _, hole in filled:
            self._complete(hole.start_s, min(hole.end_s, self._done_s))


def _within(hole: LedgerSpan, start_s: int, end_s: int) -> bool:
    """Whether a reading covers it; its first second may have begun before the tail did."""
    return start_s <= hole.start_s + 1 and hole.end_s <= end_s


def _rank(doubt: _Doubt | None) -> int:
    """The worst first."""
    if doubt is None:
        return 2
    return 0 if doubt.coverage is Coverage.MISSING else 1
