"""What a tail knows of each second of event time, as its ledger says it. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import pairwise

from jinkies.model import Coverage, LedgerSpan

MOST_SPANS = 10_000  # the oldest are forgotten
_WORST = {Coverage.COMPLETE: 0, Coverage.BACKFILLING: 1, Coverage.SAMPLED: 2, Coverage.MISSING: 3}


class CoverageMap:
    """The spans of a ledger, without overlaps, oldest first."""

    def __init__(self) -> None:
        self.spans: list[LedgerSpan] = []
        self.changes = 0

    def fold(self, spans: Iterable[LedgerSpan]) -> None:
        """Later spans replace what was said of their seconds before."""
        for span in spans:
            if span.end_s > span.start_s:
                self._put(span)
                self.changes += 1
        del self.spans[:-MOST_SPANS]

    def _put(self, span: LedgerSpan) -> None:
        low = bisect_right(self.spans, span.start_s, key=lambda one: one.end_s)
        high = low
        around: list[LedgerSpan] = []
        while high < len(self.spans) and self.spans[high].start_s < span.end_s:
            old = self.spans[high]
            high += 1
            if old.start_s < span.start_s:
                around.append(_part(old, old.start_s, span.start_s))
            if old.end_s > span.end_s:
                around.append(_part(old, span.end_s, old.end_s))
        self.spans[low:high] = sorted([*around, span], key=lambda one: one.start_s)
        self._merge(max(low - 1, 0), low + len(around) + 2)

    def _merge(self, low: int, high: int) -> None:
        """Neighbours that say the same become one: a tail adds a second at a time."""
        merged: list[LedgerSpan] = []
        for span in self.spans[low:high]:
            last = merged[-1] if merged else None
            if last is not None and (last.end_s, last.coverage, last.reason) == (
                span.start_s, span.coverage, span.reason
            ):  # fmt: skip
                merged[-1] = _part(last, last.start_s, span.end_s)
            else:
                merged.append(span)
        self.spans[low:high] = merged

    def columns(self, first_s: int, step_s: int, count: int) -> list[Coverage | None]:
        """The worst that is known of each of ``count`` stretches; None where nothing is."""
        found: list[Coverage | None] = [None] * count
        for span in self.spans:
            low = max((span.start_s - first_s) // step_s, 0)
            high = min((span.end_s - 1 - first_s) // step_s, count - 1)
            for index in range(low, high + 1):
                before = found[index]
                if before is None or _WORST[span.coverage] > _WORST[before]:
                    found[index] = span.coverage
        return found

    def settled_until_s(self) -> int | None:
        """Where the first second begins that may still change, or that nothing was said of; None when empty."""
        for before, span in pairwise([None, *self.spans]):
            if span is not None and (
                span.coverage is Coverage.BACKFILLING or (before is not None and before.end_s < span.start_s)
            ):
                return span.start_s if before is None else before.end_s
        return self.spans[-1].end_s if self.spans else None

    def seconds(self, coverage: Coverage) -> int:
        """Seconds of a kind, of all that is known."""
        return sum(span.end_s - span.start_s for span in self.spans if span.coverage is coverage)

    def reason_at(self, at_s: int) -> str:
        """Why a second is not complete; "" where nothing is said."""
        return next((span.reason for span in self.spans if span.start_s <= at_s < span.end_s), "")


def since(spans: Iterable[LedgerSpan], start_s: int) -> tuple[LedgerSpan, ...]:
    """What spans say of a second and what comes after it."""
    return tuple(_part(span, max(span.start_s, start_s), span.end_s) for span in spans if span.end_s > start_s)


def _part(span: LedgerSpan, start_s: int, end_s: int) -> LedgerSpan:
    return LedgerSpan(start_s=start_s, end_s=end_s, coverage=span.coverage, reason=span.reason)
