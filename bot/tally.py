"""Lines of a tail counted by level, so that counting goes on after a restart of bot or core. Pure."""

from __future__ import annotations

from collections import Counter

from jinkies.model import Level, LogEvent, TailTotals

SETTLED_MS = 30_000  # of event time: so long behind the newest batch, lines are kept as counted
_BUCKET_MS = 10_000
_KEPT_BUCKETS = 60


class Tally:
    """Counts each line once, though a tail that is taken up again gives out again what it had given.

    Args:
        start_ms: of event time; what is older is not asked for.
        totals: what was counted before a restart.
    """

    def __init__(self, start_ms: int, totals: TailTotals) -> None:
        self.counts = Counter(totals.levels)
        self._start_ms = start_ms
        self._base = totals
        self._recent: dict[int, Counter[Level]] = {}

    def known_until_ms(self, heard_ms: int) -> int:
        """From when on, of event time, lines are wanted again when the tail is taken up."""
        return max(self._start_ms, self.totals(heard_ms).until_ms)

    def take(self, event: LogEvent) -> bool:
        """Count a line, unless it was counted before; False when it is older than what was asked for."""
        if event.timestamp_ms < self._start_ms:
            return False
        if event.timestamp_ms >= self._base.until_ms or event.ingestion_ms > self._base.at_ms:
            self.counts[event.level] += 1
            self._recent.setdefault(event.timestamp_ms // _BUCKET_MS, Counter())[event.level] += 1
        return True

    def totals(self, heard_ms: int) -> TailTotals:
        """What to keep, when the newest batch came at ``heard_ms``."""
        first = (heard_ms - SETTLED_MS) // _BUCKET_MS
        if first * _BUCKET_MS <= self._base.until_ms:
            return self._base
        later: Counter[Level] = Counter()
        for bucket, counts in self._recent.items():
            if bucket >= first:
                later.update(counts)
        for bucket in sorted(self._recent)[:-_KEPT_BUCKETS]:
            if bucket < first:
                del self._recent[bucket]
        return TailTotals(levels=dict(self.counts - later), until_ms=first * _BUCKET_MS, at_ms=heard_ms)

    def again(self, heard_ms: int) -> None:
        """The tail is taken up: what is not settled comes again."""
        self._base = self.totals(heard_ms)
        self.counts = Counter(self._base.levels)
        self._recent = {}
