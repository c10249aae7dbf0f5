"""Where a viewer of a shared tail is, and what of the ledger it may be told: never of lines that it was not given."""

from __future__ import annotations

from collections.abc import Iterable

from jinkies.logs.ledger import Ledger, runs_of
from jinkies.model import Coverage, LedgerSpan, TailFigures

PENDING_SPANS = 500  # that a viewer did not take yet; past it, it gets the whole ledger instead
GONE = "it left the tail before this viewer came"
TOO_SLOW = "dropped: this viewer was too slow to take them"


class Viewer:
    """One who watches.

    Args:
        place: of the oldest line held, where it begins.
        gone_ms: the newest timestamp that the tail held once and holds no more; None where all is held.
    """

    def __init__(self, place: int, gone_ms: int | None) -> None:
        self.place = place
        self.gone_ms = gone_ms  # None once it was told
        self.trouble: str | None = None
        self.final = False
        self.figures: TailFigures | None = None
        self._pending: list[tuple[int, LedgerSpan]] = []  # and the place that it must have come to before
        self._holes = Ledger()  # what it was not given, whatever the tail's ledger says

    def begin(self, ledger: Ledger, start_ms: int, end: int) -> None:
        """Owe it the whole ledger, of a tail that began at ``start_ms``, once it has come to ``end``."""
        if self.gone_ms is not None:
            start_s, end_s = start_ms // 1000, self.gone_ms // 1000 + 1
            self._holes.put(LedgerSpan(start_s=start_s, end_s=end_s, coverage=Coverage.MISSING, reason=GONE))
        self._pending = [(end, span) for span in (*ledger.spans(), *self._holes.spans())]

    def changed(self, spans: Iterable[LedgerSpan], ledger: Ledger, end: int) -> None:
        """Owe it what changed, once it has come to ``end``."""
        self._pending += [(end, span) for span in spans]
        if len(self._pending) > PENDING_SPANS:
            self._pending = [(end, span) for span in (*ledger.spans(), *self._holes.spans())]

    def lose(self, seconds: Iterable[int]) -> None:
        """Lines of these seconds left before it took them: that much of its ledger is missing from now on."""
        for start_s, end_s in runs_of(seconds):
            hole = LedgerSpan(start_s=start_s, end_s=end_s, coverage=Coverage.MISSING, reason=TOO_SLOW)
            self._holes.put(hole)
            self._pending.append((0, hole))

    def owed(self) -> bool:
        """Whether there is something to tell."""
        return any(place <= self.place for place, _ in self._pending)

    def take_spans(self) -> tuple[LedgerSpan, ...]:
        """What it may be told now that it has come to its place; what it lost is said again, lest it be covered up."""
        told = [span for place, span in self._pending if place <= self.place]
        if not told:
            return ()
        self._pending = [(place, span) for place, span in self._pending if place > self.place]
        start_s, end_s = min(span.start_s for span in told), max(span.end_s for span in told)
        again = [hole for hole in self._holes.spans() if hole.start_s < end_s and start_s < hole.end_s]
        return (*told, *again)
