"""Lines of a tail counted by level, so that counting goes on after a restart of bot or core. Pure."""

from __future__ import annotations

from collections import Counter

from jinkies.model import Level, LogEvent, TailTotals

_BUCKET_MS = 10_000


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

    def take(self, event: LogEvent) -> bool:
        """Count a line, unless it was counted before; False when it is older than what was asked for."""
        if event.timestamp_ms < self._start_ms:
            return False
        if event.timestamp_ms >= self._base.until_ms or event.ingestion_ms > self._base.at_ms:
            self.counts[event.level] += 1
            self._recent.setdefault(event.timestamp_ms // _BUCKET_MS, Counter())[event.level] += 1
        return True

    def totals(self, settled_ms: int, at_ms: int) -> TailTotals:
        """What to keep.

        Args:
            settled_ms: of event time; every line of before has come.
            at_ms: the present.
        """
        first = settled_ms // _BUCKET_MS
        if first * _BUCKET_MS <= self._base.until_ms:
            return self._base
        later: Counter[Level] = Counter()
        for bucket, counts in self._recent.items():
            if bucket >= first:
                later.update(counts)
        return TailTotals(levels=dict(self.counts - later), until_ms=first * _BUCKET_MS, at_ms=at_ms)

    def again(self, settled_ms: int, at_ms: int) -> None:
        """The tail is taken up: what is not settled comes again."""
        self._base = self.totals(settled_ms, at_ms)
        self.counts = Counter(self._base.levels)
        self._recent = {}
