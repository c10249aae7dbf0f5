"""Which alerts a table holds, in which order, and how far the store has been read for them. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from jinkies.model import AlertPage, AlertRow
from jinkies.priority import Level, level
from jinkies.query import Filter

MAX_ROWS = 20_000
"""Most rows that are held for one filter; who looks further narrows the filter."""


def _order(row: AlertRow) -> tuple[int, int]:
    return (-row.last_seen_at_ms, -row.alert_id)


class AlertList:
    """Rows that match a filter, newest ``last_seen`` first, or by priority.

    Rows come from the replica (what is unresolved, and what changed since) and from pages of the store. A row older
    than the last page read is held back until its page is, so that the list never has a hole in it.
    """

    def __init__(self) -> None:
        self.filter = Filter()
        self.by_priority = False
        self._levels: dict[int, tuple[int, Level]] = {}  # revision and level, until the next ``reorder``
        self._now_ms = 0
        self.rows: list[AlertRow] = []
        self.cursor: str | None = None
        self.complete = False  # the last page was read
        self._known: dict[int, AlertRow] = {}
        self._matched: set[int] = set()  # the core said so: free text may be in a message
        self._frontier: tuple[int, int] | None = None

    def reset(self, wanted: Filter, rows: Iterable[AlertRow]) -> None:
        """Start afresh with what the replica holds."""
        self.filter = wanted
        self.cursor, self.complete, self._frontier = None, False, None
        self._known = {row.alert_id: row for row in rows}
        self._matched = set()
        self._rebuild()

    def seed_complete(self) -> None:
        """The rows given to ``reset`` are all there are."""
        self.complete = True

    def seed_frontier(self, oldest: AlertRow) -> None:
        """The rows given to ``reset`` have no hole down to ``oldest``."""
        self._frontier = _order(oldest)
        self._rebuild()

    def fold(self, rows: Iterable[AlertRow], gone: Iterable[int] = ()) -> None:
        """Replace rows that changed, and drop those that are gone."""
        for row in rows:
            self._known[row.alert_id] = row
        for alert_id in gone:
            self._known.pop(alert_id, None)
        self._rebuild()

    def take_page(self, page: AlertPage, *, newer: dict[int, AlertRow]) -> None:
        """Add a page of the store; ``newer`` (the replica's rows) wins over what the page says."""
        for row in page.rows:
            held = newer.get(row.alert_id, row)
            self._known[row.alert_id] = held if held.revision >= row.revision else row
            self._matched.add(row.alert_id)
        self.cursor = page.next_cursor
        self.complete = page.next_cursor is None or len(self._known) >= MAX_ROWS
        if page.rows:
            self._frontier = max(_order(page.rows[-1]), self._frontier or (-(2**63), 0))
        if self.complete:
            self._frontier = None
        self._rebuild()

    @property
    def oldest(self) -> AlertRow | None:
        """Of the rows held, the one seen longest ago."""
        return max(self.rows, key=_order, default=None)

    @property
    def may_miss(self) -> bool:
        """Whether only the core can tell if a row that changed belongs here."""
        return self.filter.needs_core

    def _rebuild(self) -> None:
        found = [row for row in self._known.values() if self._belongs(row)]
        found.sort(key=self._soonest if self.by_priority else _order)
        self.rows = found

    def reorder(self, now_ms: int, *, by_priority: bool) -> None:
        """The priority's level first, the newest of a level first; or the newest of all first."""
        self._levels.clear()
        self._now_ms, self.by_priority = now_ms, by_priority
        self._rebuild()

    def _soonest(self, row: AlertRow) -> tuple[int, int, int]:
        held = self._levels.get(row.alert_id)
        if held is None or held[0] != row.revision:
            held = self._levels[row.alert_id] = (row.revision, level(row, max(self._now_ms, row.last_seen_at_ms)))
        return (-held[1], *_order(row))

    def _belongs(self, row: AlertRow) -> bool:
        if self._frontier is not None and _order(row) > self._frontier:
            return False
        if row.alert_id in self._matched:
            return self.filter.narrows(row)
        return self.filter.matches(row)
